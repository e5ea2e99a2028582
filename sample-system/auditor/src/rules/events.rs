//! The topics against who publishes to them: each change is told once, and nothing is told that is
//! not so. A repeat of an event has its id and was dropped when the topic was read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Books, Found, Rule};
use crate::facts::{ChargeStatus, OrderStatus, ShipmentStatus};

pub(super) const ORDERS_TOLD: Rule = Rule {
    name: "orders-are-told",
    says: "ORDER_PLACED for each order that was paid, ORDER_CANCELLED for each that is cancelled",
    check: orders,
};

pub(super) const PAYMENTS_TOLD: Rule = Rule {
    name: "payments-are-told",
    says: "PAYMENT_SETTLED for each charge that was taken, PAYMENT_REFUNDED for each given back",
    check: payments,
};

pub(super) const SHIPMENTS_TOLD: Rule = Rule {
    name: "shipments-are-told",
    says: "ITEM_SHIPPED for each shipment, SHIPMENT_FAILED for each that failed",
    check: shipments,
};

pub(super) const STOCK_TOLD: Rule = Rule {
    name: "stock-is-told",
    says: "STOCK_CHANGED for each movement of an item, in their order",
    check: stock,
};

/// How often a type of event was told, or should be, of a thing.
type Counts = BTreeMap<(String, &'static str), i64>;

/// How often each type was told of each thing; `of` says what an event is about.
fn told<'f>(
    books: &Books<'f>,
    kinds: [&'static str; 2],
    of: fn(&'f crate::facts::Told) -> &'f str,
) -> Counts {
    let mut told = BTreeMap::new();
    for event in &books.facts.events {
        if let Some(kind) = kinds.into_iter().find(|kind| *kind == event.kind) {
            *told.entry((of(event).to_owned(), kind)).or_default() += 1;
        }
    }
    told
}

/// Compares what was told with what `is`: how often each type should be told of each thing.
fn compare(
    found: &mut Found,
    id: &'static str,
    owner: &'static str,
    mut told: Counts,
    is: impl IntoIterator<Item = ((String, &'static str), i64, String)>,
) {
    for ((about, kind), wanted, says) in is {
        let told = told.remove(&(about.clone(), kind)).unwrap_or_default();
        if told != wanted {
            found.add(
                &[(id, &about)],
                ("the topic", format!("{told} of {kind}")),
                (owner, says),
            );
        }
    }
    for ((about, kind), told) in told {
        let says = "no such thing".to_owned();
        let topic = ("the topic", format!("{told} of {kind}"));
        found.add(&[(id, &about)], topic, (owner, says));
    }
}

fn orders(books: &Books<'_>, found: &mut Found) {
    let (placed, cancelled) = ("ORDER_PLACED", "ORDER_CANCELLED");
    let mut told = told(books, [placed, cancelled], |event| &event.about);
    let mut is = Vec::new();
    for order in &books.facts.orders {
        // One under way may be told of while this is read.
        if order.status == OrderStatus::Pending {
            told.remove(&(order.id.clone(), placed));
            told.remove(&(order.id.clone(), cancelled));
            continue;
        }
        for (kind, so) in [
            (placed, order.was_placed()),
            (cancelled, order.is_cancelled()),
        ] {
            is.push((
                (order.id.clone(), kind),
                i64::from(so),
                order.word().to_owned(),
            ));
        }
    }
    compare(found, "order_id", "orders", told, is);
}

fn payments(books: &Books<'_>, found: &mut Found) {
    let (settled, refunded) = ("PAYMENT_SETTLED", "PAYMENT_REFUNDED");
    let told = told(books, [settled, refunded], |event| {
        event
            .data
            .get("charge_id")
            .and_then(Value::as_str)
            .unwrap_or_default()
    });
    let is = books.facts.charges.iter().flat_map(|charge| {
        let back = charge.status == ChargeStatus::Refunded;
        let taken = back || charge.status == ChargeStatus::Charged;
        let says = format!("{:?}", charge.status).to_lowercase();
        [(settled, taken), (refunded, back)]
            .map(|(kind, so)| ((charge.id.clone(), kind), i64::from(so), says.clone()))
    });
    compare(found, "charge_id", "payments", told, is);
    let charges = books.facts.charges.iter();
    let charges: BTreeMap<_, _> = charges.map(|charge| (charge.id.as_str(), charge)).collect();
    for event in &books.facts.events {
        let is_payment = [settled, refunded].contains(&event.kind.as_str());
        let id = event.data.get("charge_id").and_then(Value::as_str);
        let charge = id.and_then(|id| charges.get(id));
        let (true, Some(charge), Some(sum)) =
            (is_payment, charge, charge.and_then(|it| it.sum.as_ref()))
        else {
            continue;
        };
        let (amount, currency) = (event.data.get("amount"), event.data.get("currency"));
        let same = amount.and_then(Value::as_i64) == Some(sum.amount)
            && currency.and_then(Value::as_str) == Some(&sum.currency);
        if !same {
            let shown = |value: Option<&Value>| value.map(ToString::to_string).unwrap_or_default();
            let says = format!("{} of {} {}", event.kind, shown(amount), shown(currency));
            let figure = ("payments", sum.to_string());
            found.add(&[("charge_id", &charge.id)], ("the topic", says), figure);
        }
    }
}

fn shipments(books: &Books<'_>, found: &mut Found) {
    let (shipped, failed) = ("ITEM_SHIPPED", "SHIPMENT_FAILED");
    let told = told(books, [shipped, failed], |event| &event.about);
    let mut is: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for shipment in &books.facts.shipments {
        let kind = match shipment.status {
            ShipmentStatus::Shipped => shipped,
            ShipmentStatus::Failed => failed,
            ShipmentStatus::Packing | ShipmentStatus::Dropped => continue,
        };
        *is.entry((shipment.order_id.clone(), kind)).or_default() += 1;
    }
    let is = is
        .into_iter()
        .map(|(about, count)| (about, count, format!("{count} such shipments")));
    compare(found, "order_id", "shipping", told, is);
}

fn stock(books: &Books<'_>, found: &mut Found) {
    let mut told: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for event in books
        .facts
        .events
        .iter()
        .filter(|it| it.kind == "STOCK_CHANGED")
    {
        let available = event.data.get("available").and_then(Value::as_i64);
        let all = told.entry(&event.about).or_default();
        // What cannot be read as a number is no level that was ever moved to.
        all.push(available.unwrap_or(i64::MIN));
    }
    let mut moved: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for movement in &books.facts.movements {
        moved
            .entry(&movement.sku)
            .or_default()
            .push(movement.available);
    }
    let items: std::collections::BTreeSet<_> = told.keys().chain(moved.keys()).copied().collect();
    let none = Vec::new();
    for sku in items {
        let told = told.get(sku).unwrap_or(&none);
        let moved = moved.get(sku).unwrap_or(&none);
        if told == moved {
            continue;
        }
        let differs = told
            .iter()
            .zip(moved)
            .position(|(told, moved)| told != moved);
        let at = differs.unwrap_or(told.len().min(moved.len()));
        let shown = |all: &[i64]| {
            let there = all
                .get(at)
                .map_or("nothing".to_owned(), ToString::to_string);
            format!("{} changes, the {}. of them to {there}", all.len(), at + 1)
        };
        found.add(
            &[("sku", sku)],
            ("the topic", shown(told)),
            ("inventory", shown(moved)),
        );
    }
}
