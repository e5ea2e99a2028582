//! The ledger: every charge there is or may never be, and what may happen to one, each in one
//! transaction with the event that tells of it.
//!
//! A charge is identified by the id that its caller gave it. A refund of an id that is not there
//! leaves a tombstone, so that the charge, when it comes late, is refused and takes no money. An
//! order whose goods cannot be brought is given back all that was charged for it, and nothing is
//! charged for it any more.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop::bugs::{Bug, Bugs};
use shop::card::Card;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::event::{Event, Kind, PaymentRefunded, PaymentSettled, derived_id};
use shop::idempotency::{self, IdempotencyKey, Known};
use shop::inbox::{self, Inbox};
use shop::lease;
use shop::money::Money;
use shop::outbox::{self, Outbox};
use shop::trace_context::TraceContext;
use uuid::Uuid;

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

/// Cards that end so are declined; every other one is charged.
const DECLINED_ENDING: &str = "0002";

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

/// What every change of the ledger needs.
#[derive(Debug, Clone)]
struct Book {
    clock: Clock,
    inbox: Inbox,
    outbox: Outbox,
    bugs: Bugs,
}

/// All charges.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    database: Database,
    book: Book,
}

impl Ledger {
    /// Opens the ledger kept in `folder`; what happens in it is told through `outbox`.
    pub(crate) fn open(
        folder: &Path,
        clock: Clock,
        outbox: Outbox,
        bugs: &Bugs,
    ) -> Result<Self, DatabaseError> {
        let book = Book {
            inbox: Inbox::new(clock.clone(), bugs),
            clock,
            outbox,
            bugs: bugs.clone(),
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

impl Book {
    fn charge(
        &self,
        connection: &Connection,
        key: &IdempotencyKey,
        request: &ChargeRequest,
        sum: &Money,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charging> {
        let (account, hash) = (request.account_id.to_string(), hash(request));
        let known = idempotency::known(connection, &account, key, &hash)?;
        if known == Known::Different {
            return Ok(Charging::Different);
        }
        let found = find(connection, &request.charge_id)?;
        if found
            .as_ref()
            .is_some_and(|found| found.is_another(request, sum))
        {
            return Ok(Charging::Different);
        }
        let is_new = found.as_ref().is_none_or(|found| found.order_id.is_none());
        let id = match is_new {
            true => request.charge_id.clone(),
            // The bug takes a repeat for a further charge.
            false if self.bugs.has(Bug::MissingIdempotency) => Uuid::new_v4().to_string(),
            false => {
                return found
                    .map(Charging::Stands)
                    .ok_or(rusqlite::Error::QueryReturnedNoRows);
            }
        };
        let charge = self.make(connection, &id, request, sum, trace)?;
        if known == Known::New {
            let time = self.clock.stamp();
            idempotency::remember(connection, &account, key, &hash, &id, &time)?;
        }
        Ok(Charging::Stands(charge))
    }

    /// Writes the charge, as it ends: taken, declined, or refused by a refund that came first.
    fn make(
        &self,
        connection: &Connection,
        id: &str,
        request: &ChargeRequest,
        sum: &Money,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charge> {
        let last_four = request.card.number.last_four();
        let undone = connection
            .prepare_cached("SELECT 1 FROM undone WHERE order_id = ?1")?
            .exists([&request.order_id])?;
        let status = match last_four {
            _ if undone => "refused",
            DECLINED_ENDING => "declined",
            _ => "charged",
        };
        // A tombstone keeps its status and only learns what it forbids.
        connection.execute(
            "INSERT INTO charge (id, order_id, account_id, amount, currency, status, last_four)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET
                 order_id = excluded.order_id, account_id = excluded.account_id,
                 amount = excluded.amount, currency = excluded.currency,
                 last_four = excluded.last_four",
            (
                id,
                &request.order_id,
                request.account_id.to_string(),
                sum.amount(),
                sum.currency(),
                status,
                last_four,
            ),
        )?;
        let charge = find(connection, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        if charge.status == Status::Charged {
            let data = |charge_id, account_id, sum| PaymentSettled {
                charge_id,
                account_id,
                sum,
            };
            self.tell(connection, &charge, data, trace)?;
        }
        Ok(charge)
    }

    fn refund(
        &self,
        connection: &Connection,
        id: &str,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charge> {
        let Some(charge) = find(connection, id)? else {
            connection.execute(
                "INSERT INTO charge (id, status) VALUES (?1, 'refused')",
                [id],
            )?;
            return find(connection, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows);
        };
        if charge.status != Status::Charged {
            return Ok(charge);
        }
        self.give_back(connection, charge, trace)
    }

    fn undo(
        &self,
        connection: &Connection,
        order_id: &str,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        connection.execute(
            "INSERT INTO undone (order_id) VALUES (?1) ON CONFLICT DO NOTHING",
            [order_id],
        )?;
        for charge in of_order(connection, order_id)? {
            if charge.status == Status::Charged {
                self.give_back(connection, charge, trace)?;
            }
        }
        Ok(())
    }

    fn give_back(
        &self,
        connection: &Connection,
        mut charge: Charge,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charge> {
        charge.status = Status::Refunded;
        if self.bugs.has(Bug::NoRefund) {
            return Ok(charge);
        }
        connection.execute(
            "UPDATE charge SET status = 'refunded' WHERE id = ?1",
            [&charge.id],
        )?;
        let data = |charge_id, account_id, sum| PaymentRefunded {
            charge_id,
            account_id,
            sum,
        };
        self.tell(connection, &charge, data, trace)?;
        Ok(charge)
    }

    /// Tells of a charge that has all its parts.
    fn tell<K: Kind>(
        &self,
        connection: &Connection,
        charge: &Charge,
        data: impl FnOnce(String, String, Money) -> K,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        let (Some(order_id), Some(account), Some(sum)) =
            (&charge.order_id, &charge.account_id, &charge.sum)
        else {
            return Ok(());
        };
        let event = Event {
            id: derived_id(&charge.id, K::TYPE),
            time: self.clock.stamp(),
            entity: order_id.clone(),
            data: data(charge.id.clone(), account.to_string(), sum.clone()),
        };
        self.outbox.announce(connection, &event, trace)
    }
}

impl Charge {
    /// Whether it is not the one that `request` asks for.
    fn is_another(&self, request: &ChargeRequest, sum: &Money) -> bool {
        let Some(order_id) = &self.order_id else {
            return false;
        };
        *order_id != request.order_id
            || self.account_id != Some(request.account_id)
            || self.sum.as_ref() != Some(sum)
    }
}

/// What tells one request from another; of the card only what may be kept.
fn hash(request: &ChargeRequest) -> String {
    idempotency::hash(&json!([
        request.charge_id,
        request.order_id,
        request.amount,
        request.currency,
        request.card.number.last_four()
    ]))
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
