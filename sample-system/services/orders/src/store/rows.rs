//! Orders, events and sagas as rows. A row that cannot be read is an error that names its column,
//! never a default.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shop::money::Money;
use shop::sku::Sku;
use shop::trace_context::TraceContext;

use super::Saga;
use crate::order::{Event, Fact, Order, OrderId};
use crate::saga::Step;

/// A stored text that is not what its column holds.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not what this column holds")]
struct Unreadable(String);

/// Appends `fact` to the history of the order `id`.
pub(super) fn append(
    connection: &Connection,
    id: OrderId,
    fact: &Fact,
    trace: &TraceContext,
    time: &str,
) -> rusqlite::Result<()> {
    let fact = written(fact)?;
    connection
        .prepare_cached(
            "INSERT INTO event (order_id, sequence, fact, time, traceparent, baggage)
             SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4, ?5
             FROM event WHERE order_id = ?1",
        )?
        .execute(params![
            id.to_string(),
            fact,
            time,
            trace.traceparent,
            trace.baggage
        ])
        .map(drop)
}

/// Stores how `order` looks now.
pub(super) fn put_order(connection: &Connection, order: &Order) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO order_view
                 (id, status, reason, sku, name, quantity, amount, currency, email)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason = excluded.reason",
        )?
        .execute(params![
            order.id.to_string(),
            written(&order.status)?,
            order.reason.as_ref().map(written).transpose()?,
            order.sku.as_str(),
            order.name,
            order.quantity,
            order.total.amount(),
            order.total.currency(),
            order.email,
        ])
        .map(drop)
}

const ORDER: &str = "id, status, reason, sku, name, quantity, amount, currency, email";

/// The order `id`, as it looks now.
pub(super) fn order(connection: &Connection, id: OrderId) -> rusqlite::Result<Option<Order>> {
    connection
        .prepare_cached(&format!("SELECT {ORDER} FROM order_view WHERE id = ?1"))?
        .query_row([id.to_string()], read_order)
        .optional()
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

/// Every saga that is not at its end.
pub(super) fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<Saga>> {
    connection
        .prepare_cached(&format!(
            "SELECT {ORDER}, step, traceparent, baggage
             FROM saga JOIN order_view ON id = order_id WHERE step IS NOT NULL"
        ))?
        .query_map([], |row| {
            let step: String = row.get(9)?;
            let step = Step::named(&step).ok_or_else(|| unreadable(9, step))?;
            let trace = TraceContext {
                traceparent: row.get(10)?,
                baggage: row.get(11)?,
            };
            Ok(Saga {
                order: read_order(row)?,
                step,
                trace,
            })
        })?
        .collect()
}

/// The order's id in the column `index`.
pub(super) fn order_id(row: &Row<'_>, index: usize) -> rusqlite::Result<OrderId> {
    let text: String = row.get(index)?;
    OrderId::parse(&text).ok_or_else(|| unreadable(index, text))
}

fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let sku: String = row.get(3)?;
    let currency: String = row.get(7)?;
    let reason = row.get_ref(2)? != rusqlite::types::ValueRef::Null;
    Ok(Order {
        id: order_id(row, 0)?,
        status: read(row, 1)?,
        reason: reason.then(|| read(row, 2)).transpose()?,
        sku: Sku::try_from(sku.clone()).map_err(|_| unreadable(3, sku))?,
        name: row.get(4)?,
        quantity: row.get(5)?,
        total: Money::new(row.get(6)?, currency.clone()).map_err(|_| unreadable(7, currency))?,
        email: row.get(8)?,
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
