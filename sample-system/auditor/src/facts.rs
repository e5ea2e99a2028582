//! What the sources say, each in its own words: the owners' lists, the topics, the client's log.
//! Nothing here is compared yet. Fields that are not asked for are ignored.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

/// Everything that was read, at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    /// What orders says of each order.
    pub(crate) orders: Vec<Order>,
    /// What payments says of each charge.
    pub(crate) charges: Vec<Charge>,
    /// What inventory did to what can be sold, oldest first.
    pub(crate) movements: Vec<Movement>,
    /// What inventory says can be sold now, by item.
    pub(crate) levels: BTreeMap<String, i64>,
    /// What inventory says of each reservation.
    pub(crate) reservations: Vec<Reservation>,
    /// What shipping says of each task.
    pub(crate) shipments: Vec<Shipment>,
    /// What the mailbox kept.
    pub(crate) mails: Vec<Mail>,
    /// What was told on the topics, each event once, those of one key in their order.
    pub(crate) events: Vec<Told>,
    /// What the client says that it sent, where it kept a log.
    pub(crate) sent: Option<Vec<Sent>>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) account_id: String,
    pub(crate) key: String,
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) total: Option<Sum>,
    pub(crate) status: OrderStatus,
    pub(crate) reason: Option<String>,
    pub(crate) placed: DateTime<Utc>,
    pub(crate) ended: Option<DateTime<Utc>>,
}

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderStatus {
    /// Under way.
    Pending,
    /// Paid.
    Confirmed,
    /// Paid and gone.
    Shipped,
    /// Ended with nothing sold.
    Cancelled,
}

impl Order {
    /// Whether orders counts it as paid.
    pub(crate) fn is_paid(&self) -> bool {
        matches!(self.status, OrderStatus::Confirmed | OrderStatus::Shipped)
    }

    /// Whether it ended with nothing sold.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.status == OrderStatus::Cancelled
    }

    /// Whether it was paid at any time: also one that could not be shipped.
    pub(crate) fn was_placed(&self) -> bool {
        self.is_paid() || self.failed_in_shipping()
    }

    /// Whether it ended because it could not be shipped.
    pub(crate) fn failed_in_shipping(&self) -> bool {
        self.is_cancelled() && self.reason.as_deref() == Some("shipment_failed")
    }

    /// Whether nothing more happens to it.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.status, OrderStatus::Shipped | OrderStatus::Cancelled)
    }

    /// How it stands, in one word.
    pub(crate) fn word(&self) -> &'static str {
        match self.status {
            OrderStatus::Pending => "pending",
            OrderStatus::Confirmed => "confirmed",
            OrderStatus::Shipped => "shipped",
            OrderStatus::Cancelled => "cancelled",
        }
    }
}

/// Money in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Sum {
    pub(crate) amount: i64,
    pub(crate) currency: String,
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) order_id: Option<String>,
    pub(crate) account_id: Option<String>,
    pub(crate) status: ChargeStatus,
    #[serde(flatten)]
    pub(crate) sum: Option<Sum>,
}

/// How a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChargeStatus {
    /// The money was taken.
    Charged,
    /// The card was not good for it.
    Declined,
    /// It was taken and given back.
    Refunded,
    /// It is never taken.
    Refused,
}

/// A change of what can be sold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Movement {
    pub(crate) sku: String,
    pub(crate) change: i64,
    pub(crate) available: i64,
    pub(crate) order_id: Option<String>,
}

/// Units put aside for an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) order_id: String,
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) status: ReservationStatus,
}

/// How a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReservationStatus {
    /// Put aside.
    Reserved,
    /// Sold.
    Committed,
    /// Given back.
    Released,
    /// Given back because nobody took it in time.
    Expired,
    /// Sold and back.
    Returned,
}

/// A pick-and-pack task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Shipment {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) status: ShipmentStatus,
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ShipmentStatus {
    /// Under way.
    Packing,
    /// Gone.
    Shipped,
    /// It never goes.
    Failed,
    /// The order was cancelled first.
    Dropped,
}

/// A mail that the mailbox kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Mail {
    pub(crate) message_id: String,
    pub(crate) order_id: Option<String>,
    pub(crate) kind: Option<String>,
}

/// An event on a topic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// Its type, like `ORDER_PLACED`.
    pub(crate) kind: String,
    /// The id of what it is about.
    pub(crate) about: String,
    /// Its data.
    pub(crate) data: Value,
}

/// A key that a client sent, and what it was answered where it was.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Sent {
    pub(crate) account_id: String,
    pub(crate) key: String,
    pub(crate) order_id: Option<String>,
}

impl Facts {
    /// Whether nothing more is to be expected: no order is under way that still has time to end.
    pub(crate) fn at_rest(&self, now: DateTime<Utc>, within: Duration) -> bool {
        let late = |order: &Order| (now - order.placed).to_std().unwrap_or_default() > within;
        self.orders
            .iter()
            .all(|order| order.has_ended() || late(order))
    }
}
