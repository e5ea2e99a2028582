//! Orders, events and sagas as rows. A row that cannot be read is an error that names its column,
//! never a default.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shop::lease;
use shop::money::Money;
use shop::sku::Sku;
use shop::trace_context::TraceContext;
use uuid::Uuid;

use super::{Audited, Saga};
use crate::order::{Event, Fact, Order, OrderId};
use crate::saga::Step;

/// A stored text that is not what its column holds.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not what this column holds")]
struct Unreadable(String);

/// Appends `fact` to the history of the order `id`; answers its position among all events.
pub(super) fn append(
    connection: &Connection,
    id: OrderId,
    fact: &Fact,
    trace: &TraceContext,
    time: &str,
) -> rusqlite::Result<i64> {
    let fact = written(fact)?;
    connection
        .prepare_cached(
            "INSERT INTO event (order_id, sequence, fact, time, traceparent, baggage)
             SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4, ?5
             FROM event WHERE order_id = ?1",
        )?
        .insert(params![
            id.to_string(),
            fact,
            time,
            trace.traceparent,
            trace.baggage
        ])
}

/// Stores how a new `order` looks; `sequence` is the position of its first event.
pub(super) fn new_order(
    connection: &Connection,
    sequence: i64,
    order: &Order,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO order_view
                 (sequence, id, account_id, key, status, reason, sku, name, quantity, amount,
                  currency, address, placed, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            sequence,
            order.id.to_string(),
            order.account_id.to_string(),
            order.key,
            written(&order.status)?,
            order.reason.as_ref().map(written).transpose()?,
            order.sku.as_str(),
            order.name,
            order.quantity,
            order.total.amount(),
            order.total.currency(),
            written(&order.address)?,
            order.placed,
            order.ended,
        ])
        .map(drop)
}

/// Stores how `order` looks now, of which only this changes.
pub(super) fn put_order(connection: &Connection, order: &Order) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE order_view SET status = ?2, reason = ?3, ended = ?4 WHERE id = ?1")?
        .execute(params![
            order.id.to_string(),
            written(&order.status)?,
            order.reason.as_ref().map(written).transpose()?,
            order.ended,
        ])
        .map(drop)
}

const ORDER: &str = "id, account_id, key, status, reason, sku, name, quantity, amount, currency, \
                     address, placed, ended";

/// How many columns [`ORDER`] has: where the next one is found.
const WIDTH: usize = 13;

/// The order `id`, as it looks now.
pub(super) fn order(connection: &Connection, id: OrderId) -> rusqlite::Result<Option<Order>> {
    connection
        .prepare_cached(&format!("SELECT {ORDER} FROM order_view WHERE id = ?1"))?
        .query_row([id.to_string()], read_order)
        .optional()
}

/// The newest orders of `account`, the newest first.
pub(super) fn orders_of(
    connection: &Connection,
    account: Uuid,
    limit: u32,
) -> rusqlite::Result<Vec<Order>> {
    connection
        .prepare_cached(&format!(
            "SELECT {ORDER} FROM order_view WHERE account_id = ?1
             ORDER BY sequence DESC LIMIT ?2"
        ))?
        .query_map(params![account.to_string(), limit], read_order)?
        .collect()
}

/// Orders from behind the sequence `after` on.
pub(super) fn audited(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<Audited>> {
    connection
        .prepare_cached(&format!(
            "SELECT {ORDER}, sequence FROM order_view WHERE sequence > ?1
             ORDER BY sequence LIMIT ?2"
        ))?
        .query_map(params![after, limit], |row| {
            Ok(Audited {
                sequence: row.get(WIDTH)?,
                order: read_order(row)?,
            })
        })?
        .collect()
}

/// The history of the order `id`.
pub(super) fn events(connection: &Connection, id: OrderId) -> rusqlite::Result<Vec<Event>> {
    connection
        .prepare_cached(
            "SELECT sequence, fact, time, traceparent, baggage FROM event
             WHERE order_id = ?1 ORDER BY sequence",
        )?
        .query_map([id.to_string()], |row| {
            Ok(Event {
                sequence: row.get(0)?,
                fact: read(row, 1)?,
                time: row.get(2)?,
                trace: TraceContext {
                    traceparent: row.get(3)?,
                    baggage: row.get(4)?,
                },
            })
        })?
        .collect()
}

/// Makes the read model anew from the events of `most` orders, those that were taken next after the
/// one whose first event is at `after`; answers the position of the last of them and how many they
/// are. Behind the last order nothing is left that has no events.
pub(super) fn rebuild(
    connection: &Connection,
    after: i64,
    most: usize,
) -> rusqlite::Result<Option<(i64, usize)>> {
    let first: Vec<(OrderId, i64)> = connection
        .prepare_cached(
            "SELECT order_id, position FROM event WHERE sequence = 1 AND position > ?1
             ORDER BY position LIMIT ?2",
        )?
        .query_map(
            params![after, i64::try_from(most).unwrap_or(i64::MAX)],
            |row| Ok((order_id(row, 0)?, row.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    let last = first.last().map(|(_, position)| *position);
    connection
        .prepare_cached("DELETE FROM order_view WHERE sequence > ?1 AND sequence <= ?2")?
        .execute(params![after, last.unwrap_or(i64::MAX)])?;
    for (id, position) in &first {
        let order = Order::told_by(*id, &events(connection, *id)?)
            .ok_or_else(|| unreadable(0, format!("the events of {id}")))?;
        // Wherever it stood, it stands at its first event.
        connection
            .prepare_cached("DELETE FROM order_view WHERE id = ?1")?
            .execute([id.to_string()])?;
        new_order(connection, *position, &order)?;
    }
    Ok(last.map(|last| (last, first.len())))
}

/// Whether `step` is what comes next in the saga of the order `id`.
pub(super) fn is_next(connection: &Connection, id: OrderId, step: Step) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM saga WHERE order_id = ?1 AND step = ?2")?
        .exists(params![id.to_string(), step.name()])
}

/// Stores what comes next in the saga of the order `id`.
pub(super) fn put_step(
    connection: &Connection,
    id: OrderId,
    step: Option<Step>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE saga SET step = ?2, failures = 0, next_try = 0 WHERE order_id = ?1",
        )?
        .execute(params![id.to_string(), step.map(Step::name)])
        .map(drop)
}

/// Stores how often the peer failed at `step` of the order `id`, and when it is tried again.
pub(super) fn put_off(
    connection: &Connection,
    id: OrderId,
    step: Step,
    (failures, next_try): (u32, i64),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE saga SET failures = ?3, next_try = ?4 WHERE order_id = ?1 AND step = ?2",
        )?
        .execute(params![id.to_string(), step.name(), failures, next_try])
        .map(drop)
}

/// Sagas that are not at their end and for which nobody holds a lease at `now`.
pub(super) fn unled(connection: &Connection, now: i64, most: usize) -> rusqlite::Result<Vec<Saga>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    // A wrong clock wrote such an end: claiming takes it for free too.
    let no_lease_lasts = i64::try_from(2 * lease::LASTS.as_millis()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(&format!(
            "SELECT {ORDER}, step, traceparent, baggage, failures, next_try
             FROM saga JOIN order_view ON id = order_id
             LEFT JOIN (SELECT name AS led, until FROM lease) ON led = 'saga/' || order_id
             WHERE step IS NOT NULL
                 AND (until IS NULL OR until <= ?1 OR until - ?1 > ?2) LIMIT ?3"
        ))?
        .query_map([now, no_lease_lasts, most], |row| {
            let step: String = row.get(WIDTH)?;
            let step = Step::named(&step).ok_or_else(|| unreadable(WIDTH, step))?;
            let trace = TraceContext {
                traceparent: row.get(WIDTH + 1)?,
                baggage: row.get(WIDTH + 2)?,
            };
            Ok(Saga {
                order: read_order(row)?,
                step,
                trace,
                failures: row.get(WIDTH + 3)?,
                next_try: row.get(WIDTH + 4)?,
            })
        })?
        .collect()
}

/// The order's id in the column `index`.
fn order_id(row: &Row<'_>, index: usize) -> rusqlite::Result<OrderId> {
    let text: String = row.get(index)?;
    OrderId::parse(&text).ok_or_else(|| unreadable(index, text))
}

fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let account: String = row.get(1)?;
    let sku: String = row.get(5)?;
    let currency: String = row.get(9)?;
    let reason = row.get_ref(4)? != rusqlite::types::ValueRef::Null;
    Ok(Order {
        id: order_id(row, 0)?,
        account_id: account.parse().map_err(|_| unreadable(1, account))?,
        key: row.get(2)?,
        status: read(row, 3)?,
        reason: reason.then(|| read(row, 4)).transpose()?,
        sku: Sku::try_from(sku.clone()).map_err(|_| unreadable(5, sku))?,
        name: row.get(6)?,
        quantity: row.get(7)?,
        total: Money::new(row.get(8)?, currency.clone()).map_err(|_| unreadable(9, currency))?,
        address: read(row, 10)?,
        placed: row.get(11)?,
        ended: row.get(12)?,
    })
}

/// `value` as the JSON text that is stored.
fn written(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The value whose JSON text is in the column `index`.
fn read<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|_| unreadable(index, text))
}

fn unreadable(index: usize, text: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(Unreadable(text)))
}
