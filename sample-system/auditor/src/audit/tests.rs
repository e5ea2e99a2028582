//! Waiting, with readings made by hand and time that passes at once.

use chrono::{DateTime, Utc};

use super::*;
use crate::facts::{Order, OrderStatus};

const TIMES: Times = Times {
    within: Duration::from_secs(120),
    settle: Duration::from_secs(20),
    first_order: Duration::ZERO,
};

/// A clock that goes with tokio's.
fn clock() -> Clock {
    let (begun, then) = (Instant::now(), start());
    Clock::from_fn(move || then + begun.elapsed())
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

/// One cancelled order, with or without the mail and the event that it asks for.
fn facts(status: OrderStatus, told: bool) -> Facts {
    let order = Order {
        id: "o-1".to_owned(),
        account_id: "ada".to_owned(),
        key: "k-1".to_owned(),
        sku: "lamp".to_owned(),
        quantity: 1,
        total: None,
        status,
        reason: None,
        placed: start(),
        ended: (status == OrderStatus::Cancelled).then(start),
    };
    let mut facts = Facts {
        orders: vec![order],
        ..Facts::default()
    };
    if told {
        facts.mails.push(crate::facts::Mail {
            message_id: "m-1".to_owned(),
            order_id: Some("o-1".to_owned()),
            kind: Some("cancellation".to_owned()),
        });
        facts.events.push(crate::facts::Told {
            kind: "ORDER_CANCELLED".to_owned(),
            about: "o-1".to_owned(),
            data: serde_json::json!({}),
        });
    }
    facts
}

/// Audits a shop that is `first` for so many seconds and `then` for ever.
async fn audited(first: Facts, seconds: u64, then: Facts) -> (Result<Seen, Unread>, u64) {
    let begun = Instant::now();
    let read = async || {
        let is_over = begun.elapsed() >= Duration::from_secs(seconds);
        Ok(if is_over { then.clone() } else { first.clone() })
    };
    let result = audit(read, TIMES, &clock()).await;
    (result, begun.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_is_right_and_calm_holds_after_two_seconds() {
    let right = facts(OrderStatus::Cancelled, true);
    let (result, took) = audited(right.clone(), 0, right).await;
    assert_eq!((result.unwrap().violations.len(), took), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn what_comes_late_is_waited_for() {
    let missing = facts(OrderStatus::Cancelled, false);
    let (result, took) = audited(missing, 19, facts(OrderStatus::Cancelled, true)).await;
    assert_eq!((result.unwrap().violations.len(), took), (0, 21));
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_takes_long_to_read_is_left_alone_for_as_long() {
    let right = facts(OrderStatus::Cancelled, true);
    let readings = std::cell::Cell::new(0);
    let read = async || {
        readings.set(readings.get() + 1);
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(right.clone())
    };
    let begun = Instant::now();
    audit(read, TIMES, &clock()).await.unwrap();
    assert_eq!((readings.get(), begun.elapsed().as_secs()), (2, 9));
}

#[tokio::test(start_paused = true)]
async fn what_stays_wrong_is_believed_when_nothing_changed_for_a_while() {
    let missing = facts(OrderStatus::Cancelled, false);
    let (result, took) = audited(missing.clone(), 1, missing).await;
    let seen = result.unwrap();
    assert!(seen.at_rest && !seen.violations.is_empty());
    assert_eq!(took, 20);
}

#[tokio::test(start_paused = true)]
async fn an_order_under_way_is_waited_for_until_it_ends() {
    let open = facts(OrderStatus::Pending, false);
    let (result, took) = audited(open, 60, facts(OrderStatus::Cancelled, true)).await;
    assert_eq!((result.unwrap().violations.len(), took), (0, 62));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_never_ends_is_told_when_its_time_is_up() {
    let open = facts(OrderStatus::Pending, false);
    let (result, took) = audited(open.clone(), 1, open).await;
    let seen = result.unwrap();
    assert_eq!(seen.violations[0].rule, "every-order-ends");
    assert!((120..=141).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_never_rests_is_no_verdict() {
    let begun = Instant::now();
    let read = async || {
        let mut facts = facts(OrderStatus::Pending, false);
        facts.orders[0].placed = start() + begun.elapsed();
        Ok(facts)
    };
    let result = audit(read, TIMES, &clock()).await;
    assert!(matches!(
        result,
        Err(Unread::Busy {
            open: 1,
            seconds: 140
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn no_order_is_no_verdict() {
    let (result, took) = audited(Facts::default(), 1, Facts::default()).await;
    assert!(matches!(result, Err(Unread::NoOrder)));
    assert_eq!(took, 0);
}

#[tokio::test(start_paused = true)]
async fn a_first_order_is_waited_for_where_it_is_said() {
    let (begun, times) = (
        Instant::now(),
        Times {
            first_order: Duration::from_secs(60),
            ..TIMES
        },
    );
    let read = async || {
        let placed = begun.elapsed() >= Duration::from_secs(30);
        let order = facts(OrderStatus::Cancelled, true);
        Ok(if placed { order } else { Facts::default() })
    };
    let seen = audit(read, times, &clock()).await.unwrap();
    assert_eq!((seen.violations.len(), begun.elapsed().as_secs()), (0, 32));
    let never = audit(async || Ok(Facts::default()), times, &clock()).await;
    assert!(matches!(never, Err(Unread::NoOrder)));
    assert_eq!(begun.elapsed().as_secs(), 92);
}
