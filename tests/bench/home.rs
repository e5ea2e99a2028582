//! `GET /home`, which asks five services at once, beside the same five calls made one after the
//! other through the same gateway, with 20 ms added to the answers on each edge from the gateway to
//! one of the five. In turn, in one run, from one customer on one connection; prints both medians
//! and their ratio.
//!
//!     cargo bench --bench home --profile dev

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

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use released::Released;
use released::customers::{Counter, Customer};
use released::figures::{quantile, spread};
use reqwest::{Method, StatusCode};

const ROUNDS: usize = 100;
const ADDED: &str = "20ms";

/// Who is asked for which part.
const PARTS: [(&str, &str); 5] = [
    ("auth", "accounts/me"),
    ("catalog", "v2/items?featured=true&limit=10"),
    ("search", "search/popular?limit=10"),
    ("recommendations", "recommendations?limit=10"),
    ("orders", "orders?limit=5"),
];

/// The delays, held as long as msvc's command runs: one on each edge, each inside the one before.
struct Delayed(Child);

impl Delayed {
    fn hold(shop: &Released) -> Self {
        let inner = ["sh", "-c", "echo all hold; read end"].map(str::to_owned);
        let words = PARTS.iter().fold(inner.to_vec(), |inner, (service, _)| {
            let edge = format!("gateway->{service}");
            let inject = shop.command(&["chaos", "inject", "latency"]);
            let mut words = vec![inject.get_program().to_string_lossy().into_owned()];
            words.extend(
                inject
                    .get_args()
                    .map(|it| it.to_string_lossy().into_owned()),
            );
            words.extend(["--edge", &edge, "--delay", ADDED, "--"].map(str::to_owned));
            words.extend(inner);
            words
        });
        let (program, words) = words.split_first().unwrap();
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let holds = lines.find(|line| line.as_ref().is_ok_and(|line| line == "all hold"));
        assert!(holds.is_some(), "the edges are not delayed");
        Self(child)
    }
}

impl Drop for Delayed {
    fn drop(&mut self) {
        // The end of its input ends the innermost command, and with it each delay.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

async fn get(counter: &Counter, customer: &Customer, path: &str) -> serde_json::Value {
    let asked = counter
        .ask(Method::GET, path, Some(customer), None, None)
        .await;
    let (status, body) = asked.unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

/// The page at once; it has to be whole and new.
async fn at_once(counter: &Counter, customer: &Customer) -> Duration {
    let since = Instant::now();
    let page = get(counter, customer, "home").await;
    let took = since.elapsed();
    for part in ["missing", "stale"] {
        assert_eq!(page[part], serde_json::json!([]), "{page}");
    }
    took
}

async fn one_after_the_other(counter: &Counter, customer: &Customer) -> Duration {
    let since = Instant::now();
    for (_, path) in PARTS {
        get(counter, customer, path).await;
    }
    since.elapsed()
}

async fn measure() {
    let shop = Released::new("msvc-bench-home");
    shop.up();
    let counter = Counter::of(&shop);
    let operator = counter.operator().await;
    counter.stock(&operator, "bench-lamp", 100).await;
    let customer = counter.customer("bench").await;
    // Something to show, and every connection open.
    let ordered = counter.order(&customer, "bench-lamp", "one").await.unwrap();
    assert!(ordered.0.is_success(), "{ordered:?}");
    for _ in 0..10 {
        one_after_the_other(&counter, &customer).await;
        get(&counter, &customer, "home").await;
    }
    let delayed = Delayed::hold(&shop);
    let (mut page, mut calls) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever comes first has no advantage.
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                page.push(at_once(&counter, &customer).await);
            } else {
                calls.push(one_after_the_other(&counter, &customer).await);
            }
        }
    }
    drop(delayed);
    println!("/home:                    {}", spread(&mut page));
    println!("five calls in a sequence: {}", spread(&mut calls));
    let ratio = quantile(&mut page, 0.5) / quantile(&mut calls, 0.5);
    println!("ratio {ratio:.2} with {ADDED} added per edge (limit: 0.40)");
}

fn main() {
    released::build();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(measure());
}
