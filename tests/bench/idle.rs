//! The shop from `msvc up` to the first order, and what memory it takes when nobody wants anything:
//! the share (`Pss`) of every process of it, the Python service, msvc's supervisor and guardian
//! included, summed. Looked at after the boot, after some minutes of rest, after load, and after a
//! rest again.
//!
//!     cargo bench --bench idle --profile dev
//!     cargo bench --bench idle --profile dev -- 180 60    seconds of rest, and of load between

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

use std::time::{Duration, Instant};

use released::Released;
use released::customers::Counter;
use released::machine::shares;

const PROJECT: &str = "msvc-bench-idle";
const SKU: &str = "bench-lamp";

/// How often the shop is booted; each time without data.
const BOOTS: usize = 5;

/// Orders a second while it has something to do.
const PER_SECOND: u32 = 20;

/// From `msvc up` to an order that is confirmed: an operator fills the shelf, a customer signs up,
/// signs in and orders. What `msvc up` alone took, and all of it.
async fn boot(shop: &Released) -> (Duration, Duration) {
    let since = Instant::now();
    let up = shop.up();
    let counter = Counter::of(shop);
    let operator = counter.operator().await;
    counter.stock(&operator, SKU, 1_000_000).await;
    let customer = counter.customer("first").await;
    let (status, order) = counter.order(&customer, SKU, "first").await.unwrap();
    let took = since.elapsed();
    assert_eq!(order["status"], "confirmed", "{status} {order}");
    (up, took)
}

fn remember(when: &str, each: bool) {
    let shares = shares(PROJECT);
    let sum: u64 = shares.iter().map(|share| share.kib).sum();
    #[expect(clippy::cast_precision_loss, reason = "kilobytes of a machine")]
    let megabytes = |kib: u64| kib as f64 * 1024.0 / 1e6;
    println!(
        "{when}: {:.0} MB in {} processes (limit: 400 MB)",
        megabytes(sum),
        shares.len()
    );
    if each {
        for share in &shares {
            println!("  {:<20} {:6.1} MB", share.name, megabytes(share.kib));
        }
    }
}

async fn load(counter: &Counter, seconds: u32) {
    let customer = counter.customer("second").await;
    let mut beat = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    let mut placed = Vec::new();
    for n in 0..seconds * PER_SECOND {
        beat.tick().await;
        let (counter, customer) = (counter.clone(), customer.clone());
        placed.push(tokio::spawn(async move {
            let placed = counter.order(&customer, SKU, &format!("load-{n}")).await;
            placed.is_ok_and(|(status, _)| status.is_success())
        }));
    }
    let mut taken = 0;
    for one in placed {
        taken += u32::from(one.await.unwrap());
    }
    println!("load: {taken} of {} orders taken", seconds * PER_SECOND);
}

async fn measure(rest: Duration, seconds: u32) {
    let shop = Released::new(PROJECT);
    let mut boots = Vec::new();
    for n in 0..BOOTS {
        if n > 0 {
            shop.down();
        }
        boots.push(boot(&shop).await);
    }
    println!("`msvc up`, and until the first order: {boots:.2?}");
    boots.sort_by_key(|(_, took)| *took);
    let (up, took) = boots[BOOTS / 2];
    println!("median: {took:.2?}, of it {up:.2?} `msvc up` (limit: 5 s)");

    remember("after the boot", false);
    tokio::time::sleep(rest).await;
    remember(&format!("after {rest:.0?} of rest"), true);
    load(&Counter::of(&shop), seconds).await;
    remember("after the load", false);
    tokio::time::sleep(rest).await;
    remember(&format!("after {rest:.0?} of rest again"), true);
}

fn main() {
    // Cargo adds words of its own.
    let words = std::env::args().skip(1);
    let mut numbers = words.filter_map(|word| word.parse::<u32>().ok());
    let rest = Duration::from_secs(numbers.next().unwrap_or(180).into());
    let seconds = numbers.next().unwrap_or(60);
    released::build();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(measure(rest, seconds));
}
