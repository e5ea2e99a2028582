//! Plans as text. Addresses are cut off; `lane` and `ports` have their own tests.

use msvc_mesh::spec::{Admission, EdgeCounts, EdgeStatus};
use msvc_system::id::{EdgeId, LaneName, Party};
use msvc_system::model::{Condition, RestartPolicy, System};

use super::*;
use crate::lane::tests::{
    Empty, depends, name, options, publish, service, set, shop, system, want_on,
};
use crate::lane::{LaneOptions, Subset, Wanted};
use crate::observed::{Observed, ObservedInstance, Phase};
use crate::ports::Book;

mod edges;
mod waits;

fn want(system: &System, options: &LaneOptions) -> (Wanted, Book) {
    want_on(system, options, &mut Empty::default()).unwrap()
}

fn up(system: &System) -> (Wanted, Book) {
    want(system, &options())
}

/// Everything of `wanted`, running and ready.
fn all_ready(wanted: &Wanted) -> Observed {
    Observed {
        runtime: "process".into(),
        instances: wanted
            .instances
            .iter()
            .map(|spec| ObservedInstance {
                id: spec.id.clone(),
                runtime: "process".into(),
                hash: spec.hash.clone(),
                phase: Phase::Ready,
                pid: Some(1),
                since_ms: 0,
                restarts: 0,
                detail: None,
                held_by: None,
                was_stopped: false,
                displaced: None,
                listens: spec.listens.clone(),
            })
            .collect(),
        edges: wanted
            .edges
            .iter()
            .map(|spec| EdgeStatus {
                id: spec.id.clone(),
                caller_replica: spec.caller_replica,
                listen: spec.listen,
                reasons: spec.reasons.clone(),
                admission: spec.admission,
                accepting: true,
                speaks: "tcp".into(),
                counts: EdgeCounts::default(),
                backends: Vec::new(),
                transport: spec.transport,
                appeared: false,
            })
            .collect(),
        ..Observed::default()
    }
}

fn phase_of<'a>(observed: &'a mut Observed, of: &str) -> &'a mut Phase {
    let mut instances = observed.instances.iter_mut();
    &mut instances
        .find(|there| there.id.service == of)
        .unwrap()
        .phase
}

fn text(observed: &Observed, (wanted, book): &(Wanted, Book)) -> String {
    let plan = decide(observed, wanted, book);
    for (place, planned) in plan.steps.iter().enumerate() {
        assert!(planned.after.iter().all(|before| *before < place), "{plan}");
    }
    let cut = |line: &str| match (line.find(" at 127."), line.find("  (")) {
        (Some(at), Some(cause)) => format!("{}{}", &line[..at], &line[cause..]),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = plan.to_string().lines().map(cut).collect();
    lines.join("\n").replace("shop/main/", "")
}

fn assert_plan(observed: &Observed, wanted: &(Wanted, Book), expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim_start).collect();
    let text = text(observed, wanted);
    let text: Vec<&str> = text.lines().map(str::trim_start).collect();
    assert_eq!(text.join("\n"), expected.join("\n").trim());
}

#[test]
fn the_second_up_does_nothing() {
    let wanted = up(&shop());
    let observed = all_ready(&wanted.0);
    assert_plan(&observed, &wanted, "nothing to do");
    assert!(!decide(&observed, &wanted.0, &wanted.1).changes());
}

#[test]
fn who_does_not_stand_where_it_was_put_is_started_anew_and_nobody_else() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    let mut instances = observed.instances.iter_mut();
    let orders = instances.find(|there| there.id.service == *"orders");
    let why = "it was taken off its network n";
    orders.unwrap().displaced = Some(why.to_owned());
    let plan = text(&observed, &wanted);
    let anew = plan.lines().filter(|line| line.contains(why));
    assert_eq!(anew.count(), 2, "{plan}");
    assert_eq!(plan.matches("start ").count(), 1, "{plan}");
}

#[test]
fn an_up_after_an_interrupted_one_only_waits() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    *phase_of(&mut observed, "orders") = Phase::Starting;
    assert_plan(
        &observed,
        &wanted,
        "1  await orders/1#1 healthy  (up means ready)",
    );
    assert!(!decide(&observed, &wanted.0, &wanted.1).changes());
}

#[test]
fn a_changed_service_alone_is_started_anew() {
    let wanted = up(&shop());
    let observed = all_ready(&wanted.0);
    let mut changed = shop();
    set(
        changed.services.get_mut("orders").unwrap(),
        "LEVEL",
        "debug",
    );
    assert_plan(
        &observed,
        &up(&changed),
        "1  stop orders/1#1  (its settings changed)
         2  start orders/1#2  (its settings changed)
         3  await orders/1#2 healthy  (up means ready)",
    );
}

#[test]
fn a_changed_program_is_told_from_changed_settings_and_an_unknown_one_changes_nothing() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    for there in &mut observed.instances {
        there.hash.push_str("0123456789abcdef0123456789abcdef");
    }
    assert_plan(&observed, &wanted, "nothing to do");
    let mut built = up(&shop());
    for spec in &mut built.0.instances {
        let change = spec.id.service == "orders";
        let end = if change {
            "another program"
        } else {
            "0123456789abcdef0123456789abcdef"
        };
        spec.hash.push_str(end);
    }
    assert_plan(
        &observed,
        &built,
        "1  stop orders/1#1  (its program changed)
         2  start orders/1#2  (its program changed)
         3  await orders/1#2 healthy  (up means ready)",
    );
}

#[test]
fn a_dependent_that_asks_for_it_is_restarted_with_its_dependency_and_ends_first() {
    let mut system = shop();
    system.services.get_mut("gateway").unwrap().depends_on[0].restart = true;
    let observed = all_ready(&up(&system).0);
    set(system.services.get_mut("orders").unwrap(), "LEVEL", "debug");
    assert_plan(
        &observed,
        &up(&system),
        "1  stop gateway/1#1  (orders is started anew)
         2  stop orders/1#1  (its settings changed)
         3  start orders/1#2  (its settings changed)
         4  await orders/1#2 healthy  (gateway needs it)
         5  start gateway/1#2  (orders is started anew)
         6  await gateway/1#2 healthy  (up means ready)",
    );
}

#[test]
fn other_lanes_are_other_systems() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    for there in &mut observed.instances {
        there.id.lane = "two".parse().unwrap();
    }
    for edge in &mut observed.edges {
        edge.id.lane = "two".parse().unwrap();
    }
    assert_eq!(
        text(&observed, &wanted),
        text(&Observed::default(), &wanted)
    );
}

#[test]
fn a_worker_that_was_stopped_is_started_again_and_a_job_that_ended_by_itself_is_not() {
    let mut worker = service("worker");
    worker.listens.clear();
    worker.healthcheck = None;
    worker.restart = RestartPolicy::No;
    let wanted = up(&system(vec![service("web"), worker]));
    let mut observed = all_ready(&wanted.0);
    *phase_of(&mut observed, "worker") = Phase::Exited {
        status: Some(0),
        signal: None,
    };
    assert_plan(&observed, &wanted, "nothing to do");
    let worker = observed
        .instances
        .iter_mut()
        .find(|it| it.id.service == *"worker");
    worker.unwrap().was_stopped = true;
    assert_plan(
        &observed,
        &wanted,
        "1  stop worker/1#1  (it was up, and ended)
         2  start worker/1#2  (it was up, and ended)
         3  await worker/1#2 healthy  (up means ready)",
    );
}

#[test]
fn a_service_that_died_is_started_again_and_one_that_a_fault_holds_is_not() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    *phase_of(&mut observed, "orders") = Phase::Exited {
        status: None,
        signal: Some("SIGKILL".into()),
    };
    assert_plan(
        &observed,
        &wanted,
        "1  stop orders/1#1  (it was ended by SIGKILL)
         2  start orders/1#2  (it was ended by SIGKILL)
         3  await orders/1#2 healthy  (up means ready)",
    );
    *phase_of(&mut observed, "orders") = Phase::HeldDown;
    assert_plan(&observed, &wanted, "nothing to do");
}
