//! The broker away for longer than the shop's producers try to deliver.

use crate::support::shop::{Customer, DECLINED, GOOD, order};
use crate::support::{Runtime, Sent, Shop, until};
use crate::{SHOP, ended};

/// Twice the 10 s after which a producer gives a record up: what was told at its beginning was
/// given up, and is told anew.
const AWAY: &str = "20s";

/// The broker's health, as `ps` says.
fn broker(shop: &Shop) -> String {
    let ps = shop.system.ps();
    let mut all = ps["instances"].as_array().unwrap().iter();
    let broker = all.find(|it| it["service"] == "broker").unwrap();
    broker["health"].as_str().unwrap().to_owned()
}

/// Mails of a kind to this customer, in the end.
fn is_mailed(shop: &Shop, customer: &Customer, kind: &str, count: usize) {
    until(
        &format!("{count} mails, {kind}, to {}", customer.email),
        || {
            let mails = shop.mails(&customer.email, kind);
            let there = mails.as_array()?.len();
            assert!(there <= count, "{mails:#}");
            (there == count).then_some(())
        },
    );
}

pub(crate) fn the_broker_away_for_longer_than_producers_try_holds_orders_up_and_loses_none(
    runtime: Runtime,
) {
    SHOP.alone(runtime, |shop| {
        shop.stock("outage", 20);
        let before = shop.customer("outage-before");
        let kill = ["chaos", "kill", "broker", "--down", AWAY];
        let away = shop.system.start(&kill);
        until("the broker to be away", || {
            (broker(shop) != "ready").then_some(())
        });
        // Auth's events are told late too: nobody knows this one's address yet.
        let after = shop.customer("outage-after");
        let mut sent = Vec::new();
        let mut buy = |customer: &Customer, key: &str, card| {
            let (status, answer) = customer.orders(key, &order("outage", 1, card), &[]);
            assert!((200..300).contains(&status), "{status}: {answer}");
            let id = answer["id"].as_str().unwrap().to_owned();
            sent.push(Sent::answered(customer, key, &id));
            id
        };
        let keys: Vec<String> = (0..4).map(|number| format!("outage-{number}")).collect();
        let paid = keys.iter().flat_map(|key| [(&before, key), (&after, key)]);
        let paid: Vec<_> = paid.map(|(it, key)| (it, buy(it, key, GOOD))).collect();
        let declined = buy(&before, "outage-declined", DECLINED);
        assert_ne!(broker(shop), "ready", "it was back before all was ordered");

        away.finish().expect(0);
        for (customer, order) in &paid {
            assert_eq!(ended(customer, order)["status"], "shipped");
        }
        assert_eq!(ended(&before, &declined)["status"], "cancelled");
        for customer in [&before, &after] {
            is_mailed(shop, customer, "confirmation", keys.len());
            is_mailed(shop, customer, "shipment", keys.len());
        }
        is_mailed(shop, &before, "cancellation", 1);
        assert_eq!(shop.available("outage"), 20 - paid.len());
        shop.is_found_right(&sent);
    });
}
