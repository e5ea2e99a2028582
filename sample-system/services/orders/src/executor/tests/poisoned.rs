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
async fn an_order_whose_step_keeps_failing_keeps_the_breaker_open_for_nobody() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    neighbours.poison(order_id());
    let store = open(folder.path());
    // Half of four calls would open it: what one request fails at again is not counted.
    let how = How {
        limits: Limits {
            breaker_least: 2,
            breaker_percent: 50,
            ..Limits::default()
        },
        ..how()
    };
    let (peers, never) = (neighbours.peers_as(&how), CancellationToken::new());
    let executor = Executor::new(store.clone(), peers, Bugs::none(), never);
    executor.begin(place(&store).await, card(DECLINED_CARD), Halt::default());
    failed(&store, 5).await;
    let metrics = how.metrics.text();
    let closed = r#"circuit_breaker_state{peer="inventory"} 0"#;
    assert!(metrics.contains(closed), "{metrics}");

    let Placed::New(saga) = store.place(placement(ADA, "k2")).await.unwrap() else {
        panic!("it is new");
    };
    let (other, mut changes) = (saga.order.id, store.changes());
    executor.begin(*saga, card(GOOD_CARD), Halt::default());
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
