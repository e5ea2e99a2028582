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

#[path = "endings/seen.rs"]
mod seen;
mod support;

use seen::{Seen, copies, family, keepers, players};
use support::{Runtime, System, alive, kill, read, runs, until};

support::in_both! {
    an_interrupt_in_the_middle_of_up_leaves_no_process_and_no_port,
    an_interrupt_in_the_middle_of_demo_leaves_no_process_no_port_and_no_records,
    what_a_killed_demo_leaves_is_cleared_by_the_next_one,
    an_up_that_does_not_succeed_leaves_nothing_of_what_it_added_to_a_system_that_runs,
    a_build_ends_with_an_up_that_is_killed,
    who_takes_its_time_to_end_is_named_and_a_second_interrupt_kills_it,
    who_has_ended_is_not_waited_for_any_more,
}

/// A service with a grandchild that calls setsid.
fn system() -> System {
    let parent = runs(
        r#"["sh", "-c", "echo begun; setsid sleep 600 & exec sleep 600"]"#,
        "",
    );
    System::compose(&format!("services:\n  parent:\n{parent}")).on(Runtime::Processes)
}

/// The pids of supervisor and guardian, from the project's records.
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
    until("both processes, and a line in the log", || {
        let said = system.run(&["logs"]).expect(0).stdout;
        (said.contains("begun") && system.processes().len() >= 2).then_some(())
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

const SERVER: &str =
    "import os,socket,time; s=socket.create_server(('',int(os.environ['PORT']))); time.sleep(600)";

/// A server, a service that is healthy when `probe` ends well, with a grandchild that calls
/// setsid, and a journey without an end.
fn served(runtime: Runtime, probe: &str) -> System {
    let web = runs(&format!(r#"["python3", "-c", "{SERVER}"]"#), "port: PORT,");
    let slow = runs(r#"["sh", "-c", "setsid sleep 600 & exec sleep 600"]"#, "");
    System::compose(&format!(
        "services:\n\
         \x20 web:\n{web}    environment: {{ PORT: \"9100\" }}\n    expose: [\"9100\"]\n    ports: [\"9100\"]\n\
         \x20 slow:\n{slow}    depends_on: [web]\n    healthcheck: {{ test: [\"CMD\", \"{probe}\"], interval: 60s, start_period: 600s }}\n\
         x-msvc: {{ journeys: [{{ name: endless, command: [\"sh\", \"-c\", \"setsid sleep 600 & echo $$$$ $! > playing; exec sleep 600\"] }}] }}\n"
    ))
    .on(runtime)
}

/// Both services, with the grandchild or the mesh.
const ALL: usize = 3;

fn an_up_that_does_not_succeed_leaves_nothing_of_what_it_added_to_a_system_that_runs(
    runtime: Runtime,
) {
    let web = runs(&format!(r#"["python3", "-c", "{SERVER}"]"#), "port: PORT,");
    let words = r#"["sleep", "600"]"#;
    let text = |more: &str| {
        format!(
            "services:\n  web:\n{web}    environment: {{ PORT: \"9100\" }}\n    ports: [\"9100\"]\n{more}"
        )
    };
    let system = System::compose(&text("")).on(runtime);
    system.up();
    let before = system.ps();
    let known = |ps: &serde_json::Value| {
        let all = |key: &str, field: &str| {
            let all = ps[key].as_array().into_iter().flatten();
            all.map(|it| it[field].to_string()).collect::<Vec<_>>()
        };
        (all("instances", "pid"), all("edges", "edge"))
    };
    let more = format!(
        "  good:\n{}  slow:\n{web}    environment: {{ PORT: \"9100\" }}\n    ports: [\"9100\"]\n    healthcheck: {{ test: [\"CMD\", \"false\"], interval: 60s, start_period: 600s }}\n",
        runs(words, "")
    );
    std::fs::write(system.directory.join("compose.yaml"), text(&more)).unwrap();
    for (end, code) in [("INT", 130), ("", 1)] {
        let arguments: &[&str] = match end {
            "" => &["up", "-d", "--timeout", "5s"],
            _ => &["up", "-d"],
        };
        let up = system.start(arguments);
        if !end.is_empty() {
            until("what it adds", || {
                let ps = system.ps();
                let all = ps["instances"].as_array().map(Vec::len);
                (all == Some(3)).then_some(())
            });
            up.signal(end);
        }
        up.finish().expect(code);
        assert_eq!(known(&system.ps()), known(&before));
    }
}

fn an_interrupt_in_the_middle_of_up_leaves_no_process_and_no_port(runtime: Runtime) {
    let system = served(runtime, "false");
    let up = system.start(&["up", "-d"]);
    until("its processes", || {
        (system.running().len() >= ALL).then_some(())
    });
    let seen = Seen::of(&system, || system.processes(), Vec::new());
    up.signal("INT");
    up.finish().expect(130);
    assert_eq!(system.left(), Vec::<String>::new());
    seen.are_gone();
}

fn an_interrupt_in_the_middle_of_demo_leaves_no_process_no_port_and_no_records(runtime: Runtime) {
    // While it boots, then while it plays.
    for (probe, playing) in [("false", false), ("true", true)] {
        let system = served(runtime, probe);
        let demo = system.start(&["demo"]);
        let begun = || {
            let journey = players(&system);
            let there = system.running_of_copies().len() >= ALL;
            (there && journey.is_empty() != playing).then_some(journey)
        };
        let journey = until("its processes", begun);
        let mut more = family(demo.pid());
        more.extend(journey);
        let seen = Seen::of(&system, || system.processes_of_copies(), more);
        demo.signal("INT");
        demo.finish().expect(130);
        assert_eq!(system.left(), Vec::<String>::new(), "playing: {playing}");
        let left: Vec<_> = seen.pids.iter().filter(|pid| alive(**pid)).collect();
        assert!(left.is_empty(), "{left:?} live on; playing: {playing}");
        seen.are_gone();
        assert_eq!(copies(&system), Vec::<String>::new());
    }
}

fn what_a_killed_demo_leaves_is_cleared_by_the_next_one(runtime: Runtime) {
    let system = served(runtime, "true");
    let demo = system.start(&["demo"]);
    let players = until("its journey", || {
        Some(players(&system)).filter(|all| all.len() == 2)
    });
    let mine = [players, keepers(&system)].concat();
    demo.signal("KILL");
    let _ = demo.finish();
    until("the end of every process", || {
        let gone = system.processes_of_copies().is_empty();
        (gone && !mine.iter().any(|pid| alive(*pid))).then_some(())
    });
    if runtime == Runtime::Containers {
        assert_eq!(system.running_of_copies().len(), ALL);
    }
    let left = copies(&system);
    assert_eq!(left.len(), 1, "{left:?}");
    let next = system.start(&["demo"]);
    until("its records to be cleared", || {
        (!copies(&system).contains(&left[0])).then_some(())
    });
    next.signal("INT");
    next.finish().expect(130);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn a_killed_foreground_up_leaves_no_process_and_no_port() {
    let system = served(Runtime::Processes, "true");
    let mut up = system.start(&["up"]);
    up.wait_for("listens at");
    until("its processes", || {
        (system.running().len() >= ALL).then_some(())
    });
    let seen = Seen::of(&system, || system.processes(), Vec::new());
    up.signal("KILL");
    let _ = up.finish();
    seen.are_gone();
    assert_eq!(system.left(), Vec::<String>::new());
}

/// A build script that never ends, and has a child that leaves its group and session.
const ENDLESS_BUILD: &str = r#"fn main() {
    let away = std::process::Command::new("setsid").args(["sleep", "600"]).spawn().unwrap();
    std::fs::write("playing", format!("{} {}", std::process::id(), away.id())).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(600));
}
"#;

fn a_build_ends_with_an_up_that_is_killed(runtime: Runtime) {
    let system = System::compose("services: { web: { build: . } }\n").on(runtime);
    let write = |file: &str, text: &str| std::fs::write(system.directory.join(file), text).unwrap();
    write("Dockerfile", "FROM scratch\n");
    write("build.rs", ENDLESS_BUILD);
    write("main.rs", "fn main() {}\n");
    let package = "[package]\nname = \"web\"\nedition = \"2024\"\nbuild = \"build.rs\"\n";
    let binary = "[[bin]]\nname = \"web\"\npath = \"main.rs\"\n[workspace]\n";
    write("Cargo.toml", &format!("{package}{binary}"));
    let up = system.start(&["up", "-d"]);
    let building = until("its build", || {
        Some(players(&system)).filter(|all| all.len() == 2)
    });
    let all = [building, family(up.pid())].concat();
    up.signal("KILL");
    let _ = up.finish();
    until("the end of the build", || {
        (!all.iter().any(|pid| alive(*pid))).then_some(())
    });
}

fn who_takes_its_time_to_end_is_named_and_a_second_interrupt_kills_it(runtime: Runtime) {
    let stubborn = runs(
        r#"["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"]"#,
        "",
    );
    let stubborn = stubborn.replace("stop_grace_period: 1s", "stop_grace_period: 10m");
    let system = System::compose(&format!("services:\n  stubborn:\n{stubborn}")).on(runtime);
    let mut up = system.start(&["up"]);
    up.wait_for("deaf");
    up.signal("INT");
    until("the name of who is waited for", || {
        let said = "waiting for stubborn to end, for 10m at most (its `stop_grace_period`); \
                    Ctrl-C again kills at once";
        up.stderr().contains(said).then_some(())
    });
    up.signal("INT");
    up.finish().expect(130);
    assert_eq!(system.left(), Vec::<String>::new());
}

/// One ends when it is told to, one is killed after its grace, one would take for ever.
fn who_has_ended_is_not_waited_for_any_more(runtime: Runtime) {
    let deaf = |name: &str, grace: &str| {
        let words = format!(
            r#"["sh", "-c", "trap '' TERM; echo {name} is deaf; while :; do sleep 0.1; done"]"#
        );
        let text = runs(&words, "").replace("stop_grace_period: 1s", grace);
        format!("  {name}:\n{text}")
    };
    let quick = runs(
        r#"["sh", "-c", "trap 'exit 0' TERM; echo heard; while :; do sleep 0.1; done"]"#,
        "",
    );
    let slow = deaf("slow", "stop_grace_period: 3s");
    let stubborn = deaf("stubborn", "stop_grace_period: 10m");
    let text = format!("services:\n  quick:\n{quick}{slow}{stubborn}");
    let system = System::compose(&text).on(runtime);
    let mut up = system.start(&["up"]);
    for its_trap_is_set in ["heard", "slow is deaf", "stubborn is deaf"] {
        up.wait_for(its_trap_is_set);
    }
    up.signal("INT");
    until("only who still runs to be waited for", || {
        let said = up.stderr();
        let last = said.lines().rfind(|line| line.contains("waiting for "))?;
        last.contains("waiting for stubborn to end").then_some(())
    });
    up.signal("INT");
    up.finish().expect(130);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn what_a_build_left_running_ends_with_an_up_that_is_interrupted() {
    let idle = r#"    image: none
    x-msvc: { process: { command: ["sleep", "600"], build: ["sh", "-c", "setsid sleep 600 & echo $$! > left"] } }
    build: .
    healthcheck: { test: ["CMD", "false"], interval: 60s, start_period: 600s }
"#;
    let system = System::compose(&format!("services:\n  idle:\n{idle}")).on(Runtime::Processes);
    let up = system.start(&["up", "-d"]);
    let left = until("its process", || {
        let left = read(&system.directory.join("left")).trim().parse().ok();
        left.filter(|_| !system.running().is_empty())
    });
    assert!(alive(left));
    up.signal("INT");
    up.finish().expect(130);
    assert!(!alive(left));
}
