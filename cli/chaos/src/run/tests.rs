//! Experiments over fakes, with time standing still.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use msvc_machine::clock::MachineClock;
use msvc_report::exit::Exit;
use msvc_system::files::Files;

use super::*;
use crate::fakes::{Fakes, Script, World};
use crate::faults::ArmError;
use crate::recovery::StayedDown;

mod kills;

fn experiment(provider: &str, rollbacks: &str) -> Experiment {
    let text = format!(
        "title: it holds\n\
         description: d\n\
         steady-state-hypothesis:\n  \
           title: h\n  \
           probes: [{{type: probe, name: p, tolerance: true, provider: {{type: msvc, journey: checkout}}}}]\n\
         method:\n  \
           - {{type: action, name: late, provider: {provider}}}\n\
         rollbacks: {rollbacks}\n"
    );
    let path = PathBuf::from("experiments/e.yaml");
    let files = Files::in_memory(BTreeMap::from([(path.clone(), text.into_bytes())]));
    crate::experiment::read(Path::new(&path), &files).unwrap()
}

const LATE: &str = "{type: msvc, fault: latency, edge: 'orders->payments', delay: 300ms}";
const UNTIL: &str =
    "{type: msvc, fault: kill, service: mail, until: {journey: checkout, step: place-order}}";

async fn ran(experiment: &Experiment, script: Script) -> (Concluded, Vec<String>, Vec<Event>) {
    let world = Arc::new(World::default());
    let shutdown = Shutdown::new();
    let fakes = Fakes {
        script,
        world: world.clone(),
        shutdown: shutdown.clone(),
    };
    let events = Mutex::new(Vec::new());
    let sink = |event| events.lock().unwrap().push(event);
    let concluded = run(
        experiment,
        &Bench {
            faults: &fakes,
            journeys: &fakes,
            clock: &MachineClock,
            sink: &sink,
            shutdown: &shutdown,
            seed: 7,
            recovery_limit: Duration::from_secs(60),
            again: "msvc demo".to_owned(),
            writer: Writer {
                version: "0.1.0".to_owned(),
                platform: "linux-x86_64".to_owned(),
                node: "here".to_owned(),
            },
        },
    )
    .await;
    let done = std::mem::take(&mut *world.done.lock().unwrap());
    (concluded, done, events.into_inner().unwrap())
}

fn said(concluded: &Concluded) -> String {
    let lines: Vec<_> = concluded
        .case
        .evidence
        .iter()
        .map(|e| e.what.as_str())
        .collect();
    lines.join("\n")
}

fn moment(journal: &Journal, what: &str) -> String {
    let found = journal.msvc.moments.iter().find(|m| m.what.contains(what));
    found
        .unwrap_or_else(|| panic!("no moment {what}: {:?}", journal.msvc.moments))
        .at
        .clone()
}

#[tokio::test(start_paused = true)]
async fn a_latency_is_in_place_for_the_second_steady_state_only_and_its_receipt_is_evidence() {
    let (concluded, done, events) = ran(&experiment(LATE, "[]"), Script::default()).await;
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
    assert!(said(&concluded).contains(
        "felt by 1 connection on orders->payments:8080: 120 bytes, held back for up to 300 ms"
    ));
    assert_eq!(
        concluded.case.evidence[0].exchanges,
        ["m1/orders~payments~8080/1/0"]
    );
    let names: Vec<_> = events
        .iter()
        .filter(|e| matches!(e, Event::FaultArmed { .. } | Event::FaultLifted { .. }))
        .collect();
    assert_eq!(names.len(), 2, "{events:?}");
    assert!(matches!(events.last(), Some(Event::CaseEnded { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_journal_has_chaos_toolkits_keys_in_its_order() {
    let (concluded, _, _) = ran(&experiment(LATE, "[]"), Script::default()).await;
    let json = serde_json::to_value(&concluded.journal).unwrap();
    let keys: Vec<_> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "schema",
            "chaoslib-version",
            "platform",
            "node",
            "experiment",
            "start",
            "status",
            "deviated",
            "steady_states",
            "run",
            "rollbacks",
            "end",
            "duration",
            "msvc"
        ]
    );
    assert_eq!(json["schema"], "msvc.journal/1");
    assert_eq!(json["status"], "completed");
    assert_eq!(json["deviated"], false);
    assert_eq!(json["experiment"]["dry"], false);
    assert_eq!(json["steady_states"]["before"]["steady_state_met"], true);
    assert_eq!(
        json["steady_states"]["after"]["probes"][0]["tolerance_met"],
        true
    );
    assert_eq!(json["steady_states"]["during"], json!([]));
    assert_eq!(json["run"][0]["status"], "succeeded");
    assert_eq!(json["rollbacks"][0]["output"]["receipt"]["total"], 1);
    assert_eq!(json["msvc"]["receipts"][0]["schema"], "msvc.receipt/1");
    assert_eq!(json["msvc"]["exit"], 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_unhealthy_before_is_inconclusive_and_nothing_is_broken() {
    let script = Script {
        holds: vec![false],
        ..Script::default()
    };
    let (concluded, done, _) = ran(&experiment(LATE, "[]"), script).await;
    assert_eq!(done, ["play checkout"]);
    assert_eq!(
        (concluded.case.exit, concluded.case.exit.code()),
        (Exit::Inconclusive, 5)
    );
    assert!(said(&concluded).contains("not met before"));
    assert!(!concluded.journal.deviated);
    assert!(concluded.journal.run.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_hold_under_the_fault_is_a_weakness_and_the_fault_is_undone() {
    let script = Script {
        holds: vec![true, false],
        ..Script::default()
    };
    let (concluded, done, _) = ran(&experiment(LATE, "[]"), script).await;
    assert_eq!(done.last().unwrap(), "undone");
    assert_eq!(concluded.case.exit, Exit::Failed);
    assert!(concluded.journal.deviated);
    assert!(
        said(&concluded).starts_with("a weakness: checkout did not hold"),
        "{}",
        said(&concluded)
    );
    assert!(concluded.case.evidence[0].place.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_nothing_felt_is_inconclusive() {
    let script = Script {
        touches: 0,
        ..Script::default()
    };
    let (concluded, _, _) = ran(&experiment(LATE, "[]"), script).await;
    assert_eq!(concluded.case.exit, Exit::Inconclusive);
    let script = Script {
        detected: false,
        ..Script::default()
    };
    let (concluded, _, _) = ran(&experiment(UNTIL, "[]"), script).await;
    assert_eq!(
        concluded.case.exit,
        Exit::Inconclusive,
        "{}",
        said(&concluded)
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_cannot_be_undone_is_six_and_a_hanging_undo_is_bounded() {
    for script in [
        Script {
            lift: Some(LiftError::NotUndone("stuck".to_owned())),
            ..Script::default()
        },
        Script {
            lift_hangs: true,
            ..Script::default()
        },
    ] {
        for provider in [LATE, UNTIL] {
            let (concluded, _, _) = ran(&experiment(provider, "[]"), script.clone()).await;
            assert_eq!(concluded.case.exit, Exit::NotUndone, "{}", said(&concluded));
            assert_eq!(concluded.journal.rollbacks[0].status, "failed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_ended_before_its_time_is_inconclusive() {
    let ended = Some(LiftError::EndedBefore("the mesh restarted".to_owned()));
    for script in [
        Script {
            lift: ended,
            ..Script::default()
        },
        Script {
            lost: Some("its lease was missed"),
            ..Script::default()
        },
    ] {
        let (concluded, _, _) = ran(&experiment(LATE, "[]"), script).await;
        assert_eq!(
            concluded.case.exit,
            Exit::Inconclusive,
            "{}",
            said(&concluded)
        );
        assert!(said(&concluded).contains("ended before its time"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_in_the_file_that_the_system_lacks_is_four_and_a_refusal_is_three() {
    let near = vec!["orders->payments:8080".to_owned()];
    let table = [
        (
            ArmError::NoEdge {
                edge: "a->b".to_owned(),
                near,
            },
            Exit::Input,
        ),
        (ArmError::Refused("no mesh".to_owned()), Exit::CouldNot),
    ];
    for (error, exit) in table {
        let script = Script {
            arm: Some(error),
            ..Script::default()
        };
        let (concluded, done, _) = ran(&experiment(LATE, "[]"), script).await;
        assert_eq!(concluded.case.exit, exit);
        assert_eq!(done, ["play checkout"]);
        assert_eq!(concluded.journal.run[0].status, "failed");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_undoes_the_fault_and_is_told_as_one() {
    for provider in [LATE, UNTIL] {
        let script = Script {
            interrupt_at: Some(1),
            ..Script::default()
        };
        let (concluded, done, _) = ran(&experiment(provider, "[]"), script).await;
        assert_eq!(done.last().unwrap(), "undone");
        assert_eq!(
            concluded.case.exit,
            Exit::Interrupted,
            "{}",
            said(&concluded)
        );
        assert_eq!(concluded.journal.status, Status::Interrupted);
    }
    let script = Script {
        interrupt_at: Some(0),
        ..Script::default()
    };
    let (concluded, done, _) = ran(&experiment(LATE, "[]"), script).await;
    assert_eq!(done, ["play checkout"]);
    assert_eq!(concluded.case.exit, Exit::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn rollbacks_are_played_after_the_undo_and_one_that_fails_is_six() {
    let rollbacks = "[{type: action, name: u, provider: {type: msvc, undo: late}}, \
                     {type: action, name: r, provider: {type: msvc, journey: tidy}}]";
    let (concluded, done, _) = ran(&experiment(LATE, rollbacks), Script::default()).await;
    assert_eq!(done[3..], ["undone", "play tidy"]);
    assert_eq!(concluded.case.exit, Exit::Held);
    assert_eq!(concluded.journal.rollbacks.len(), 3);
    let script = Script {
        holds: vec![true, true, false],
        ..Script::default()
    };
    let (concluded, _, _) = ran(&experiment(LATE, rollbacks), script).await;
    assert_eq!(concluded.case.exit, Exit::NotUndone);
    assert!(said(&concluded).contains("the rollback `r` failed"));
}
