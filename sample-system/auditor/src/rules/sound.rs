//! A shop made by hand, for the tests of the rules: in it everything that can happen to an order has
//! happened to one, and all is right.

use serde_json::{Value, json};

use super::*;
use crate::facts::{
    ChargeStatus, Mail, Movement, OrderStatus, Reservation, ReservationStatus, Sent, Shipment,
    ShipmentStatus, Sum, Told,
};

pub(super) const WITHIN: Duration = Duration::from_secs(120);

pub(super) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + second, 0).unwrap()
}

pub(super) fn sum(amount: i64) -> Sum {
    Sum {
        amount,
        currency: "USD".to_owned(),
    }
}

pub(super) fn order(id: &str, status: OrderStatus, reason: Option<&str>) -> Order {
    Order {
        id: id.to_owned(),
        account_id: "ada".to_owned(),
        key: format!("key of {id}"),
        sku: "lamp".to_owned(),
        quantity: 2,
        total: Some(sum(9998)),
        status,
        reason: reason.map(str::to_owned),
        placed: at(0),
        ended: Some(at(3)),
    }
}

pub(super) fn charge(order: &str, status: ChargeStatus) -> Charge {
    Charge {
        id: format!("charge of {order}"),
        order_id: Some(order.to_owned()),
        account_id: Some("ada".to_owned()),
        status,
        sum: Some(sum(9998)),
    }
}

pub(super) fn reservation(order: &str, status: ReservationStatus) -> Reservation {
    Reservation {
        order_id: order.to_owned(),
        sku: "lamp".to_owned(),
        quantity: 2,
        status,
    }
}

pub(super) fn shipment(order: &str, status: ShipmentStatus) -> Shipment {
    Shipment {
        id: format!("shipment of {order}"),
        order_id: order.to_owned(),
        status,
    }
}

pub(super) fn mail(order: &str, kind: &str) -> Mail {
    Mail {
        message_id: format!("<{order}.{kind}@shop>"),
        order_id: Some(order.to_owned()),
        kind: Some(kind.to_owned()),
    }
}

pub(super) fn told(kind: &str, about: &str, data: Value) -> Told {
    Told {
        kind: kind.to_owned(),
        about: about.to_owned(),
        data,
    }
}

pub(super) fn paid(kind: &str, order: &str) -> Told {
    let charge = format!("charge of {order}");
    told(
        kind,
        order,
        json!({"charge_id": charge, "amount": 9998, "currency": "USD"}),
    )
}

/// Moves the stock and tells of it.
pub(super) fn moves(facts: &mut Facts, change: i64, order: Option<&str>) {
    let level = facts.levels.entry("lamp".to_owned()).or_default();
    *level += change;
    let available = *level;
    facts.movements.push(Movement {
        sku: "lamp".to_owned(),
        change,
        available,
        order_id: order.map(str::to_owned),
    });
    let data = json!({"available": available});
    facts.events.push(told("STOCK_CHANGED", "lamp", data));
}

/// A shop in which everything that can happen to an order has happened to one.
pub(super) fn sound() -> Facts {
    let mut facts = Facts::default();
    moves(&mut facts, 12, None);
    facts.orders = vec![
        order("shipped", OrderStatus::Shipped, None),
        order("declined", OrderStatus::Cancelled, Some("payment_declined")),
        order("unserved", OrderStatus::Cancelled, Some("shipment_failed")),
        order("refused", OrderStatus::Cancelled, Some("out_of_stock")),
    ];
    for id in ["shipped", "declined", "unserved"] {
        moves(&mut facts, -2, Some(id));
    }
    for id in ["declined", "unserved"] {
        moves(&mut facts, 2, Some(id));
    }
    facts.charges = vec![
        charge("shipped", ChargeStatus::Charged),
        charge("declined", ChargeStatus::Declined),
        charge("unserved", ChargeStatus::Refunded),
    ];
    facts.reservations = vec![
        reservation("shipped", ReservationStatus::Committed),
        reservation("declined", ReservationStatus::Released),
        reservation("unserved", ReservationStatus::Returned),
    ];
    facts.shipments = vec![
        shipment("shipped", ShipmentStatus::Shipped),
        shipment("unserved", ShipmentStatus::Failed),
    ];
    facts.mails = vec![
        mail("shipped", "confirmation"),
        mail("shipped", "shipment"),
        mail("declined", "cancellation"),
        mail("unserved", "confirmation"),
        mail("unserved", "cancellation"),
        mail("refused", "cancellation"),
    ];
    facts.events.extend([
        told("ORDER_PLACED", "shipped", json!({})),
        told("ORDER_PLACED", "unserved", json!({})),
        told("ORDER_CANCELLED", "declined", json!({})),
        told("ORDER_CANCELLED", "unserved", json!({})),
        told("ORDER_CANCELLED", "refused", json!({})),
        paid("PAYMENT_SETTLED", "shipped"),
        paid("PAYMENT_SETTLED", "unserved"),
        paid("PAYMENT_REFUNDED", "unserved"),
        told("ITEM_SHIPPED", "shipped", json!({})),
        told("SHIPMENT_FAILED", "unserved", json!({})),
    ]);
    facts.sent = Some(
        facts
            .orders
            .iter()
            .map(|order| Sent {
                account_id: order.account_id.clone(),
                key: order.key.clone(),
                order_id: Some(order.id.clone()),
            })
            .collect(),
    );
    facts
}
