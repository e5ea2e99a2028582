use std::time::Duration;

use msvc_machine::clock::MachineClock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::case::Verdict;
use msvc_report::exit::Exit;
use msvc_system::files::Files;
use msvc_system::model::JourneyReference;
use msvc_system::problem::Place;
use serde_json::json;

use crate::{Bases, CommandPlace, Entry, Journey, Limits, Outcome, load, play};

fn journey(command: &[&str]) -> Journey {
    let reference = JourneyReference::Command {
        name: "smoke".into(),
        command: command.iter().map(|&word| word.into()).collect(),
        place: Place {
            file: "compose.yaml".into(),
            line: 3,
            column: 5,
        },
    };
    let mut journeys = load(&[reference], &Files::in_memory(Default::default())).unwrap();
    journeys.remove(0)
}

fn entry(limit: Duration) -> Entry {
    Entry {
        bases: Bases::default()
            .with("gateway:8080", "http://127.0.0.1:1")
            .with("admin", "http://127.0.0.1:2"),
        trust: Vec::new(),
        masked: crate::Masked::default(),
        inputs: Default::default(),
        run: "r1".into(),
        clock: MachineClock::shared(),
        request_timeout: Duration::from_secs(1),
        limits: Limits {
            time: limit,
            ..Limits::default()
        },
        command: CommandPlace {
            directory: std::env::temp_dir(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        },
    }
}

async fn played(script: &str, limit: Duration, shutdown: &Shutdown) -> Outcome {
    let journey = journey(&["sh", "-c", script]);
    play(&journey, &entry(limit), &|_| {}, shutdown).await
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_commands_status_is_the_outcome_and_its_last_lines_are_the_evidence() {
    let shutdown = Shutdown::new();
    let held = played("exit 0", LONG, &shutdown).await;
    assert_eq!((held.verdict, held.exit), (Verdict::Held, Exit::Held));
    let script = "for i in $(seq 99); do echo line $i; done; exit 7";
    let failed = played(script, LONG, &shutdown).await;
    assert_eq!(
        (failed.verdict, failed.exit),
        (Verdict::Failed, Exit::Failed)
    );
    let case = failed.case(Some("again".into()));
    assert_eq!(case.id, "journey/smoke");
    assert_eq!(case.evidence[0].what, "it ended with status 7");
    assert_eq!(case.evidence[0].place.as_ref().unwrap().line, 3);
    assert!(case.evidence.iter().any(|e| e.what == "line 99"));
    assert_eq!(case.evidence.len(), 21);
    let failed = played("echo told >&2; exit 1", LONG, &shutdown).await;
    assert_eq!(failed.evidence[1].what, "told");
}

#[tokio::test]
async fn a_command_is_told_the_run_and_the_way_in_and_nothing_of_the_callers_environment() {
    let script = "env | sort; exit 1";
    let outcome = played(script, LONG, &Shutdown::new()).await;
    let seen: Vec<_> = outcome.evidence.iter().map(|e| e.what.as_str()).collect();
    for line in [
        "MSVC_RUN=r1",
        "MSVC_ENTRY_GATEWAY_8080=http://127.0.0.1:1",
        "MSVC_ENTRY_ADMIN=http://127.0.0.1:2",
    ] {
        assert!(seen.contains(&line), "{line} in {seen:?}");
    }
    assert!(
        !seen.iter().any(|line| line.starts_with("CARGO")),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_could_not_be_run_and_says_so() {
    let journey = journey(&["no-such-program-anywhere"]);
    let outcome = play(&journey, &entry(LONG), &|_| {}, &Shutdown::new()).await;
    assert_eq!(
        (outcome.verdict, outcome.exit),
        (Verdict::Inconclusive, Exit::CouldNot)
    );
    assert!(
        outcome.evidence[0]
            .what
            .contains("no-such-program-anywhere")
    );
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_its_group_and_failed() {
    let outcome = played(
        "sleep 600 & wait",
        Duration::from_millis(50),
        &Shutdown::new(),
    )
    .await;
    assert_eq!(
        (outcome.verdict, outcome.exit),
        (Verdict::Failed, Exit::Failed)
    );
    assert!(outcome.evidence[0].what.contains("longer than 0.05 s"));
}

#[tokio::test]
async fn a_shutdown_ends_the_command_and_the_outcome_says_interrupted() {
    let shutdown = Shutdown::new();
    shutdown.request();
    let outcome = played("sleep 600", LONG, &shutdown).await;
    assert_eq!(
        (outcome.verdict, outcome.exit),
        (Verdict::Inconclusive, Exit::Interrupted)
    );
}

#[tokio::test]
async fn a_command_is_told_its_inputs_and_what_it_says_of_secrets_is_masked() {
    let secret = "hunter2-hunter2";
    let entry = Entry {
        inputs: json!({"operator-password": secret, "limit": 3})
            .as_object()
            .unwrap()
            .clone(),
        masked: crate::Masked::of([secret]),
        ..entry(LONG)
    };
    let script = "echo \"$MSVC_INPUT_LIMIT: $MSVC_INPUT_OPERATOR_PASSWORD\"; exit 1";
    let journey = journey(&["sh", "-c", script]);
    let outcome = play(&journey, &entry, &|_| {}, &Shutdown::new()).await;
    assert_eq!(outcome.evidence[1].what, "3: ***");
}
