//! The ledger: every charge there is or may never be, and what may happen to one, each in one
//! transaction with the event that tells of it.
//!
//! A charge is identified by the id that its caller gave it. A refund of an id that is not there
//! leaves a tombstone, so that the charge, when it comes late, is refused and takes no money. An
//! order whose goods cannot be brought is given back all that was charged for it, and nothing is
//! charged for it any more.

mod book;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use shop::bugs::Bugs;
use shop::card::Card;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::idempotency::{self, IdempotencyKey, Secret};
use shop::inbox::{self, Inbox};
use shop::lease;
use shop::money::Money;
use shop::outbox::{self, Outbox};
use shop::trace_context::TraceContext;
use uuid::Uuid;

use self::book::Book;

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE charge (
         sequence   INTEGER PRIMARY KEY,
         id         TEXT NOT NULL UNIQUE,
         order_id   TEXT,
         account_id TEXT,
         amount     INTEGER CHECK (amount > 0),
         currency   TEXT,
         status     TEXT NOT NULL
                    CHECK (status IN ('charged', 'declined', 'refunded', 'refused')),
         last_four  TEXT,
         CHECK (status = 'refused' OR (order_id IS NOT NULL AND account_id IS NOT NULL))
     ) STRICT;
     CREATE INDEX charge_of_order ON charge (order_id);
     -- Orders that nothing is charged for any more.
     CREATE TABLE undone (order_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;",
    idempotency::SCHEMA,
    inbox::SCHEMA,
    outbox::SCHEMA,
    lease::SCHEMA,
];

/// What a caller asks to be charged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChargeRequest {
    pub(crate) charge_id: String,
    pub(crate) order_id: String,
    pub(crate) account_id: Uuid,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) card: Card,
}

/// What became of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// The money was taken.
    Charged,
    /// The card was not good for it.
    Declined,
    /// The money was taken and given back.
    Refunded,
    /// A refund came first: the money is never taken.
    Refused,
}

/// A charge as callers see it. A tombstone whose charge never came has only id and status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<Uuid>,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(flatten)]
    pub(crate) sum: Option<Money>,
}

/// How a request for a charge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Charging {
    /// The charge as it stands, made now or before.
    Stands(Charge),
    /// Key or id were used for another charge.
    Different,
}

/// A charge in the list of all charges, as docs/design/shop.md says under "What the auditor reads".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Its place in the list.
    sequence: i64,
    #[serde(flatten)]
    charge: Charge,
}

/// All charges.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    database: Database,
    book: Book,
}

impl Ledger {
    /// Opens the ledger kept in `folder`; what happens in it is told through `outbox`, and requests are
    /// told apart with `secret`.
    pub(crate) fn open(
        folder: &Path,
        clock: Clock,
        outbox: Outbox,
        bugs: &Bugs,
        secret: Secret,
    ) -> Result<Self, DatabaseError> {
        let book = Book {
            inbox: Inbox::new(clock.clone(), bugs),
            clock,
            outbox,
            bugs: bugs.clone(),
            secret,
        };
        Ok(Self {
            database: Database::open(&folder.join("payments.sqlite"), MIGRATIONS)?,
            book,
        })
    }

    /// The database that it is in.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Charges `sum` as `request` says, unless that was done, declined or forbidden before.
    pub(crate) async fn charge(
        &self,
        key: IdempotencyKey,
        request: ChargeRequest,
        sum: Money,
        trace: TraceContext,
    ) -> Result<Charging, DatabaseError> {
        let book = self.book.clone();
        let charging = self
            .database
            .write(move |connection| book.charge(connection, &key, &request, &sum, &trace))
            .await?;
        self.book.outbox.wake();
        Ok(charging)
    }

    /// Gives back what the charge `id` took; where it is not there yet, forbids it.
    pub(crate) async fn refund(
        &self,
        id: String,
        trace: TraceContext,
    ) -> Result<Charge, DatabaseError> {
        let book = self.book.clone();
        let charge = self
            .database
            .write(move |connection| book.refund(connection, &id, &trace))
            .await?;
        self.book.outbox.wake();
        Ok(charge)
    }

    /// Gives back all that was charged for the order, and charges nothing for it any more: once for
    /// the event of that id.
    pub(crate) async fn undo(
        &self,
        event_id: String,
        order_id: String,
        trace: TraceContext,
    ) -> Result<(), DatabaseError> {
        let book = self.book.clone();
        self.database
            .write(move |connection| {
                if book.inbox.first_time(connection, &event_id)? {
                    book.undo(connection, &order_id, &trace)?;
                }
                Ok(())
            })
            .await?;
        self.book.outbox.wake();
        Ok(())
    }

    /// The charges of an order, oldest first.
    pub(crate) async fn of_order(&self, order_id: String) -> Result<Vec<Charge>, DatabaseError> {
        self.database
            .read(move |connection| of_order(connection, &order_id))
            .await
    }

    /// Up to `limit` charges that were made after the one numbered `after`, oldest first.
    pub(crate) async fn after(&self, after: i64, limit: u32) -> Result<Vec<Entry>, DatabaseError> {
        self.database
            .read(move |connection| {
                let query = format!("{SELECT} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
                let entry = |row: &Row<'_>| {
                    Ok(Entry {
                        sequence: row.get("sequence")?,
                        charge: from_row(row)?,
                    })
                };
                let mut statement = connection.prepare_cached(&query)?;
                statement.query_map((after, limit), entry)?.collect()
            })
            .await
    }

    /// Forgets the charge `id` and every request for it. Only for provider states.
    pub(crate) async fn forget(&self, id: String) -> Result<(), DatabaseError> {
        self.database
            .write(move |connection| {
                connection.execute("DELETE FROM request WHERE answer = ?1", [&id])?;
                connection.execute("DELETE FROM charge WHERE id = ?1", [&id])?;
                Ok(())
            })
            .await
    }
}

fn of_order(connection: &Connection, order_id: &str) -> rusqlite::Result<Vec<Charge>> {
    let query = format!("{SELECT} WHERE order_id = ?1 ORDER BY sequence");
    let mut statement = connection.prepare_cached(&query)?;
    statement.query_map([order_id], from_row)?.collect()
}

const SELECT: &str =
    "SELECT sequence, id, order_id, account_id, status, amount, currency FROM charge";

fn find(connection: &Connection, id: &str) -> rusqlite::Result<Option<Charge>> {
    let query = format!("{SELECT} WHERE id = ?1");
    connection
        .prepare_cached(&query)?
        .query_row([id], from_row)
        .optional()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Charge> {
    let status = match row.get_ref("status")?.as_str()? {
        "charged" => Status::Charged,
        "declined" => Status::Declined,
        "refunded" => Status::Refunded,
        _ => Status::Refused,
    };
    let sum = match (
        row.get("amount")?,
        row.get::<_, Option<String>>("currency")?,
    ) {
        (Some(amount), Some(currency)) => Money::new(amount, currency).ok(),
        _ => None,
    };
    let reason = (status == Status::Declined).then_some("card_declined");
    Ok(Charge {
        id: row.get("id")?,
        order_id: row.get("order_id")?,
        account_id: row
            .get::<_, Option<String>>("account_id")?
            .and_then(|id| id.parse().ok()),
        status,
        reason,
        sum,
    })
}
