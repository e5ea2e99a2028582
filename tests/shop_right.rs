//! Money, stock and mail under many who come at once and after the broker was away, and what is kept
//! where: one shop in each runtime serves all of these tests.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

#[path = "shop_right/outage.rs"]
mod outage;
#[path = "shop_right/poisoned.rs"]
mod poisoned;
#[path = "shop_right/renewals.rs"]
mod renewals;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use outage::the_broker_away_for_longer_than_producers_try_holds_orders_up_and_loses_none;
use poisoned::orders_whose_units_cannot_come_back_cost_nobody_else_theirs_and_end_once_they_can;
use renewals::{
    a_new_certificate_is_taken_up_and_the_connection_that_is_there_is_not_cut,
    signing_keys_rotate_under_signed_requests_and_no_request_fails,
};
use serde_json::{Value, json};
use support::shop::{Customer, DECLINED, GOOD, order};
use support::{OneShop, Runtime, Sent, Shop, at_once, inside, shop_services};
use support::{skipped, until};

support::in_both! {
    of_a_hundred_buyers_at_once_for_twelve_units_twelve_pay_once_and_the_others_nothing,
    one_key_twenty_times_at_once_is_one_order_one_charge_and_one_reservation,
    no_process_holds_anothers_database_open,
    the_read_model_of_orders_deleted_and_made_anew_from_events_answers_the_same,
    orders_whose_units_cannot_come_back_cost_nobody_else_theirs_and_end_once_they_can,
    signing_keys_rotate_under_signed_requests_and_no_request_fails,
    a_new_certificate_is_taken_up_and_the_connection_that_is_there_is_not_cut,
    the_broker_away_for_longer_than_producers_try_holds_orders_up_and_loses_none,
}

/// A shop whose orders can be asked for their figures.
static SHOP: OneShop = OneShop::new("right", "  orders:\n    ports: !override [\"8080\"]\n");

/// Waits until an order is at its end, and answers how it ended.
fn ended(customer: &Customer, id: &str) -> Value {
    until(&format!("the end of the order {id}"), || {
        let (_, order) = customer.get(&format!("orders/{id}"));
        let at_end = ["shipped", "cancelled"]
            .iter()
            .any(|it| order["status"] == **it);
        at_end.then_some(order)
    })
}

/// Those of `all` that belong to one of these orders.
fn of(all: Vec<Value>, orders: &BTreeSet<String>) -> Vec<Value> {
    let belongs = |it: &Value| {
        it["order_id"]
            .as_str()
            .is_some_and(|id| orders.contains(id))
    };
    all.into_iter().filter(belongs).collect()
}

fn of_a_hundred_buyers_at_once_for_twelve_units_twelve_pay_once_and_the_others_nothing(
    runtime: Runtime,
) {
    SHOP.alone(runtime, |shop| {
        shop.stock("rush", 12);
        let buyers = shop.customers("rush", 100);
        let key = |buyer: &Customer| format!("rush-{}", buyer.account);
        let answers = at_once(&buyers, |buyer| {
            buyer.orders(&key(buyer), &order("rush", 1, GOOD), &[])
        });
        let ids = answers.iter().map(|(status, answer)| {
            assert!((200..300).contains(status), "{status}: {answer}");
            answer["id"].as_str().unwrap().to_owned()
        });
        let ids: Vec<String> = ids.collect();
        let (mut paid, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for (buyer, id) in buyers.iter().zip(&ids) {
            let order = ended(buyer, id);
            match order["status"] == "shipped" {
                true => paid.insert(id.clone()),
                false => refused.insert(id.clone()),
            };
        }
        assert_eq!((paid.len(), refused.len()), (12, 88));
        let charges = shop.audit("charges");
        let charged: Vec<_> = of(charges.clone(), &paid);
        assert!(
            charged.iter().all(|it| it["status"] == "charged"),
            "{charged:?}"
        );
        assert_eq!(charged.len(), 12, "one charge each: {charged:?}");
        let kept = of(charges, &refused).into_iter();
        let kept: Vec<_> = kept.filter(|it| it["status"] == "charged").collect();
        assert_eq!(kept, Vec::<Value>::new(), "money of who got nothing");
        assert_eq!(shop.available("rush"), 0);
        let reserved = shop.audit("reservations").into_iter();
        let reserved: Vec<_> = reserved.filter(|it| it["sku"] == "rush").collect();
        let committed = reserved.iter().filter(|it| it["status"] == "committed");
        assert_eq!(committed.count(), 12, "{reserved:?}");
        let open = reserved.iter().filter(|it| it["status"] == "reserved");
        assert_eq!(open.count(), 0, "{reserved:?}");
        let sent = buyers.iter().zip(&ids);
        let sent: Vec<_> = sent
            .map(|(it, id)| Sent::answered(it, &key(it), id))
            .collect();
        shop.is_found_right(&sent);
    });
}

fn one_key_twenty_times_at_once_is_one_order_one_charge_and_one_reservation(runtime: Runtime) {
    SHOP.alone(runtime, |shop| {
        shop.stock("again", 12);
        let customer = shop.customer("again");
        let asked = order("again", 2, GOOD);
        let answers = at_once(&[(); 20], |()| customer.orders("again", &asked, &[]));
        let named = answers.iter().map(|(_, answer)| answer["id"].as_str());
        let named: BTreeSet<_> = named.collect();
        assert_eq!(named.len(), 1, "{answers:?}");
        let id = named.into_iter().flatten().next();
        let id = id.unwrap_or_else(|| panic!("no order in {answers:?}"));
        assert_eq!(ended(&customer, id)["status"], "shipped");
        let (_, mine) = customer.get("orders?limit=100");
        let mine = mine["items"].as_array().or(mine.as_array()).unwrap().len();
        assert_eq!(mine, 1, "orders of the account");
        let one = BTreeSet::from([id.to_owned()]);
        let charges = of(shop.audit("charges"), &one);
        assert_eq!(charges.len(), 1, "{charges:?}");
        assert_eq!(charges[0]["status"], "charged");
        let reservations = of(shop.audit("reservations"), &one);
        assert_eq!(reservations.len(), 1, "{reservations:?}");
        assert_eq!(reservations[0]["quantity"], 2);
        assert_eq!(shop.available("again"), 10);
        shop.is_found_right(&[Sent::answered(&customer, "again", id)]);
    });
}

/// A file, whatever name it is seen under: device and inode.
type Inode = (u64, u64);

fn inode(path: &Path) -> Option<Inode> {
    let it = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    Some((it.dev(), it.ino()))
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(_) => found.push(entry.path()),
            Err(_) => {}
        }
    }
    found
}

/// Every process of this machine that can be looked into, with the files that it holds open.
fn held() -> BTreeMap<u32, Vec<Inode>> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let open = |pid: u32| {
        let folder = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let files = folder.flatten().filter_map(|fd| inode(&fd.path()));
        Some((pid, files.collect()))
    };
    pids.filter_map(open).collect()
}

/// The service that a process belongs to: as processes each carries its mark, in containers it
/// shares the PID namespace of the first.
fn belongs(shop: &Shop, firsts: &BTreeMap<String, u32>, pid: u32) -> Option<String> {
    match shop.system.runtime() {
        Runtime::Processes => {
            let mark = inside::variable(pid, "MSVC_RUN")?;
            let mut parts = mark.split('/');
            let ours = parts.next() == Some(&shop.system.project);
            ours.then(|| parts.nth(2).map(str::to_owned)).flatten()
        }
        Runtime::Containers => {
            let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
            let own = namespace(pid)?;
            let mut all = firsts.iter();
            let found = all.find(|(_, first)| namespace(**first).as_ref() == Some(&own));
            found.map(|(service, _)| service.clone())
        }
    }
}

fn no_process_holds_anothers_database_open(runtime: Runtime) {
    if !inside::can_look(runtime) {
        return skipped("root, to look into the containers' processes");
    }
    SHOP.beside_others(runtime, |shop| {
        let services = shop_services();
        let firsts: BTreeMap<String, u32> = services
            .into_iter()
            .map(|service| {
                let pid = inside::pids(&shop.system, &service)[0];
                (service, pid)
            })
            .collect();
        let mut owners: BTreeMap<Inode, (String, PathBuf)> = BTreeMap::new();
        for (service, pid) in &firsts {
            let folder = inside::data(*pid).unwrap_or_else(|| panic!("no data of {service}"));
            for file in files(&folder) {
                if let Some(inode) = inode(&file) {
                    owners.insert(inode, (service.clone(), file));
                }
            }
        }
        let mut opened: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (pid, open) in held() {
            for (owner, file) in open.iter().filter_map(|it| owners.get(it)) {
                let holder = belongs(shop, &firsts, pid);
                assert_eq!(
                    holder.as_ref(),
                    Some(owner),
                    "process {pid} holds {} of {owner}",
                    file.display()
                );
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                opened.entry(owner.clone()).or_default().insert(name);
            }
        }
        // What was looked at is what they keep: each but the gateway has a database open, with
        // its log and its index.
        for service in firsts.keys().filter(|it| *it != "gateway") {
            let names = opened.get(service).cloned().unwrap_or_default();
            let is_open = |name: String| names.contains(&name);
            let all = names
                .iter()
                .any(|it| is_open(format!("{it}-wal")) && is_open(format!("{it}-shm")));
            assert!(all, "{service} holds {names:?}");
        }
    });
}

/// All that can be asked about the orders of these customers.
fn told(shop: &Shop, customers: &[Customer]) -> Vec<Value> {
    let mut all = shop.audit("orders");
    for customer in customers {
        let (status, list) = customer.get("orders?limit=100");
        assert_eq!(status, 200, "{list}");
        all.push(list);
    }
    all
}

fn the_read_model_of_orders_deleted_and_made_anew_from_events_answers_the_same(runtime: Runtime) {
    if !inside::can_look(runtime) {
        return skipped("root, to open a database in a volume");
    }
    SHOP.alone(runtime, |shop| {
        shop.stock("anew", 12);
        let customers = shop.customers("anew", 3);
        let mut elsewhere = order("anew", 1, GOOD);
        elsewhere["address"]["country"] = json!("BR");
        let orders = [
            order("anew", 1, GOOD),
            order("anew", 1, DECLINED),
            elsewhere,
        ];
        for (customer, order) in customers.iter().zip(&orders) {
            let (_, answer) = customer.orders("anew", order, &[]);
            let id = answer["id"].as_str().unwrap_or_else(|| panic!("{answer}"));
            ended(customer, id);
        }
        let before = told(shop, &customers);
        assert!(before.len() >= 6, "{before:?}");
        let database = inside::volume(&shop.system, "orders-data").join("orders.sqlite");
        inside::alter(&database, "DELETE FROM order_view").expect(0);
        assert_eq!(shop.audit("orders"), Vec::<Value>::new(), "deleted");
        let done = inside::run_beside(&shop.system, "orders", &["rebuild"]).expect(0);
        let count = before.len() - customers.len();
        assert!(
            done.stdout.contains(&format!("{count} orders")),
            "{}",
            done.stdout
        );
        assert_eq!(told(shop, &customers), before);
    });
}
