//! An order as its events tell it: the facts that can happen to one, and what it looks like after
//! them. Pure: no clock, no store, no call.

use serde::{Deserialize, Serialize};
use shop::event::Address;
use shop::money::Money;
use shop::sku::Sku;
use shop::trace_context::TraceContext;
use uuid::Uuid;

/// The root of all ids that this service derives, made once for it.
const NAMESPACE: Uuid = Uuid::from_u128(0x5d7a_9e35_6f0b_4c41_8a5e_2b9d_13c7_e046);

/// The id of an order. It follows from the account and the idempotency key of its request, and from
/// it follow the ids of its charge and of its announcements: whoever repeats a step says the same
/// ids again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OrderId(Uuid);

impl OrderId {
    /// The order of the request that `account` sent with this idempotency key.
    pub(crate) fn of(account: Uuid, key: &str) -> Self {
        Self(Uuid::new_v5(
            &NAMESPACE,
            format!("{account} {key}").as_bytes(),
        ))
    }

    /// The id that `text` spells.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The id of its one charge, also that charge's idempotency key.
    pub(crate) fn charge_id(self) -> String {
        self.derived("charge")
    }

    /// The id of something named `what` that exists once for this order.
    pub(crate) fn derived(self, what: &str) -> String {
        Uuid::new_v5(&self.0, what.as_bytes()).to_string()
    }
}

impl std::fmt::Display for OrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// There were fewer units than ordered.
    OutOfStock,
    /// Inventory did not answer.
    StockUnavailable,
    /// The card was declined.
    PaymentDeclined,
    /// Payments gave no answer in time.
    PaymentTimeout,
    /// Payments did not answer as agreed, or the card was no longer at hand after a restart.
    PaymentUnavailable,
    /// A refund of this very charge came first.
    ChargeRefused,
    /// The units were not held any more when they were to leave.
    ReservationExpired,
    /// It could not be shipped.
    ShipmentFailed,
}

impl Reason {
    /// The word for it in events, the same as in answers.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::StockUnavailable => "stock_unavailable",
            Self::PaymentDeclined => "payment_declined",
            Self::PaymentTimeout => "payment_timeout",
            Self::PaymentUnavailable => "payment_unavailable",
            Self::ChargeRefused => "charge_refused",
            Self::ReservationExpired => "reservation_expired",
            Self::ShipmentFailed => "shipment_failed",
        }
    }
}

/// Something that happened to an order. Stored by its `type` and `data`; a name that was stored
/// once is never given another meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum Fact {
    /// A customer ordered.
    OrderReceived {
        account_id: Uuid,
        key: String,
        sku: Sku,
        quantity: u32,
        address: Address,
        card_last_four: String,
    },
    /// Catalog said name and price.
    Priced {
        name: String,
        price: Money,
        total: Money,
    },
    /// Inventory took the units aside.
    StockReserved {},
    /// Inventory did not; `maybe_held` when it could have done so all the same.
    StockRefused { reason: Reason, maybe_held: bool },
    /// Payments took the money.
    Charged { charge_id: String },
    /// Payments did not; `maybe_taken` when it could have done so all the same.
    ChargeFailed { reason: Reason, maybe_taken: bool },
    /// Inventory let the units leave for good.
    StockCommitted {},
    /// Inventory did not: it held them no more.
    CommitRefused { reason: Reason },
    /// The order is paid and its units are its own; it is announced.
    Confirmed {},
    /// Payments gave the money back, or will refuse the charge should it come.
    RefundRequested { charge_id: String },
    /// Inventory has the units back, or will refuse the reservation should it come.
    StockReleased {},
    /// The order is cancelled; that is announced.
    Cancelled { reason: Reason },
    /// Shipping sent it off.
    Shipped { tracking: String },
    /// Shipping never will; what it says of the cause.
    ShipmentFailed { cause: String },
}

/// Where an order stands, as its customer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Its saga is under way.
    Pending,
    /// It is paid.
    Confirmed,
    /// It is on its way.
    Shipped,
    /// Nothing is sold; what was paid is given back.
    Cancelled,
}

/// A fact with its place in the order's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Event {
    /// 1 for the first.
    pub(crate) sequence: u32,
    /// What happened.
    #[serde(flatten)]
    pub(crate) fact: Fact,
    /// When, RFC 3339.
    pub(crate) time: String,
    /// The trace of the request that caused it.
    #[serde(flatten)]
    pub(crate) trace: TraceContext,
}

/// An order, after all its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    /// Whose it is.
    pub(crate) account_id: Uuid,
    /// The idempotency key of its request.
    pub(crate) key: String,
    pub(crate) status: Status,
    /// Set with the failure that will cancel it.
    pub(crate) reason: Option<Reason>,
    pub(crate) sku: Sku,
    pub(crate) name: String,
    pub(crate) quantity: u32,
    pub(crate) total: Money,
    pub(crate) address: Address,
    /// When it was taken.
    pub(crate) placed: String,
    /// When it was shipped or cancelled.
    pub(crate) ended: Option<String>,
}

impl Order {
    /// The order that begins with being received at that time, and priced.
    pub(crate) fn begun(id: OrderId, received: &Fact, priced: &Fact, time: &str) -> Option<Self> {
        let Fact::OrderReceived {
            account_id,
            key,
            sku,
            quantity,
            address,
            ..
        } = received
        else {
            return None;
        };
        let Fact::Priced { name, total, .. } = priced else {
            return None;
        };
        Some(Self {
            id,
            account_id: *account_id,
            key: key.clone(),
            status: Status::Pending,
            reason: None,
            sku: sku.clone(),
            name: name.clone(),
            quantity: *quantity,
            total: total.clone(),
            address: address.clone(),
            placed: time.to_owned(),
            ended: None,
        })
    }

    /// This order after `fact`, which happened at that time.
    pub(crate) fn after(mut self, fact: &Fact, time: &str) -> Self {
        match fact {
            Fact::StockRefused { reason, .. }
            | Fact::ChargeFailed { reason, .. }
            | Fact::CommitRefused { reason } => self.reason = Some(*reason),
            Fact::Confirmed {} => self.status = Status::Confirmed,
            Fact::Shipped { .. } => {
                self.status = Status::Shipped;
                self.ended = Some(time.to_owned());
            }
            Fact::Cancelled { reason } => {
                self.status = Status::Cancelled;
                self.reason = Some(*reason);
                self.ended = Some(time.to_owned());
            }
            Fact::ShipmentFailed { .. } => self.reason = Some(Reason::ShipmentFailed),
            Fact::OrderReceived { .. }
            | Fact::Priced { .. }
            | Fact::StockReserved {}
            | Fact::Charged { .. }
            | Fact::StockCommitted {}
            | Fact::RefundRequested { .. }
            | Fact::StockReleased {} => {}
        }
        self
    }

    /// The order that these events tell, in their order; `None` where they do not begin one.
    pub(crate) fn told_by(id: OrderId, events: &[Event]) -> Option<Self> {
        let [received, priced, later @ ..] = events else {
            return None;
        };
        let begun = Self::begun(id, &received.fact, &priced.fact, &received.time)?;
        let told = later.iter();
        Some(told.fold(begun, |order, event| order.after(&event.fact, &event.time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_of_an_account_is_the_same_order_with_the_same_charge() {
        let (ada, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (one, other) = (OrderId::of(ada, "k1"), OrderId::of(ada, "k2"));
        assert_eq!(one.charge_id(), OrderId::of(ada, "k1").charge_id());
        assert_ne!(one, other);
        assert_ne!(one, OrderId::of(bob, "k1"));
        assert_ne!(one.charge_id(), other.charge_id());
        assert_ne!(one.charge_id(), one.derived("ORDER_PLACED"));
    }

    #[test]
    fn a_reason_has_the_same_word_everywhere() {
        for reason in [
            Reason::OutOfStock,
            Reason::StockUnavailable,
            Reason::PaymentDeclined,
            Reason::PaymentTimeout,
            Reason::PaymentUnavailable,
            Reason::ChargeRefused,
            Reason::ReservationExpired,
            Reason::ShipmentFailed,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
        }
    }

    #[test]
    fn a_stored_fact_keeps_its_spelling() {
        let fact = Fact::ChargeFailed {
            reason: Reason::PaymentTimeout,
            maybe_taken: true,
        };
        let text =
            r#"{"type":"charge_failed","data":{"reason":"payment_timeout","maybe_taken":true}}"#;
        assert_eq!(serde_json::to_string(&fact).unwrap(), text);
        assert_eq!(serde_json::from_str::<Fact>(text).unwrap(), fact);
        assert_eq!(
            serde_json::to_string(&Fact::Confirmed {}).unwrap(),
            r#"{"type":"confirmed","data":{}}"#
        );
    }
}
