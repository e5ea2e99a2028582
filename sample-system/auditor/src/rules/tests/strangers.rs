//! Lists that say anything at all: a rule finds something or nothing, and never panics.

use outside::{document, each};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::facts::Told;

/// One of each, as their owners tell them, with these numbers.
fn good([one, two, three]: [i64; 3]) -> Value {
    let sum = json!({"amount": one, "currency": "USD"});
    json!({
        "orders": [
            {"id": "o", "account_id": "a", "key": "k", "sku": "lamp", "quantity": two, "total": sum,
             "status": "confirmed", "placed": "2026-11-21T01:02:03Z"},
            {"id": "p", "account_id": "a", "key": "l", "sku": "lamp", "quantity": one, "total": sum,
             "status": "cancelled", "reason": "shipment_failed", "placed": "2026-11-21T01:02:03Z",
             "ended": "2026-11-21T01:02:04Z"},
        ],
        "charges": [
            {"id": "c", "order_id": "o", "account_id": "a", "status": "charged", "amount": three,
             "currency": "USD"},
            {"id": "d", "order_id": "p", "account_id": "a", "status": "refunded", "amount": one,
             "currency": "USD"},
        ],
        "movements": [
            {"sku": "lamp", "change": one, "available": two},
            {"sku": "lamp", "change": two, "available": three, "order_id": "o"},
            {"sku": "lamp", "change": three, "available": one, "order_id": "o"},
        ],
        "reservations": [{"order_id": "o", "sku": "lamp", "quantity": two, "status": "reserved"}],
        "shipments": [{"id": "s", "order_id": "o", "status": "shipped"}],
        "mails": [{"message_id": "m", "order_id": "o", "kind": "confirmation"}],
        "events": [
            {"kind": "ORDER_PLACED", "about": "o", "data": {"quantity": one, "total": sum}},
            {"kind": "PAYMENT_SETTLED", "about": "o", "data": {"charge_id": "c", "amount": two,
                "currency": "USD"}},
            {"kind": "STOCK_CHANGED", "about": "lamp", "data": {"available": three}},
            {"kind": "ITEM_SHIPPED", "about": "o", "data": {"quantity": one, "tracking": "t"}},
        ],
    })
}

fn items<T: DeserializeOwned>(lists: &Value, name: &str) -> Vec<T> {
    let items = lists[name].as_array().cloned().unwrap_or_default();
    let read = |item| serde_json::from_value(item).ok();
    items.into_iter().filter_map(read).collect()
}

#[test]
fn no_lists_make_a_rule_panic() {
    let number = prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -3_i64..3];
    let lists = [number.clone(), number.clone(), number].prop_flat_map(|it| document(good(it)));
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    each(600, (lists, any::<i64>()), |(lists, level)| {
        let told = |event: &Value| {
            Some(Told {
                kind: event["kind"].as_str()?.to_owned(),
                about: event["about"].as_str()?.to_owned(),
                data: event["data"].clone(),
            })
        };
        let facts = Facts {
            orders: items(&lists, "orders"),
            charges: items(&lists, "charges"),
            movements: items(&lists, "movements"),
            levels: [("lamp".to_owned(), level)].into(),
            reservations: items(&lists, "reservations"),
            shipments: items(&lists, "shipments"),
            mails: items(&lists, "mails"),
            events: lists["events"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(told)
                .collect(),
            sent: None,
        };
        let _rest = facts.at_rest(now, Duration::from_secs(120));
        let _found = judge(&facts, now, Duration::from_secs(120));
    });
}
