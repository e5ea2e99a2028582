//! Orders in, parcels out: over a real database and real HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};
use shop::bugs::{Bug, Bugs};
use shop::clock::Clock;
use shop::consume::{Failure, Handle as _};
use shop::kafka::{Delivery, Record};
use shop::lease::Holder;
use shop::metrics::Metrics;
use shop::outbox::Outbox;
use shop::trace_context::TraceContext;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::orders::Orders;
use crate::packer::Packer;
use crate::task::End;
use crate::warehouse::Warehouse;

mod asked;
mod strangers;

/// Whose orders these are.
const ADA: Uuid = Uuid::from_u128(1);

/// How long packing takes here; nobody waits for it where the test holds the clock.
const PACKING: Duration = Duration::from_millis(40);

fn open(folder: &TempDir, clock: Clock, bugs: &[Bug]) -> Warehouse {
    Warehouse::open(folder.path(), clock, Outbox::new(), &Bugs::only(bugs)).unwrap()
}

fn warehouse(folder: &TempDir) -> Warehouse {
    open(folder, Clock::system(), &[])
}

/// A clock that stands until it is moved, by milliseconds.
fn held_clock() -> (Clock, Arc<AtomicI64>) {
    let millis = Arc::new(AtomicI64::new(1_800_000_000_000));
    let shown = Arc::clone(&millis);
    let clock = Clock::from_fn(move || {
        DateTime::from_timestamp_millis(shown.load(Ordering::SeqCst)).unwrap()
    });
    (clock, millis)
}

/// A packer at work.
struct Packing {
    shutdown: CancellationToken,
    ends: JoinHandle<()>,
}

impl Packing {
    fn start(warehouse: &Warehouse) -> Self {
        let figures = Metrics::new().resource("packers");
        let packer = Packer::new(warehouse.clone(), PACKING, Holder::fresh(), figures);
        let shutdown = CancellationToken::new();
        let grace = Duration::from_secs(20);
        let ends = tokio::spawn(packer.run(shutdown.clone(), grace));
        Self { shutdown, ends }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.ends.await.unwrap();
    }
}

fn placed(event: &str, order: &str, country: &str) -> Value {
    json!({
        "id": event, "type": "ORDER_PLACED", "version": 2,
        "time": "2026-11-21T01:02:03.004Z", "order_id": order,
        "data": {
            "account_id": ADA, "sku": "4521", "name": "Lamp", "quantity": 2,
            "total": {"amount": 9998, "currency": "USD"},
            "address": {
                "name": "Ada", "street": "1 Row", "postal_code": "1", "city": "X",
                "country": country,
            },
        },
    })
}

fn cancelled(event: &str, order: &str) -> Value {
    json!({
        "id": event, "type": "ORDER_CANCELLED", "version": 1,
        "time": "2026-11-21T01:02:03.004Z", "order_id": order,
        "data": {"account_id": ADA, "sku": "4521", "quantity": 2, "reason": "out_of_stock"},
    })
}

async fn hear(warehouse: &Warehouse, event: &Value) -> Result<(), Failure> {
    let record = Record {
        topic: "orders".to_owned(),
        key: "o1".to_owned(),
        payload: event.to_string().into_bytes(),
        headers: Vec::new(),
    };
    let (partition, offset) = (0, 0);
    let delivery = Delivery {
        record,
        partition,
        offset,
    };
    let trace = TraceContext {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        baggage: Some("a=b".to_owned()),
    };
    Orders(warehouse.clone()).handle(&delivery, &trace).await
}

/// Waits until every task has ended.
async fn all_ended(warehouse: &Warehouse) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while warehouse.open_tasks().await.unwrap() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "tasks do not end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn statuses(warehouse: &Warehouse, order: &str) -> Vec<String> {
    let shipments = warehouse.of_order(order.to_owned()).await.unwrap();
    shipments.into_iter().map(|one| one.status).collect()
}

/// The events that were told so far, with the trace that each carries.
async fn told(warehouse: &Warehouse) -> Vec<(Value, Option<String>)> {
    let read = |connection: &rusqlite::Connection| {
        connection
            .prepare("SELECT payload, traceparent FROM outbox ORDER BY id")?
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
            .collect::<Result<Vec<_>, _>>()
    };
    let rows = warehouse.database().read(read).await.unwrap();
    let parsed = rows.into_iter();
    parsed
        .map(|(payload, trace)| (serde_json::from_str(&payload).unwrap(), trace))
        .collect()
}

#[tokio::test]
async fn an_order_is_shipped_once_however_often_it_comes_and_the_event_carries_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = warehouse(&folder);
    let packing = Packing::start(&warehouse);
    for event in ["e1", "e1", "e2"] {
        hear(&warehouse, &placed(event, "o1", "DE")).await.unwrap();
        all_ended(&warehouse).await;
    }
    packing.stop().await;
    assert_eq!(statuses(&warehouse, "o1").await, ["shipped"]);
    let told = told(&warehouse).await;
    assert_eq!(told.len(), 1);
    let (event, trace) = &told[0];
    assert_eq!(event["type"], "ITEM_SHIPPED");
    assert_eq!(event["order_id"], "o1");
    let shipments = warehouse.of_order("o1".to_owned()).await.unwrap();
    assert_eq!(event["data"]["tracking"], json!(shipments[0].tracking));
    assert_eq!(event["data"]["quantity"], 2);
    assert!(trace.as_deref().unwrap().starts_with("00-0af765"));
}

#[tokio::test]
async fn what_goes_to_a_country_that_is_not_served_or_to_no_address_fails_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = warehouse(&folder);
    let packing = Packing::start(&warehouse);
    hear(&warehouse, &placed("e1", "o1", "JP")).await.unwrap();
    all_ended(&warehouse).await;
    let mut first_version = placed("e2", "o2", "DE");
    first_version["version"] = json!(1);
    first_version["data"]
        .as_object_mut()
        .unwrap()
        .remove("address");
    hear(&warehouse, &first_version).await.unwrap();
    all_ended(&warehouse).await;
    packing.stop().await;
    let told = told(&warehouse).await;
    let reasons: Vec<_> = told
        .iter()
        .map(|(event, _)| (event["type"].as_str(), event["data"]["reason"].as_str()))
        .collect();
    let failed = Some("SHIPMENT_FAILED");
    assert_eq!(
        reasons,
        [
            (failed, Some("country_not_served")),
            (failed, Some("address_missing"))
        ]
    );
    for order in ["o1", "o2"] {
        assert_eq!(statuses(&warehouse, order).await, ["failed"]);
        hear(&warehouse, &cancelled(&format!("c-{order}"), order))
            .await
            .unwrap();
        assert_eq!(statuses(&warehouse, order).await, ["failed"]);
    }
}

#[tokio::test]
async fn an_order_that_is_cancelled_while_it_is_packed_never_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, now) = held_clock();
    let warehouse = open(&folder, clock, &[]);
    hear(&warehouse, &placed("e1", "o1", "DE")).await.unwrap();
    let packing = Packing::start(&warehouse);
    let is_taken =
        |connection: &rusqlite::Connection| connection.prepare("SELECT 1 FROM lease")?.exists([]);
    while !warehouse.database().read(is_taken).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    hear(&warehouse, &cancelled("e2", "o1")).await.unwrap();
    now.fetch_add(1_000, Ordering::SeqCst);
    packing.stop().await;
    assert_eq!(statuses(&warehouse, "o1").await, ["dropped"]);
    assert!(told(&warehouse).await.is_empty());
}

#[tokio::test]
async fn a_cancellation_that_comes_before_its_order_drops_the_task_when_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = warehouse(&folder);
    hear(&warehouse, &cancelled("e2", "o1")).await.unwrap();
    hear(&warehouse, &placed("e1", "o1", "DE")).await.unwrap();
    assert_eq!(statuses(&warehouse, "o1").await, ["dropped"]);
    assert_eq!(warehouse.open_tasks().await.unwrap(), 0);
}

#[tokio::test]
async fn what_left_is_not_called_back_by_a_late_cancellation() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = warehouse(&folder);
    let packing = Packing::start(&warehouse);
    hear(&warehouse, &placed("e1", "o1", "DE")).await.unwrap();
    all_ended(&warehouse).await;
    hear(&warehouse, &cancelled("e2", "o1")).await.unwrap();
    packing.stop().await;
    assert_eq!(statuses(&warehouse, "o1").await, ["shipped"]);
}

#[tokio::test]
async fn three_copies_over_one_file_ship_each_order_once() {
    let folder = tempfile::tempdir().unwrap();
    let copies = [0, 1, 2].map(|_| warehouse(&folder));
    let packing = [0, 1, 2].map(|copy: usize| Packing::start(&copies[copy]));
    for number in 0..60 {
        let event = placed(&format!("e{number}"), &format!("o{number}"), "US");
        hear(&copies[number % 3], &event).await.unwrap();
    }
    all_ended(&copies[0]).await;
    for packing in packing {
        packing.stop().await;
    }
    let mut orders: Vec<String> = told(&copies[0])
        .await
        .iter()
        .map(|(event, _)| event["order_id"].to_string())
        .collect();
    assert_eq!(orders.len(), 60);
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), 60);
}

#[tokio::test]
async fn a_task_whose_packer_died_is_taken_over_and_the_one_that_slept_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, now) = held_clock();
    let warehouse = open(&folder, clock, &[]);
    hear(&warehouse, &placed("e1", "o1", "DE")).await.unwrap();
    let (sleeper, other) = (Holder::named("sleeper"), Holder::named("other"));
    let task = warehouse.take(&sleeper, 5).await.unwrap().remove(0);
    assert!(warehouse.take(&other, 5).await.unwrap().is_empty());
    now.fetch_add(6_000, Ordering::SeqCst);
    let taken = warehouse.take(&other, 5).await.unwrap();
    assert_eq!(taken, std::slice::from_ref(&task));
    assert!(
        warehouse
            .finish(&other, &taken[0], End::Shipped)
            .await
            .unwrap()
    );
    let late = End::Failed("country_not_served");
    assert!(!warehouse.finish(&sleeper, &task, late).await.unwrap());
    assert_eq!(statuses(&warehouse, "o1").await, ["shipped"]);
    assert_eq!(told(&warehouse).await.len(), 1);
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_hand_and_gives_back_what_takes_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _stands) = held_clock();
    let warehouse = open(&folder, clock, &[]);
    hear(&warehouse, &placed("e1", "o1", "DE")).await.unwrap();
    let figures = Metrics::new().resource("packers");
    let packer = Packer::new(warehouse.clone(), PACKING, Holder::fresh(), figures);
    let shutdown = CancellationToken::new();
    let ends = tokio::spawn(packer.run(shutdown.clone(), Duration::from_millis(50)));
    let is_taken =
        |connection: &rusqlite::Connection| connection.prepare("SELECT 1 FROM lease")?.exists([]);
    while !warehouse.database().read(is_taken).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shutdown.cancel();
    ends.await.unwrap();
    let next = warehouse.take(&Holder::named("next"), 5).await.unwrap();
    assert_eq!(next.len(), 1);
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_refused_and_one_of_no_units_too() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = warehouse(&folder);
    let unreadable = hear(&warehouse, &json!({"type": "ORDER_PLACED"})).await;
    assert!(matches!(unreadable, Err(Failure::Unreadable(_))));
    let mut none = placed("e1", "o1", "DE");
    none["data"]["quantity"] = json!(0);
    let refused = hear(&warehouse, &none).await;
    assert!(matches!(refused, Err(Failure::Staying(_))));
    let mut other = placed("e2", "o2", "DE");
    other["type"] = json!("ORDER_ADMIRED");
    hear(&warehouse, &other).await.unwrap();
    assert_eq!(warehouse.after(0, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn with_the_bug_seeded_an_order_that_comes_again_is_shipped_again() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(&folder, Clock::system(), &[Bug::NoDedup]);
    let packing = Packing::start(&warehouse);
    for _ in 0..2 {
        hear(&warehouse, &placed("e1", "o1", "DE")).await.unwrap();
    }
    all_ended(&warehouse).await;
    packing.stop().await;
    assert_eq!(statuses(&warehouse, "o1").await, ["shipped", "shipped"]);
    let told = told(&warehouse).await;
    assert_ne!(told[0].0["id"], told[1].0["id"]);
}
