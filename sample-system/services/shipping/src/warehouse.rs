//! The warehouse: every pick-and-pack task, and what may happen to one, each in one transaction
//! with the event that tells of it.
//!
//! A task is `packing` until it ends, once and for ever: as `shipped`, `failed` or `dropped`.
//! Whoever ends it names the state that it believes in, so a packer that slept through its lease
//! changes nothing. An order that is cancelled before it comes leaves a tombstone: its task is
//! dropped when it comes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use shop::bugs::{Bug, Bugs};
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::event::{Event, ItemShipped, Kind, OrderPlaced, ShipmentFailed, derived_id};
use shop::inbox::{self, Inbox};
use shop::lease::{self, Holder};
use shop::outbox::{self, Outbox};
use shop::trace_context::TraceContext;
use tokio::sync::Notify;
use uuid::Uuid;

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE task (
         sequence    INTEGER PRIMARY KEY,
         id          TEXT NOT NULL UNIQUE,
         order_id    TEXT NOT NULL,
         account_id  TEXT NOT NULL,
         sku         TEXT NOT NULL,
         quantity    INTEGER NOT NULL CHECK (quantity > 0),
         -- Of the address only what decides; none where the order had no address.
         country     TEXT,
         status      TEXT NOT NULL
                     CHECK (status IN ('packing', 'shipped', 'failed', 'dropped')),
         tracking    TEXT,
         traceparent TEXT,
         baggage     TEXT,
         CHECK ((status = 'shipped') = (tracking IS NOT NULL))
     ) STRICT;
     CREATE INDEX task_of_order ON task (order_id);
     CREATE INDEX task_open ON task (sequence) WHERE status = 'packing';
     -- Orders that were cancelled before they came.
     CREATE TABLE cancelled (order_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;",
    inbox::SCHEMA,
    outbox::SCHEMA,
    lease::SCHEMA,
];

/// A task that somebody is to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    id: String,
    /// The order that it is for.
    pub(crate) order_id: String,
    account_id: String,
    sku: String,
    quantity: u32,
    /// Where it goes; none where the order had no address.
    pub(crate) country: Option<String>,
    /// The trace of what placed the order.
    pub(crate) trace: TraceContext,
}

/// How work on a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It left, under a tracking number of its own.
    Shipped,
    /// It never will, for this reason of the contract.
    Failed(&'static str),
}

/// A task as callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Shipment {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) account_id: String,
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tracking: Option<String>,
}

/// A task in the list of all, as docs/design/shop.md says under "What the auditor reads".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Its place in the list.
    sequence: i64,
    #[serde(flatten)]
    shipment: Shipment,
}

/// All tasks. Clones are the same warehouse.
#[derive(Debug, Clone)]
pub(crate) struct Warehouse {
    database: Database,
    /// Says what time it is.
    pub(crate) clock: Clock,
    inbox: Inbox,
    outbox: Outbox,
    /// The seeded bug `no-dedup`: an order that comes again is packed again.
    doubling: bool,
    /// Told when there is a new task.
    pub(crate) wake: Arc<Notify>,
}

impl Warehouse {
    /// Opens the warehouse kept in `folder`; what leaves it is told through `outbox`.
    pub(crate) fn open(
        folder: &Path,
        clock: Clock,
        outbox: Outbox,
        bugs: &Bugs,
    ) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("shipping.sqlite"), MIGRATIONS)?,
            inbox: Inbox::new(clock.clone(), bugs),
            clock,
            outbox,
            doubling: bugs.has(Bug::NoDedup),
            wake: Arc::default(),
        })
    }

    /// The database that it is in.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Makes the task of an order that was placed.
    pub(crate) async fn placed(
        &self,
        event: Event<OrderPlaced>,
        trace: TraceContext,
    ) -> Result<(), DatabaseError> {
        let (inbox, doubling) = (self.inbox.clone(), self.doubling);
        self.database
            .write(move |connection| {
                if inbox.first_time(connection, &event.id)? {
                    make(connection, &event, &trace, doubling)?;
                }
                Ok(())
            })
            .await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Drops the task of an order that was cancelled, unless it ended; where there is none yet, the
    /// one to come.
    pub(crate) async fn cancelled(
        &self,
        event_id: String,
        order_id: String,
    ) -> Result<(), DatabaseError> {
        let inbox = self.inbox.clone();
        self.database
            .write(move |connection| {
                if inbox.first_time(connection, &event_id)? {
                    drop_tasks(connection, &order_id)?;
                }
                Ok(())
            })
            .await
    }

    /// Takes up to `most` tasks that nobody works on, oldest first, under leases of `holder`.
    pub(crate) async fn take(
        &self,
        holder: &Holder,
        most: u32,
    ) -> Result<Vec<Task>, DatabaseError> {
        let (holder, now) = (holder.clone(), self.clock.millis());
        // Most looks find nothing: ask a reader before the one writer is troubled.
        let any = self
            .database
            .read(move |connection| free(connection, now, 1));
        if any.await?.is_empty() {
            return Ok(Vec::new());
        }
        self.database
            .write(move |connection| {
                let mut held = Vec::new();
                for task in free(connection, now, most)? {
                    let name = lease_of(&task.id);
                    if lease::claim(connection, &name, &holder, now, lease::LASTS)? {
                        held.push(task);
                    }
                }
                Ok(held)
            })
            .await
    }

    /// Ends the work on `task` and tells of it, unless it ended already; answers whether it did.
    pub(crate) async fn finish(
        &self,
        holder: &Holder,
        task: &Task,
        end: End,
    ) -> Result<bool, DatabaseError> {
        let (holder, task, time) = (holder.clone(), task.clone(), self.clock.stamp());
        let outbox = self.outbox.clone();
        let ended = self
            .database
            .write(move |connection| {
                lease::give_back(connection, &lease_of(&task.id), &holder)?;
                finish(connection, &outbox, &task, end, time)
            })
            .await?;
        self.outbox.wake();
        Ok(ended)
    }

    /// Lets all leases of `holder` last anew.
    pub(crate) async fn renew(&self, holder: &Holder) -> Result<(), DatabaseError> {
        let (holder, now) = (holder.clone(), self.clock.millis());
        self.database
            .write(move |connection| lease::renew_all(connection, &holder, now, lease::LASTS))
            .await
            .map(drop)
    }

    /// Gives all leases of `holder` back.
    pub(crate) async fn give_back(&self, holder: &Holder) -> Result<(), DatabaseError> {
        let holder = holder.clone();
        self.database
            .write(move |connection| lease::give_back_all(connection, &holder))
            .await
    }

    /// The shipments of an order, oldest first; more than one only where a bug is seeded.
    pub(crate) async fn of_order(&self, order_id: String) -> Result<Vec<Shipment>, DatabaseError> {
        self.database
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT * FROM task WHERE order_id = ?1 ORDER BY sequence")?
                    .query_map([order_id], shipment)?
                    .collect()
            })
            .await
    }

    /// Up to `limit` shipments that came after the one numbered `after`, oldest first.
    pub(crate) async fn after(&self, after: i64, limit: u32) -> Result<Vec<Entry>, DatabaseError> {
        let entry = |row: &Row<'_>| {
            Ok(Entry {
                sequence: row.get("sequence")?,
                shipment: shipment(row)?,
            })
        };
        self.database
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT * FROM task WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                    )?
                    .query_map((after, limit), entry)?
                    .collect()
            })
            .await
    }

    /// How many tasks have not ended.
    pub(crate) async fn open_tasks(&self) -> Result<u32, DatabaseError> {
        self.database
            .read(|connection| {
                connection
                    .prepare_cached("SELECT count(*) FROM task WHERE status = 'packing'")?
                    .query_row([], |row| row.get(0))
            })
            .await
    }
}

fn lease_of(task: &str) -> String {
    format!("task {task}")
}

fn make(
    connection: &Connection,
    event: &Event<OrderPlaced>,
    trace: &TraceContext,
    doubling: bool,
) -> rusqlite::Result<()> {
    let cancelled = connection
        .prepare_cached("SELECT 1 FROM cancelled WHERE order_id = ?1")?
        .exists([&event.entity])?;
    let mut id = derived_id(&event.entity, "task");
    let known = connection
        .prepare_cached("SELECT 1 FROM task WHERE id = ?1")?
        .exists([&id])?;
    if known && doubling {
        id = Uuid::new_v4().to_string();
    }
    let data = &event.data;
    connection
        .prepare_cached(
            "INSERT INTO task (id, order_id, account_id, sku, quantity, country, status,
                               traceparent, baggage)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            id,
            event.entity,
            data.account_id,
            data.sku,
            data.quantity,
            data.address.as_ref().map(|address| &address.country),
            if cancelled { "dropped" } else { "packing" },
            trace.traceparent,
            trace.baggage,
        ])
        .map(drop)
}

fn drop_tasks(connection: &Connection, order_id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO cancelled (order_id) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([order_id])?;
    let dropped: Vec<String> = connection
        .prepare_cached(
            "UPDATE task SET status = 'dropped' WHERE order_id = ?1 AND status = 'packing'
             RETURNING id",
        )?
        .query_map([order_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for task in dropped {
        tracing::info!(order_id, "the order was cancelled before it was packed");
        lease::end(connection, &lease_of(&task))?;
    }
    Ok(())
}

/// The oldest tasks that nobody holds at the time `now`.
fn free(connection: &Connection, now: i64, most: u32) -> rusqlite::Result<Vec<Task>> {
    // As `lease::claim` sees it: an end too far ahead was written by a clock that was wrong.
    let furthest = now + 2 * millis(lease::LASTS);
    connection
        .prepare_cached(
            "SELECT task.* FROM task LEFT JOIN lease ON lease.name = 'task ' || task.id
             WHERE status = 'packing'
               AND (lease.name IS NULL OR lease.until <= ?1 OR lease.until > ?2)
             ORDER BY sequence LIMIT ?3",
        )?
        .query_map(params![now, furthest, most], task)?
        .collect()
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn finish(
    connection: &Connection,
    outbox: &Outbox,
    task: &Task,
    end: End,
    time: String,
) -> rusqlite::Result<bool> {
    let tracking = (end == End::Shipped).then(|| tracking(&task.id));
    let ended = connection
        .prepare_cached(
            "UPDATE task SET status = ?2, tracking = ?3 WHERE id = ?1 AND status = 'packing'",
        )?
        .execute(params![
            task.id,
            if tracking.is_some() {
                "shipped"
            } else {
                "failed"
            },
            tracking
        ])?;
    if ended == 0 {
        return Ok(false);
    }
    let (account_id, sku, quantity) = (task.account_id.clone(), task.sku.clone(), task.quantity);
    match (end, tracking) {
        (End::Failed(reason), _) => {
            let reason = reason.to_owned();
            let data = ShipmentFailed {
                account_id,
                sku,
                quantity,
                reason,
            };
            tell(connection, outbox, task, time, data)?;
        }
        (End::Shipped, tracking) => {
            let tracking = tracking.unwrap_or_default();
            let data = ItemShipped {
                account_id,
                sku,
                quantity,
                tracking,
            };
            tell(connection, outbox, task, time, data)?;
        }
    }
    Ok(true)
}

fn tell<K: Kind>(
    connection: &Connection,
    outbox: &Outbox,
    task: &Task,
    time: String,
    data: K,
) -> rusqlite::Result<()> {
    let event = Event {
        id: derived_id(&task.id, K::TYPE),
        time,
        entity: task.order_id.clone(),
        data,
    };
    outbox.announce(connection, &event, &task.trace)
}

/// The carrier's number for a task, the same however often it is asked.
fn tracking(task: &str) -> String {
    let id = derived_id(task, "tracking");
    let digits = id.chars().filter(char::is_ascii_hexdigit).take(12);
    let digits: String = digits.map(|digit| digit.to_ascii_uppercase()).collect();
    format!("SHOP{digits}")
}

fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        id: row.get("id")?,
        order_id: row.get("order_id")?,
        account_id: row.get("account_id")?,
        sku: row.get("sku")?,
        quantity: row.get("quantity")?,
        country: row.get("country")?,
        trace: TraceContext {
            traceparent: row.get("traceparent")?,
            baggage: row.get("baggage")?,
        },
    })
}

fn shipment(row: &Row<'_>) -> rusqlite::Result<Shipment> {
    Ok(Shipment {
        id: row.get("id")?,
        order_id: row.get("order_id")?,
        account_id: row.get("account_id")?,
        sku: row.get("sku")?,
        quantity: row.get("quantity")?,
        status: row.get("status")?,
        tracking: row.get("tracking")?,
    })
}
