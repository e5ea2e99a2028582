//! Whether those who read events are back: something ordered after the kill has had its effect.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::load::{Load, Meant};
use crate::support::shop::{GOOD, order};
use crate::support::{Customer, Shop, until};
use crate::tell;

/// A consumer is back so long after a kill at the latest: its session ends after 6 s, then its
/// partitions are given out anew. One that is asked to stop leaves its group itself.
pub const BACK: Duration = Duration::from_secs(10);

/// Looks at what each consumer makes of events.
pub struct Consumers<'a> {
    shop: &'a Shop,
    /// Buys the first of two items that another has bought.
    second: Customer,
}

impl<'a> Consumers<'a> {
    /// Prepares what recommendations can be seen by.
    pub fn watch(shop: &'a Shop) -> Self {
        let (first, second) = (shop.customer("first"), shop.customer("second"));
        for sku in ["pen", "ink"] {
            shop.stock(sku, 100);
            let bought = || first.orders(&format!("first-{sku}"), &order(sku, 1, GOOD), &[]);
            until("a first purchase", || (bought().0 == 201).then_some(()));
        }
        Self { shop, second }
    }

    /// Waits until `service`, struck at `since`, or who hangs on the broker, works on events again;
    /// how long that took.
    pub fn are_back(&self, service: &str, since: Instant, load: &Load) -> Duration {
        if !self.is_consumer(service) {
            return Duration::ZERO;
        }
        let name = format!("{service} to work on what came after it was struck");
        until(&name, || self.effect(service, since, load));
        let took = since.elapsed();
        tell(&format!(
            "{service}: works on events after {:.1} s",
            took.as_secs_f64()
        ));
        took
    }

    fn is_consumer(&self, service: &str) -> bool {
        !matches!(service, "gateway" | "auth" | "catalog" | "mailbox")
    }

    /// What a consumer did about something that was ordered at `since` or later.
    fn effect(&self, service: &str, since: Instant, load: &Load) -> Option<()> {
        let get = |path: &str| self.shop.get(path);
        let first = |meant| load.confirmed_since(since, meant).into_iter().next();
        let (shipped, unserved) = (|| first(Meant::Shipped), || first(Meant::Unserved));
        let done = match service {
            // An order is shipped when its event and shipping's have come through.
            "orders" | "broker" => get(&format!("orders/{}", shipped()?))["status"] == "shipped",
            "shipping" => get(&format!("orders/{}/shipment", shipped()?))["order_id"].is_string(),
            "notifications" => {
                let mails = get(&format!("mails?kind=confirmation&order_id={}", shipped()?));
                mails.as_array().is_some_and(|all| !all.is_empty())
            }
            "payments" => {
                let charges = get(&format!("orders/{}/charges", unserved()?));
                charges[0]["status"] == "refunded"
            }
            "inventory" => self.reservation(&unserved()?) == Some(json!("returned")),
            "search" => self.is_found(since),
            "recommendations" => self.is_recommended(since),
            other => panic!("what does {other} make of events?"),
        };
        done.then_some(())
    }

    /// How the reservation of an order stands.
    fn reservation(&self, order: &str) -> Option<Value> {
        let all = self.shop.audit_if_there("reservations").ok()?;
        let found = all.into_iter().find(|it| it["order_id"] == order)?;
        Some(found["status"].clone())
    }

    /// Describes an item, and looks whether it is found.
    fn is_found(&self, since: Instant) -> bool {
        let word = format!("novelty{}", since.elapsed().as_nanos());
        let item = json!({"name": word, "price": {"amount": 100, "currency": "USD"}});
        self.shop.put("v1/items/novelty", &[], item);
        until("the novelty to be found", || {
            let found = self.shop.get(&format!("search?q={word}"));
            let items = found["items"].as_array()?;
            (!items.is_empty()).then_some(true)
        })
    }

    /// Buys what somebody else has bought with something, and looks whether that is shown.
    fn is_recommended(&self, since: Instant) -> bool {
        let key = format!("second-{}", since.elapsed().as_nanos());
        let (status, _) = self.second.orders(&key, &order("pen", 1, GOOD), &[]);
        if status != 201 {
            return false;
        }
        until("the ink to be recommended", || {
            let (_, shown) = self.second.get("recommendations");
            let items = shown["items"].as_array()?;
            let is_ink = |it: &Value| it["sku"] == "ink";
            items.iter().any(is_ink).then_some(true)
        })
    }
}
