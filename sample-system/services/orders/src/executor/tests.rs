//! Sagas against neighbours over real HTTP and gRPC, and a real database file.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use shop::card::{Card, CardNumber};
use shop::clock::Clock;
use shop::trace_context::TraceContext;

use super::*;
use crate::neighbours::{Mood, Neighbours};
use crate::order::{Order, OrderId, Status};
use crate::store::Placed;
use crate::store::tests::{ADA, open_at, placement};

mod copies;
mod poisoned;

const GOOD_CARD: &str = "4111111111114242";
const DECLINED_CARD: &str = "4111111111110002";

/// Longer than anything here takes; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

fn open(folder: &Path) -> Store {
    open_at(folder, &Clock::system(), "one")
}

/// As another process opens it, after the leases of the first one ended.
fn open_later(folder: &Path) -> Store {
    let later = || chrono::Utc::now() + shop::lease::LASTS;
    open_at(folder, &Clock::from_fn(later), "another")
}

fn executor(store: &Store, neighbours: &Neighbours) -> Executor {
    seeded(store, neighbours, &[])
}

fn seeded(store: &Store, neighbours: &Neighbours, bugs: &[Bug]) -> Executor {
    let never = CancellationToken::new();
    Executor::new(store.clone(), neighbours.peers(), Bugs::only(bugs), never)
}

fn trace() -> TraceContext {
    TraceContext {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        baggage: Some("msvc=run1.s1.e1, who=ada".into()),
    }
}

fn card(number: &str) -> Card {
    Card {
        number: CardNumber::try_from(number.to_owned()).unwrap(),
    }
}

fn order_id() -> OrderId {
    OrderId::of(ADA, "k1")
}

/// Stores an order of 2 lamps, its saga about to begin.
async fn place(store: &Store) -> Saga {
    let mut placement = placement(ADA, "k1");
    placement.trace = trace();
    match store.place(placement).await.unwrap() {
        Placed::New(saga) => *saga,
        other => panic!("{other:?}"),
    }
}

/// Waits until no saga is unfinished; answers the order.
async fn ended(store: &Store) -> Order {
    let mut changes = store.changes();
    let all_ended = async {
        while !store.unfinished().await.unwrap().is_empty() {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, all_ended)
        .await
        .expect("the saga comes to its end");
    store.order(order_id()).await.unwrap().unwrap()
}

/// What waits in the outbox: type and trace of each event.
async fn announced(store: &Store) -> Vec<(String, TraceContext)> {
    let read = |connection: &rusqlite::Connection| {
        let mut rows = connection.prepare("SELECT payload, traceparent, baggage FROM outbox")?;
        let read = rows.query_map([], |row| {
            let trace = TraceContext {
                traceparent: row.get(1)?,
                baggage: row.get(2)?,
            };
            Ok((row.get::<_, String>(0)?, trace))
        })?;
        read.collect::<Result<Vec<_>, _>>()
    };
    let rows = store.database().read(read).await.unwrap();
    let kind = |text: &str| {
        let event: Value = serde_json::from_str(text).unwrap();
        event["type"].as_str().unwrap().to_owned()
    };
    rows.into_iter()
        .map(|(payload, trace)| (kind(&payload), trace))
        .collect()
}

/// The read model is what the events say, and each event keeps the trace.
async fn assert_events_agree(store: &Store, order: &Order) {
    let events = store.events(order.id).await.unwrap();
    assert_eq!(Order::told_by(order.id, &events).as_ref(), Some(order));
    for (place, event) in events.iter().enumerate() {
        assert_eq!(
            (event.sequence as usize, &event.trace),
            (place + 1, &trace())
        );
    }
}

/// The order is paid and announced once, or cancelled with everything undone.
async fn assert_right(store: &Store, order: &Order, neighbours: &Neighbours) {
    let kinds: Vec<_> = announced(store)
        .await
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    let charges = neighbours.charges();
    match order.status {
        Status::Confirmed => {
            assert_eq!(
                (neighbours.available(), charges),
                (10, vec!["charged".to_owned()])
            );
            assert_eq!(kinds, ["ORDER_PLACED"]);
        }
        Status::Cancelled => {
            assert_eq!(neighbours.available(), 12);
            assert!(!charges.contains(&"charged".to_owned()), "{charges:?}");
            assert_eq!(kinds, ["ORDER_CANCELLED"]);
        }
        Status::Pending | Status::Shipped => panic!("the saga ended without an end"),
    }
    assert_events_agree(store, order).await;
}

/// Runs one order to its end.
async fn run(number: &str, mood: Mood) -> (Order, Neighbours) {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.payments_are(mood);
    let store = open(folder.path());
    let executor = executor(&store, &neighbours);
    executor.begin(place(&store).await, card(number), Halt::default());
    let order = ended(&store).await;
    assert_right(&store, &order, &neighbours).await;
    (order, neighbours)
}

#[tokio::test]
async fn an_order_that_goes_well_is_paid_and_every_call_carries_its_trace() {
    let (order, neighbours) = run(GOOD_CARD, Mood::Good).await;
    assert_eq!(order.status, Status::Confirmed);
    let calls = neighbours.calls();
    let names: Vec<_> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["check", "reserve", "charge", "commit"]);
    assert!(
        calls.iter().all(|(_, carried)| *carried == trace()),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_declined_card_cancels_the_order_and_gives_the_stock_back() {
    let (order, neighbours) = run(DECLINED_CARD, Mood::Good).await;
    assert_eq!(order.reason, Some(Reason::PaymentDeclined));
    assert!(!neighbours.calls().iter().any(|(name, _)| name == "refund"));
}

#[tokio::test]
async fn a_charge_whose_answer_comes_too_late_is_refunded() {
    let (order, neighbours) = run(GOOD_CARD, Mood::SilentAfterCharge).await;
    assert_eq!(order.reason, Some(Reason::PaymentTimeout));
    assert_eq!(neighbours.charges(), ["refunded"]);
}

#[tokio::test]
async fn a_refund_is_repeated_until_payments_is_back() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.payments_are(Mood::Failing);
    let store = open(folder.path());
    let executor = executor(&store, &neighbours);
    executor.begin(place(&store).await, card(GOOD_CARD), Halt::default());
    let refused_twice = async {
        while neighbours
            .calls()
            .iter()
            .filter(|(name, _)| name == "refund")
            .count()
            < 2
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, refused_twice).await.unwrap();
    neighbours.payments_are(Mood::Good);
    let order = ended(&store).await;
    assert_eq!(order.reason, Some(Reason::PaymentUnavailable));
    assert_right(&store, &order, &neighbours).await;
}

/// Ends a saga at `point` for good, as a kill would, and resumes it as a new start would.
async fn killed_at(point: &str, number: &str, mood: Mood) -> Order {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.payments_are(mood);
    let halt = Halt::at(point);
    let before = open(folder.path());
    executor(&before, &neighbours).begin(place(&before).await, card(number), halt.clone());
    tokio::time::timeout(DEADLINE, halt.reached())
        .await
        .expect("the saga comes to this point");

    let after = open_later(folder.path());
    executor(&after, &neighbours).take_over().await;
    let order = ended(&after).await;
    assert_right(&after, &order, &neighbours).await;
    for (kind, carried) in announced(&after).await {
        assert_eq!(carried, trace(), "{kind} after a kill before {point}");
    }
    order
}

#[tokio::test]
async fn killed_between_any_two_steps_an_order_ends_paid_or_undone() {
    for (step, paid, paid_once_done) in [
        // The card is gone with the process, so before its charge an order is undone.
        ("stock_reserved", false, false),
        ("charged", false, true),
        ("stock_committed", true, true),
        ("confirmed", true, true),
    ] {
        for (point, paid) in [
            (step.to_owned(), paid),
            (format!("{step}_recorded"), paid_once_done),
        ] {
            let order = killed_at(&point, GOOD_CARD, Mood::Good).await;
            assert_eq!(
                order.status == Status::Confirmed,
                paid,
                "killed before {point}"
            );
        }
    }
}

#[tokio::test]
async fn killed_on_the_way_back_an_order_is_undone_all_the_same() {
    for step in ["refund_requested", "stock_released", "cancelled"] {
        for point in [step.to_owned(), format!("{step}_recorded")] {
            let order = killed_at(&point, GOOD_CARD, Mood::SilentAfterCharge).await;
            assert_eq!(
                order.reason,
                Some(Reason::PaymentTimeout),
                "killed before {point}"
            );
        }
    }
}

#[tokio::test]
async fn killed_before_the_outcome_of_a_declined_charge_is_known_it_is_asked_for() {
    let order = killed_at("charged_recorded", DECLINED_CARD, Mood::Good).await;
    assert_eq!(order.reason, Some(Reason::PaymentDeclined));
}

#[tokio::test]
async fn after_a_stop_a_step_that_fails_is_left_to_the_next_start() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.payments_are(Mood::Failing);
    let store = open(folder.path());
    let shutdown = CancellationToken::new();
    let (peers, none) = (neighbours.peers(), Bugs::none());
    let executor = Executor::new(store.clone(), peers, none, shutdown.clone());
    executor.begin(place(&store).await, card(GOOD_CARD), Halt::default());
    shutdown.cancel();
    executor.finish(DEADLINE).await;
    let left: Vec<_> = store
        .unfinished()
        .await
        .unwrap()
        .into_iter()
        .map(|saga| saga.step)
        .collect();
    assert_eq!(left, [Step::RefundRequested]);
    // Its lease was given back, so another process need not wait for its end.
    let another = open_at(folder.path(), &Clock::system(), "another");
    assert_eq!(another.take_over(16).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_item_that_is_sold_out_is_not_reserved() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    let store = open(folder.path());
    let mut large = placement(ADA, "k1");
    if let Fact::OrderReceived { quantity, .. } = &mut large.received {
        *quantity = 13;
    }
    let Placed::New(saga) = store.place(large).await.unwrap() else {
        panic!("it is new");
    };
    executor(&store, &neighbours).begin(*saga, card(GOOD_CARD), Halt::default());
    let order = ended(&store).await;
    assert_eq!(order.reason, Some(Reason::OutOfStock));
    let calls = neighbours.calls();
    let names: Vec<_> = calls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["check"]);
}

#[tokio::test]
async fn a_reservation_that_expired_before_its_commit_is_refunded_and_cancelled() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.let_reservations_expire();
    let store = open(folder.path());
    executor(&store, &neighbours).begin(place(&store).await, card(GOOD_CARD), Halt::default());
    let order = ended(&store).await;
    assert_eq!(order.reason, Some(Reason::ReservationExpired));
    assert_eq!(neighbours.charges(), ["refunded"]);
    assert_right(&store, &order, &neighbours).await;
}

#[tokio::test]
async fn seeded_bugs_leave_the_money_or_the_stock_wrong() {
    for (bug, number, mood) in [
        (Bug::NoRefund, GOOD_CARD, Mood::SilentAfterCharge),
        (Bug::LostRelease, DECLINED_CARD, Mood::Good),
        (Bug::RetryNonIdempotent, GOOD_CARD, Mood::SilentAfterCharge),
    ] {
        let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
        neighbours.payments_are(mood);
        let store = open(folder.path());
        let executor = seeded(&store, &neighbours, &[bug]);
        executor.begin(place(&store).await, card(number), Halt::default());
        let order = ended(&store).await;
        assert_eq!(order.status, Status::Cancelled, "{bug}");
        let charges = neighbours.charges();
        let still = charges.iter().filter(|charge| *charge == "charged").count();
        let expected = match bug {
            Bug::NoRefund => (1, 12),
            Bug::LostRelease => (0, 10),
            _ => (2, 12),
        };
        assert_eq!(
            (still, neighbours.available()),
            expected,
            "{bug}: {charges:?}"
        );
    }
}
