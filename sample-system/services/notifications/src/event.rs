//! What is read from the topics `orders`, `shipping` and `accounts`: `contracts/events/*.schema.json`.
//!
//! A type that nobody is told of is none of this service's business; one that it knows but cannot
//! read is refused with a reason.

use std::fmt;

use shop::consume::Failure;
use shop::event::{
    AccountChanged, Entity, Envelope, ItemShipped, OrderCancelled, OrderPlaced, Unreadable,
};

/// An event that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Identifies the event, the same in each repeat.
    pub(crate) id: String,
    /// What happened.
    pub(crate) happened: Happened,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    /// An account was made or changed.
    Account {
        /// The account.
        id: String,
        /// What it is now.
        now: AccountChanged,
    },
    /// Something that the customer of an order hears of.
    Order {
        /// The order.
        order_id: OrderId,
        /// What became of it.
        news: News,
    },
}

/// What customers hear of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// It was paid.
    Placed(OrderPlaced),
    /// It left the warehouse.
    Shipped(ItemShipped),
    /// It ended without a sale, or its goods could not be brought.
    Cancelled(OrderCancelled),
}

impl News {
    /// The account whose order it is.
    pub(crate) fn account_id(&self) -> &str {
        match self {
            Self::Placed(placed) => &placed.account_id,
            Self::Shipped(shipped) => &shipped.account_id,
            Self::Cancelled(cancelled) => &cancelled.account_id,
        }
    }
}

/// An order's id, fit to stand in a header: letters, digits, dashes and underscores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderId(String);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an event cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{0:?} is no id: it has 1 to 100 letters, digits, dashes and underscores")]
    Id(String),
    #[error("an event without an id cannot be told from its repeat")]
    NoId,
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Unreadable(why) => Self::Unreadable(why),
            why @ (EventError::Id(_) | EventError::NoId) => Self::staying(why),
        }
    }
}

impl Event {
    /// Reads `payload`; `None` when it is an event that nobody is told of.
    pub(crate) fn read(payload: &[u8]) -> Result<Option<Self>, EventError> {
        let envelope = Envelope::open(payload)?;
        let happened = if envelope.is::<AccountChanged>() {
            Happened::Account {
                id: id(envelope.entity(Entity::Account)?)?,
                now: envelope.data()?,
            }
        } else {
            let news = if envelope.is::<OrderPlaced>() {
                News::Placed(envelope.data()?)
            } else if envelope.is::<ItemShipped>() {
                News::Shipped(envelope.data()?)
            } else if envelope.is::<OrderCancelled>() {
                News::Cancelled(envelope.data()?)
            } else {
                return Ok(None);
            };
            id(news.account_id())?;
            let order_id = OrderId(id(envelope.entity(Entity::Order)?)?);
            Happened::Order { order_id, news }
        };
        if envelope.id.is_empty() {
            return Err(EventError::NoId);
        }
        let id = envelope.id;
        Ok(Some(Self { id, happened }))
    }
}

fn id(text: &str) -> Result<String, EventError> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    if (1..=100).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(EventError::Id(text.to_owned()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(id: &str, kind: &str, entity: (&str, &str), data: &Value) -> Value {
        json!({
            "id": id, "type": kind, "version": 1, "time": "2026-11-21T01:02:03.004Z",
            entity.0: entity.1, "data": data
        })
    }

    /// An `ORDER_PLACED` as orders publishes it.
    pub(crate) fn placed(id: &str, order: &str, account: &str) -> Value {
        let data = json!({
            "account_id": account, "sku": "4521", "name": "Lamp", "quantity": 2,
            "total": {"amount": 9998, "currency": "USD"},
            "address": {
                "name": "Ann", "street": "1 Main St", "postal_code": "10001",
                "city": "New York", "country": "US"
            }
        });
        event(id, "ORDER_PLACED", ("order_id", order), &data)
    }

    /// An `ITEM_SHIPPED` as shipping publishes it.
    pub(crate) fn shipped(id: &str, order: &str, account: &str) -> Value {
        let data = json!({
            "account_id": account, "sku": "4521", "quantity": 2, "tracking": "T-1"
        });
        event(id, "ITEM_SHIPPED", ("order_id", order), &data)
    }

    /// An `ORDER_CANCELLED` as orders publishes it.
    pub(crate) fn cancelled(id: &str, order: &str, account: &str, reason: &str) -> Value {
        let data = json!({
            "account_id": account, "sku": "4521", "quantity": 2, "reason": reason
        });
        event(id, "ORDER_CANCELLED", ("order_id", order), &data)
    }

    /// An `ACCOUNT_CHANGED` as auth publishes it.
    pub(crate) fn account(id: &str, account: &str, email: &str, revision: i64) -> Value {
        let data = json!({
            "email": email, "name": "Ann", "role": "customer", "revision": revision
        });
        event(id, "ACCOUNT_CHANGED", ("account_id", account), &data)
    }

    fn read(event: &Value) -> Result<Option<Event>, EventError> {
        Event::read(event.to_string().as_bytes())
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut event = placed("e-1", "o-1", "a-1");
        *event.pointer_mut(pointer).unwrap() = value;
        event
    }

    #[test]
    fn each_event_that_the_contracts_promise_is_read() {
        for event in [
            placed("e-1", "o-1", "a-1"),
            shipped("e-2", "o-1", "a-1"),
            cancelled("e-3", "o-1", "a-1", "payment_declined"),
        ] {
            let Happened::Order { order_id, news } = read(&event).unwrap().unwrap().happened else {
                panic!("{event} is of an order");
            };
            assert_eq!((order_id.0.as_str(), news.account_id()), ("o-1", "a-1"));
        }
        let read = read(&account("e-4", "a-1", "ann@example.org", 3)).unwrap();
        let Happened::Account { id, now } = read.unwrap().happened else {
            panic!("it is of an account");
        };
        let now = (now.email.as_str(), now.revision);
        assert_eq!((id.as_str(), now), ("a-1", ("ann@example.org", 3)));
    }

    #[test]
    fn what_a_publisher_adds_does_not_disturb_nor_does_a_newer_version() {
        let mut event = placed("e-1", "o-1", "a-1");
        event["version"] = json!(7);
        event["data"]["colour"] = json!("red");
        event["shop"] = json!(1);
        assert!(read(&event).unwrap().is_some());
    }

    #[test]
    fn an_event_of_another_type_is_nobodys_business_here() {
        let event = with("/type", json!("SHIPMENT_FAILED"));
        assert_eq!(read(&event).unwrap(), None);
    }

    #[test]
    fn an_event_that_cannot_be_read_says_why() {
        for (event, why) in [
            (json!([]), "no event"),
            (with("/data/total/amount", json!(-1)), "below zero"),
            (with("/data/name", json!(null)), "ORDER_PLACED"),
            (with("/data/account_id", json!("")), "no id"),
            (
                with("/order_id", json!("a\r\nBcc: eve@example.org")),
                "no id",
            ),
            (with("/id", json!("")), "without an id"),
        ] {
            let told = read(&event).unwrap_err().to_string();
            assert!(told.contains(why), "{told:?} does not say {why:?}");
        }
    }
}
