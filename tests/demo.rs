//! The demo: everything once, on a system of its own, and nothing left of it.

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

use std::process::Command;

use support::{Runtime, System, finish, root};

support::in_both! {
    on_the_shop_everything_holds_and_nothing_is_left,
    on_another_system_in_another_language_the_journey_that_does_not_hold_is_named,
    inside_cargo_run_the_demo_compiles_nothing_twice,
    the_lines_that_repeat_a_demo_can_work,
}

fn on_the_shop_everything_holds_and_nothing_is_left(runtime: Runtime) {
    let system = System::shop("demo", "").on(runtime);
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().to_str().unwrap();
    let done = system
        .run(&["demo", "--format", "json", "--artifacts", folder])
        .expect(0);
    let receipts = support::read(&kept.path().join("receipts.ndjson"));
    assert!(receipts.contains("payments-answers-late"), "{receipts}");
    let report = done.json();
    assert_eq!(report["schema"], "msvc.report/1");
    assert_eq!(report["verdict"], "held", "{report:#}");
    let cases = report["cases"].as_array().unwrap();
    for id in ["journey/checkout", "journey/declined"] {
        assert!(
            cases.iter().any(|case| case["id"] == id),
            "{id} in {report:#}"
        );
    }
    assert!(cases.len() > 10, "{report:#}");
    let homes = system.directory.join(".msvc");
    let demo = format!("{}-demo-", system.project);
    let left: Vec<_> = std::fs::read_dir(homes)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&demo))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(system.left(), Vec::<String>::new());
}

fn on_another_system_in_another_language_the_journey_that_does_not_hold_is_named(runtime: Runtime) {
    let system = System::fixture("library").on(runtime);
    let folder = system.directory.join("kept");
    let done = system
        .run(&["demo", "--artifacts", folder.to_str().unwrap()])
        .expect(1);
    assert!(
        done.stderr.contains("FAILED  pay-a-fine"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains("held    borrow-a-book"),
        "{}",
        done.stderr
    );
    let last = done.stdout.lines().last().unwrap_or_default();
    assert!(last.contains("failed (2 held, 1 failed"), "{last}");
    for file in ["run.json", "report.json", "compose.json"] {
        serde_json::from_str::<serde_json::Value>(&support::read(&folder.join(file))).unwrap();
    }
    for (file, schema) in [
        ("events.ndjson", "msvc.event/1"),
        ("exchanges.ndjson", "msvc.exchange/1"),
    ] {
        let text = support::read(&folder.join(file));
        let lines = text.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["schema"].as_str().unwrap_or_default().to_owned()
        });
        let schemas: Vec<String> = lines.collect();
        assert!(!schemas.is_empty(), "{file} is empty");
        assert!(schemas.iter().all(|it| it == schema), "{file}: {schemas:?}");
    }
    let mut logs = std::fs::read_dir(folder.join("logs/main")).unwrap();
    assert!(logs.next().is_some(), "no logs are kept");
}

#[test]
fn a_build_that_replaces_msvc_itself_does_not_disturb_the_boot() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("msvc");
    std::fs::copy(env!("CARGO_BIN_EXE_msvc"), &program).unwrap();
    let system = System::compose(&format!(
        "services:\n  web:\n    build: .\n    x-msvc: {{ process: {{ build: [\"rm\", \"{}\"], command: [\"sleep\", \"600\"] }} }}\n    healthcheck: {{ test: [\"CMD\", \"true\"] }}\n",
        program.display()
    ))
    .on(Runtime::Processes);
    let mut command = Command::new(&program);
    command.arg("-C").arg(&system.directory);
    command.args(["-p", &system.project, "up", "-d"]);
    finish(command).expect(0);
    assert!(!program.exists());
    assert_eq!(system.ps()["instances"][0]["health"], "ready");
}

fn inside_cargo_run_the_demo_compiles_nothing_twice(runtime: Runtime) {
    let cargo = || {
        // As a shell starts it: without what the cargo that runs this test sets, with what its user
        // has set, which decides whether what is built is fresh.
        let mut command = Command::new("cargo");
        command.current_dir(root()).env_clear();
        let of_the_user = |name: &str| {
            matches!(
                name,
                "PATH" | "HOME" | "TMPDIR" | "RUSTUP_HOME" | "RUSTFLAGS"
            ) || matches!(
                name,
                "CARGO_HOME" | "CARGO_TARGET_DIR" | "CARGO_INCREMENTAL"
            ) || ["CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_"]
                .iter()
                .any(|start| name.starts_with(start))
        };
        command.envs(std::env::vars().filter(|(name, _)| of_the_user(name)));
        command.env("MSVC_RUNTIME", runtime.word());
        command.args(["run", "--bin", "msvc", "--", "-p", "demo-in-cargo", "demo"]);
        finish(command).expect(0)
    };
    // Not even the first: what the tests were built with serves the program as well.
    for done in [cargo(), cargo()] {
        assert!(!done.stderr.contains("Compiling"), "{}", done.stderr);
        // An image is packed of what there is.
        let mut built = done
            .stderr
            .lines()
            .filter(|line| line.starts_with("built  "));
        assert!(
            built.all(|line| line.contains(" image ")),
            "{}",
            done.stderr
        );
    }
    if let (Runtime::Containers, Some(engine)) = (runtime, support::engine()) {
        engine.forget_image("demo-in-cargo-recommendations");
    }
}

/// The lines that repeat something, without `msvc`.
fn agains(done: &support::Finished) -> Vec<String> {
    let lines = done.stderr.lines();
    let agains = lines.filter_map(|line| line.trim().strip_prefix("again: msvc "));
    agains.map(str::to_owned).collect()
}

fn again(system: &System, line: &str) -> support::Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command.args(line.split(' ')).envs(system.environment());
    finish(command)
}

fn the_lines_that_repeat_a_demo_can_work(runtime: Runtime) {
    let system = System::fixture("library").on(runtime);
    // What the demo ran on is gone: only another demo can do it again.
    let gone = agains(&system.run(&["demo", "--seed", "7"]).expect(1));
    let whole = format!("-p {} demo --seed 7", system.project);
    assert!(!gone.is_empty());
    assert!(gone.iter().all(|line| line.ends_with(&whole)), "{gone:?}");
    let done = system.run(&["demo", "--keep"]).expect(1);
    let kept = agains(&done);
    assert_eq!(kept.len(), 1, "{kept:?}");
    let copy = format!("-p {}-demo-", system.project);
    assert!(kept[0].contains(&copy), "{kept:?}");
    let second = again(&system, &kept[0]).expect(1);
    assert!(
        second.stderr.contains("FAILED  pay-a-fine"),
        "{}",
        second.stderr
    );
    let down = done
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("  msvc "));
    again(&system, down.unwrap()).expect(0);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn a_demo_of_nothing_says_so_before_anything_is_booted() {
    let text = format!(
        "services:\n  web:\n{}",
        support::runs(r#"["sleep", "600"]"#, "")
    );
    let system = System::compose(&text).on(Runtime::Processes);
    let done = system.run(&["demo"]).expect(5);
    let said = format!("{}{}", done.stdout, done.stderr);
    assert!(said.contains("`x-msvc` names no journey"), "{said}");
    assert!(said.contains("journeys: [FILE]"), "{said}");
    assert!(!said.contains("ready"), "{said}");
    let done = system.run(&["journey", "run"]).expect(5);
    assert!(
        done.stderr.contains("there are no journeys to play"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("journeys: [FILE]"), "{}", done.stderr);
}

#[test]
fn the_hint_to_a_log_names_the_system_that_wrote_it() {
    let text = format!(
        "services:\n  web:\n{}",
        support::runs(r#"["sh", "-c", "exit 7"]"#, "")
    );
    let system = System::compose(&text).on(Runtime::Processes);
    let done = system.run(&["up", "-d"]).expect(1);
    let whole = format!("-p {} --runtime process logs web`", system.project);
    let short = format!("-p {} logs web`", system.project);
    let is_said = done.stderr.contains(&whole) || done.stderr.contains(&short);
    assert!(is_said, "{}", done.stderr);
}
