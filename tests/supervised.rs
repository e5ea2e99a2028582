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

use std::path::Path;
use std::process::Command;

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

#[test]
fn what_a_killed_up_has_added_to_a_system_goes_with_it_and_the_system_stays() {
    let sleeper = runs(r#"["sleep", "600"]"#, "");
    let system = System::compose(&format!("services:\n  web:\n{sleeper}"));
    system.up();
    let web = system.ps()["instances"].clone();
    let never =
        "    healthcheck: { test: [\"CMD\", \"false\"], interval: 60s, start_period: 600s }\n";
    let more = format!("services:\n  web:\n{sleeper}  good:\n{sleeper}  slow:\n{sleeper}{never}");
    std::fs::write(system.directory.join("compose.yaml"), more).unwrap();
    let up = system.start(&["up", "-d"]);
    until("what it adds", || {
        let ps = system.ps();
        let all = ps["instances"].as_array().map(Vec::len);
        (all == Some(3)).then_some(())
    });
    up.signal("KILL");
    let left = until("the end of what it added", || {
        let left = system.ps()["instances"].clone();
        (left.as_array().map(Vec::len) == Some(1)).then_some(left)
    });
    assert_eq!(left[0]["pid"], web[0]["pid"]);
    // The next one is not hindered, and what it brought up stays.
    std::fs::write(
        system.directory.join("compose.yaml"),
        format!("services:\n  web:\n{sleeper}  good:\n{sleeper}"),
    )
    .unwrap();
    system.up();
    assert_eq!(system.ps()["instances"].as_array().map(Vec::len), Some(2));
}

/// A small disk of the test's own, gone with it.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=600k", "tmpfs"]);
        let mounted = mount.arg(folder.path()).output();
        mounted
            .is_ok_and(|done| done.status.success())
            .then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let mut all = std::fs::File::create(self.path().join("all")).unwrap();
        while std::io::Write::write_all(&mut all, &[0; 512]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).output();
    }
}

#[test]
fn what_runs_on_a_full_disk_is_stopped_in_order() {
    let Some(disk) = Disk::mount() else {
        return support::skipped("the right to mount");
    };
    let sleeper = runs(r#"["sh", "-c", "echo begun; exec sleep 600"]"#, "");
    let text = format!("services:\n  slow:\n{sleeper}");
    let system = System::compose_in(disk.path(), &text);
    system.up();
    disk.fill();
    let down = system.run(&["down", "--format", "json"]).expect(0).json();
    assert_eq!(
        (&down["stopped"], &down["in_order"]),
        (&1.into(), &true.into())
    );
    assert_eq!(system.left(), Vec::<String>::new());
    std::fs::remove_file(disk.path().join("all")).unwrap();
    let mut up = system.start(&["up"]);
    up.wait_for("begun");
    disk.fill();
    up.signal("INT");
    let done = up.finish().expect(130);
    assert!(done.stderr.contains("1 stopped"), "{}", done.stderr);
    assert_eq!(system.left(), Vec::<String>::new());
    let ps = system.run(&["ps"]).expect(0).stdout;
    assert!(!ps.contains("killed"), "{ps}");
}
