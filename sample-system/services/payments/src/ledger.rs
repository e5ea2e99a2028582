//! The ledger: every charge there is or may never be, and what may happen to one, each in one
//! transaction.
//!
//! A charge is identified by the id that its caller gave it. A refund of an id that is not there
//! leaves a tombstone, so that the charge, when it comes late, is refused and takes no money.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shop::card::Card;
use shop::database::{Database, DatabaseError};
use shop::idempotency::IdempotencyKey;
use shop::money::Money;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE charge (
        sequence  INTEGER PRIMARY KEY,
        id        TEXT NOT NULL UNIQUE,
        order_id  TEXT,
        amount    INTEGER CHECK (amount > 0),
        currency  TEXT,
        status    TEXT NOT NULL
                  CHECK (status IN ('charged', 'declined', 'refunded', 'refused')),
        last_four TEXT,
        CHECK (status = 'refused' OR order_id IS NOT NULL)
    ) STRICT;
    CREATE INDEX charge_of_order ON charge (order_id);
    CREATE TABLE request (
        idempotency_key TEXT PRIMARY KEY,
        hash            TEXT NOT NULL,
        charge_id       TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// Cards that end so are declined; every other one is charged.
const DECLINED_ENDING: &str = "0002";

/// What a caller asks to be charged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChargeRequest {
    pub(crate) charge_id: String,
    pub(crate) order_id: String,
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

/// All charges.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    database: Database,
}

impl Ledger {
    /// Opens the ledger kept in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("payments.sqlite"), MIGRATIONS)?,
        })
    }

    /// Whether the database works.
    pub(crate) async fn answers(&self) -> bool {
        self.database.answers().await
    }

    /// Charges `sum` as `request` says, unless that was done, declined or forbidden before.
    pub(crate) async fn charge(
        &self,
        key: IdempotencyKey,
        request: ChargeRequest,
        sum: Money,
    ) -> Result<Charging, DatabaseError> {
        self.database
            .write(move |connection| charge(connection, &key, &request, &sum))
            .await
    }

    /// Gives back what the charge `id` took; where it is not there yet, forbids it.
    pub(crate) async fn refund(&self, id: String) -> Result<Charge, DatabaseError> {
        self.database
            .write(move |connection| {
                match find(connection, &id)? {
                    Some(charge) if charge.status != Status::Charged => return Ok(charge),
                    Some(_) => connection
                        .execute("UPDATE charge SET status = 'refunded' WHERE id = ?1", [&id])?,
                    None => connection.execute(
                        "INSERT INTO charge (id, status) VALUES (?1, 'refused')",
                        [&id],
                    )?,
                };
                find(connection, &id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
            })
            .await
    }

    /// The charges of an order, oldest first.
    pub(crate) async fn of_order(&self, order_id: String) -> Result<Vec<Charge>, DatabaseError> {
        self.database
            .read(move |connection| {
                let query = format!("{SELECT} WHERE order_id = ?1 ORDER BY sequence");
                connection
                    .prepare_cached(&query)?
                    .query_map([order_id], from_row)?
                    .collect()
            })
            .await
    }

    /// Forgets the charge `id` and every request for it. Only for provider states.
    pub(crate) async fn forget(&self, id: String) -> Result<(), DatabaseError> {
        self.database
            .write(move |connection| {
                connection.execute("DELETE FROM request WHERE charge_id = ?1", [&id])?;
                connection.execute("DELETE FROM charge WHERE id = ?1", [&id])?;
                Ok(())
            })
            .await
    }
}

fn charge(
    connection: &Connection,
    key: &IdempotencyKey,
    request: &ChargeRequest,
    sum: &Money,
) -> rusqlite::Result<Charging> {
    let hash = hash(request);
    let before: Option<String> = connection
        .query_row(
            "SELECT hash FROM request WHERE idempotency_key = ?1",
            [key.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    if before.as_ref().is_some_and(|before| *before != hash) {
        return Ok(Charging::Different);
    }
    let found = find(connection, &request.charge_id)?;
    if let Some(Charge {
        order_id: Some(order_id),
        sum: was,
        ..
    }) = &found
        && (*order_id != request.order_id || was.as_ref() != Some(sum))
    {
        return Ok(Charging::Different);
    }
    if found.as_ref().is_none_or(|found| found.order_id.is_none()) {
        let last_four = request.card.number.last_four();
        let status = if last_four == DECLINED_ENDING {
            "declined"
        } else {
            "charged"
        };
        // A tombstone keeps its status and only learns what it forbids.
        connection.execute(
            "INSERT INTO charge (id, order_id, amount, currency, status, last_four)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET
                 order_id = excluded.order_id, amount = excluded.amount,
                 currency = excluded.currency, last_four = excluded.last_four",
            (
                &request.charge_id,
                &request.order_id,
                sum.amount(),
                sum.currency(),
                status,
                last_four,
            ),
        )?;
    }
    connection.execute(
        "INSERT INTO request (idempotency_key, hash, charge_id) VALUES (?1, ?2, ?3)
         ON CONFLICT (idempotency_key) DO NOTHING",
        (key.as_str(), &hash, &request.charge_id),
    )?;
    find(connection, &request.charge_id)?
        .map(Charging::Stands)
        .ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// What tells one request from another; of the card only what may be kept.
fn hash(request: &ChargeRequest) -> String {
    let parts = serde_json::json!([
        request.charge_id,
        request.order_id,
        request.amount,
        request.currency,
        request.card.number.last_four()
    ]);
    let digest = Sha256::digest(parts.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const SELECT: &str = "SELECT id, order_id, status, amount, currency FROM charge";

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
        status,
        reason,
        sum,
    })
}
