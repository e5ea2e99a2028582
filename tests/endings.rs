//! How systems end when nobody asked them to: nothing runs on, nothing of the user's is lost.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use support::{System, kill, read, until};

/// A service with a grandchild that calls setsid.
fn system() -> System {
    System::compose(
        "services:\n  parent:\n    image: none\n    x-msvc: { process: { command: [\"sh\", \"-c\", \"echo begun; setsid sleep 600 & exec sleep 600\"] } }\n",
    )
}

/// The supervisor's pid, from the project's records.
fn supervisor(system: &System) -> (u32, u32) {
    let state: serde_json::Value =
        serde_json::from_str(&read(&system.home().join("state.json"))).unwrap();
    let pid = |who: &str| u32::try_from(state[who]["pid"].as_u64().unwrap()).unwrap();
    (pid("supervisor"), pid("guardian"))
}

#[test]
fn a_killed_supervisor_takes_its_services_with_it_escapees_too_and_is_told_of_later() {
    let system = system();
    system.up();
    until("both processes", || {
        (system.processes().len() >= 2).then_some(())
    });
    kill("KILL", supervisor(&system).0);
    until("the end of all", || {
        system.processes().is_empty().then_some(())
    });
    let ps = until("the record of its end", || {
        let ps = system.run(&["ps"]).expect(0).stdout;
        ps.contains("SIGKILL").then_some(ps)
    });
    assert!(ps.contains("is not running"), "{ps}");
    let logs = system.run(&["logs"]).expect(0);
    assert!(
        logs.stdout.contains("begun") && logs.stderr.contains("SIGKILL"),
        "{logs:?}"
    );
    let up = system.run(&["up", "-d"]).expect(0);
    assert!(up.stderr.contains("SIGKILL"), "{}", up.stderr);
}

#[test]
fn after_supervisor_and_guardian_are_killed_together_down_clears_the_rest() {
    let system = system();
    system.up();
    until("both processes", || {
        (system.processes().len() >= 2).then_some(())
    });
    let (supervisor, guardian) = supervisor(&system);
    kill("STOP", guardian);
    kill("KILL", supervisor);
    kill("KILL", guardian);
    assert!(!system.processes().is_empty());
    system.run(&["down"]).expect(0);
    assert_eq!(system.processes(), Vec::<u32>::new());
}

#[test]
fn an_interrupt_in_the_middle_of_up_leaves_no_process() {
    let system = System::compose(
        "services:\n  slow:\n    image: none\n    x-msvc: { process: { command: [\"sleep\", \"600\"] } }\n    healthcheck: { test: [\"CMD\", \"false\"], interval: 60s, start_period: 600s }\n",
    );
    let up = system.start(&["up", "-d"]);
    until("its process", || {
        (!system.processes().is_empty()).then_some(())
    });
    up.signal("INT");
    up.finish().expect(130);
    assert_eq!(system.processes(), Vec::<u32>::new());
}
