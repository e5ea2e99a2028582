//! Pick-and-pack tasks, as rows: what may happen to one, each a statement or two within the
//! transaction of its caller.
//!
//! A task is `packing` until it ends, once and for ever: as `shipped`, `failed` or `dropped`.
//! Whoever ends it names the state that it believes in, so a packer that slept through its lease
//! changes nothing.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use shop::event::{Event, ItemShipped, Kind, OrderPlaced, ShipmentFailed, derived_id};
use shop::lease;
use shop::outbox::Outbox;
use shop::trace_context::TraceContext;
use uuid::Uuid;

/// The tables of tasks, and of orders that were cancelled before they came.
pub(crate) const SCHEMA: &str = "
CREATE TABLE task (
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
CREATE TABLE cancelled (order_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// A task that somebody is to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: String,
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

/// The lease of whoever works on it.
pub(crate) fn lease_of(task: &str) -> String {
    format!("task {task}")
}

/// Makes the task of an order; one that was cancelled before is dropped at once. With `doubling`
/// an order that comes again gets a task again.
pub(crate) fn make(
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

/// Drops the task of an order unless it ended, also one that is only to come.
pub(crate) fn drop_tasks(connection: &Connection, order_id: &str) -> rusqlite::Result<()> {
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
pub(crate) fn free(connection: &Connection, now: i64, most: u32) -> rusqlite::Result<Vec<Task>> {
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

/// Ends the task and tells of it, unless it ended already; answers whether it did.
pub(crate) fn finish(
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

/// As callers see it.
pub(crate) fn shipment(row: &Row<'_>) -> rusqlite::Result<Shipment> {
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
