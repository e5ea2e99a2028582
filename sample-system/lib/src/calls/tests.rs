//! The door of a peer, with nobody behind it.

use super::*;

fn guard(limits: Limits) -> (Guard, Metrics) {
    let metrics = Metrics::new();
    let most = Draw::from_fn(|| u64::MAX / 2);
    (Guard::new("payments", limits, &metrics, most), metrics)
}

#[tokio::test(start_paused = true)]
async fn waits_before_retries_are_drawn_below_a_bound_that_doubles() {
    let limits = Limits {
        retries: 5,
        ..Limits::default()
    };
    for (done, longest) in [(0, 50), (1, 100), (2, 200), (3, 250), (4, 250)] {
        let (guard, _) = guard(limits);
        for _ in 0..10 {
            guard.earn();
        }
        let wait = guard.retry(done).unwrap();
        assert!(wait <= Duration::from_millis(longest), "{done}: {wait:?}");
        assert!(guard.retry(done).is_none(), "ten calls earn one retry");
    }
}

#[tokio::test(start_paused = true)]
async fn retries_end_after_as_many_as_are_allowed() {
    let (guard, _) = guard(Limits::default());
    for _ in 0..100 {
        guard.earn();
    }
    assert!(guard.retry(1).is_some());
    assert_eq!(guard.retry(2), None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_its_place_back_and_blames_nobody() {
    let (guard, metrics) = guard(Limits {
        at_once: 1,
        breaker_least: 1,
        ..Limits::default()
    });
    let pass = guard.enter(Deadline::NONE).unwrap();
    let full = guard.enter(Deadline::NONE).unwrap_err();
    assert_eq!(full, NotSent::Full("payments"));
    drop(pass);
    assert_eq!(guard.breaker(), State::Closed);
    assert!(guard.enter(Deadline::NONE).is_ok());
    let text = metrics.text();
    let in_flight = r#"calls_in_flight{peer="payments"} 0"#;
    assert!(text.contains(in_flight), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_had_less_than_its_own_time_is_not_to_blame() {
    let (guard, _) = guard(Limits {
        breaker_least: 1,
        ..Limits::default()
    });
    guard.enter(Deadline::NONE).unwrap().ended(Outcome::GivenUp);
    assert_eq!(guard.breaker(), State::Closed);
    guard
        .enter(Deadline::NONE)
        .unwrap()
        .ended(Outcome::TimedOut);
    assert_eq!(guard.breaker(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn requests_that_insist_and_fail_neither_open_the_breaker_nor_keep_it_open() {
    let rest = Duration::from_secs(2);
    let (guard, _) = guard(Limits {
        breaker_least: 2,
        breaker_rest: rest,
        ..Limits::default()
    });
    for _ in 0..20 {
        let insisting = guard.enter(Deadline::NONE).unwrap();
        insisting.ended(Outcome::FailedAtIt);
    }
    assert_eq!(guard.breaker(), State::Closed);
    for _ in 0..2 {
        guard.enter(Deadline::NONE).unwrap().ended(Outcome::Failed);
    }
    assert_eq!(guard.breaker(), State::Open);
    tokio::time::advance(rest).await;
    let insisting = guard.enter(Deadline::NONE).unwrap();
    insisting.ended(Outcome::FailedAtIt);
    let another = guard
        .enter(Deadline::NONE)
        .expect("the next call finds out");
    another.ended(Outcome::Answered);
    assert_eq!(guard.breaker(), State::Closed);
}
