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

use serde_json::{Value, json};
use support::{Runtime, System, http, is_root, kill, skipped, until};

support::in_both! {
    wherever_orders_is_killed_the_order_ends_right_after_the_restart,
}

/// Where the saga can be stopped once an order is stored.
const POINTS: [&str; 10] = [
    "stock_reserved",
    "stock_reserved_recorded",
    "charged",
    "charged_recorded",
    "confirmed",
    "confirmed_recorded",
    "stock_committed",
    "stock_committed_recorded",
    "stock_released",
    "cancelled",
];

fn wherever_orders_is_killed_the_order_ends_right_after_the_restart(runtime: Runtime) {
    if runtime == Runtime::Containers && !is_root() {
        // One that the engine kills is not started again by its restart policy.
        return skipped("root, to kill a container's process");
    }
    let system = System::shop("crash", "")
        .on(runtime)
        .with_variable("ORDERS_TEST_HALT", "on");
    system.up();
    let gateway = system.url("gateway");
    for point in POINTS {
        let sku = point.replace('_', "-");
        let at = |path: &str| format!("{gateway}/{path}");
        let item = json!({"name": "Lamp", "price": {"amount": 4999, "currency": "USD"}});
        assert_eq!(
            http("PUT", &at(&format!("items/{sku}")), &[], Some(item)).0,
            200
        );
        let stock = at(&format!("items/{sku}/stock"));
        assert_eq!(http("PUT", &stock, &[], Some(json!({"units": 5}))).0, 200);
        // What is compensated needs a card that is declined.
        let declined = matches!(point, "stock_released" | "cancelled");
        let card = if declined {
            "4000000000000002"
        } else {
            "4242424242424242"
        };
        let order = json!({"sku": sku, "quantity": 2, "card": {"number": card}, "email": format!("{sku}@example.com")});
        let key = format!("key-{sku}");
        let headers = [("Idempotency-Key", key.as_str())];
        std::thread::scope(|scope| {
            let halted = [headers[0], ("X-Test-Halt-Before", point)];
            let first = order.clone();
            let orders = at("orders");
            scope.spawn(move || http("POST", &orders, &halted, Some(first)));
            let line = format!("halted before {point}\"");
            until(&line, || {
                system
                    .run(&["logs", "orders"])
                    .stdout
                    .contains(&line)
                    .then_some(())
            });
            let pid = pid(&system);
            kill("KILL", pid);
            until("a new orders", || {
                (self::pid_if_ready(&system)? != pid).then_some(())
            });
        });
        let ended = until(
            &format!("the end of the order halted before {point}"),
            || {
                let (_, answer) = http("POST", &at("orders"), &headers, Some(order.clone()));
                matches!(answer["status"].as_str(), Some("confirmed" | "cancelled"))
                    .then_some(answer)
            },
        );
        let charges = at(&format!("orders/{}/charges", ended["id"].as_str().unwrap()));
        let charged = || {
            let all = http("GET", &charges, &[], None).1;
            all.as_array()
                .map(|all| all.iter().filter(|c| c["status"] == "charged").count())
        };
        if ended["status"] == "confirmed" {
            until("one charge", || (charged() == Some(1)).then_some(()));
            until("the stock less by two", || available(&stock, 3));
            let mails = at(&format!("mails?to={sku}@example.com"));
            let one = |mails: &Value| mails.as_array().is_some_and(|all| all.len() == 1);
            until("one mail", || {
                one(&http("GET", &mails, &[], None).1).then_some(())
            });
        } else {
            until("nothing charged", || (charged() == Some(0)).then_some(()));
            until("the stock back", || available(&stock, 5));
        }
    }
}

fn available(stock: &str, units: u64) -> Option<()> {
    (http("GET", stock, &[], None).1["available"] == units).then_some(())
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
