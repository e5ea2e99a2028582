//! The stock and its reservations: what may happen to them, in one transaction each.
//!
//! `available` is what can be sold. A reservation takes its units out of it at once; committing
//! only closes the reservation, releasing puts the units back. So `available` never counts a unit
//! twice and, by a check in the schema, never falls below zero.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use shop::database::{Database, DatabaseError};
use shop::sku::Sku;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE stock (
        sku       TEXT PRIMARY KEY,
        available INTEGER NOT NULL CHECK (available >= 0)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE reservation (
        order_id TEXT PRIMARY KEY,
        sku      TEXT,
        quantity INTEGER NOT NULL,
        state    TEXT NOT NULL CHECK (state IN ('reserved', 'committed', 'released'))
    ) STRICT, WITHOUT ROWID;
"];

/// How a reservation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// The units are taken aside.
    Taken,
    /// There were not enough units.
    OutOfStock,
    /// The order was released before.
    Refused,
    /// The order holds a reservation of other units already.
    Different,
}

/// How the closing of a reservation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is closed as asked, now or before.
    Done,
    /// It is not in a state that can be closed so.
    Conflict,
}

/// All stock.
#[derive(Debug, Clone)]
pub(crate) struct StockRoom {
    database: Database,
}

struct Reservation {
    sku: Option<String>,
    quantity: i64,
    state: String,
}

impl StockRoom {
    /// Opens the stock kept in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("inventory.sqlite"), MIGRATIONS)?,
        })
    }

    /// Whether the database works.
    pub(crate) async fn answers(&self) -> bool {
        self.database.answers().await
    }

    /// Sets how many units of `sku` can be sold.
    pub(crate) async fn set(&self, sku: Sku, units: u32) -> Result<(), DatabaseError> {
        self.database
            .write(move |connection| {
                connection.execute(
                    "INSERT INTO stock (sku, available) VALUES (?1, ?2)
                     ON CONFLICT (sku) DO UPDATE SET available = excluded.available",
                    (sku.as_str(), units),
                )?;
                Ok(())
            })
            .await
    }

    /// How many units of `sku` can be sold; `None` when it was never stocked.
    pub(crate) async fn available(&self, sku: Sku) -> Result<Option<u32>, DatabaseError> {
        self.database
            .read(move |connection| {
                let query = "SELECT available FROM stock WHERE sku = ?1";
                connection
                    .query_row(query, [sku.as_str()], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// Takes `quantity` units of `sku` aside for `order`.
    pub(crate) async fn reserve(
        &self,
        order: String,
        sku: Sku,
        quantity: u32,
    ) -> Result<Reserved, DatabaseError> {
        self.database
            .write(move |connection| reserve(connection, &order, &sku, quantity))
            .await
    }

    /// Lets the units of `order` leave the stock for good.
    pub(crate) async fn commit(&self, order: String) -> Result<Closed, DatabaseError> {
        self.database
            .write(move |connection| {
                let state = find(connection, &order)?.map(|found| found.state);
                match state.as_deref() {
                    Some("committed") => Ok(Closed::Done),
                    Some("reserved") => close(connection, &order, "committed"),
                    _ => Ok(Closed::Conflict),
                }
            })
            .await
    }

    /// Gives the units of `order` back; without a reservation, remembers to refuse it.
    pub(crate) async fn release(&self, order: String) -> Result<Closed, DatabaseError> {
        self.database
            .write(move |connection| release(connection, &order))
            .await
    }
}

fn reserve(
    connection: &Connection,
    order: &str,
    sku: &Sku,
    quantity: u32,
) -> rusqlite::Result<Reserved> {
    if let Some(found) = find(connection, order)? {
        let same =
            found.sku.as_deref() == Some(sku.as_str()) && found.quantity == i64::from(quantity);
        return Ok(match found.state.as_str() {
            "released" => Reserved::Refused,
            _ if same => Reserved::Taken,
            _ => Reserved::Different,
        });
    }
    let taken = connection.execute(
        "UPDATE stock SET available = available - ?2 WHERE sku = ?1 AND available >= ?2",
        (sku.as_str(), quantity),
    )?;
    if taken == 0 {
        return Ok(Reserved::OutOfStock);
    }
    connection.execute(
        "INSERT INTO reservation (order_id, sku, quantity, state) VALUES (?1, ?2, ?3, 'reserved')",
        (order, sku.as_str(), quantity),
    )?;
    Ok(Reserved::Taken)
}

fn release(connection: &Connection, order: &str) -> rusqlite::Result<Closed> {
    let Some(found) = find(connection, order)? else {
        connection.execute(
            "INSERT INTO reservation (order_id, sku, quantity, state)
             VALUES (?1, NULL, 0, 'released')",
            [order],
        )?;
        return Ok(Closed::Done);
    };
    match found.state.as_str() {
        "released" => Ok(Closed::Done),
        "reserved" => {
            connection.execute(
                "UPDATE stock SET available = available + ?2 WHERE sku = ?1",
                (found.sku, found.quantity),
            )?;
            close(connection, order, "released")
        }
        _ => Ok(Closed::Conflict),
    }
}

fn find(connection: &Connection, order: &str) -> rusqlite::Result<Option<Reservation>> {
    connection
        .query_row(
            "SELECT sku, quantity, state FROM reservation WHERE order_id = ?1",
            [order],
            |row| {
                Ok(Reservation {
                    sku: row.get(0)?,
                    quantity: row.get(1)?,
                    state: row.get(2)?,
                })
            },
        )
        .optional()
}

fn close(connection: &Connection, order: &str, state: &str) -> rusqlite::Result<Closed> {
    connection
        .execute(
            "UPDATE reservation SET state = ?2 WHERE order_id = ?1",
            [order, state],
        )
        .map(|_| Closed::Done)
}
