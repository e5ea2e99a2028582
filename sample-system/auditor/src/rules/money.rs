//! Payments against orders: money was taken for each order that is paid, once, and for no other.

use super::{Books, Found, Rule};
use crate::facts::{Charge, ChargeStatus};

pub(super) const TAKEN_ONCE: Rule = Rule {
    name: "money-taken-once",
    says: "money taken is what is paid: one charge of the total for each paid order",
    check: taken,
};

pub(super) const REFUNDED: Rule = Rule {
    name: "cancelled-is-refunded",
    says: "a cancelled order keeps no money",
    check: refunded,
};

fn kept<'f>(charges: &[&'f Charge]) -> Vec<&'f Charge> {
    let mut kept = charges.to_vec();
    kept.retain(|charge| charge.status == ChargeStatus::Charged);
    kept
}

/// What payments says of charges that were taken and kept.
fn shown(kept: &[&Charge]) -> String {
    if kept.is_empty() {
        return "nothing taken".to_owned();
    }
    let each = kept.iter().map(|charge| {
        let sum = charge.sum.as_ref().map(ToString::to_string);
        format!("{} ({})", sum.unwrap_or_default(), charge.id)
    });
    format!("took {}", each.collect::<Vec<_>>().join(" and "))
}

fn taken(books: &Books<'_>, found: &mut Found) {
    for order in books.facts.orders.iter().filter(|order| order.is_paid()) {
        let kept = kept(books.charges_of(&order.id));
        let of_account = |charge: &Charge| {
            let account = charge.account_id.as_deref();
            account.is_none_or(|account| account == order.account_id)
        };
        let right = matches!(kept.as_slice(), [one] if one.sum == order.total && of_account(one));
        if !right {
            let total = order.total.as_ref().map(ToString::to_string);
            let paid = format!("{}, {} paid", order.word(), total.unwrap_or_default());
            found.add(
                &[("order_id", &order.id)],
                ("payments", shown(&kept)),
                ("orders", paid),
            );
        }
    }
    let charges = books.facts.charges.iter();
    for charge in charges.filter(|charge| charge.status == ChargeStatus::Charged) {
        let order = charge.order_id.as_deref().unwrap_or_default();
        if !books.orders.contains_key(order) {
            found.add(
                &[("charge_id", &charge.id), ("order_id", order)],
                ("payments", shown(&[charge])),
                ("orders", "no such order".to_owned()),
            );
        }
    }
}

fn refunded(books: &Books<'_>, found: &mut Found) {
    for order in books.facts.orders.iter().filter(|it| it.is_cancelled()) {
        let kept = kept(books.charges_of(&order.id));
        if !kept.is_empty() {
            let reason = order.reason.as_deref().unwrap_or("no reason");
            found.add(
                &[("order_id", &order.id)],
                ("payments", shown(&kept)),
                ("orders", format!("cancelled ({reason}), nothing kept")),
            );
        }
    }
}
