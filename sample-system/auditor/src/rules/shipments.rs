//! Shipping against orders: each paid order leaves once, and no other does.

use std::collections::BTreeMap;

use super::{Books, Found, Rule};
use crate::facts::{OrderStatus, ShipmentStatus};

pub(super) const SHIPPED_ONCE: Rule = Rule {
    name: "shipped-once",
    says: "each paid order is shipped once, or cancelled because it cannot be",
    check,
};

#[derive(Default)]
struct Tasks {
    shipped: usize,
    failed: usize,
}

impl Tasks {
    fn shown(&self) -> String {
        format!(
            "shipped {} times, failed {} times",
            self.shipped, self.failed
        )
    }
}

fn check(books: &Books<'_>, found: &mut Found) {
    let mut tasks: BTreeMap<&str, Tasks> = BTreeMap::new();
    for shipment in &books.facts.shipments {
        let tasks = tasks.entry(&shipment.order_id).or_default();
        match shipment.status {
            ShipmentStatus::Shipped => tasks.shipped += 1,
            ShipmentStatus::Failed => tasks.failed += 1,
            ShipmentStatus::Packing | ShipmentStatus::Dropped => {}
        }
    }
    let none = Tasks::default();
    for order in &books.facts.orders {
        let tasks = tasks.get(order.id.as_str()).unwrap_or(&none);
        let right = match order.status {
            // What has not ended may not know yet; the rule that every order ends tells of it.
            OrderStatus::Pending | OrderStatus::Confirmed => tasks.shipped + tasks.failed <= 1,
            OrderStatus::Shipped => (tasks.shipped, tasks.failed) == (1, 0),
            OrderStatus::Cancelled => {
                (tasks.shipped, tasks.failed) == (0, usize::from(order.failed_in_shipping()))
            }
        };
        if !right {
            let reason = order.reason.as_deref().map(|reason| format!(" ({reason})"));
            let says = format!("{}{}", order.word(), reason.unwrap_or_default());
            let figure = ("shipping", tasks.shown());
            found.add(&[("order_id", &order.id)], figure, ("orders", says));
        }
    }
    for (id, tasks) in tasks {
        if !books.orders.contains_key(id) {
            let says = "no such order".to_owned();
            let figure = ("shipping", tasks.shown());
            found.add(&[("order_id", id)], figure, ("orders", says));
        }
    }
}
