//! What other services hear of an order, as `contracts/events/` promises it: `ORDER_PLACED` when it
//! is paid, `ORDER_CANCELLED` when it is not going to be.

use serde_json::{Value, json};
use shop::outbox::Message;
use shop::trace_context::TraceContext;

use crate::order::{Fact, Order};

/// The topic of everything that is announced.
const TOPIC: &str = "orders";

/// What `fact` is to others, where it is anything; `order` is the order after it, `time` when it
/// happened.
pub(crate) fn of(fact: &Fact, order: &Order, trace: &TraceContext, time: &str) -> Option<Message> {
    let Order {
        sku,
        name,
        quantity,
        total,
        email,
        ..
    } = order;
    let (kind, data) = match fact {
        Fact::Confirmed {} => (
            "ORDER_PLACED",
            json!({"sku": sku, "name": name, "quantity": quantity, "total": total, "email": email}),
        ),
        Fact::Cancelled { reason } => (
            "ORDER_CANCELLED",
            json!({"sku": sku, "quantity": quantity, "email": email, "reason": reason}),
        ),
        _ => return None,
    };
    Some(message(kind, &data, order, trace, time))
}

fn message(kind: &str, data: &Value, order: &Order, trace: &TraceContext, time: &str) -> Message {
    let payload = json!({
        // Each is announced once for an order, so the id is the same however often it is sent.
        "id": order.id.derived(kind),
        "type": kind,
        "version": 1,
        "time": time,
        "order_id": order.id,
        "data": data,
    });
    Message {
        topic: TOPIC.to_owned(),
        key: order.id.to_string(),
        payload: payload.to_string(),
        trace: trace.clone(),
    }
}
