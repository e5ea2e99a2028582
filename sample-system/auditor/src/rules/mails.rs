//! Mails that were kept against orders: one of each kind that an order asks for, and no other.
//! How often one came again does not count: no sender can prevent that.

use std::collections::BTreeMap;

use super::{Books, Found, Rule};
use crate::facts::{Order, OrderStatus};

pub(super) const MAILED_ONCE: Rule = Rule {
    name: "mailed-once",
    says: "one confirmation for each order that was paid, one mail of its shipment, one if it is \
           cancelled",
    check,
};

/// Whether an order asks for a mail.
type Asks = fn(&Order) -> bool;

/// The kinds of mail, and which orders ask for one.
const KINDS: [(&str, Asks); 3] = [
    ("confirmation", Order::was_placed),
    ("shipment", |order| order.status == OrderStatus::Shipped),
    ("cancellation", Order::is_cancelled),
];

fn check(books: &Books<'_>, found: &mut Found) {
    let mut kept: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for mail in &books.facts.mails {
        // A mail that belongs to no order is nobody's confirmation.
        if let (Some(order), Some(kind)) = (&mail.order_id, &mail.kind) {
            *kept.entry((order, kind)).or_default() += 1;
        }
    }
    for order in &books.facts.orders {
        if order.status == OrderStatus::Pending {
            continue;
        }
        for (kind, asks) in KINDS {
            let kept = kept.get(&(order.id.as_str(), kind)).copied().unwrap_or(0);
            if kept != usize::from(asks(order)) {
                let wanted = usize::from(asks(order));
                found.add(
                    &[("order_id", &order.id)],
                    ("the mailbox", format!("{kept} of {kind}")),
                    ("orders", format!("{}: {wanted} of {kind}", order.word())),
                );
            }
        }
    }
    for (id, kind) in kept.into_keys() {
        if !books.orders.contains_key(id) {
            found.add(
                &[("order_id", id)],
                ("the mailbox", format!("a {kind}")),
                ("orders", "no such order".to_owned()),
            );
        }
    }
}
