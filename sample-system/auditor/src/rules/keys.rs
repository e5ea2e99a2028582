//! The client's log against orders: each key that was sent is one order, and no key is two.

use std::collections::BTreeMap;

use super::{Books, Found, Rule};

pub(super) const ONE_ORDER_FOR_A_KEY: Rule = Rule {
    name: "one-order-for-a-key",
    says: "each Idempotency-Key that an account sent is one order",
    check,
};

fn check(books: &Books<'_>, found: &mut Found) {
    let mut orders: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for order in &books.facts.orders {
        let key = (order.account_id.as_str(), order.key.as_str());
        orders.entry(key).or_default().push(&order.id);
    }
    for ((account, key), ids) in &orders {
        if ids.len() > 1 {
            let ids = ids.join(", ");
            found.add(
                &[("account_id", account), ("key", key)],
                ("orders", format!("the orders {ids}")),
                ("the key", "one order".to_owned()),
            );
        }
    }
    for sent in books.facts.sent.iter().flatten() {
        let ids = orders.get(&(sent.account_id.as_str(), sent.key.as_str()));
        let about = [
            ("account_id", sent.account_id.as_str()),
            ("key", sent.key.as_str()),
        ];
        let Some(ids) = ids else {
            let answered = sent.order_id.as_deref().unwrap_or("one");
            let sent = format!("sent, for the order {answered}");
            found.add(
                &about,
                ("orders", "no order".to_owned()),
                ("the client", sent),
            );
            continue;
        };
        if let Some(answered) = sent.order_id.as_deref()
            && !ids.contains(&answered)
        {
            let said = format!("was answered with the order {answered}");
            found.add(&about, ("orders", ids.join(", ")), ("the client", said));
        }
    }
}
