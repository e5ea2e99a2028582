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
            })
            .collect(),
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
fn the_first_up_opens_edges_then_starts_in_dependency_order() {
    assert_plan(
        &Observed::default(),
        &up(&shop()),
        "1  open gateway->orders:8080  (not there yet)
         1  open orders->broker:9092  (not there yet)
         1  open client->gateway:8080  (not there yet)
         2  start broker/1#1  (not there yet)
         3  await broker/1#1 healthy  (orders needs it)
         4  start orders/1#1  (not there yet)
         5  await orders/1#1 healthy  (gateway needs it)
         6  start gateway/1#1  (not there yet)
         7  await gateway/1#1 healthy  (up means ready)",
    );
}

#[test]
fn the_second_up_does_nothing() {
    let wanted = up(&shop());
    let observed = all_ready(&wanted.0);
    assert_plan(&observed, &wanted, "nothing to do");
    assert!(!decide(&observed, &wanted.0, &wanted.1).changes());
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
fn a_service_no_longer_in_the_file_is_stopped_and_its_edges_closed() {
    let before = up(&shop());
    let observed = all_ready(&before.0);
    let mut less = shop();
    let mut orders = less.services.shift_remove("orders").unwrap();
    less.edges.clear();
    let gateway = less.services.get_mut("gateway").unwrap();
    gateway.environment.shift_remove("ORDERS_URL");
    gateway.depends_on.clear();
    let (wanted, _) = up(&less);
    assert_plan(
        &observed,
        &(wanted, before.1.clone()),
        "1  stop gateway/1#1  (its settings changed)
         1  stop orders/1#1  (no longer wanted)
         2  close gateway->orders:8080  (no longer wanted)
         2  close orders->broker:9092  (no longer wanted)
         2  start gateway/1#2  (its settings changed)
         3  await gateway/1#2 healthy  (up means ready)",
    );
    // A subset leaves what it does not name.
    orders.depends_on.clear();
    let part = LaneOptions {
        services: Subset::WithDependencies(vec![name("broker")]),
        ..options()
    };
    let (wanted, _) = want(&shop(), &part);
    assert_plan(&observed, &(wanted, before.1), "nothing to do");
}

#[test]
fn an_edge_that_came_to_be_at_run_time_stays() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    let mut appeared = observed.edges[1].clone();
    appeared.id.port = 19092;
    observed.edges.push(appeared);
    assert_plan(&observed, &wanted, "nothing to do");
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

#[test]
fn an_unhealthy_or_restarting_service_is_waited_for() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    *phase_of(&mut observed, "orders") = Phase::Restarting;
    *phase_of(&mut observed, "broker") = Phase::Unhealthy;
    assert_plan(
        &observed,
        &wanted,
        "1  await orders/1#1 healthy  (up means ready)
         1  await broker/1#1 healthy  (up means ready)",
    );
}

/// A job that must have ended well before `web` starts.
fn with_job() -> System {
    let mut job = service("migrate");
    job.listens.clear();
    job.healthcheck = None;
    job.restart = RestartPolicy::No;
    let mut web = service("web");
    depends(&mut web, "migrate", Condition::ServiceCompletedSuccessfully);
    system(vec![web, job])
}

#[test]
fn a_job_is_awaited_to_its_end_and_not_run_again() {
    let wanted = up(&with_job());
    assert_plan(
        &Observed::default(),
        &wanted,
        "1  start migrate/1#1  (not there yet)
         2  await migrate/1#1 completed  (web needs it)
         3  start web/1#1  (not there yet)
         4  await web/1#1 healthy  (up means ready)",
    );
    let mut observed = all_ready(&wanted.0);
    *phase_of(&mut observed, "migrate") = Phase::Exited {
        status: Some(0),
        signal: None,
    };
    assert_plan(&observed, &wanted, "nothing to do");
    *phase_of(&mut observed, "migrate") = Phase::Exited {
        status: Some(3),
        signal: None,
    };
    assert_plan(
        &observed,
        &wanted,
        "1  stop migrate/1#1  (it ended with status 3)
         2  start migrate/1#2  (it ended with status 3)
         3  await migrate/1#2 completed  (up means ready)",
    );
}

#[test]
fn a_dependent_of_a_started_service_waits_for_nothing_more() {
    let mut web = service("web");
    depends(&mut web, "db", Condition::ServiceStarted);
    let wanted = up(&system(vec![web, service("db")]));
    assert_plan(
        &Observed::default(),
        &wanted,
        "1  start db/1#1  (not there yet)
         2  start web/1#1  (not there yet)
         2  await db/1#1 healthy  (up means ready)
         3  await web/1#1 healthy  (up means ready)",
    );
}

#[test]
fn several_dependents_share_one_wait_and_replicas_are_awaited_each() {
    let mut a = service("a");
    let mut b = service("b");
    let mut db = service("db");
    db.replicas = 2;
    for dependent in [&mut a, &mut b] {
        depends(dependent, "db", Condition::ServiceHealthy);
    }
    assert_plan(
        &Observed::default(),
        &up(&system(vec![a, b, db])),
        "1  start db/1#1  (not there yet)
         1  start db/2#1  (not there yet)
         2  await db/1#1 healthy  (a, b need it)
         2  await db/2#1 healthy  (a, b need it)
         3  start a/1#1  (not there yet)
         3  start b/1#1  (not there yet)
         4  await a/1#1 healthy  (up means ready)
         4  await b/1#1 healthy  (up means ready)",
    );
}

#[test]
fn fewer_replicas_stop_the_last_ones_and_reach_the_first() {
    let mut two = shop();
    two.services.get_mut("broker").unwrap().replicas = 2;
    let observed = all_ready(&up(&two).0);
    assert_plan(
        &observed,
        &up(&shop()),
        "1  stop broker/2#1  (no longer wanted)
         1  open orders->broker:9092  (where it leads changed)",
    );
}

#[test]
fn an_edge_whose_address_moved_is_closed_and_opened_and_its_caller_started_anew() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    let edge = &mut observed.edges[0];
    edge.listen = "127.64.9.9:8080".parse().unwrap();
    let gateway = observed
        .instances
        .iter_mut()
        .find(|i| i.id.service == "gateway");
    gateway.unwrap().hash = "with the old address".into();
    assert_plan(
        &observed,
        &wanted,
        "1  stop gateway/1#1  (its settings changed)
         2  close gateway->orders:8080  (its address moved)
         3  open gateway->orders:8080  (its address moved)
         4  start gateway/1#2  (its settings changed)
         5  await gateway/1#2 healthy  (up means ready)",
    );
}

#[test]
fn an_edge_left_refusing_is_opened_again_unless_a_fault_holds_its_callee() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    observed.edges[0].admission = Admission::Refuse;
    assert_plan(
        &observed,
        &wanted,
        "1  open gateway->orders:8080  (who may pass changed)",
    );
    *phase_of(&mut observed, "orders") = Phase::HeldDown;
    assert_plan(&observed, &wanted, "nothing to do");
}

#[test]
fn a_dependency_that_is_not_required_is_awaited_but_may_fail() {
    let mut web = service("web");
    depends(&mut web, "cache", Condition::ServiceHealthy);
    web.depends_on[0].required = false;
    let (wanted, book) = up(&system(vec![web, service("cache")]));
    let plan = decide(&Observed::default(), &wanted, &book);
    let optional: Vec<String> = plan
        .steps
        .iter()
        .filter(|planned| planned.optional)
        .map(|planned| planned.step.deed.to_string())
        .collect();
    assert_eq!(optional, ["await shop/main/cache/1#1 healthy"]);
}

#[test]
fn waits_are_bounded_later_than_the_healthcheck_gives_up() {
    let mut bare = service("bare");
    bare.healthcheck = None;
    let (wanted, book) = up(&system(vec![service("web"), bare]));
    let plan = decide(&Observed::default(), &wanted, &book);
    let bounds: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|planned| planned.within)
        .collect();
    // 10 s start period, 4 rounds of 5 s + 2 s, 30 s slack; without a healthcheck 60 s.
    assert_eq!(bounds, [Duration::from_secs(68), Duration::from_secs(60)]);
}

#[test]
fn a_circle_of_dependencies_does_not_hang() {
    let mut a = service("a");
    let mut b = service("b");
    depends(&mut a, "b", Condition::ServiceHealthy);
    depends(&mut b, "a", Condition::ServiceHealthy);
    let (wanted, book) = up(&system(vec![a, b]));
    assert!(!decide(&Observed::default(), &wanted, &book).is_empty());
}

#[test]
fn a_published_port_that_is_given_up_closes_its_edge() {
    let mut system = shop();
    let (wanted, book) = up(&system);
    let observed = all_ready(&wanted);
    system.services.get_mut("gateway").unwrap().ports.clear();
    let (wanted, _) = up(&system);
    assert_plan(
        &observed,
        &(wanted, book),
        "1  close client->gateway:8080  (no longer wanted)",
    );
    let id = EdgeId {
        lane: LaneName::main(),
        caller: Party::Client,
        callee: name("orders"),
        port: 8080,
    };
    let mut system = shop();
    publish(system.services.get_mut("orders").unwrap(), None, 8080);
    let (wanted, _) = up(&system);
    let opened = wanted.edges.iter().find(|edge| edge.id == id).unwrap();
    assert_eq!(opened.listen.ip().to_string(), "127.0.0.1");
}
