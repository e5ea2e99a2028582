//! Orders against the clock: every one ends within the time that it is given.

use chrono::SecondsFormat;

use super::{Books, Found, Rule};

pub(super) const EVERY_ORDER_ENDS: Rule = Rule {
    name: "every-order-ends",
    says: "every order is shipped or cancelled within the time given",
    check,
};

fn check(books: &Books<'_>, found: &mut Found) {
    for order in &books.facts.orders {
        let ended = order.ended.filter(|_| order.has_ended());
        let took = ended.unwrap_or(books.now) - order.placed;
        // An end before its beginning is a clock that was set; it took no time.
        let took = took.to_std().unwrap_or_default();
        if took <= books.within {
            continue;
        }
        let placed = order.placed.to_rfc3339_opts(SecondsFormat::Millis, true);
        let seconds = took.as_secs_f64();
        let status = order.word();
        found.add(
            &[("order_id", &order.id)],
            ("orders", format!("{status} {seconds:.1} s after {placed}")),
            (
                "the limit",
                format!("ended within {} s", books.within.as_secs_f64()),
            ),
        );
    }
}
