//! Customers who order at a steady pace, whatever becomes of those before: an open loop. Each
//! repeats an order under its key until it is answered for good.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use msvc_machine::draw;
use serde_json::{Value, json};

use super::PATIENCE;
use super::http::tls;
use super::shop::{Customer, DECLINED, GOOD, address};

/// Longer than the gateway waits for orders (10 s): whoever gave up before would not know.
const ANSWER: Duration = Duration::from_secs(20);

/// The first pause before an order is sent again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(2);

/// What an order is meant to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// Paid and shipped.
    Shipped,
    /// Cancelled: its card is declined.
    Declined,
    /// Cancelled after it was paid: shipping does not serve its address.
    Unserved,
}

/// Five orders in a row, in an order that the seed draws: a fifth of all is declined, a fifth is not
/// served.
const FIVE: [Meant; 5] = [
    Meant::Shipped,
    Meant::Shipped,
    Meant::Shipped,
    Meant::Declined,
    Meant::Unserved,
];

/// How one sending of an order ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// An answer.
    Answered(u16, Value),
    /// No connection: nothing was sent.
    Refused(String),
    /// The connection ended without an answer after it was there.
    Cut(String),
    /// No answer within [`ANSWER`].
    Silent,
}

impl Outcome {
    /// Whether it is the last word: what was ordered, or that it cannot be.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Answered(status, _) if *status < 500 && *status != 429)
    }
}

/// An order of the load.
#[derive(Debug, Clone)]
pub struct Sent {
    pub account: String,
    pub key: String,
    pub sku: String,
    pub quantity: u32,
    pub meant: Meant,
    /// When it was sent first.
    pub begun: Instant,
    /// Each sending; the last is final.
    pub outcomes: Vec<Outcome>,
}

impl Sent {
    /// What was answered for good.
    pub fn answer(&self) -> Option<(u16, &Value)> {
        match self.outcomes.last()? {
            last @ Outcome::Answered(status, body) if last.is_final() => Some((*status, body)),
            _ => None,
        }
    }

    /// The id of the order.
    pub fn order(&self) -> Option<&str> {
        let (status, body) = self.answer()?;
        let is_order = matches!(status, 201 | 202);
        is_order.then(|| body["id"].as_str()).flatten()
    }
}

/// What is ordered, how fast, and by what chance.
pub struct Pace {
    /// Orders a second.
    pub per_second: f64,
    /// At least so many.
    pub at_least: usize,
    /// Of every draw.
    pub seed: u64,
    /// What is ordered of.
    pub skus: Vec<String>,
}

/// A load that runs beside the test.
pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    gateway: String,
    client: reqwest::Client,
    customers: Vec<(String, String)>,
    pace: Pace,
    sent: Mutex<Vec<Sent>>,
    unanswered: AtomicUsize,
    enough: AtomicBool,
    abandoned: AtomicBool,
}

impl Load {
    /// Begins to order, as `customers` in turn.
    pub fn start(customers: &[Customer], pace: Pace) -> Self {
        Self::start_at(customers[0].gateway(), customers, pace)
    }

    /// The same at another URL of the gateway's.
    pub fn start_at(gateway: &str, customers: &[Customer], pace: Pace) -> Self {
        tls();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(Vec::new())
            // Each order comes over a connection of its own: one that was open before may be ended
            // by the other side just when it is used.
            .pool_max_idle_per_host(0)
            .timeout(ANSWER);
        let who = |it: &Customer| (it.account.clone(), it.bearer());
        let shared = Arc::new(Shared {
            gateway: gateway.to_owned(),
            client: client.build().unwrap(),
            customers: customers.iter().map(who).collect(),
            pace,
            sent: Mutex::default(),
            unanswered: AtomicUsize::new(0),
            enough: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        });
        let running = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build();
            runtime.unwrap().block_on(order(running));
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// The orders so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.sent.lock().unwrap().clone()
    }

    /// The orders that were first sent at `since` or later, were meant so, and were confirmed.
    pub fn confirmed_since(&self, since: Instant, meant: Meant) -> Vec<String> {
        let sent = self.shared.sent.lock().unwrap();
        let later = sent
            .iter()
            .filter(|it| it.begun >= since && it.meant == meant);
        let confirmed = later.filter(|it| {
            let answer = it.answer();
            answer.is_some_and(|(_, body)| {
                !matches!(body["status"].as_str(), Some("cancelled" | "pending"))
            })
        });
        confirmed
            .filter_map(|it| it.order().map(str::to_owned))
            .collect()
    }

    /// Orders no more once there are [`Pace::at_least`], and waits for the last answer.
    #[track_caller]
    pub fn finish(mut self) -> Vec<Sent> {
        self.shared.enough.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.sent()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Of a test that failed.
        self.shared.abandoned.store(true, Ordering::Relaxed);
    }
}

async fn order(shared: Arc<Shared>) {
    let began = tokio::time::Instant::now();
    let mut number = 0;
    while number < shared.pace.at_least || !shared.enough.load(Ordering::Relaxed) {
        if shared.abandoned.load(Ordering::Relaxed) {
            return;
        }
        // By the clock, not after the one before: who is late delays nobody.
        let due = Duration::from_secs_f64(number as f64 / shared.pace.per_second);
        tokio::time::sleep_until(began + due).await;
        shared.unanswered.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(buy(Arc::clone(&shared), number));
        number += 1;
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while shared.unanswered.load(Ordering::Relaxed) > 0 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "orders are not answered for good"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends the order of this number until it is answered for good.
async fn buy(shared: Arc<Shared>, number: usize) {
    let (seed, word) = (shared.pace.seed, number.to_string());
    let drawn = |what: &str, of: usize| draw::bits(seed, &[what, &word]) as usize % of;
    let (account, bearer) = &shared.customers[number % shared.customers.len()];
    let meant =
        FIVE[(number + draw::bits(seed, &["five", &(number / 5).to_string()]) as usize % 5) % 5];
    let sku = shared.pace.skus[drawn("sku", shared.pace.skus.len())].clone();
    let quantity = 1 + drawn("quantity", 3) as u32;
    let key = format!("load-{seed}-{number}");
    let body = body(&sku, quantity, meant);
    let place = {
        let mut sent = shared.sent.lock().unwrap();
        sent.push(Sent {
            account: account.clone(),
            key: key.clone(),
            sku,
            quantity,
            meant,
            begun: Instant::now(),
            outcomes: Vec::new(),
        });
        sent.len() - 1
    };
    let mut pause = PAUSE;
    loop {
        let (outcome, asked) = send(&shared, bearer, &key, &body).await;
        let is_final = outcome.is_final();
        shared.sent.lock().unwrap()[place].outcomes.push(outcome);
        if is_final || shared.abandoned.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep(asked.unwrap_or(pause)).await;
        pause = (pause * 2).min(LONGEST);
    }
    shared.unanswered.fetch_sub(1, Ordering::Relaxed);
}

fn body(sku: &str, quantity: u32, meant: Meant) -> Value {
    let card = match meant {
        Meant::Declined => DECLINED,
        Meant::Shipped | Meant::Unserved => GOOD,
    };
    let mut address = address();
    if meant == Meant::Unserved {
        address["country"] = json!("AQ");
    }
    json!({"sku": sku, "quantity": quantity, "card": {"number": card}, "address": address})
}

/// Sends it once; also how long the answer asks to wait.
async fn send(
    shared: &Shared,
    bearer: &str,
    key: &str,
    body: &Value,
) -> (Outcome, Option<Duration>) {
    let request = shared
        .client
        .post(format!("{}/orders", shared.gateway))
        .header("Authorization", bearer)
        .header("Idempotency-Key", key)
        .json(body);
    let broken = |why: reqwest::Error| {
        let words = format!("{why:?}");
        match (why.is_timeout(), why.is_connect()) {
            (true, _) => Outcome::Silent,
            (_, true) => Outcome::Refused(words),
            _ => Outcome::Cut(words),
        }
    };
    match request.send().await {
        Err(why) => (broken(why), None),
        Ok(answer) => {
            let status = answer.status().as_u16();
            let asked = answer.headers().get("retry-after");
            let asked = asked.and_then(|it| it.to_str().ok()?.parse().ok());
            match answer.bytes().await {
                Err(why) => (broken(why), None),
                Ok(bytes) => {
                    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                    let asked = asked.map(Duration::from_secs);
                    (Outcome::Answered(status, body), asked)
                }
            }
        }
    }
}
