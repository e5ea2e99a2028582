//! What has to be so when all is over.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::load::{Meant, Outcome, Sent};
use crate::support::{self, Shop, until};
use crate::tell;

/// Every order has ended so long after the last was answered.
const ENDS: Duration = Duration::from_secs(120);

/// All orders of the shop, by key.
fn orders(shop: &Shop) -> Option<HashMap<String, Vec<Value>>> {
    let mut all = HashMap::<String, Vec<Value>>::new();
    for it in shop.audit_if_there("orders").ok()? {
        let key = it["key"].as_str()?.to_owned();
        all.entry(key).or_default().push(it);
    }
    Some(all)
}

/// Each key is one order, which is shipped, or cancelled; what was to be cancelled is; and what can
/// be sold is what was there without what was shipped.
pub fn every_order_ended_right(shop: &Shop, sent: &[Sent], stock: &[(&str, u32)]) {
    let since = Instant::now();
    let ended = |it: &Value| matches!(it["status"].as_str(), Some("shipped" | "cancelled"));
    let orders = until("all orders to end", || {
        let orders = orders(shop)?;
        let is_over = orders.values().flatten().all(ended);
        is_over.then_some(orders)
    });
    let took = since.elapsed();
    assert!(took <= ENDS, "the last order ended after {took:?}");
    let mut ends = BTreeMap::new();
    let mut gone: HashMap<&str, u32> = HashMap::new();
    for it in sent {
        let found = orders.get(&it.key).map(Vec::as_slice).unwrap_or_default();
        let [order] = found else {
            panic!("{it:?} is {} orders: {found:#?}", found.len());
        };
        assert_eq!(order["account_id"], *it.account, "{it:?}");
        let (status, answer) = it.answer().unwrap();
        assert!(matches!(status, 201 | 202), "{it:?}");
        assert_eq!(order["id"], answer["id"], "{it:?}");
        let shipped = order["status"] == "shipped";
        assert!(
            it.meant == Meant::Shipped || !shipped,
            "{it:?} is {order:#}"
        );
        if shipped {
            *gone.entry(&it.sku).or_default() += it.quantity;
        }
        let end = format!("{} ({})", order["status"], order["reason"]);
        *ends.entry(end).or_insert(0) += 1;
    }
    tell(&format!("ended after {took:.1?}: {ends:?}"));
    for (sku, units) in stock {
        let left = units - gone.get(sku).copied().unwrap_or_default();
        until(&format!("{left} of {sku} to be in stock"), || {
            (shop.available(sku) == left).then_some(())
        });
    }
}

/// The auditor's verdict on what was sent.
pub fn the_auditor_finds_nothing(shop: &Shop, sent: &[Sent]) {
    let sent: Vec<_> = sent.iter().map(support::Sent::of).collect();
    let audit = shop.is_found_right(&sent);
    tell(&format!("all rules hold, of {}", audit.report["read"]));
}

/// The edges of an order's path on which a caller waits for each answer before it says more, so that
/// the mesh knows of each end whether something was unanswered. (Calls of inventory share a
/// connection: [`crate::calls`].)
const EDGES: [&str; 4] = [
    "client->gateway:8080",
    "gateway->orders:8080",
    "orders->catalog:8080",
    "orders->payments:8080",
];

/// How often a service ended a connection on which its caller waited, by edge, as the mesh counts.
pub struct Unanswered(BTreeMap<String, u64>);

impl Unanswered {
    /// As it stands.
    pub fn now(shop: &Shop) -> Self {
        let seen = shop.system.ps();
        let edges = seen["edges"].as_array().unwrap().iter();
        let count = |it: &Value| {
            let unanswered = it["counts"]["unanswered"].as_u64()?;
            Some((it["edge"].as_str()?.to_owned(), unanswered))
        };
        Self(edges.filter_map(count).collect())
    }
}

/// No service ended a connection that it had let in, with a request in it and no answer.
pub fn nothing_was_cut(shop: &Shop, before: &Unanswered) {
    let after = Unanswered::now(shop);
    let cut = EDGES.map(|edge| (edge, after.0[edge] - before.0[edge]));
    tell(&format!("ended without an answer: {cut:?}"));
    assert!(cut.iter().all(|(_, count)| *count == 0), "{cut:?}");
}

/// How often the mesh let a client in and found no gateway behind.
pub struct Unreached(u64);

impl Unreached {
    /// As it stands.
    pub fn now(shop: &Shop) -> Self {
        let seen = shop.system.ps();
        let mut edges = seen["edges"].as_array().unwrap().iter();
        let door = edges.find(|it| it["edge"] == EDGES[0]).unwrap();
        Self(door["counts"]["failed_dials"].as_u64().unwrap())
    }
}

/// A client's connection ended without an answer only where the mesh had let it in and found nobody:
/// nothing of it went anywhere.
pub fn whoever_got_no_answer_reached_nobody(shop: &Shop, sent: &[Sent], before: &Unreached) {
    let is_lost = |it: &&Outcome| matches!(it, Outcome::Cut(_) | Outcome::Silent);
    let lost = sent.iter().flat_map(|it| &it.outcomes).filter(is_lost);
    let (lost, unreached) = (lost.count() as u64, Unreached::now(shop).0 - before.0);
    tell(&format!("{lost} got no answer, {unreached} reached nobody"));
    assert!(
        lost <= unreached,
        "{lost} got no answer, {unreached} reached nobody"
    );
}
