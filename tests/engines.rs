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

use std::process::Command;

use support::nodes::{nodes, open_gate, play};
use support::{Engine, Finished, System, finish, read, root, until};

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
    let state = "{{.State.StartedAt}} {{.State.Running}}";
    let started = || engine.lines(&["inspect", "--format", state, &caller]);
    let mut before = started();

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
    // Nobody calls msvc: the engine alone brings back what its restart policies say, when it was
    // killed as well as when it was ended.
    for again in ["killed", "ended"] {
        if again == "ended" {
            engine.end();
            engine.begin();
        }
        before = until("its start", || {
            let now = started();
            (now != before && now[0].ends_with("true")).then_some(now)
        });
        let since = before[0].split(' ').next().unwrap();
        until(
            &format!("calls through the mesh, the engine {again}"),
            || {
                let said = engine.lines(&["logs", "--since", since, &caller]);
                let answered = said.iter().any(|line| line.contains("all answered"));
                answered.then_some(())
            },
        );
    }
    let refused = system.run(&["up", "-d", "--runtime", "process"]).expect(2);
    assert!(
        refused.stderr.contains("bring it down first"),
        "{}",
        refused.stderr
    );
    system.run(&["down"]).expect(0);
    assert_eq!(engine.belongings(&system), Vec::<String>::new());
}

/// Fails unless a command said once that the engine is gone, and ended with `code`.
#[track_caller]
fn gone(told: Finished, code: i32) {
    let told = told.expect(code);
    let errors = told.stderr.matches("error:").count();
    assert_eq!(errors, 1, "{}", told.stderr);
    assert!(
        told.stderr.contains("the container engine at") && told.stderr.contains("does not answer"),
        "{}",
        told.stderr
    );
}

#[track_caller]
fn wait_for_container(engine: &Engine, system: &System, name: &str, is_there: bool) {
    let name = format!("{}-{name}-1", system.project);
    until(&name, || {
        let all = engine.lines(&["ps", "--format", "{{.Names}}"]);
        (all.contains(&name) == is_there).then_some(())
    });
}

#[test]
fn an_engine_that_dies_in_the_middle_of_up_or_down_is_told_once_and_nothing_half_made_stays() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let system = engine.runs(nodes(
        "  slow: {<<: *node, stop_signal: SIGTERM, stop_grace_period: 8s}\n  \
           two: {<<: *gated, depends_on: [slow]}\n",
    ));
    for end in [Engine::kill, Engine::end] {
        let up = system.start(&["up", "-d"]);
        wait_for_container(&engine, &system, "two", true);
        end(&engine);
        gone(up.finish(), 3);
        engine.begin();
        // What is there already would tell nothing of how far the next one has come.
        system.run(&["down"]).expect(0);
    }
    open_gate(&system);
    system.up();

    let down = system.start(&["down"]);
    wait_for_container(&engine, &system, "two", false);
    engine.kill();
    gone(down.finish(), 3);
    engine.begin();
    system.run(&["down", "--volumes"]).expect(0);
    assert_eq!(engine.belongings(&system), Vec::<String>::new());
}

#[test]
fn the_shop_is_whole_after_its_engine_was_restarted() {
    let Some(engine) = Engine::start() else {
        return;
    };
    // Beside that engine no registry of packages is reached: what one of the services needs of such
    // has to be there. Where it is, this does nothing.
    let mut build = Command::new("python3");
    build
        .arg("build.py")
        .current_dir(root().join("sample-system/services/recommendations"));
    finish(build).expect(0);
    let system = engine.runs(System::shop("shop-restarted", ""));
    system.up();
    system.run(&["journey", "run", "checkout"]).expect(0);
    // As the machine's own service manager does. An engine that is killed takes what it finds
    // running at its next start for stopped by hand, and leaves `unless-stopped` at that.
    engine.end();
    engine.begin();
    // Nobody brings it up: msvc only looks, and plays.
    until("every service to be healthy", || {
        let ps = system.run(&["ps", "--format", "json"]).expect(0).json();
        let all = ps["instances"].as_array()?.clone();
        let healthy = |it: &serde_json::Value| it["health"] == "ready";
        all.iter().all(healthy).then_some(())
    });
    system.run(&["journey", "run"]).expect(0);
    system.run(&["down", "--volumes"]).expect(0);
    assert_eq!(engine.belongings(&system), Vec::<String>::new());
}

#[test]
fn who_follows_the_lines_of_a_system_is_told_that_its_engine_died() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let system = engine.runs(nodes(PAIR));
    let mut first = system.start(&["up"]);
    first.wait_for("all answered");
    let mut joined = system.start(&["up"]);
    let mut logs = system.start(&["logs", "--follow"]);
    for following in [&mut joined, &mut logs] {
        following.wait_for("all answered");
    }
    engine.kill();
    for following in [first, joined, logs] {
        gone(following.finish(), 3);
    }
    engine.begin();
    // The system lives on, and is taken over.
    let again = system.start(&["up"]);
    let answers = |running: &support::Running| running.stdout().matches("all answered").count();
    let before = until("its lines", || {
        Some(answers(&again)).filter(|lines| *lines > 0)
    });
    until("further lines", || (answers(&again) > before).then_some(()));
    again.signal("INT");
    again.finish().expect(0);
    system.run(&["down"]).expect(0);
    assert_eq!(engine.belongings(&system), Vec::<String>::new());
}

/// Words for a command that ends once the system's folder has a file `done`.
fn until_done(system: &System) -> [String; 3] {
    let done = system.directory.join("done");
    let wait = format!("until test -e {}; do sleep 0.1; done", done.display());
    ["sh".to_owned(), "-c".to_owned(), wait]
}

fn done(system: &System) {
    std::fs::write(system.directory.join("done"), "").unwrap();
}

#[test]
fn an_engine_that_dies_under_a_fault_is_told_and_a_kill_that_it_kept_from_being_undone_is_6() {
    let Some(engine) = Engine::start() else {
        return;
    };
    // The engine itself would not bring `one` back: it was ended by hand, as it sees it.
    let pair = PAIR.replace(
        "one: {<<: *node}",
        "one: {<<: *node, restart: unless-stopped}",
    );
    let system = engine.runs(nodes(&pair));
    system.up();
    let until_done = until_done(&system);
    let with_command = |words: &[&'static str]| {
        let words = words.iter().copied().chain(["--"]);
        let words: Vec<&str> = words.chain(until_done.iter().map(String::as_str)).collect();
        let mut running = system.start(&words);
        running.wait_for("fault ");
        running
    };
    let late = with_command(&[
        "chaos",
        "inject",
        "latency",
        "--edge",
        "caller->one",
        "--delay",
        "300ms",
    ]);
    engine.kill();
    done(&system);
    gone(late.finish(), 3);
    engine.begin();
    std::fs::remove_file(system.directory.join("done")).unwrap();
    let healthy = || {
        let ps = system.run(&["ps"]).expect(0).stdout;
        (!ps.contains("exited") && !ps.contains("starting")).then_some(())
    };
    system.up();

    let killed = with_command(&["chaos", "kill", "one"]);
    engine.kill();
    done(&system);
    let told = killed.finish().expect(6).stderr;
    assert!(told.contains("one"), "{told}");
    engine.begin();
    until("the killed one to be back", healthy);
    let records = std::fs::read_dir(system.home()).unwrap().flatten();
    let held = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("held");
    assert!(!records.into_iter().any(held));
}

#[test]
fn an_engine_that_dies_in_the_middle_of_demo_is_told_and_the_next_demo_clears_what_it_left() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let system = engine.runs(nodes("  one: {<<: *node}\n"));
    let [shell, flag, wait] = until_done(&system);
    let compose = system.directory.join("compose.yaml");
    let journey = format!(
        "x-msvc: {{journeys: [{{name: patient, command: [{shell}, {flag}, \"echo > playing; {wait}\"]}}]}}\n"
    );
    std::fs::write(&compose, read(&compose) + &journey).unwrap();
    let demo = system.start(&["demo"]);
    let playing = system.directory.join("playing");
    until("its journey", || playing.exists().then_some(()));
    engine.kill();
    done(&system);
    gone(demo.finish(), 3);
    engine.begin();
    assert_ne!(engine.belongings(&system), Vec::<String>::new());
    let _ = system.run(&["demo"]);
    assert_eq!(engine.belongings(&system), Vec::<String>::new());
}

/// Workers without a port, a healthcheck or a policy that brings them back: nothing but `up` does.
#[test]
fn workers_that_ended_with_their_engine_are_brought_back_by_up_and_a_job_that_is_done_is_not() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let role = |role: &str| {
        format!("build: {{context: ., dockerfile: Dockerfile}}, command: [*w, *x, *y, *z, {role}]")
    };
    let (obey, done) = (role("obey"), role("done"));
    let system = engine.runs(nodes(&format!(
        "  web: {{<<: *node}}\n  worker: {{{obey}}}\n  \
         again: {{{obey}, restart: on-failure}}\n  job: {{{done}}}\n"
    )));
    system.up();
    let health = |service: &str| {
        let ps = system.ps();
        let mut all = ps["instances"].as_array().unwrap().iter();
        let found = all.find(|it| it["service"] == service).unwrap();
        found["health"].as_str().unwrap().to_owned()
    };
    until("the job to be done", || {
        (health("job") == "exited").then_some(())
    });
    let job = format!("{}-job-1", system.project);
    let started = || engine.lines(&["inspect", "--format", "{{.Id}} {{.State.StartedAt}}", &job]);
    // Seen done while the engine still knows who ended it.
    system.up();
    let before = started();
    for end in [Engine::end, Engine::kill] {
        end(&engine);
        engine.begin();
        for service in ["worker", "again"] {
            until(service, || (health(service) != "ready").then_some(()));
        }
        let back = system.run(&["up", "-d"]).expect(0);
        for service in ["web", "worker", "again"] {
            assert_eq!(health(service), "ready", "{service}: {}", back.stderr);
        }
        assert_eq!(started(), before, "{}", back.stderr);
        let again = system.run(&["up", "-d"]).expect(0);
        assert!(again.stdout.contains("nothing changed"), "{}", again.stderr);
    }
    system.run(&["down", "--volumes"]).expect(0);
    assert_eq!(engine.belongings(&system), Vec::<String>::new());
}
