//! Where orders are kept: events, read model, sagas and outbox in one SQLite file. Each change of
//! an order is one transaction over all four, so they never tell different stories.

mod rows;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::idempotency::IdempotencyKey;
use shop::lease;
use shop::outbox::{self, Outbox};
use shop::trace_context::TraceContext;
use tokio::sync::watch;

use crate::announcement;
use crate::order::{Event, Fact, Order, OrderId};
use crate::saga::Step;

const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE event (
        order_id    TEXT NOT NULL,
        sequence    INTEGER NOT NULL,
        fact        TEXT NOT NULL,
        time        TEXT NOT NULL,
        traceparent TEXT,
        baggage     TEXT,
        PRIMARY KEY (order_id, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE order_view (
        id       TEXT PRIMARY KEY,
        status   TEXT NOT NULL,
        reason   TEXT,
        sku      TEXT NOT NULL,
        name     TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        amount   INTEGER NOT NULL,
        currency TEXT NOT NULL,
        email    TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE saga (
        order_id    TEXT PRIMARY KEY,
        step        TEXT, -- the next one; NULL at the end
        traceparent TEXT,
        baggage     TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX saga_unfinished ON saga (order_id) WHERE step IS NOT NULL;
    CREATE TABLE request (
        idempotency_key TEXT PRIMARY KEY,
        hash            TEXT NOT NULL,
        order_id        TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    ",
    outbox::SCHEMA,
    lease::SCHEMA,
];

/// A saga that is not at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saga {
    pub(crate) order: Order,
    /// What is to be done next.
    pub(crate) step: Step,
    /// The trace of the request that began it.
    pub(crate) trace: TraceContext,
}

/// Whether a request is known by its idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is not.
    New,
    /// It is, and made this order.
    Same(OrderId),
    /// Another request had this key.
    Different,
}

/// How placing an order ended.
#[derive(Debug)]
pub(crate) enum Placed {
    /// The order is stored, its saga begins.
    New(Box<Saga>),
    /// The same request came before.
    Before(OrderId),
    /// Another request had this key.
    Different,
}

/// A request to place an order, ready to be stored.
#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) key: IdempotencyKey,
    pub(crate) hash: String,
    pub(crate) order: Order,
    pub(crate) received: Fact,
    pub(crate) priced: Fact,
    pub(crate) trace: TraceContext,
}

/// All orders.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    database: Database,
    clock: Clock,
    outbox: Outbox,
    changed: watch::Sender<()>,
}

impl Store {
    /// Opens the orders kept in `folder`, whose events go through `outbox`.
    pub(crate) fn open(folder: &Path, clock: Clock, outbox: Outbox) -> Result<Self, DatabaseError> {
        let database = Database::open(&folder.join("orders.sqlite"), MIGRATIONS)?;
        Ok(Self {
            database,
            clock,
            outbox,
            changed: watch::Sender::new(()),
        })
    }

    /// The database, for the outbox's relay and for readiness.
    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }

    /// Tells of every change of any order from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether `key` is known, and with which request.
    pub(crate) async fn known(
        &self,
        key: IdempotencyKey,
        hash: String,
    ) -> Result<Known, DatabaseError> {
        self.database
            .read(move |connection| known(connection, &key, &hash))
            .await
    }

    /// Stores a new order with its first two events and its saga, unless its key is known.
    pub(crate) async fn place(&self, placement: Placement) -> Result<Placed, DatabaseError> {
        let time = self.clock.stamp();
        let placed = self
            .database
            .write(move |connection| {
                let Placement {
                    key,
                    hash,
                    order,
                    received,
                    priced,
                    trace,
                } = placement;
                match known(connection, &key, &hash)? {
                    Known::Same(id) => return Ok(Placed::Before(id)),
                    Known::Different => return Ok(Placed::Different),
                    Known::New => {}
                }
                connection.execute(
                    "INSERT INTO request (idempotency_key, hash, order_id) VALUES (?1, ?2, ?3)",
                    params![key.as_str(), hash, order.id.to_string()],
                )?;
                rows::append(connection, order.id, &received, &trace, &time)?;
                rows::append(connection, order.id, &priced, &trace, &time)?;
                rows::put_order(connection, &order)?;
                let step = Step::StockReserved;
                connection.execute(
                    "INSERT INTO saga (order_id, step, traceparent, baggage)
                     VALUES (?1, ?2, ?3, ?4)",
                    params![
                        order.id.to_string(),
                        step.name(),
                        trace.traceparent,
                        trace.baggage
                    ],
                )?;
                Ok(Placed::New(Box::new(Saga { order, step, trace })))
            })
            .await?;
        self.changed.send_replace(());
        Ok(placed)
    }

    /// Stores that `saga`'s step led to `fact`, and what follows; `None` at the end.
    pub(crate) async fn record(
        &self,
        saga: Saga,
        fact: Fact,
    ) -> Result<Option<Saga>, DatabaseError> {
        let (time, outbox) = (self.clock.stamp(), self.outbox.clone());
        let next = self
            .database
            .write(move |connection| {
                let Saga { order, trace, .. } = saga;
                let order = order.after(&fact);
                let step = Step::after(&fact);
                rows::append(connection, order.id, &fact, &trace, &time)?;
                rows::put_order(connection, &order)?;
                connection.execute(
                    "UPDATE saga SET step = ?2 WHERE order_id = ?1",
                    params![order.id.to_string(), step.map(Step::name)],
                )?;
                if let Some(message) = announcement::of(&fact, &order, &trace, &time) {
                    outbox.add(connection, &message, &time)?;
                }
                Ok(step.map(|step| Saga { order, step, trace }))
            })
            .await?;
        self.outbox.wake();
        self.changed.send_replace(());
        Ok(next)
    }

    /// Every saga that is not at its end.
    pub(crate) async fn unfinished(&self) -> Result<Vec<Saga>, DatabaseError> {
        self.database.read(rows::unfinished).await
    }

    /// The order `id`, where there is one.
    pub(crate) async fn order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError> {
        self.database
            .read(move |connection| rows::order(connection, id))
            .await
    }

    /// The events of the order `id`, oldest first.
    pub(crate) async fn events(&self, id: OrderId) -> Result<Vec<Event>, DatabaseError> {
        self.database
            .read(move |connection| rows::events(connection, id))
            .await
    }
}

fn known(connection: &Connection, key: &IdempotencyKey, hash: &str) -> rusqlite::Result<Known> {
    let found = connection
        .query_row(
            "SELECT hash, order_id FROM request WHERE idempotency_key = ?1",
            [key.as_str()],
            |row| Ok((row.get::<_, String>(0)?, rows::order_id(row, 1)?)),
        )
        .optional()?;
    Ok(match found {
        None => Known::New,
        Some((before, id)) if before == hash => Known::Same(id),
        Some(_) => Known::Different,
    })
}
