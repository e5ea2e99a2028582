//! What other services hear of an order, as `contracts/events/` promises it: `ORDER_PLACED` when it
//! is paid and its units are its own, `ORDER_CANCELLED` when nothing is sold.

use rusqlite::Connection;
use shop::event::{Event, Kind, OrderCancelled, OrderPlaced};
use shop::outbox::Outbox;
use shop::trace_context::TraceContext;

use crate::order::{Fact, Order, Reason};

/// Writes what `fact` is to others into `outbox`, where it is anything; `order` is the order after
/// it, `time` when it happened.
pub(crate) fn write(
    connection: &Connection,
    outbox: &Outbox,
    (fact, order): (&Fact, &Order),
    trace: &TraceContext,
    time: &str,
) -> rusqlite::Result<()> {
    match fact {
        Fact::Confirmed {} => {
            let placed = event(placed(order), order, time);
            outbox.announce(connection, &placed, trace)
        }
        Fact::Cancelled { reason } => {
            let cancelled = event(cancelled(order, *reason), order, time);
            outbox.announce(connection, &cancelled, trace)
        }
        _ => Ok(()),
    }
}

fn event<K: Kind>(data: K, order: &Order, time: &str) -> Event<K> {
    Event {
        // Each is announced once for an order, so the id is the same however often it is sent.
        id: order.id.derived(K::TYPE),
        time: time.to_owned(),
        entity: order.id.to_string(),
        data,
    }
}

fn placed(order: &Order) -> OrderPlaced {
    OrderPlaced {
        account_id: order.account_id.to_string(),
        sku: order.sku.to_string(),
        name: order.name.clone(),
        quantity: order.quantity,
        total: order.total.clone(),
        address: Some(order.address.clone()),
    }
}

fn cancelled(order: &Order, reason: Reason) -> OrderCancelled {
    OrderCancelled {
        account_id: order.account_id.to_string(),
        sku: order.sku.to_string(),
        quantity: order.quantity,
        reason: reason.word().to_owned(),
    }
}
