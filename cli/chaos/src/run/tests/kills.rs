//! Kills: how long they hold, and who does not come back.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_kill_holds_until_the_step_has_held_and_the_journal_shows_both_times() {
    let script = Script {
        waits_for_release: true,
        ..Script::default()
    };
    let (concluded, done, _) = ran(&experiment(UNTIL, "[]"), script).await;
    assert_eq!(
        done,
        [
            "play checkout",
            "put in place",
            "play checkout under the fault",
            "undone"
        ]
    );
    assert_eq!(concluded.case.exit, Exit::Held, "{}", said(&concluded));
    let journal = &concluded.journal;
    let in_place = moment(journal, "in place: kill of mail");
    let held = moment(journal, "place-order of checkout held");
    let let_go = moment(journal, "let go: mail");
    assert!(
        in_place <= held && held <= let_go,
        "{:?}",
        journal.msvc.moments
    );
    assert_eq!(
        journal.msvc.recoveries[0].healthy_at_ns,
        Some(2_500_000_000)
    );
    assert!(said(&concluded).contains("healthy after"));
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_play_before_does_not_end_the_hold() {
    let script = Script {
        steps_once: true,
        ..Script::default()
    };
    let (concluded, _, _) = ran(&experiment(UNTIL, "[]"), script).await;
    assert_eq!(concluded.case.exit, Exit::Inconclusive);
    assert!(
        said(&concluded).contains("never held"),
        "{}",
        said(&concluded)
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_that_ends_the_journey_ends_the_hold_too() {
    let (concluded, _, _) = ran(&experiment(UNTIL, "[]"), Script::default()).await;
    assert_eq!(concluded.case.exit, Exit::Held, "{}", said(&concluded));
    let _ = moment(&concluded.journal, "let go: mail");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_the_journeys_last_step_began_is_waited_for() {
    let script = Script {
        release_takes: Duration::from_millis(30),
        ..Script::default()
    };
    let (concluded, _, _) = ran(&experiment(UNTIL, "[]"), script).await;
    assert_eq!(concluded.case.exit, Exit::Held, "{}", said(&concluded));
    let _ = moment(&concluded.journal, "let go: mail");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_no_step_ended_is_inconclusive_though_the_journey_held() {
    let script = Script {
        steps: vec!["another"],
        ..Script::default()
    };
    let (concluded, done, _) = ran(&experiment(UNTIL, "[]"), script).await;
    assert_eq!(concluded.case.exit, Exit::Inconclusive);
    assert!(said(&concluded).contains("`place-order` of `checkout` never held"));
    assert_eq!(done.last().unwrap(), "undone");
}

#[tokio::test(start_paused = true)]
async fn a_kill_for_a_time_is_over_after_that_time() {
    let provider = "{type: msvc, fault: kill, service: mail, down: 5s}";
    let script = Script {
        waits_for_release: true,
        ..Script::default()
    };
    let began = tokio::time::Instant::now();
    let (concluded, _, _) = ran(&experiment(provider, "[]"), script).await;
    assert_eq!(concluded.case.exit, Exit::Held, "{}", said(&concluded));
    // The play before takes 1 s, the hold 5 s, a look every 10 ms.
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(6) && took < Duration::from_millis(6100),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_kill_for_a_time_counts_from_when_the_service_was_gone() {
    let provider = "{type: msvc, fault: kill, service: mail, down: 5s}";
    let script = Script {
        waits_for_release: true,
        gone_for: Duration::from_secs(2),
        ..Script::default()
    };
    let began = tokio::time::Instant::now();
    let (concluded, _, _) = ran(&experiment(provider, "[]"), script).await;
    assert_eq!(concluded.case.exit, Exit::Held, "{}", said(&concluded));
    // As above, less the 2 s that it took until the kill was answered.
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(4) && took < Duration::from_millis(4100),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_down_or_is_not_healthy_in_time_is_a_failure() {
    for why in [StayedDown::Policy, StayedDown::NotInTime] {
        let script = Script {
            stayed_down: Some(why),
            ..Script::default()
        };
        let (concluded, _, _) = ran(&experiment(UNTIL, "[]"), script).await;
        assert_eq!(concluded.case.exit, Exit::Failed, "{}", said(&concluded));
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_that_was_given_is_kept_also_where_the_journey_ends_sooner() {
    let provider = "{type: msvc, fault: kill, service: mail, down: 30s}";
    for holds in [vec![true, true], vec![true, false]] {
        let script = Script {
            holds,
            ..Script::default()
        };
        let began = tokio::time::Instant::now();
        let (concluded, done, _) = ran(&experiment(provider, "[]"), script).await;
        // The play before takes 1 s.
        assert_eq!(began.elapsed(), Duration::from_secs(31));
        assert_eq!(done.last().unwrap(), "undone");
        let _ = moment(&concluded.journal, "let go: mail");
    }
}

#[tokio::test(start_paused = true)]
async fn who_wants_to_end_waits_for_no_time_that_was_given() {
    let provider = "{type: msvc, fault: kill, service: mail, down: 1h}";
    let interrupted = Script {
        interrupt_at: Some(1),
        ..Script::default()
    };
    let later = Script {
        request_in: Some(Duration::from_secs(3)),
        ..Script::default()
    };
    for script in [interrupted, later] {
        let began = tokio::time::Instant::now();
        let (concluded, done, _) = ran(&experiment(provider, "[]"), script).await;
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(done.last().unwrap(), "undone");
        let said = said(&concluded);
        assert_eq!(concluded.case.exit, Exit::Interrupted, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_is_lost_is_waited_for_no_longer() {
    let provider = "{type: msvc, fault: kill, service: mail, down: 1h}";
    let script = Script {
        lost: Some("its lease was missed"),
        ..Script::default()
    };
    let began = tokio::time::Instant::now();
    let (concluded, _, _) = ran(&experiment(provider, "[]"), script).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(concluded.case.exit, Exit::Inconclusive);
}
