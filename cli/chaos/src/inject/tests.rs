//! One fault from the command line, over fakes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use msvc_machine::clock::MachineClock;
use msvc_mesh::fault::Stream;

use super::*;
use crate::fakes::{Fakes, Script, World};
use crate::kill::{Down, kill};
use crate::recovery::StayedDown;

fn order() -> Latency {
    Latency {
        edge: "orders->payments".parse().unwrap(),
        delay: Duration::from_millis(300),
        jitter: Duration::ZERO,
        stream: Stream::Downstream,
    }
}

fn shell(script: &str) -> CommandLine {
    CommandLine::from_words(["/bin/sh", "-c", script].map(Into::into)).unwrap()
}

/// What was done, and what came of it.
struct Seen {
    ended: Ended,
    done: Vec<String>,
    events: Vec<Event>,
}

impl Seen {
    fn said(&self) -> String {
        let lines = self.ended.case.evidence.iter().map(|e| e.what.as_str());
        lines.collect::<Vec<_>>().join("\n")
    }
}

enum What {
    Latency(Option<CommandLine>),
    Kill(Down),
}

async fn did(what: What, script: Script, shutdown: &Shutdown) -> Seen {
    let world = Arc::new(World::default());
    let fakes = Fakes {
        script,
        world: world.clone(),
        shutdown: shutdown.clone(),
    };
    let events = Mutex::new(Vec::new());
    let sink = |event| events.lock().unwrap().push(event);
    let tools = Tools {
        faults: &fakes,
        clock: &MachineClock,
        sink: &sink,
        shutdown,
        seed: 7,
        name: "inject".to_owned(),
        again: "msvc chaos".to_owned(),
    };
    let ended = match what {
        What::Latency(command) => latency(&order(), command.as_ref(), &tools).await,
        What::Kill(down) => {
            kill(
                &"mail".parse().unwrap(),
                &down,
                Duration::from_secs(60),
                &tools,
            )
            .await
        }
    };
    let done = std::mem::take(&mut *world.done.lock().unwrap());
    Seen {
        ended: ended.unwrap(),
        done,
        events: events.into_inner().unwrap(),
    }
}

/// Wants to end as soon as the fault is in place.
fn ended_once_in_place() -> (Shutdown, Script) {
    let shutdown = Shutdown::new();
    let script = Script {
        request_when_put: true,
        ..Script::default()
    };
    (shutdown, script)
}

#[tokio::test]
async fn the_commands_own_status_is_passed_on_and_the_fault_is_lifted() {
    for (script, code) in [("exit 0", 0), ("exit 9", 9)] {
        let seen = did(
            What::Latency(Some(shell(script))),
            Script::default(),
            &Shutdown::new(),
        )
        .await;
        assert_eq!(seen.ended.code, code);
        assert_eq!(seen.done, ["put in place", "undone"]);
        assert!(
            seen.said().contains("felt by 1 connection"),
            "{}",
            seen.said()
        );
        let expected = if code == 0 {
            Verdict::Held
        } else {
            Verdict::Failed
        };
        assert_eq!(seen.ended.case.verdict, expected);
    }
}

#[tokio::test]
async fn felt_by_none_is_five_whatever_the_command_says() {
    for command in ["exit 0", "exit 9"] {
        let script = Script {
            touches: 0,
            ..Script::default()
        };
        let seen = did(
            What::Latency(Some(shell(command))),
            script,
            &Shutdown::new(),
        )
        .await;
        assert_eq!(seen.ended.code, 5);
        assert_eq!(seen.ended.case.exit, Exit::Inconclusive);
        assert!(
            seen.said()
                .contains("no connection on orders->payments felt it")
        );
    }
}

#[tokio::test]
async fn what_cannot_be_lifted_is_six_whatever_the_command_says() {
    let script = Script {
        lift: Some(LiftError::NotUndone("stuck".to_owned())),
        ..Script::default()
    };
    let seen = did(
        What::Latency(Some(shell("exit 9"))),
        script,
        &Shutdown::new(),
    )
    .await;
    assert_eq!(seen.ended.code, 6);
    assert!(seen.said().contains("stuck"));
}

#[tokio::test]
async fn a_fault_that_was_lost_while_the_command_ran_is_five() {
    let script = Script {
        lost: Some("its lease was missed"),
        ..Script::default()
    };
    let seen = did(
        What::Latency(Some(shell("exit 0"))),
        script.clone(),
        &Shutdown::new(),
    )
    .await;
    // The command may be over before the loss is seen; then nothing was lost while it ran.
    assert!([0, 5].contains(&seen.ended.code));
    let seen = did(What::Latency(None), script, &Shutdown::new()).await;
    assert_eq!(seen.ended.code, 5);
    assert!(seen.said().contains("its lease was missed"));
}

#[tokio::test]
async fn without_a_command_the_wish_to_end_is_the_normal_end() {
    let (shutdown, script) = ended_once_in_place();
    let seen = did(What::Latency(None), script.clone(), &shutdown).await;
    assert_eq!(seen.ended.code, 0, "{}", seen.said());
    let (shutdown, _) = ended_once_in_place();
    let unfelt = Script {
        touches: 0,
        ..script
    };
    let seen = did(What::Latency(None), unfelt, &shutdown).await;
    assert_eq!(seen.ended.code, 5);
}

#[tokio::test]
async fn a_wish_to_end_lifts_the_fault_and_ends_the_command() {
    let (shutdown, script) = ended_once_in_place();
    let forced = shutdown.clone();
    tokio::spawn(async move {
        forced.requested().await;
        forced.request();
    });
    let seen = did(
        What::Latency(Some(shell("exec sleep 600"))),
        script,
        &shutdown,
    )
    .await;
    assert_eq!(seen.ended.code, 130);
    assert_eq!(seen.done, ["put in place", "undone"]);
}

#[tokio::test]
async fn a_command_that_is_not_there_is_three_and_the_fault_is_undone() {
    let nothing = CommandLine::from_words(["no-such-program".into()]).unwrap();
    let seen = did(
        What::Latency(Some(nothing)),
        Script::default(),
        &Shutdown::new(),
    )
    .await;
    assert_eq!(seen.ended.code, 3);
    assert_eq!(seen.done, ["put in place", "undone"]);
}

#[tokio::test(start_paused = true)]
async fn a_kill_for_a_time_lets_the_service_go_and_tells_the_times() {
    let began = tokio::time::Instant::now();
    let down = Down::For(Duration::from_secs(5));
    let seen = did(What::Kill(down), Script::default(), &Shutdown::new()).await;
    assert_eq!(seen.ended.code, 0, "{}", seen.said());
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!(seen.done, ["put in place", "undone"]);
    for time in ["detected after", "up after", "healthy after"] {
        assert!(seen.said().contains(time), "{}", seen.said());
    }
    assert!(
        seen.events
            .iter()
            .any(|e| matches!(e, Event::FaultLifted { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_engine_takes_to_answer_a_kill_counts_as_time_that_the_service_is_down() {
    let began = tokio::time::Instant::now();
    let script = Script {
        gone_for: Duration::from_secs(1),
        ..Script::default()
    };
    let down = Down::For(Duration::from_secs(5));
    let seen = did(What::Kill(down), script, &Shutdown::new()).await;
    assert_eq!(seen.ended.code, 0, "{}", seen.said());
    assert_eq!(began.elapsed(), Duration::from_secs(4));
}

#[tokio::test]
async fn a_kill_under_a_command_ends_with_it_and_passes_its_status_on() {
    let down = || Down::While(shell("exit 4"));
    let seen = did(What::Kill(down()), Script::default(), &Shutdown::new()).await;
    assert_eq!(seen.ended.code, 4);
    assert_eq!(seen.done, ["put in place", "undone"]);
    let stuck = Script {
        lift: Some(LiftError::NotUndone("stuck".to_owned())),
        ..Script::default()
    };
    let seen = did(What::Kill(down()), stuck, &Shutdown::new()).await;
    assert_eq!(seen.ended.code, 6);
}

#[tokio::test(start_paused = true)]
async fn a_kill_that_nobody_felt_is_inconclusive_as_in_an_experiment() {
    for down in [Down::For(Duration::ZERO), Down::While(shell("exit 0"))] {
        let script = Script {
            detected: false,
            ..Script::default()
        };
        let seen = did(What::Kill(down), script, &Shutdown::new()).await;
        assert_eq!(seen.ended.code, 5);
        assert!(seen.said().contains("not detected"), "{}", seen.said());
        assert!(seen.said().contains("nobody felt"), "{}", seen.said());
    }
    // What the restart policy kept down is the weightier finding.
    let script = Script {
        detected: false,
        stayed_down: Some(StayedDown::Policy),
        ..Script::default()
    };
    let kill = What::Kill(Down::For(Duration::ZERO));
    let seen = did(kill, script, &Shutdown::new()).await;
    assert_eq!(seen.ended.code, 1);
}

#[tokio::test]
async fn a_service_that_stays_down_is_one_with_and_without_a_command() {
    for down in [Down::For(Duration::ZERO), Down::While(shell("exit 0"))] {
        let script = Script {
            stayed_down: Some(StayedDown::Policy),
            ..Script::default()
        };
        let seen = did(What::Kill(down), script, &Shutdown::new()).await;
        assert_eq!(seen.ended.code, 1);
        assert!(
            seen.said().contains("`msvc up` brings it back"),
            "{}",
            seen.said()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_end_during_a_kill_lets_the_service_go() {
    let (shutdown, script) = ended_once_in_place();
    let down = Down::For(Duration::from_secs(600));
    let seen = did(What::Kill(down), script, &shutdown).await;
    assert_eq!(seen.ended.code, 130);
    assert_eq!(seen.done, ["put in place", "undone"]);
}
