//! 500 orders at 8 a second while each service in turn is killed, or asked to stop: whatever was
//! in hand, each key is one order in the end, paid and shipped, or cancelled with nothing kept.
//!
//! Every choice is drawn from one seed, which is told; `MSVC_TESTS_SEED` repeats it.

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

#[path = "shop_under_kills/aftermath.rs"]
mod aftermath;
#[path = "shop_under_kills/calls.rs"]
mod calls;
#[path = "shop_under_kills/consumers.rs"]
mod consumers;
#[path = "shop_under_kills/strike.rs"]
mod strike;

use std::sync::Mutex;

use msvc_machine::draw;
use support::load::{Load, Meant, Outcome, Pace, Sent};
use support::{Customer, Runtime, Shop, System, is_root, shop_services, skipped};

use aftermath::{Unanswered, Unreached};
use consumers::{BACK, Consumers};
use strike::{Strike, Way};

support::in_both! {
    killed_in_turn_under_load_no_service_loses_an_order_money_stock_or_mail,
    asked_to_stop_in_turn_under_load_no_service_cuts_a_request_or_loses_anything,
}

/// Orders, at least; more while services are still to be killed.
const ORDERS: usize = 500;
const PER_SECOND: f64 = 8.0;

/// So often a kill that met no order is repeated before that is a failure.
const TRIES: u32 = 20;

/// So often in turn a consumer may come back late before that is a failure: what a machine that has
/// much else to do takes is not the group's.
const LATE: usize = 3;

/// What is ordered of, and how much of each there is.
const SKUS: [&str; 5] = ["lamp", "chair", "table", "shelf", "clock"];
const UNITS: u32 = 100_000;

/// Of every draw.
fn seed() -> u64 {
    let given = std::env::var("MSVC_TESTS_SEED").ok();
    let given = given.map(|text| text.parse().expect("MSVC_TESTS_SEED is a number"));
    given.unwrap_or_else(|| {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        u64::from(since.subsec_nanos()) ^ u64::from(std::process::id()) << 32
    })
}

/// Tells past the harness, which shows no output of a test that passes.
fn tell(words: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    // Which of the tests: their names are long.
    let name: String = name.chars().take(22).collect();
    let line = format!("{name}: {words}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
}

fn killed_in_turn_under_load_no_service_loses_an_order_money_stock_or_mail(runtime: Runtime) {
    under_load(runtime, Way::Killed);
}

fn asked_to_stop_in_turn_under_load_no_service_cuts_a_request_or_loses_anything(runtime: Runtime) {
    if runtime == Runtime::Containers && !is_root() {
        return skipped("root, to signal a container's process");
    }
    under_load(runtime, Way::AskedToStop);
}

/// Held by the one test whose shop runs in containers: two of them and two as processes are more than
/// a small machine bears.
static IN_CONTAINERS: Mutex<()> = Mutex::new(());

fn under_load(runtime: Runtime, way: Way) {
    let alone = (runtime == Runtime::Containers).then(|| IN_CONTAINERS.lock());
    let seed = seed();
    tell(&format!("MSVC_TESTS_SEED={seed}"));
    let shop = Shop::boot(System::shop("kills", "").on(runtime));
    for sku in SKUS {
        shop.stock(sku, UNITS);
    }
    let customers: Vec<Customer> = ["ada", "bob", "cyd", "dan", "eve"]
        .map(|name| shop.customer(name))
        .into();
    let consumers = Consumers::watch(&shop);
    let pace = Pace {
        per_second: PER_SECOND,
        at_least: ORDERS,
        seed,
        skus: SKUS.map(str::to_owned).into(),
    };
    let strike = Strike::prepare(&shop, way, seed);
    let (unanswered, unreached) = (Unanswered::now(&shop), Unreached::now(&shop));
    let load = match way {
        Way::Killed => Load::start(&customers, pace),
        // Past the proxy that an engine puts before a published port: it lets clients in whoever is
        // behind, and ends their connections.
        Way::AskedToStop => Load::start_at(&shop.door(), &customers, pace),
    };
    for service in in_turn(seed) {
        let (mut counted, mut in_time, mut late) = (false, false, Vec::new());
        for _ in 0..TRIES {
            let struck = strike.at(&service);
            let away = consumers.are_back(&service, struck.since, &load);
            counted |= struck.counts;
            // A busy machine takes up to 22 s to start a container of Python again: none of that is
            // the group's.
            in_time |= way == Way::AskedToStop || away <= BACK + struck.back;
            if !in_time {
                late.push(away);
                assert!(late.len() < LATE, "{service} was away for {late:?}");
            }
            if counted && in_time {
                break;
            }
        }
        assert!(counted, "{TRIES} times {service} had no order in its hands");
    }
    let sent = load.finish();
    drop(strike);
    told(&sent);
    if way == Way::AskedToStop {
        aftermath::nothing_was_cut(&shop, &unanswered);
        aftermath::whoever_got_no_answer_reached_nobody(&shop, &sent, &unreached);
    }
    aftermath::every_order_ended_right(&shop, &sent, &SKUS.map(|sku| (sku, UNITS)));
    aftermath::the_auditor_finds_nothing(&shop, &sent);
    drop(alone);
}

/// All services, in an order that the seed draws.
fn in_turn(seed: u64) -> Vec<String> {
    let mut services = shop_services();
    services.sort_by_key(|service| draw::bits(seed, &["turn", service]));
    services
}

/// Tells how the sendings ended.
fn told(sent: &[Sent]) {
    let mut ends = std::collections::BTreeMap::new();
    for outcome in sent.iter().flat_map(|it| &it.outcomes) {
        let end = match outcome {
            Outcome::Answered(status, _) => status.to_string(),
            Outcome::Refused(_) => "refused".to_owned(),
            Outcome::Cut(_) => "cut".to_owned(),
            Outcome::Silent => "no answer".to_owned(),
        };
        *ends.entry(end).or_insert(0) += 1;
    }
    let of = |meant| sent.iter().filter(|it| it.meant == meant).count();
    let (declined, unserved) = (of(Meant::Declined), of(Meant::Unserved));
    tell(&format!(
        "{} orders, {declined} to be declined, {unserved} not served; sendings: {ends:?}",
        sent.len()
    ));
}
