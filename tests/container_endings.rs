//! How systems in containers end, and what two commands on one of them leave each other.

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
use support::{System, an_engine_answers, belongings, docker, read, until};

/// A service when it is given a role, and no test otherwise.
#[test]
fn service() {
    play();
}

const NOTHING: Vec<String> = Vec::new();

/// Two services, of which the second is healthy once its gate is open.
fn gated() -> System {
    nodes("  one: {<<: *node}\n  two: {<<: *gated, depends_on: [one]}\n").in_containers()
}

/// Waits until a container whose name ends so runs.
#[track_caller]
fn wait_for_container(system: &System, name: &str) {
    let name = format!("{}{name}", system.project);
    until(&name, || {
        let running = docker(&["ps", "--format", "{{.Names}}"]);
        running.contains(&name).then_some(())
    });
}

#[test]
fn two_ups_of_one_project_at_once_come_one_after_the_other_and_down_waits_for_up() {
    if !an_engine_answers() {
        return;
    }
    let system = gated();
    let first = system.start(&["up", "-d"]);
    wait_for_container(&system, "-two-1");
    let mut second = system.start(&["up", "-d"]);
    let waits = format!(
        "`msvc up` (process {}) is at work on {}: waiting for it",
        first.pid(),
        system.project
    );
    second.wait_for(&waits);
    let mut down = system.start(&["down", "--volumes"]);
    down.wait_for(&waits);
    // Who waits can give up, and nothing has changed by it.
    down.signal("INT");
    down.finish().expect(130);
    open_gate(&system);
    let first = first.finish().expect(0);
    assert!(first.stdout.contains("is up"), "{}", first.stdout);
    let second = second.finish().expect(0);
    assert!(
        second.stdout.contains("nothing changed"),
        "{}",
        second.stdout
    );
    system.run(&["down", "--volumes"]).expect(0);
    assert_eq!(belongings(&system), NOTHING);
}

#[test]
fn an_up_that_waited_for_one_that_was_given_up_brings_the_system_up_itself() {
    if !an_engine_answers() {
        return;
    }
    let system = gated();
    let first = system.start(&["up", "-d"]);
    wait_for_container(&system, "-two-1");
    let mut second = system.start(&["up", "-d"]);
    second.wait_for("waiting for it");
    first.signal("INT");
    first.finish().expect(130);
    open_gate(&system);
    let second = second.finish().expect(0);
    assert!(second.stdout.contains("is up"), "{}", second.stdout);
    assert_eq!(system.ps()["instances"].as_array().unwrap().len(), 2);
}

#[test]
fn an_interrupt_at_any_moment_of_up_leaves_no_container_no_network_and_only_old_data() {
    if !an_engine_answers() {
        return;
    }
    let system = gated();
    let moment = |what: &str, reached: &dyn Fn(&mut support::Running)| {
        let mut up = system.start(&["-v", "up", "-d"]);
        reached(&mut up);
        up.signal("INT");
        let told = up.finish().expect(130);
        assert_eq!(belongings(&system), NOTHING, "{what}: {told:?}");
        assert!(!system.home().join("runtime.json").exists(), "{what}");
    };
    moment("an image is built", &|up| up.wait_for("build     image"));
    moment("an image is there", &|up| up.wait_for("built     image"));
    moment("a network is there", &|_| {
        until("a network", || {
            (!belongings(&system).is_empty()).then_some(())
        });
    });
    moment("the mesh runs", &|_| {
        wait_for_container(&system, "-msvc-mesh-1")
    });
    moment("a service runs", &|_| wait_for_container(&system, "-one-1"));
    moment("one is waited for", &|up| up.wait_for("ready     one"));

    open_gate(&system);
    system.up();
    system.run(&["down"]).expect(0);
    std::fs::remove_file(system.directory.join("gate/open")).unwrap();
    let up = system.start(&["up", "-d"]);
    wait_for_container(&system, "-two-1");
    up.signal("INT");
    up.finish().expect(130);
    assert_eq!(
        belongings(&system),
        [format!("volume {}_data", system.project)]
    );
}

#[test]
fn an_interrupt_in_the_middle_of_a_step_of_a_build_leaves_no_container_of_it() {
    if !an_engine_answers() {
        return;
    }
    let system = nodes("  one: {<<: *node}\n").in_containers();
    let dockerfile = system.directory.join("Dockerfile");
    let step = "RUN [\"node\", \"--exact\", \"--nocapture\", \"service\", \"serve\", \"8080\"]";
    std::fs::write(&dockerfile, format!("{}{step}\n", read(&dockerfile))).unwrap();
    let mut up = system.start(&["-v", "up", "-d"]);
    let begun = "Running in ";
    let id = until("the step", || {
        let said = up.stderr();
        let after = &said[said.find(step)?..];
        let id = &after[after.find(begun)? + begun.len()..];
        id.find('\n').map(|end| id[..end].trim().to_owned())
    });
    up.wait_for(&id);
    up.signal("INT");
    up.finish().expect(130);
    let left = docker(&["ps", "--all", "--quiet", "--filter", &format!("id={id}")]);
    assert_eq!(left, NOTHING);
    assert_eq!(belongings(&system), NOTHING);
}

/// A system whose journey has no end, and says that it is played.
fn endless() -> System {
    let system = gated();
    open_gate(&system);
    let compose = system.directory.join("compose.yaml");
    let more = "x-msvc: {journeys: [{name: endless, command: [sh, -c, \"echo $$$$ > playing; exec sleep 600\"]}]}\n";
    std::fs::write(&compose, read(&compose) + more).unwrap();
    system
}

fn is_played(system: &System) -> Option<()> {
    (!read(&system.directory.join("playing")).is_empty()).then_some(())
}

#[test]
fn an_interrupt_in_the_middle_of_demo_leaves_nothing_of_it_in_the_engine() {
    if !an_engine_answers() {
        return;
    }
    // While it boots, then while it plays.
    let system = endless();
    let demo = system.start(&["demo"]);
    until("its first container", || {
        (belongings(&system).len() > 2).then_some(())
    });
    demo.signal("INT");
    demo.finish().expect(130);
    assert_eq!(belongings(&system), NOTHING);
    let demo = system.start(&["demo"]);
    until("its journey", || is_played(&system));
    demo.signal("INT");
    demo.finish().expect(130);
    assert_eq!(belongings(&system), NOTHING);
    assert_eq!(copies(&system), NOTHING);
}

/// The records of the systems that `demo` booted for itself.
fn copies(system: &System) -> Vec<String> {
    let homes = std::fs::read_dir(system.directory.join(".msvc")).unwrap();
    let names = homes.flatten().map(|entry| entry.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.contains("-demo-")).collect()
}

#[test]
fn what_a_killed_demo_has_left_is_cleared_by_the_next_and_not_while_it_runs() {
    if !an_engine_answers() {
        return;
    }
    let system = endless();
    let demo = system.start(&["demo"]);
    until("its journey", || is_played(&system));
    let first = copies(&system);
    let is_there = || belongings(&system).iter().any(|it| it.contains(&first[0]));
    // Another demo beside it leaves it alone.
    let other = system.start(&["demo"]);
    until("the other", || (copies(&system).len() == 2).then_some(()));
    other.signal("INT");
    other.finish().expect(130);
    assert!(is_there(), "{:?}", belongings(&system));

    demo.signal("KILL");
    let _ = demo.finish();
    assert!(is_there(), "containers outlive msvc");
    let next = system.start(&["demo"]);
    until("the records to be cleared", || {
        (!copies(&system).contains(&first[0])).then_some(())
    });
    assert!(!is_there(), "{:?}", belongings(&system));
    next.signal("INT");
    next.finish().expect(130);
    assert_eq!(belongings(&system), NOTHING);
}

#[test]
fn a_service_that_somebody_kills_is_told_with_its_code() {
    if !an_engine_answers() {
        return;
    }
    let system = gated();
    open_gate(&system);
    system.up();
    docker(&["kill", &format!("{}-one-1", system.project)]);
    let ps = system.run(&["ps"]).expect(0).stdout;
    assert!(ps.contains("exited 137"), "{ps}");
    let told = system.ps();
    let one = told["instances"].as_array().unwrap();
    let one = one.iter().find(|it| it["service"] == "one").unwrap();
    assert_eq!(
        (&one["health"], &one["phase"]["status"]),
        (&"exited".into(), &137.into()),
        "{one}"
    );
    system.up();

    let holding = system.start(&["chaos", "kill", "one", "--", "sleep", "600"]);
    let killed = until("the kill", || {
        let ps = system.run(&["ps"]).expect(0).stdout;
        ps.contains("held down").then_some(ps)
    });
    assert!(!killed.contains("restarting"), "{killed}");
    holding.signal("INT");
    let _ = holding.finish();
    until("it to be back", || {
        let ps = system.run(&["ps"]).expect(0).stdout;
        (!ps.contains("held down") && !ps.contains("exited")).then_some(())
    });
}

#[test]
fn a_running_system_stays_with_its_runtime_whatever_is_chosen_later() {
    if !an_engine_answers() {
        return;
    }
    let system = System::compose(
        "services:\n  idle: {image: none, x-msvc: {process: {command: [sleep, \"600\"]}}}\n",
    );
    system.up();
    let refused = system.run(&["up", "-d", "--runtime", "docker"]).expect(2);
    assert!(
        refused.stderr.contains("runs as host processes"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("bring it down first"),
        "{}",
        refused.stderr
    );
    for runtime in ["docker", "auto", "process"] {
        let ps = system.run(&["ps", "--runtime", runtime]).expect(0).stdout;
        assert!(ps.contains("idle"), "{runtime}: {ps}");
    }
    let again = system.run(&["up", "-d", "--runtime", "auto"]).expect(0);
    assert!(again.stdout.contains("nothing changed"), "{}", again.stdout);
    assert_eq!(belongings(&system), NOTHING);
}

#[test]
fn images_that_were_made_for_a_project_and_that_nobody_uses_go_with_the_next_up_or_down() {
    if !an_engine_answers() {
        return;
    }
    let system = nodes("  one: {<<: *node}\n").in_containers();
    let images = || {
        let label = format!("label=msvc.image={}", system.project);
        docker(&[
            "images",
            "--all",
            "--no-trunc",
            "--quiet",
            "--filter",
            &label,
        ])
    };
    let foreign = format!("{}-foreign", system.project);
    let mut import = Command::new("sh");
    import.args([
        "-c",
        &format!("tar -c -C / etc/hostname | docker import - {foreign}"),
    ]);
    assert!(import.output().unwrap().status.success());

    system.up();
    let first = images();
    assert_eq!(first.len(), 1, "{first:?}");
    let dockerfile = system.directory.join("Dockerfile");
    let more = format!("{}ENV MORE=1\n", read(&dockerfile));
    std::fs::write(&dockerfile, more).unwrap();
    system.up();
    let second = images();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
    system.run(&["down"]).expect(0);
    // The last one is kept: the next `up` needs no build.
    assert_eq!(images(), second);
    assert_eq!(docker(&["images", "--quiet", &foreign]).len(), 1);
    docker(&["rmi", &foreign]);
    for image in images() {
        docker(&["rmi", &image]);
    }
}

/// A build script that waits for a file, and then fails.
const FAILING_BUILD: &str = r#"fn main() {
    while !std::path::Path::new("go").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("no such thing");
}
"#;

#[test]
fn what_is_made_beside_a_build_goes_when_the_build_fails_or_is_interrupted_and_older_data_stays() {
    if !an_engine_answers() {
        return;
    }
    let file = "services: { web: { build: ., volumes: [\"old:/old\", \"new:/new\"] } }\n\
                volumes: { old: , new: }\n";
    let system = System::compose(file).in_containers();
    let write = |file: &str, text: &str| std::fs::write(system.directory.join(file), text).unwrap();
    write("build.rs", FAILING_BUILD);
    write("main.rs", "fn main() {}\n");
    let package = "[package]\nname = \"web\"\nedition = \"2024\"\nbuild = \"build.rs\"\n";
    let binary = "[[bin]]\nname = \"web\"\npath = \"main.rs\"\n[workspace]\n";
    write("Cargo.toml", &format!("{package}{binary}"));
    let old = format!("{}_old", system.project);
    let label = format!("com.docker.compose.project={}", system.project);
    docker(&["volume", "create", "--label", &label, &old]);
    for interrupted in [true, false] {
        let up = system.start(&["up", "-d"]);
        wait_for_container(&system, "-msvc-mesh-1");
        if interrupted {
            up.signal("INT");
            up.finish().expect(130);
        } else {
            write("go", "");
            let failed = up.finish().expect(1);
            assert!(failed.stderr.contains("no such thing"), "{}", failed.stderr);
        }
        let left = belongings(&system);
        assert!(left.iter().all(|it| it.contains(&old)), "{left:?}");
        assert_eq!(left.len(), 1, "{left:?}");
    }
    system.run(&["down", "--volumes"]).expect(0);
}
