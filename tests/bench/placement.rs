//! Orders placed at the shop's gateway, 50 a second for a minute from 50 accounts in turn, open
//! loop: each is sent when its time has come, whatever became of those before, and its latency is
//! counted from that time until it is answered as confirmed. Everything on two cores (the shop,
//! msvc's mesh and this client too), rate limits as shipped, every commit synced (`synchronous =
//! FULL`); beside it, on the same disk, a write with its `fsync` ten times a second. Then the auditor
//! compares what the services say, and the keys that were sent with the orders.
//!
//!     cargo bench --bench placement --profile dev
//!     cargo bench --bench placement --profile dev -- 50 60 2    orders/s, seconds, cores

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement prints and may fail loudly"
)]

mod released;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use released::Released;
use released::customers::{Counter, Customer};
use released::figures::{databases, show, spread};
use released::machine::{Disk, pin};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

const ACCOUNTS: usize = 50;
const SKU: &str = "bench-lamp";

/// Orders before those that count: connections are made and pages read for the first time.
const WARM_UP: u32 = 100;

/// One order as its customer saw it.
struct Placed {
    took: Duration,
    status: String,
    sent: Value,
}

#[derive(Clone, Copy)]
struct Load {
    per_second: u32,
    seconds: u32,
    cores: usize,
}

impl Load {
    fn given() -> Self {
        // Cargo adds words of its own.
        let words = std::env::args().skip(1);
        let mut numbers = words.filter_map(|word| word.parse().ok());
        let mut next = |otherwise| numbers.next().unwrap_or(otherwise);
        Self {
            per_second: next(50),
            seconds: next(60),
            cores: next(2) as usize,
        }
    }
}

async fn place(counter: Counter, customer: Customer, key: String, intended: Instant) -> Placed {
    let placed = counter.order(&customer, SKU, &key).await;
    let took = intended.elapsed();
    let mut sent = json!({"account_id": customer.account, "key": key});
    let status = match placed {
        Ok((status, order)) => {
            if let Some(id) = order["id"].as_str() {
                sent["order_id"] = id.into();
            }
            let said = order["status"].as_str().unwrap_or("no order");
            format!("{} {said}", status.as_u16())
        }
        Err(error) => format!("no answer: {error}"),
    };
    Placed { took, status, sent }
}

/// Sends `orders`, each at its time.
async fn send(
    counter: &Counter,
    customers: &[Customer],
    name: &str,
    orders: u32,
    per_second: u32,
) -> Vec<Placed> {
    let begun = Instant::now() + Duration::from_millis(100);
    let apart = Duration::from_secs(1) / per_second;
    let each = (0..orders)
        .zip(customers.iter().cycle())
        .map(|(n, customer)| {
            let intended = begun + apart * n;
            let (counter, customer) = (counter.clone(), customer.clone());
            let key = format!("{name}-{n}");
            tokio::spawn(async move {
                sleep_until(intended).await;
                place(counter, customer, key, intended).await
            })
        });
    let mut placed = Vec::new();
    for one in each.collect::<Vec<_>>() {
        placed.push(one.await.unwrap());
    }
    placed
}

fn write_down(placed: &[Placed]) -> tempfile::NamedTempFile {
    let mut log = tempfile::NamedTempFile::new().unwrap();
    for placed in placed {
        writeln!(log, "{}", placed.sent).unwrap();
    }
    log.flush().unwrap();
    log
}

async fn measure(load: Load) {
    let shop = Released::new("msvc-bench-placement");
    shop.up();
    let counter = Counter::of(&shop);
    let operator = counter.operator().await;
    counter.stock(&operator, SKU, 1_000_000).await;
    let mut customers = Vec::new();
    for n in 0..ACCOUNTS {
        customers.push(counter.customer(&format!("bench-{n}")).await);
    }
    let mut all = send(&counter, &customers, "warm-up", WARM_UP, load.per_second).await;

    let idle = Disk::ask(&shop.home());
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!("write + fsync, shop idle:  {}", spread(&mut idle.answers()));

    let before = databases(&shop, &counter.client).await;
    let (disk, begun) = (Disk::ask(&shop.home()), Instant::now());
    let orders = load.per_second * load.seconds;
    let placed = send(&counter, &customers, "order", orders, load.per_second).await;
    let took = begun.elapsed();
    println!("write + fsync, under load: {}", spread(&mut disk.answers()));
    show(&before, &databases(&shop, &counter.client).await, took);

    let mut answers = BTreeMap::<&str, u32>::new();
    for placed in &placed {
        *answers.entry(&placed.status).or_default() += 1;
    }
    println!("answers: {answers:?}");
    let mut latencies: Vec<Duration> = placed.iter().map(|it| it.took).collect();
    println!(
        "placement, {} orders/s for {} s on {} cores: {} (limits: median 20 ms, p99 100 ms)",
        load.per_second,
        load.seconds,
        load.cores,
        spread(&mut latencies)
    );

    all.extend(placed);
    let log = write_down(&all);
    let (code, said) = shop.audit(Some(log.path()));
    println!("{}", said.trim_end());
    println!("auditor: {code:?} (wanted: 0)");
}

fn main() {
    let load = Load::given();
    released::build();
    // Before there is any thread or child: all of them inherit it.
    pin(load.cores);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(load.cores)
        .enable_all()
        .build();
    runtime.unwrap().block_on(measure(load));
}
