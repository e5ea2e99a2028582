//! What is read from the topic `orders`: `contracts/events/*.schema.json`.
//!
//! A reader takes what it needs and ignores the rest, so a publisher may add. A type that it does
//! not know is none of its business; one that it knows but cannot read is refused with a reason.

use std::fmt;

use serde::Deserialize;
use shop::money::Money;

/// The version of the events that this reader reads.
const VERSION: u64 = 1;

/// An event that customers hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Identifies the event, the same in each repeat.
    pub(crate) id: String,
    /// The order that it is about.
    pub(crate) order_id: OrderId,
    /// What happened.
    pub(crate) happened: Happened,
}

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was paid.
    Placed(Placed),
    /// It ended without a sale.
    Cancelled(Cancelled),
}

/// The data of `ORDER_PLACED`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Placed {
    pub(crate) name: String,
    pub(crate) quantity: u32,
    pub(crate) total: Money,
    pub(crate) email: String,
}

/// The data of `ORDER_CANCELLED`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Cancelled {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) email: String,
    pub(crate) reason: String,
}

/// An order's id, fit to stand in a header: letters, digits, dashes and underscores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderId(String);

impl OrderId {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an event cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    #[error("no event: {0}")]
    Envelope(serde_json::Error),
    #[error("{kind} of version {found}, this reader reads version {VERSION}")]
    Version { kind: String, found: u64 },
    #[error("the data of {kind} is not as agreed: {source}")]
    Data {
        kind: String,
        source: serde_json::Error,
    },
    #[error("{0:?} is no order's id: it has letters, digits, dashes and underscores")]
    OrderId(String),
    #[error("an event without an id cannot be told from its repeat")]
    NoId,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    version: u64,
    order_id: String,
    data: serde_json::Value,
}

impl Event {
    /// Reads an event; `None` where its type is none that customers hear of.
    pub(crate) fn read(payload: &[u8]) -> Result<Option<Self>, EventError> {
        let envelope: Envelope = serde_json::from_slice(payload).map_err(EventError::Envelope)?;
        let read: fn(serde_json::Value) -> serde_json::Result<Happened> =
            match envelope.kind.as_str() {
                "ORDER_PLACED" => |data| serde_json::from_value(data).map(Happened::Placed),
                "ORDER_CANCELLED" => |data| serde_json::from_value(data).map(Happened::Cancelled),
                _ => return Ok(None),
            };
        let kind = envelope.kind;
        if envelope.version != VERSION {
            let found = envelope.version;
            return Err(EventError::Version { kind, found });
        }
        if envelope.id.is_empty() {
            return Err(EventError::NoId);
        }
        Ok(Some(Self {
            id: envelope.id,
            order_id: order_id(envelope.order_id)?,
            happened: read(envelope.data).map_err(|source| EventError::Data { kind, source })?,
        }))
    }
}

fn order_id(text: String) -> Result<OrderId, EventError> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    if (1..=100).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(OrderId(text))
    } else {
        Err(EventError::OrderId(text))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// An `ORDER_PLACED` as orders publishes it.
    pub(crate) fn placed(id: &str, order: &str, email: &str) -> Value {
        json!({
            "id": id, "type": "ORDER_PLACED", "version": 1,
            "time": "2026-11-21T01:02:03.004Z", "order_id": order,
            "data": {
                "sku": "4521", "name": "Lamp", "quantity": 2,
                "total": {"amount": 9998, "currency": "USD"}, "email": email
            }
        })
    }

    fn read(event: &Value) -> Result<Option<Event>, EventError> {
        Event::read(event.to_string().as_bytes())
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut event = placed("e-1", "o-1", "ann@example.org");
        *event.pointer_mut(pointer).unwrap() = value;
        event
    }

    #[test]
    fn the_examples_that_the_contract_allows_are_read() {
        let event = read(&placed("e-1", "o-1", "ann@example.org")).unwrap();
        assert!(matches!(event.unwrap().happened, Happened::Placed(_)));
        let cancelled = json!({
            "id": "e-2", "type": "ORDER_CANCELLED", "version": 1,
            "time": "2026-11-21T01:02:03.004Z", "order_id": "o-1",
            "data": {"sku": "4521", "quantity": 2, "email": "ann@example.org",
                     "reason": "payment_declined"}
        });
        let event = read(&cancelled).unwrap().unwrap();
        assert!(matches!(event.happened, Happened::Cancelled(_)));
    }

    #[test]
    fn what_a_publisher_adds_does_not_disturb() {
        let mut event = placed("e-1", "o-1", "ann@example.org");
        event["data"]["colour"] = json!("red");
        event["shop"] = json!(1);
        assert!(read(&event).unwrap().is_some());
    }

    #[test]
    fn an_event_of_another_type_is_nobodys_business_here_whatever_its_version() {
        let mut event = with("/type", json!("STOCK_CHANGED"));
        event["version"] = json!(7);
        assert_eq!(read(&event).unwrap(), None);
    }

    #[test]
    fn an_event_that_cannot_be_read_says_why() {
        for (event, why) in [
            (json!([]), "no event"),
            (with("/version", json!(2)), "version 2"),
            (with("/data/total/amount", json!(-1)), "below zero"),
            (with("/data/email", json!(null)), "ORDER_PLACED"),
            (
                with("/order_id", json!("a\r\nBcc: eve@example.org")),
                "no order's id",
            ),
            (with("/id", json!("")), "without an id"),
        ] {
            let told = read(&event).unwrap_err().to_string();
            assert!(told.contains(why), "{told:?} does not say {why:?}");
        }
    }

    #[test]
    fn the_contracts_name_what_is_read_here() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../contracts/events");
        for (name, needed) in [
            ("ORDER_PLACED", vec!["name", "quantity", "total", "email"]),
            (
                "ORDER_CANCELLED",
                vec!["sku", "quantity", "email", "reason"],
            ),
        ] {
            let text = std::fs::read(format!("{folder}/{name}.schema.json")).unwrap();
            let schema: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(schema["properties"]["type"]["const"], name);
            assert_eq!(schema["properties"]["version"]["const"], VERSION);
            let promised = schema["properties"]["data"]["required"].as_array().unwrap();
            for field in needed {
                assert!(
                    promised.contains(&json!(field)),
                    "{name} does not promise {field}"
                );
            }
        }
    }
}
