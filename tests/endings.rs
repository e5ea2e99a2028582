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

use support::{Runtime, System, alive, assert_free, kill, listening, read, until};

support::in_both! {
    an_interrupt_in_the_middle_of_up_leaves_no_process_and_no_port,
    an_interrupt_in_the_middle_of_demo_leaves_no_process_no_port_and_no_records,
    a_killed_demo_leaves_no_process_and_the_next_one_clears_its_records,
    a_killed_foreground_up_leaves_no_process_and_no_port,
}

/// A service with a grandchild that calls setsid.
fn system() -> System {
    System::compose(
        "services:\n  parent:\n    image: none\n    x-msvc: { process: { command: [\"sh\", \"-c\", \"echo begun; setsid sleep 600 & exec sleep 600\"] } }\n",
    )
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

const SERVER: &str = "import os,socket,time; s=socket.create_server(('127.0.0.1',int(os.environ['PORT']))); time.sleep(600)";

/// A server, a service that is healthy when `probe` ends well, with a grandchild that calls
/// setsid, and a journey without an end.
fn served(probe: &str) -> System {
    System::compose(&format!(
        "services:\n  web:\n    image: none\n    environment: {{ PORT: \"9100\" }}\n    expose: [\"9100\"]\n    ports: [\"9100\"]\n    x-msvc: {{ process: {{ port: PORT, command: [\"python3\", \"-c\", \"{SERVER}\"] }} }}\n  slow:\n    image: none\n    depends_on: [web]\n    x-msvc: {{ process: {{ command: [\"sh\", \"-c\", \"setsid sleep 600 & exec sleep 600\"] }} }}\n    healthcheck: {{ test: [\"CMD\", \"{probe}\"], interval: 60s, start_period: 600s }}\nx-msvc: {{ journeys: [{{ name: endless, command: [\"sh\", \"-c\", \"setsid sleep 600 & echo $$$$ $! > playing; exec sleep 600\"] }}] }}\n"
    ))
}

/// The processes of the endless journey: its own, and one that left its group and session.
fn players(system: &System) -> Vec<u32> {
    let pids = read(&system.directory.join("playing"));
    pids.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Every descendant of a process, and the process.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let children = |pid: &u32| read(format!("/proc/{pid}/task/{pid}/children").as_ref());
    let mut next = 0;
    while let Some(pid) = all.get(next) {
        let more = children(pid);
        all.extend(
            more.split_whitespace()
                .filter_map(|p| p.parse::<u32>().ok()),
        );
        next += 1;
    }
    all
}

fn an_interrupt_in_the_middle_of_up_leaves_no_process_and_no_port(runtime: Runtime) {
    let system = served("false");
    let up = system.start(&["up", "-d"]);
    until("its processes", || {
        (system.processes().len() >= 3).then_some(())
    });
    let (supervisor, guardian) = supervisor(&system);
    let addresses = until("its ports", || {
        let services = listening(&system.processes());
        (!services.is_empty()).then(|| [services, listening(&[supervisor])].concat())
    });
    up.signal("INT");
    up.finish().expect(130);
    assert_eq!(system.processes(), Vec::<u32>::new());
    until("the end of supervisor and guardian", || {
        (!alive(supervisor) && !alive(guardian)).then_some(())
    });
    assert_free(&addresses);
}

fn an_interrupt_in_the_middle_of_demo_leaves_no_process_no_port_and_no_records(runtime: Runtime) {
    // While it boots, then while it plays.
    for (probe, playing) in [("false", false), ("true", true)] {
        let system = served(probe);
        let demo = system.start(&["demo"]);
        let begun = || {
            let journey = players(&system);
            let there = system.processes_of_copies().len() >= 3;
            (there && journey.is_empty() != playing).then_some(journey)
        };
        let journey = until("its processes", begun);
        let mut all = [family(demo.pid()), system.processes_of_copies()].concat();
        all.extend(journey);
        all.extend(supervisors(&system));
        let addresses = until("its ports", || {
            let services = listening(&system.processes_of_copies());
            (!services.is_empty()).then(|| [services, listening(&all)].concat())
        });
        demo.signal("INT");
        demo.finish().expect(130);
        assert_eq!(system.processes_of_copies(), Vec::<u32>::new());
        let left: Vec<u32> = all.into_iter().filter(|pid| alive(*pid)).collect();
        assert!(left.is_empty(), "{left:?} live on; playing: {playing}");
        assert_free(&addresses);
        assert_eq!(copies(&system), Vec::<String>::new());
    }
}

/// The records of the systems that `demo` booted for itself.
fn copies(system: &System) -> Vec<String> {
    let homes = std::fs::read_dir(system.directory.join(".msvc")).unwrap();
    let names = homes.flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.contains("-demo-"))
        .collect()
}

fn a_killed_demo_leaves_no_process_and_the_next_one_clears_its_records(runtime: Runtime) {
    let system = served("true");
    let demo = system.start(&["demo"]);
    let players = until("its journey", || {
        Some(players(&system)).filter(|all| all.len() == 2)
    });
    let supervisors = supervisors(&system);
    demo.signal("KILL");
    let _ = demo.finish();
    until("the end of every process", || {
        let gone = system.processes_of_copies().is_empty();
        let mut others = players.iter().chain(&supervisors);
        (gone && !others.any(|pid| alive(*pid))).then_some(())
    });
    let left = copies(&system);
    assert_eq!(left.len(), 1, "{left:?}");
    let next = system.start(&["demo"]);
    until("the records to be cleared", || {
        (!copies(&system).contains(&left[0])).then_some(())
    });
    next.signal("INT");
    next.finish().expect(130);
}

/// The supervisors of all projects in a system's folder.
fn supervisors(system: &System) -> Vec<u32> {
    let homes = std::fs::read_dir(system.directory.join(".msvc")).unwrap();
    let states = homes.flatten().map(|e| read(&e.path().join("state.json")));
    states
        .filter_map(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .filter_map(|state| u32::try_from(state["supervisor"]["pid"].as_u64()?).ok())
        .collect()
}

fn a_killed_foreground_up_leaves_no_process_and_no_port(runtime: Runtime) {
    let system = served("true");
    let mut up = system.start(&["up"]);
    up.wait_for("listens at");
    until("its processes", || {
        (system.processes().len() >= 3).then_some(())
    });
    let (supervisor, guardian) = supervisor(&system);
    let addresses = until("its ports", || {
        let services = listening(&system.processes());
        (!services.is_empty()).then(|| [services, listening(&[supervisor])].concat())
    });
    up.signal("KILL");
    let _ = up.finish();
    until("the end of every process", || {
        let gone = system.processes().is_empty() && !alive(supervisor) && !alive(guardian);
        gone.then_some(())
    });
    assert_free(&addresses);
}
