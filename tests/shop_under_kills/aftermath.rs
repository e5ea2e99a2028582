//! What has to be so when all is over.

use std::collections::{BTreeMap, HashMap};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::load::{Meant, Outcome, Sent, write_down};
use crate::support::{Finished, Shop, finish, root, until};
use crate::tell;

/// Every order has ended so long after the last was answered.
const ENDS: Duration = Duration::from_secs(120);

/// All orders of the shop, by key.
fn orders(shop: &Shop) -> Option<HashMap<String, Vec<Value>>> {
    let (mut after, mut all) = (0, HashMap::<String, Vec<Value>>::new());
    loop {
        let page = shop.get(&format!("audit/orders?after={after}&limit=1000"));
        let items = page["items"].as_array()?;
        for it in items {
            let key = it["key"].as_str()?.to_owned();
            all.entry(key).or_default().push(it.clone());
        }
        match items.last() {
            Some(last) => after = last["sequence"].as_u64()?,
            None => return Some(all),
        }
    }
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
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("sent.ndjson");
    write_down(sent, &log);
    let broker = shop.system.url("broker");
    let broker = broker.rsplit('/').next().unwrap();
    let password = shop.system.directory.join("secrets/operator-password");
    let mut auditor = Command::new("cargo");
    auditor
        .args(["run", "--quiet", "--bin", "auditor", "--"])
        .args(["--gateway", &shop.gateway, "--kafka", broker])
        .arg("--password-file")
        .arg(password)
        .arg("--sent")
        .arg(&log)
        .current_dir(root());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            auditor.env_remove(name);
        }
    }
    let Finished { stdout, .. } = finish(auditor).expect(0);
    tell(stdout.lines().next().unwrap_or_default());
}

/// The edges by which services call each other for an order, each with the caller, and what its log
/// says of a request that was sent and not answered. Calls of inventory share one connection, so that
/// their number says nothing of how often one broke.
const CALLS: [(&str, &str, &str); 3] = [
    (
        "gateway->orders:8080",
        "gateway",
        "the connection to orders broke",
    ),
    (
        "orders->catalog:8080",
        "orders",
        "the connection to catalog broke",
    ),
    (
        "orders->payments:8080",
        "orders",
        "the connection to payments broke",
    ),
];

/// The edge of whoever orders.
const DOOR: &str = "client->gateway:8080";

/// How often a caller was led to nobody, by edge: let in by the mesh, which then found nobody behind,
/// or refused. Through an engine's own proxy of a published port both look the same to the caller.
pub struct Unreached(BTreeMap<String, u64>);

impl Unreached {
    /// As it stands.
    pub fn now(shop: &Shop) -> Self {
        let seen = shop.system.ps();
        let edges = seen["edges"].as_array().unwrap().iter();
        let count = |it: &Value| {
            let count = |name: &str| it["counts"][name].as_u64();
            let unreached = count("failed_dials")? + count("refused")?;
            Some((it["edge"].as_str()?.to_owned(), unreached))
        };
        Self(edges.filter_map(count).collect())
    }

    fn on(&self, edge: &str) -> u64 {
        self.0.get(edge).copied().unwrap_or_default()
    }
}

/// Whoever a service let in got an answer. Where a connection ended without one, the mesh had let
/// the caller in and found nobody behind: not a byte of it went anywhere, and the mesh counts it.
pub fn nothing_was_cut(shop: &Shop, sent: &[Sent], before: &Unreached) {
    let after = Unreached::now(shop);
    let outcomes = sent.iter().flat_map(|it| &it.outcomes);
    let cut: Vec<_> = outcomes
        .filter(|it| matches!(it, Outcome::Cut(_) | Outcome::Silent))
        .collect();
    let cut = (DOOR, cut.iter().map(|it| format!("{it:?}")).collect());
    let calls = CALLS.map(|(edge, caller, words)| {
        let log = shop.system.run(&["logs", caller]).expect(0).stdout;
        let lines = log.lines().filter(|line| line.contains(words));
        (edge, lines.map(str::to_owned).collect::<Vec<_>>())
    });
    let mut more = Vec::new();
    for (edge, broke) in calls.into_iter().chain([cut]) {
        let unreached = after.on(edge) - before.on(edge);
        let count = broke.len();
        tell(&format!("{edge}: {count} broke, {unreached} led to nobody"));
        if count as u64 > unreached {
            more.extend(broke);
        }
    }
    assert!(more.is_empty(), "{more:#?}");
}
