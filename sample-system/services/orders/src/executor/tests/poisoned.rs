//! A step at which a peer fails over and over: it waits longer each time, also after a restart, and
//! harms no other order.

use shop::calls::Limits;

use super::*;
use crate::neighbours::how;

/// Waits until inventory failed `times` at the next step of the only unfinished saga; answers it.
async fn failed(store: &Store, times: u32) -> Saga {
    let often = async {
        loop {
            let unfinished = store.unfinished().await.unwrap();
            if let Some(saga) = unfinished.into_iter().find(|saga| saga.failures >= times) {
                return saga;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, often)
        .await
        .expect("the step is repeated")
}

fn releases(neighbours: &Neighbours) -> usize {
    let calls = neighbours.calls();
    calls.iter().filter(|(name, _)| name == "release").count()
}

/// Calls whose breakers open at the first that counts against a peer.
fn quick_to_blame() -> How {
    How {
        limits: Limits {
            breaker_least: 1,
            breaker_percent: 1,
            ..Limits::default()
        },
        ..how()
    }
}

/// An executor that calls as `how` says.
fn impatient(store: &Store, neighbours: &Neighbours, how: &How) -> Executor {
    let (peers, never) = (neighbours.peers_as(how), CancellationToken::new());
    Executor::new(store.clone(), peers, Bugs::none(), never)
}

/// The breaker before `peer` is closed and was never open.
fn assert_closed(how: &How, peer: &str) {
    let metrics = how.metrics.text();
    let closed = format!(r#"circuit_breaker_state{{peer="{peer}"}} 0"#);
    assert!(metrics.contains(&closed), "{metrics}");
    let opened = format!(r#"circuit_breaker_changes_total{{peer="{peer}",state="open"}}"#);
    assert!(!metrics.contains(&opened), "{metrics}");
}

/// Stores another order of 2 lamps, its saga about to begin.
async fn place_under(store: &Store, key: &str) -> Saga {
    match store.place(placement(ADA, key)).await.unwrap() {
        Placed::New(saga) => *saga,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn waits_go_on_growing_after_a_restart_and_the_order_ends_once_its_peer_can_again() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.poison(order_id());
    let before = open(folder.path());
    let (shutdown, peers) = (CancellationToken::new(), neighbours.peers());
    let first = Executor::new(before.clone(), peers, Bugs::none(), shutdown.clone());
    first.begin(place(&before).await, card(DECLINED_CARD), Halt::default());
    failed(&before, 4).await;
    assert_eq!(first.failing(), 1);
    shutdown.cancel();
    first.finish(DEADLINE).await;
    let kept = failed(&before, 4).await;
    assert_eq!((kept.step, kept.failures > 3), (Step::StockReleased, true));
    assert!(kept.next_try > 0, "{kept:?}");

    let tried = releases(&neighbours);
    let after = open_at(folder.path(), &Clock::system(), "another");
    let second = executor(&after, &neighbours);
    second.take_over().await;
    assert_eq!(second.failing(), 1, "it is known from the start");
    let next = failed(&after, kept.failures + 1).await;
    assert_eq!(next.failures, kept.failures + 1, "nothing begins anew");
    assert_eq!(releases(&neighbours), tried + 1, "it waited first");

    neighbours.heal();
    let order = ended(&after).await;
    assert_eq!(order.reason, Some(Reason::PaymentDeclined));
    assert_right(&after, &order, &neighbours).await;
}

#[tokio::test]
async fn an_order_whose_step_keeps_failing_opens_the_breaker_for_nobody() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.poison(order_id());
    let store = open(folder.path());
    let how = quick_to_blame();
    let executor = impatient(&store, &neighbours, &how);
    executor.begin(place(&store).await, card(DECLINED_CARD), Halt::default());
    failed(&store, 5).await;
    assert_closed(&how, "inventory");

    let (saga, mut changes) = (place_under(&store, "k2").await, store.changes());
    let other = saga.order.id;
    executor.begin(saga, card(GOOD_CARD), Halt::default());
    let confirmed = async {
        loop {
            let order = store.order(other).await.unwrap().unwrap();
            if order.status != Status::Pending {
                return order.status;
            }
            changes.changed().await.unwrap();
        }
    };
    let status = tokio::time::timeout(DEADLINE, confirmed).await.unwrap();
    assert_eq!(status, Status::Confirmed);
}

#[tokio::test]
async fn a_refund_that_keeps_failing_does_not_open_the_breaker_before_payments() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    let store = open(folder.path());
    let how = quick_to_blame();
    let executor = impatient(&store, &neighbours, &how);
    neighbours.let_reservations_expire();
    neighbours.let_refunds_fail();
    executor.begin(place(&store).await, card(GOOD_CARD), Halt::default());
    let stuck = failed(&store, 5).await;
    assert_eq!(stuck.step, Step::RefundRequested);
    assert_closed(&how, "payments");
}

#[tokio::test]
async fn sagas_whose_step_keeps_failing_take_the_place_of_none_that_can_be_taken_over() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    let before = open(folder.path());
    // One more than are taken over at once; whoever placed them is gone.
    for count in 0..=leading::TAKES_OVER_BELOW {
        let saga = place_under(&before, &format!("stuck-{count}")).await;
        neighbours.poison(saga.order.id);
    }
    let after = open_later(folder.path());
    let executor = executor(&after, &neighbours);
    executor.take_over().await;
    assert_eq!(executor.led(), leading::TAKES_OVER_BELOW);
    let all_fail = async {
        while executor.failing() < leading::TAKES_OVER_BELOW {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, all_fail).await.unwrap();
    executor.take_over().await;
    assert_eq!(executor.led(), leading::TAKES_OVER_BELOW + 1);
}
