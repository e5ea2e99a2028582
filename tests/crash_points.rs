//! `kill -9` of orders between any two of its steps: after the restart the order ends paid and
//! mailed once, or cancelled with the stock back.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use serde_json::Value;
use support::shop::{Customer, DECLINED, GOOD, order};
use support::{Runtime, Shop, System, is_root, kill, skipped, until};

support::in_both! {
    wherever_orders_is_killed_the_order_ends_right_after_the_restart,
}

/// Where the saga can be stopped once an order is stored.
const POINTS: [&str; 12] = [
    "stock_reserved",
    "stock_reserved_recorded",
    "charged",
    "charged_recorded",
    "stock_committed",
    "stock_committed_recorded",
    "confirmed",
    "confirmed_recorded",
    "stock_released",
    "stock_released_recorded",
    "cancelled",
    "cancelled_recorded",
];

fn wherever_orders_is_killed_the_order_ends_right_after_the_restart(runtime: Runtime) {
    if runtime == Runtime::Containers && !is_root() {
        // One that the engine kills is not started again by its restart policy.
        return skipped("root, to kill a container's process");
    }
    let system = System::shop("crash", "")
        .on(runtime)
        .with_variable("ORDERS_TEST_HALT", "on");
    let shop = Shop::boot(system);
    let system = &shop.system;
    let placed: Vec<Placed> = POINTS.map(|point| Placed::of(&shop, point)).into();
    let before = pid(system);
    std::thread::scope(|scope| {
        for one in &placed {
            scope.spawn(|| one.send());
        }
        for one in &placed {
            let line = format!("halted before {}\"", one.point);
            until(&line, || {
                let told = system.run(&["logs", "orders"]).stdout;
                told.contains(&line).then_some(())
            });
        }
        kill("KILL", before);
        until("a new orders", || {
            (pid_if_ready(system)? != before).then_some(())
        });
    });
    for one in &placed {
        one.ends_right(&shop);
    }
}

/// An order that is parked at one of the points.
struct Placed {
    point: &'static str,
    sku: String,
    customer: Customer,
    order: Value,
}

impl Placed {
    fn of(shop: &Shop, point: &'static str) -> Self {
        let sku = point.replace('_', "-");
        shop.stock(&sku, 5);
        // What is compensated needs a card that is declined.
        let declined = point.starts_with("stock_released") || point.starts_with("cancelled");
        let card = if declined { DECLINED } else { GOOD };
        Self {
            point,
            customer: shop.customer(&sku),
            order: order(&sku, 2, card),
            sku,
        }
    }

    fn key(&self) -> String {
        format!("key-{}", self.sku)
    }

    /// Sends the order; what is answered, if anything, does not matter.
    fn send(&self) {
        let halt = [("X-Test-Halt-Before", self.point)];
        self.customer.orders(&self.key(), &self.order, &halt);
    }

    /// Says the order again until it is at its end, and looks at all that belongs to it.
    fn ends_right(&self, shop: &Shop) {
        let end = format!("the end of the order halted before {}", self.point);
        let ended = until(&end, || {
            let (_, answer) = self.customer.orders(&self.key(), &self.order, &[]);
            let ended = ["confirmed", "shipped", "cancelled"];
            let is_ended = answer["status"]
                .as_str()
                .is_some_and(|it| ended.contains(&it));
            is_ended.then_some(answer)
        });
        let charged = || {
            let all = shop.charges(ended["id"].as_str().unwrap());
            if all["status"] == 404 {
                // Payments never heard of the order.
                return Some(0);
            }
            all.as_array()
                .map(|all| all.iter().filter(|c| c["status"] == "charged").count())
        };
        let available = |units: u64| (shop.available(&self.sku) == units).then_some(());
        let one = |kind: &str| {
            let mails = shop.mails(&self.customer.email, kind);
            let one = mails.as_array().is_some_and(|all| all.len() == 1);
            one.then_some(())
        };
        let told = |what: &str| format!("{what}, of the order halted before {}", self.point);
        if ended["status"] == "cancelled" {
            until(&told("nothing charged"), || {
                (charged() == Some(0)).then_some(())
            });
            until(&told("the stock back"), || available(5));
            until(&told("one mail that says so"), || one("cancellation"));
        } else {
            until(&told("one charge"), || (charged() == Some(1)).then_some(()));
            until(&told("the stock less by two"), || available(3));
            until(&told("one confirmation"), || one("confirmation"));
            until(&told("one shipment"), || one("shipment"));
        }
    }
}

fn orders(system: &System) -> Option<Value> {
    let ps = system.ps();
    ps["instances"]
        .as_array()?
        .iter()
        .find(|i| i["service"] == "orders")
        .cloned()
}

fn pid(system: &System) -> u32 {
    u32::try_from(orders(system).unwrap()["pid"].as_u64().unwrap()).unwrap()
}

fn pid_if_ready(system: &System) -> Option<u32> {
    let orders = orders(system).filter(|o| o["health"] == "ready")?;
    u32::try_from(orders["pid"].as_u64()?).ok()
}
