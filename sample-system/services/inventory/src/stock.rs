//! The stock and its reservations: what may happen to them, each in one transaction with the
//! movement that it is and the event that tells of it.
//!
//! `available` is what can be sold. A reservation takes its units out of it at once; committing
//! only closes the reservation; releasing, expiring and returning put the units back. So
//! `available` never counts a unit twice and, by a check in the schema, never falls below zero.

mod book;

use std::path::Path;

use chrono::TimeDelta;
use rusqlite::{OptionalExtension as _, Row};
use serde::Serialize;
use shop::bugs::Bugs;
use shop::clock::{Clock, stamp_of};
use shop::database::{Database, DatabaseError};
use shop::idempotency::{self, IdempotencyKey, Known};
use shop::inbox::{self, Inbox};
use shop::lease;
use shop::outbox::{self, Outbox};
use shop::sku::Sku;
use shop::trace_context::TraceContext;
use uuid::Uuid;

use book::Book;

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE stock (
         sku       TEXT PRIMARY KEY,
         available INTEGER NOT NULL CHECK (available >= 0)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE reservation (
         sequence    INTEGER PRIMARY KEY,
         order_id    TEXT NOT NULL UNIQUE,
         sku         TEXT,
         quantity    INTEGER NOT NULL,
         status      TEXT NOT NULL
             CHECK (status IN ('reserved', 'committed', 'released', 'expired', 'returned')),
         expires     TEXT NOT NULL,
         traceparent TEXT,
         baggage     TEXT
     ) STRICT;
     CREATE INDEX reservation_held ON reservation (expires) WHERE status = 'reserved';
     CREATE TABLE movement (
         sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
         time      TEXT NOT NULL,
         sku       TEXT NOT NULL,
         change    INTEGER NOT NULL,
         available INTEGER NOT NULL,
         reason    TEXT NOT NULL
             CHECK (reason IN ('set', 'reserved', 'released', 'expired', 'returned')),
         order_id  TEXT
     ) STRICT;",
    inbox::SCHEMA,
    outbox::SCHEMA,
    lease::SCHEMA,
    idempotency::SCHEMA,
];

/// How many reservations that are to end by time are looked up at once.
const EXPIRED_AT_ONCE: u32 = 100;

/// The key of a request, and the account that sent it.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) account: Uuid,
    pub(crate) key: IdempotencyKey,
}

/// How a reservation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// The units are taken aside.
    Taken,
    /// There were not enough units.
    OutOfStock,
    /// The order's reservation ended before.
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

/// A change of what can be sold, as docs/design/shop.md says under "What the auditor reads".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Movement {
    sequence: i64,
    time: String,
    sku: String,
    change: i64,
    available: i64,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
}

/// A reservation, as docs/design/shop.md says under "What the auditor reads".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reservation {
    sequence: i64,
    order_id: String,
    sku: String,
    quantity: i64,
    status: String,
    expires: String,
}

/// All stock.
#[derive(Debug, Clone)]
pub(crate) struct StockRoom {
    database: Database,
    clock: Clock,
    outbox: Outbox,
    book: Book,
}

impl StockRoom {
    /// Opens the stock kept in `folder`, whose reservations last `kept` unless they are committed.
    /// What happens in it is told through `outbox`.
    pub(crate) fn open(
        folder: &Path,
        kept: TimeDelta,
        clock: Clock,
        outbox: Outbox,
        bugs: &Bugs,
    ) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("inventory.sqlite"), MIGRATIONS)?,
            book: Book {
                kept,
                clock: clock.clone(),
                inbox: Inbox::new(clock.clone(), bugs),
                outbox: outbox.clone(),
                bugs: bugs.clone(),
            },
            clock,
            outbox,
        })
    }

    /// The database that it is in.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Sets how many units of `sku` can be sold.
    pub(crate) async fn set(
        &self,
        under: Option<Key>,
        sku: Sku,
        units: u32,
        trace: TraceContext,
    ) -> Result<Known, DatabaseError> {
        self.write(move |book, connection| {
            book.set_once(connection, under.as_ref(), &sku, units, &trace)
        })
        .await
    }

    /// How many units of `sku` can be sold, the largest `u32` for what is more; `None` when it was
    /// never stocked.
    pub(crate) async fn available(&self, sku: Sku) -> Result<Option<u32>, DatabaseError> {
        self.database
            .read(move |connection| {
                let query = "SELECT available FROM stock WHERE sku = ?1";
                connection
                    .prepare_cached(query)?
                    .query_row([sku.as_str()], |row| row.get(0).map(told))
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
        trace: TraceContext,
    ) -> Result<Reserved, DatabaseError> {
        self.write(move |book, connection| book.reserve(connection, &order, &sku, quantity, &trace))
            .await
    }

    /// Lets the units of `order` leave the stock for good.
    pub(crate) async fn commit(&self, order: String) -> Result<Closed, DatabaseError> {
        self.write(move |_, connection| book::commit(connection, &order))
            .await
    }

    /// Gives the units of `order` back; without a reservation, remembers to refuse it.
    pub(crate) async fn release(
        &self,
        order: String,
        trace: TraceContext,
    ) -> Result<Closed, DatabaseError> {
        self.write(move |book, connection| book.release(connection, &order, &trace))
            .await
    }

    /// Takes the units of `order`, which cannot be shipped, back: once for the event of that id.
    pub(crate) async fn take_back(
        &self,
        event_id: String,
        order: String,
        trace: TraceContext,
    ) -> Result<(), DatabaseError> {
        self.write(move |book, connection| book.take_back(connection, &event_id, &order, &trace))
            .await
    }

    /// Ends the reservations whose time is over, each in a transaction of its own, so that one whose
    /// units cannot be given back stops no other; answers how many ended.
    pub(crate) async fn expire(&self) -> Result<usize, DatabaseError> {
        let now = stamp_of(self.clock.now());
        let (mut after, mut ended) = (0, 0);
        loop {
            let now = now.clone();
            // Most looks find nothing: ask a reader before the one writer is troubled.
            let due = move |connection: &rusqlite::Connection| {
                book::over(connection, &now, after, EXPIRED_AT_ONCE)
            };
            let over = self.database.read(due).await?;
            let Some((last, _)) = over.last() else {
                return Ok(ended);
            };
            after = *last;
            for (_, order) in over {
                let id = order.clone();
                match self.write(move |book, it| book.expire(it, &id)).await {
                    Ok(has_ended) => ended += usize::from(has_ended),
                    Err(error) => {
                        tracing::error!(order_id = order, %error, "a reservation cannot be ended");
                    }
                }
            }
        }
    }

    /// Up to `limit` movements after the one numbered `after`, oldest first.
    pub(crate) async fn movements(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Movement>, DatabaseError> {
        let query = "SELECT sequence, time, sku, change, available, reason, order_id
                     FROM movement WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
        let row = |row: &Row<'_>| {
            Ok(Movement {
                sequence: row.get(0)?,
                time: row.get(1)?,
                sku: row.get(2)?,
                change: row.get(3)?,
                available: row.get(4)?,
                reason: row.get(5)?,
                order_id: row.get(6)?,
            })
        };
        self.page(query, row, after, limit).await
    }

    /// Up to `limit` reservations after the one numbered `after`, oldest first. One that was refused
    /// before it came took nothing and is not among them.
    pub(crate) async fn reservations(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Reservation>, DatabaseError> {
        let query = "SELECT sequence, order_id, sku, quantity, status, expires FROM reservation
                     WHERE sequence > ?1 AND sku IS NOT NULL ORDER BY sequence LIMIT ?2";
        let row = |row: &Row<'_>| {
            Ok(Reservation {
                sequence: row.get(0)?,
                order_id: row.get(1)?,
                sku: row.get(2)?,
                quantity: row.get(3)?,
                status: row.get(4)?,
                expires: row.get(5)?,
            })
        };
        self.page(query, row, after, limit).await
    }

    async fn page<T: Send + 'static>(
        &self,
        query: &'static str,
        row: fn(&Row<'_>) -> rusqlite::Result<T>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<T>, DatabaseError> {
        self.database
            .read(move |connection| {
                let mut statement = connection.prepare_cached(query)?;
                statement.query_map((after, limit), row)?.collect()
            })
            .await
    }

    /// Runs `work`, then lets events go.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Book, &rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let book = self.book.clone();
        let done = self
            .database
            .write(move |connection| work(&book, connection))
            .await?;
        self.outbox.wake();
        Ok(done)
    }
}

/// A level as others are told it: their number ends where `u32` does, the stock's own does not.
fn told(level: i64) -> u32 {
    u32::try_from(level.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
