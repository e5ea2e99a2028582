//! Systems of host processes as their supervisor ends: who comes meanwhile, who looks on, and who has
//! no room left.

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

use support::{System, kill, read, runs, until};

/// A service that ends only when the test lets it: it waits for a file `go`.
fn stubborn() -> System {
    let script = "trap '' TERM; echo begun; while [ ! -e go ]; do sleep 0.05; done";
    let words = format!(r#"["sh", "-c", "{script}"]"#);
    let slow = format!(
        "    stop_grace_period: 100s\n    command: {words}\n    x-msvc: {{ process: {{ command: {words} }} }}\n"
    );
    System::compose(&format!("services:\n  slow:\n    image: none\n{slow}"))
}

fn lets_go(system: &System) {
    std::fs::write(system.directory.join("go"), "").unwrap();
}

/// The pids of supervisor and guardian, from the project's records.
fn supervisor(system: &System) -> (u32, u32) {
    let state: serde_json::Value =
        serde_json::from_str(&read(&system.home().join("state.json"))).unwrap();
    let pid = |who: &str| u32::try_from(state[who]["pid"].as_u64().unwrap()).unwrap();
    (pid("supervisor"), pid("guardian"))
}

/// Waits until `ps` says that the system is on its way down.
fn is_ending(system: &System) {
    until("a system that ends", || {
        let ps = system.ps();
        (ps["ending"] == true).then(|| assert_eq!(ps["instances"][0]["health"], "ending"))
    });
}

#[test]
fn an_up_while_the_system_is_taken_down_waits_for_its_end_and_boots_it_again() {
    let system = stubborn();
    system.up();
    let before = system.ps()["instances"][0]["pid"].clone();
    let down = system.start(&["down"]);
    is_ending(&system);
    let mut up = system.start(&["up", "-d"]);
    up.wait_for("is being taken down: waiting for its end");
    lets_go(&system);
    down.finish().expect(0);
    std::fs::remove_file(system.directory.join("go")).unwrap();
    let said = up.finish().expect(0).stdout;
    assert!(said.contains("is up"), "{said}");
    // It saw the file and ended, or it runs: either way it was started anew.
    assert_ne!(system.ps()["instances"][0]["pid"], before);
    lets_go(&system);
}

#[test]
fn an_up_after_the_guardian_was_killed_waits_for_the_end_of_what_it_guarded() {
    let system = stubborn();
    system.up();
    kill("KILL", supervisor(&system).1);
    is_ending(&system);
    let mut up = system.start(&["up", "-d"]);
    up.wait_for("is being taken down: waiting for its end");
    lets_go(&system);
    let said = up.finish().expect(0).stdout;
    assert!(said.contains("is up"), "{said}");
}

#[test]
fn who_looks_on_is_told_when_and_by_what_the_supervisor_ended() {
    let sleeper = runs(r#"["sh", "-c", "echo begun; exec sleep 600"]"#, "");
    for foreground in [true, false] {
        let system = System::compose(&format!("services:\n  slow:\n{sleeper}"));
        let mut looks_on = match foreground {
            true => system.start(&["up"]),
            false => {
                system.up();
                system.start(&["logs", "-f"])
            }
        };
        looks_on.wait_for("begun");
        kill("KILL", supervisor(&system).0);
        let done = looks_on.finish().expect(1);
        let said = format!("{}: its supervisor ended 20", system.project);
        assert!(done.stderr.contains(&said), "{}", done.stderr);
        assert!(done.stderr.contains("signal SIGKILL"), "{}", done.stderr);
    }
}
