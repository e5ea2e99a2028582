//! The shop while a neighbour is slow, hung or dead, and while a topic holds what nobody can read:
//! one shop in each runtime serves all of these tests, each alone.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

#[path = "neighbours/large.rs"]
mod large;
mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use large::a_record_too_large_for_its_dead_letter_is_named_by_it_and_holds_up_nobody;
use serde_json::{Value, json};
use shop::kafka::{KafkaError, Producer, Publish as _, Record};
use support::shop::{Customer, GOOD, order};
use support::{OneShop, Running, Runtime, Sets, Shop, at_once, http, inside, until};

support::in_both! {
    search_answers_while_catalog_is_dead,
    the_breaker_goes_closed_open_half_open_closed_and_no_call_leaves_while_it_is_open,
    two_hundred_requests_for_hung_recommendations_leave_every_order_confirmed,
    what_nobody_can_read_is_put_aside_with_its_reason_and_the_mails_of_others_leave,
    a_mail_whose_address_has_not_come_waits_for_it_and_holds_up_no_other,
    a_record_too_large_for_its_dead_letter_is_named_by_it_and_holds_up_nobody,
}

/// A gateway that has few calls at once under way to one neighbour, so that a wave of requests
/// comes up against it.
static SHOP: OneShop = OneShop::new("neighbours", "    environment: { CALLS_AT_ONCE: \"32\" }\n");

/// `CALLS_AT_ONCE` above.
const AT_ONCE: u64 = 32;

/// A figure of the gateway for one of its peers.
fn figure(shop: &Shop, name: &str, peer: &str) -> u64 {
    let (status, text) = http("GET", &shop.at("metrics"), &[], None);
    assert_eq!(status, 200);
    let text = text.as_str().unwrap();
    let beginning = format!("{name}{{peer=\"{peer}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&beginning));
    let line = line.unwrap_or_else(|| panic!("no {beginning}in\n{text}"));
    line.parse().unwrap()
}

const CLOSED: u64 = 0;
const HALF_OPEN: u64 = 1;
const OPEN: u64 = 2;

fn breaker(shop: &Shop, peer: &str) -> u64 {
    figure(shop, "circuit_breaker_state", peer)
}

/// Connections and bytes that went from a caller to a callee.
fn went(shop: &Shop, edge: &str) -> (u64, u64) {
    let ps = shop.system.ps();
    let mut edges = ps["edges"].as_array().unwrap().iter();
    let found = edges.find(|it| it["edge"] == edge);
    let counts = &found.unwrap_or_else(|| panic!("no {edge}"))["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    (count("connections"), count("bytes_to_callee"))
}

/// Answers of an edge are late by `delay` until this is ended.
fn slow(shop: &Shop, edge: &str, delay: &str) -> Running {
    let words = [
        "chaos", "inject", "latency", "--edge", edge, "--delay", delay,
    ];
    let mut injector = shop.system.start(&words);
    injector.wait_for(&format!("latency on {edge}"));
    injector
}

/// Ends a fault.
fn lift(fault: Running) {
    fault.signal("INT");
    let _ = fault.finish();
}

fn search_answers_while_catalog_is_dead(runtime: Runtime) {
    SHOP.alone(runtime, |shop| {
        shop.stock("lantern", 4);
        let found = |what: &str| {
            let (status, answer) = http("GET", &shop.at("search?q=lamp&limit=50"), &[], None);
            assert_eq!(status, 200, "{what}: {answer}");
            let mut items = answer["items"].as_array().unwrap().clone().into_iter();
            items.find(|it| it["sku"] == "lantern" && it["in_stock"] == true)
        };
        let before = until("the item to be found", || found("catalog runs"));
        let dead = shop
            .system
            .start(&["chaos", "kill", "catalog", "--down", "10m"]);
        // One that was never asked for has no last answer.
        until("catalog to be dead", || {
            let (status, _) = http("GET", &shop.at("v1/items/never-asked-for"), &[], None);
            (status == 503).then_some(())
        });
        for _ in 0..10 {
            assert_eq!(found("catalog is dead").as_ref(), Some(&before));
        }
        let (status, popular) = http("GET", &shop.at("search/popular"), &[], None);
        assert_eq!(status, 200, "{popular}");
        let (status, _) = http("GET", &shop.at("v1/items/never-asked-for"), &[], None);
        assert_eq!(status, 503, "catalog was dead all the while");
        lift(dead);
        until("catalog to be back", || {
            let (status, _) = http("GET", &shop.at("v1/items/lantern"), &[], None);
            let (other, _) = http("GET", &shop.at("v1/items/never-asked-for"), &[], None);
            (status == 200 && other == 404).then_some(())
        });
    });
}

fn the_breaker_goes_closed_open_half_open_closed_and_no_call_leaves_while_it_is_open(
    runtime: Runtime,
) {
    SHOP.alone(runtime, |shop| {
        let edge = "gateway->catalog:8080";
        let ask = |_: &()| http("GET", &shop.at("v1/items/nobody-sells-this"), &[], None).0;
        until("catalog to answer", || (ask(&()) == 404).then_some(()));
        assert_eq!(breaker(shop, "catalog"), CLOSED);
        let fault = slow(shop, "gateway->catalog", "1m");
        // A call that is let through to find out holds the breaker half-open for as long as it is
        // given, so it is asked again until one look saw it open from beginning to end.
        let refused = until("the breaker to be open", || {
            at_once(&[(); 20], ask);
            let changes = opened(shop);
            let before = (breaker(shop, "catalog") == OPEN).then(|| went(shop, edge))?;
            let answers: Vec<u16> = (0..20).map(|_| ask(&())).collect();
            let after = went(shop, edge);
            let throughout = breaker(shop, "catalog") == OPEN && opened(shop) == changes;
            throughout.then_some((before, answers, after))
        });
        let (before, answers, after) = refused;
        assert_eq!(answers, [503; 20]);
        assert_eq!(before, after, "calls left while the breaker was open");
        until("the breaker to be half-open", || {
            (breaker(shop, "catalog") == HALF_OPEN).then_some(())
        });
        lift(fault);
        // A connection that the fault was lifted from still owes its late answer.
        until("a call to find catalog back", || {
            (ask(&()) == 404).then_some(())
        });
        assert_eq!(breaker(shop, "catalog"), CLOSED);
    });
}

/// How often the breaker before catalog has opened.
fn opened(shop: &Shop) -> String {
    let (_, text) = http("GET", &shop.at("metrics"), &[], None);
    let text = text.as_str().unwrap().to_owned();
    let of_catalog = |line: &&str| {
        line.starts_with("circuit_breaker_changes_total") && line.contains("\"catalog\"")
    };
    text.lines().filter(of_catalog).collect()
}

/// One wave: a hundred home pages and a hundred shelves at once, from customers who each keep
/// within what one account may ask.
fn wave(visitors: &[Customer]) {
    let asks: Vec<(&Customer, &str)> = (0..200)
        .map(|number| {
            let path = ["home", "recommendations"][number % 2];
            (&visitors[number % visitors.len()], path)
        })
        .collect();
    let answers = at_once(&asks, |(visitor, path)| visitor.get(path));
    for ((_, path), (status, answer)) in asks.iter().zip(answers) {
        assert_eq!(status, 200, "{path}: {answer}");
        match *path {
            "home" => assert_eq!(answer["recommendations"], json!([]), "{answer}"),
            _ => assert_eq!(answer, json!({"items": []})),
        }
    }
}

fn two_hundred_requests_for_hung_recommendations_leave_every_order_confirmed(runtime: Runtime) {
    SHOP.alone(runtime, |shop| {
        shop.stock("unharmed", 40);
        let visitors = shop.customers("visitor", 10);
        let buyer = shop.customer("unharmed");
        let edge = "gateway->recommendations:8080";
        let fault = slow(shop, "gateway->recommendations", "10m");
        let (before, _) = went(shop, edge);
        let kept_back = || figure(shop, "bulkhead_full_total", "recommendations");
        let full = kept_back();
        let since = Instant::now();
        let ordered = AtomicBool::new(false);
        let mut most = 0;
        std::thread::scope(|scope| {
            let all_answered = Sets(&ordered);
            // Waves until the last order is answered, one at least.
            let waves = scope.spawn(|| {
                loop {
                    wave(&visitors);
                    if ordered.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
            until("calls to what hangs", || {
                most = most.max(figure(shop, "calls_in_flight", "recommendations"));
                (most > 0 || waves.is_finished()).then_some(())
            });
            for number in 0..20 {
                let (status, order) = buyer.orders(
                    &format!("unharmed-{number}"),
                    &order("unharmed", 1, GOOD),
                    &[],
                );
                let is_paid = ["confirmed", "shipped"]
                    .iter()
                    .any(|it| order["status"] == **it);
                assert!(status == 201 && is_paid, "order {number}: {status} {order}");
                most = most.max(figure(shop, "calls_in_flight", "recommendations"));
            }
            drop(all_answered);
            waves.join().unwrap();
        });
        assert_eq!(shop.available("unharmed"), 20);
        let (after, _) = went(shop, edge);
        // As many as may be under way, those that took their places until the breaker opened, and
        // then one each 2 s to find out.
        let may = AT_ONCE + 20 + since.elapsed().as_secs() / 2 + 1;
        let left = after - before;
        lift(fault);
        assert!(
            most > 0 && most <= AT_ONCE,
            "{most} calls under way at once"
        );
        assert!(
            left <= may,
            "{left} calls left for what hangs, and {may} may"
        );
        assert!(kept_back() > full, "the bulkhead kept nothing back");
        // The shelf is there again, and the breaker closes.
        until("the breaker to close", || {
            visitors[0].get("recommendations");
            (breaker(shop, "recommendations") == CLOSED).then_some(())
        });
    });
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Writes a record to a topic, as anybody could who reaches the broker.
fn published(shop: &Shop, record: &Record) -> Result<(), KafkaError> {
    let url = shop.system.url("broker");
    let brokers = url.rsplit('/').next().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let producer = Producer::new(brokers, "test").unwrap();
        producer.publish(record).await
    })
}

/// The same, with a trace.
fn publish(shop: &Shop, topic: &str, key: &str, payload: &str) {
    let record = Record {
        topic: topic.to_owned(),
        key: key.to_owned(),
        payload: payload.as_bytes().to_vec(),
        headers: vec![("traceparent".to_owned(), TRACE.to_owned())],
    };
    published(shop, &record).unwrap();
}

/// Someone orders one unit and gets the mail that confirms it.
fn is_mailed(shop: &Shop, name: &str) {
    shop.stock(name, 5);
    let customer = shop.customer(name);
    let (status, order) = customer.orders(name, &order(name, 1, GOOD), &[]);
    assert_eq!(status, 201, "{order}");
    until(&format!("the mail to {name}"), || {
        let mails = shop.mails(&customer.email, "confirmation");
        (mails.as_array()?.len() == 1).then_some(())
    });
}

fn what_nobody_can_read_is_put_aside_with_its_reason_and_the_mails_of_others_leave(
    runtime: Runtime,
) {
    SHOP.alone(runtime, |shop| {
        let key = "order-that-nobody-can-read";
        publish(shop, "orders", key, "{\"id\": 7");
        // On each partition of the topic there is somebody who comes after it.
        for number in 0..4 {
            is_mailed(shop, &format!("after-{number}"));
        }
        // Everybody who reads the topic puts it aside on their own account.
        let letters = |service: &str, count: usize| {
            until(&format!("{count} dead letters of {service}"), || {
                let words = ["dead-letters", "list"];
                let listed = inside::run_beside(&shop.system, service, &words).expect(0);
                let lines = listed.stdout.lines();
                let all = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
                let own: Vec<Value> = all.filter(|it| it["key"] == key).collect();
                (own.len() == count).then_some(own)
            })
        };
        for service in ["notifications", "shipping", "search"] {
            let letter = letters(service, 1).remove(0);
            assert_eq!(letter["topic"], "orders", "{letter}");
            assert_eq!(letter["group"], service, "{letter}");
            assert_eq!(letter["traceparent"], TRACE, "{letter}");
            assert_eq!(letter["payload"], "{\"id\": 7", "{letter}");
            assert_eq!(letter["replayed"], false, "{letter}");
            let reason = letter["reason"].as_str().unwrap_or_default();
            assert!(reason.len() > 10, "{letter}");
        }
        let words = ["dead-letters", "replay"];
        inside::run_beside(&shop.system, "notifications", &words).expect(0);
        // It stands in the topic once more, is read once more, and nobody can.
        let both = letters("notifications", 2);
        assert_eq!(both[0]["replayed"], true, "{both:?}");
        assert_eq!(both[1]["replayed"], false, "{both:?}");
        assert_ne!(both[0]["offset"], both[1]["offset"], "{both:?}");
        is_mailed(shop, "after-all");
    });
}

fn a_mail_whose_address_has_not_come_waits_for_it_and_holds_up_no_other(runtime: Runtime) {
    SHOP.alone(runtime, |shop| {
        let account = "0f9c1f0e-5f5b-4a5e-8a35-3a9f5b1e7c01";
        let order = "7d8a3b52-0d6e-4c7c-9a43-0c8d5f6e2b02";
        let time = "2026-11-21T01:02:03.004Z";
        let placed = json!({
            "id": "placed-before-its-account", "type": "ORDER_PLACED", "version": 1,
            "time": time, "order_id": order,
            "data": {"account_id": account, "sku": "early", "name": "Lamp", "quantity": 1,
                     "total": {"amount": 4999, "currency": "USD"}},
        });
        publish(shop, "orders", order, &placed.to_string());
        for number in 0..4 {
            is_mailed(shop, &format!("meanwhile-{number}"));
        }
        let mails = || shop.get(&format!("mails?order_id={order}"));
        assert_eq!(mails(), json!([]), "nobody has said where to");
        let changed = json!({
            "id": "account-after-its-order", "type": "ACCOUNT_CHANGED", "version": 1,
            "time": time, "account_id": account,
            "data": {"email": "late@example.com", "name": "Late", "role": "customer", "revision": 1},
        });
        publish(shop, "accounts", account, &changed.to_string());
        let mails = until("the mail that waited", || {
            let mails = mails();
            (!mails.as_array()?.is_empty()).then_some(mails)
        });
        assert_eq!(mails[0]["kind"], "confirmation", "{mails}");
        assert_eq!(mails[0]["to"], "late@example.com", "{mails}");
        assert_eq!(mails[0]["traceparent"], TRACE, "{mails}");
    });
}
