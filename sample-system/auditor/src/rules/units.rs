//! Inventory against orders: units left the stock for each order that is paid, and for no other.

use std::collections::BTreeMap;

use super::{Books, Found, Rule};
use crate::facts::{OrderStatus, ReservationStatus};

pub(super) const PAID_WITH_STOCK: Rule = Rule {
    name: "paid-with-stock",
    says: "each paid order took its units from the stock, once",
    check: paid,
};

pub(super) const BACK_IN_STOCK: Rule = Rule {
    name: "cancelled-is-back-in-stock",
    says: "the units of a cancelled order are back in stock, once",
    check: back,
};

pub(super) const NOTHING_RESERVED: Rule = Rule {
    name: "nothing-stays-reserved",
    says: "nothing is reserved for an order that has ended, or for none",
    check: reserved,
};

/// How much each order moved of each item; wider than what is added up, so that no list makes it
/// overflow.
fn moved<'f>(books: &Books<'f>) -> BTreeMap<&'f str, BTreeMap<&'f str, i128>> {
    let mut moved: BTreeMap<&str, BTreeMap<&str, i128>> = BTreeMap::new();
    for movement in &books.facts.movements {
        if let Some(order) = movement.order_id.as_deref() {
            let items = moved.entry(order).or_default();
            *items.entry(&movement.sku).or_default() += i128::from(movement.change);
        }
    }
    for items in moved.values_mut() {
        items.retain(|_, change| *change != 0);
    }
    moved
}

fn shown(items: Option<&BTreeMap<&str, i128>>) -> String {
    let each = items.into_iter().flatten();
    let each: Vec<_> = each
        .map(|(sku, change)| format!("{change:+} of {sku}"))
        .collect();
    if each.is_empty() {
        "moved nothing".to_owned()
    } else {
        format!("moved {}", each.join(", "))
    }
}

fn paid(books: &Books<'_>, found: &mut Found) {
    let moved = moved(books);
    for order in books.facts.orders.iter().filter(|order| order.is_paid()) {
        let items = moved.get(order.id.as_str());
        let right = BTreeMap::from([(order.sku.as_str(), -i128::from(order.quantity))]);
        if items != Some(&right) {
            let sold = format!("{}, {} of {} sold", order.word(), order.quantity, order.sku);
            found.add(
                &[("order_id", &order.id)],
                ("inventory", shown(items)),
                ("orders", sold),
            );
        }
    }
}

fn back(books: &Books<'_>, found: &mut Found) {
    for (id, items) in moved(books) {
        let order = books.orders.get(id);
        let says = match order {
            None => "no such order".to_owned(),
            Some(order) if order.is_cancelled() => {
                let reason = order.reason.as_deref().unwrap_or("no reason");
                format!("cancelled ({reason}), nothing sold")
            }
            Some(_) => continue,
        };
        if !items.is_empty() {
            let figure = ("inventory", shown(Some(&items)));
            found.add(&[("order_id", id)], figure, ("orders", says));
        }
    }
}

fn reserved(books: &Books<'_>, found: &mut Found) {
    for reservation in &books.facts.reservations {
        if reservation.status != ReservationStatus::Reserved {
            continue;
        }
        let order = books.orders.get(reservation.order_id.as_str());
        // The rule that every order ends tells of one that does not.
        if order.is_some_and(|order| order.status == OrderStatus::Pending) {
            continue;
        }
        let says = order.map_or("no such order", |order| order.word());
        found.add(
            &[
                ("order_id", &reservation.order_id),
                ("sku", &reservation.sku),
            ],
            ("inventory", format!("{} reserved", reservation.quantity)),
            ("orders", says.to_owned()),
        );
    }
}
