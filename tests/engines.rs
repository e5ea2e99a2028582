//! What becomes of systems in containers when their engine ends, fills up or is not to be had.

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

use support::nodes::{nodes, play};
use support::{Engine, until};

/// A service when it is given a role, and no test otherwise.
#[test]
fn service() {
    play();
}

/// Two that are called, and one that calls both.
const PAIR: &str = "  one: {<<: *node}\n  two: {<<: *node}\n  \
    caller: {<<: *caller, environment: {CALLS: \"one:8080 two:8080\"}, depends_on: {one: {condition: service_healthy}, two: {condition: service_healthy}}}\n";

#[test]
fn a_system_stays_with_its_runtime_while_its_engine_is_away_and_is_whole_once_it_is_back() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let system = engine.runs(nodes(PAIR));
    system.up();
    let caller = format!("{}-caller-1", system.project);
    let answered = || {
        let said = engine.lines(&["logs", "--tail", "1", &caller]);
        said.iter().any(|line| line.contains("all answered"))
    };
    until("calls through the mesh", || answered().then_some(()));

    engine.kill();
    for arguments in [
        &["ps"][..],
        &["logs"],
        &["down"],
        &["up", "-d"],
        &["up", "-d", "--runtime", "process"],
        &["chaos", "kill", "one"],
    ] {
        let told = system.run(arguments).expect(3).stderr;
        let expected = format!(
            "{} runs in containers, and the container engine at",
            system.project
        );
        assert!(told.contains(&expected), "{arguments:?}: {told}");
        assert_eq!(told.matches("error:").count(), 1, "{told}");
    }
    assert_eq!(system.processes(), Vec::<u32>::new());

    engine.begin();
    // Nobody calls msvc: the engine alone brings back what its restart policies say.
    let since = engine.lines(&["inspect", "--format", "{{.State.StartedAt}}", &caller]);
    until("calls through the mesh after the engine's restart", || {
        let said = engine.lines(&["logs", "--since", &since[0], &caller]);
        said.iter()
            .any(|line| line.contains("all answered"))
            .then_some(())
    });
    let refused = system.run(&["up", "-d", "--runtime", "process"]).expect(2);
    assert!(
        refused.stderr.contains("bring it down first"),
        "{}",
        refused.stderr
    );
    system.run(&["down"]).expect(0);
    assert_eq!(engine.belongings(&system), Vec::<String>::new());
}
