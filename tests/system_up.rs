//! `up` and what goes with it: twice, detached, in the foreground, and the data.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

use std::io::{BufRead as _, BufReader};

mod support;

use serde_json::json;
use support::{Runtime, Shop, System, http, runs, until};

support::in_both! {
    a_service_of_a_profile_is_named_with_it_started_by_name_and_told_when_taken_away,
    what_a_command_writes_is_no_part_of_the_document_and_a_job_that_is_done_is_said_to_be,
    up_twice_changes_nothing_and_builds_nothing,
    of_two_ups_at_the_same_moment_one_boots_and_the_other_finds_it_up,
    ps_shows_every_service_ready_with_its_ports_and_where_it_is_called,
    ps_and_up_say_the_same_of_where_a_port_is_called,
    data_survives_down_and_not_down_with_volumes,
    a_detached_up_lets_a_pipe_end,
    a_foreground_up_streams_logs_until_an_interrupt_stops_the_system,
    a_foreground_up_shows_the_lines_of_its_own_boot_alone,
    a_system_whose_file_is_broken_or_gone_is_still_seen_and_stopped,
    logs_are_of_the_services_named_and_stay_when_nothing_runs,
    followed_logs_end_when_nobody_reads_them_any_more,
    two_copies_side_by_side_keep_their_own_addresses_and_data,
    who_looks_at_a_system_while_it_is_taken_down_is_answered,
}

fn up_twice_changes_nothing_and_builds_nothing(runtime: Runtime) {
    let system = System::shop("twice", "").on(runtime);
    system.up();
    let pids = |ps: serde_json::Value| -> Vec<serde_json::Value> {
        ps["instances"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["pid"].clone())
            .collect()
    };
    let before = pids(system.ps());
    let done = system.up();
    assert!(
        done.stdout.contains("was up already; nothing changed"),
        "{}",
        done.stdout
    );
    assert!(!done.stderr.contains("built"), "{}", done.stderr);
    assert_eq!(pids(system.ps()), before);
}

fn of_two_ups_at_the_same_moment_one_boots_and_the_other_finds_it_up(runtime: Runtime) {
    const SERVER: &str = "import os,socket,time; s=socket.create_server(('',int(os.environ['PORT']))); time.sleep(600)";
    let web = runs(&format!(r#"["python3", "-c", "{SERVER}"]"#), "port: PORT,");
    let port = support::free_port();
    let text = format!(
        "services:\n  web:\n{web}    environment: {{ PORT: \"9100\" }}\n    ports: [\"127.0.0.1:{port}:9100\"]\n"
    );
    let system = System::compose(&text).on(runtime);
    let both = [system.start(&["up", "-d"]), system.start(&["up", "-d"])];
    let said = both.map(|up| up.finish().expect(0).stdout);
    let found = |said: &&String| said.contains("was up already; nothing changed");
    assert_eq!(said.iter().filter(found).count(), 1, "{said:?}");
}

fn ps_shows_every_service_ready_with_its_ports_and_where_it_is_called(runtime: Runtime) {
    let system = System::shop("ps", "").on(runtime);
    system.up();
    let ps = system.ps();
    for instance in ps["instances"].as_array().unwrap() {
        assert_eq!(instance["health"], "ready", "{instance:#}");
        assert_eq!(instance["restarts"], 0);
        assert!(
            instance["ports"].as_array().is_some_and(|p| !p.is_empty()),
            "{instance:#}"
        );
    }
    let (status, _) = http(
        "GET",
        &format!("{}/healthz", system.url("gateway")),
        &[],
        None,
    );
    assert_eq!(status, 200);
    let table = system.run(&["ps"]).expect(0).stdout;
    assert!(table.starts_with("SERVICE"), "{table}");
    assert!(
        table.lines().all(|line| line.chars().count() <= 100),
        "{table}"
    );
}

fn ps_and_up_say_the_same_of_where_a_port_is_called(runtime: Runtime) {
    const SERVER: &str = "import os,socket,time; s=socket.create_server(('',int(os.environ['PORT']))); time.sleep(600)";
    let broker = runs(&format!(r#"["python3", "-c", "{SERVER}"]"#), "port: PORT,");
    let text = format!(
        "services:\n  broker:\n{broker}    environment: {{ PORT: \"9092\" }}\n    ports: [\"9092\"]\n"
    );
    let system = System::compose(&text).on(runtime);
    let up = system.run(&["up", "-d", "--format", "json"]).expect(0);
    let said = up.json()["entries"].clone();
    // Nobody speaks HTTP to a broker.
    let address = said[0]["url"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{said}");
    let ps = system.ps();
    assert_eq!(ps["entries"], said);
    assert_eq!(ps["instances"][0]["urls"], json!([address]));
}

fn data_survives_down_and_not_down_with_volumes(runtime: Runtime) {
    let shop = Shop::boot(System::shop("data", "").on(runtime));
    shop.stock("kept", 1);
    let system = shop.system;
    let at = |system: &System| format!("{}/v1/items/kept", system.url("gateway"));
    system.run(&["down"]).expect(0);
    assert_eq!(system.left(), Vec::<String>::new());
    system.up();
    assert_eq!(http("GET", &at(&system), &[], None).0, 200);
    system.run(&["down", "--volumes"]).expect(0);
    assert!(!system.home().exists(), "records are left");
    system.up();
    assert_eq!(http("GET", &at(&system), &[], None).0, 404);
}

fn a_detached_up_lets_a_pipe_end(runtime: Runtime) {
    let system = System::fixture("library").on(runtime);
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        "\"$0\" \"$@\" up -d | cat",
        env!("CARGO_BIN_EXE_msvc"),
        "-C",
    ]);
    shell.arg(&system.directory).args(["-p", &system.project]);
    shell.envs(system.environment());
    let done = support::finish(shell).expect(0);
    assert!(done.stdout.contains("is up"), "{}", done.stdout);
    assert_eq!(system.ps()["running"], true);
}

fn a_foreground_up_streams_logs_until_an_interrupt_stops_the_system(runtime: Runtime) {
    let system = System::fixture("library").on(runtime);
    let mut up = system.start(&["up"]);
    up.wait_for("shelves  | shelves: open at");
    assert!(!system.running().is_empty());
    up.signal("INT");
    let done = up.finish().expect(130);
    assert!(
        done.stderr.contains("stopped, data kept"),
        "{}",
        done.stderr
    );
    assert_eq!(system.left(), Vec::<String>::new());
}

fn a_foreground_up_shows_the_lines_of_its_own_boot_alone(runtime: Runtime) {
    let boot = |name: &str| {
        let web = runs(
            r#"["python3", "-uc", "import os,time; print('boot', os.environ['BOOT']); time.sleep(600)"]"#,
            "",
        );
        format!("services:\n  web:\n{web}    environment: {{ BOOT: {name} }}\n")
    };
    let system = System::compose(&boot("one")).on(runtime);
    system.up();
    until("its line", || {
        let said = system.run(&["logs"]).expect(0).stdout;
        said.contains("boot one").then_some(())
    });
    system.run(&["down"]).expect(0);
    std::fs::write(system.directory.join("compose.yaml"), boot("two")).unwrap();
    let mut up = system.start(&["up"]);
    up.wait_for("boot two");
    up.signal("INT");
    let done = up.finish().expect(130);
    assert!(!done.stdout.contains("boot one"), "{}", done.stdout);
}

fn a_system_whose_file_is_broken_or_gone_is_still_seen_and_stopped(runtime: Runtime) {
    let web = runs(
        r#"["python3", "-uc", "import time; print('open'); time.sleep(600)"]"#,
        "",
    );
    let system = System::compose(&format!("services:\n  web:\n{web}")).on(runtime);
    system.up();
    let file = system.directory.join("compose.yaml");
    std::fs::write(&file, "services: [\n").unwrap();
    assert_eq!(system.ps()["running"], true);
    let done = system.run(&["ps"]).expect(0);
    assert!(
        done.stderr.contains("from its records alone"),
        "{}",
        done.stderr
    );
    // What changes or proves something needs the file.
    system.run(&["up", "-d"]).expect(4);
    std::fs::remove_file(&file).unwrap();
    until("its line", || {
        let said = system.run(&["logs", "web"]).expect(0).stdout;
        said.contains("open").then_some(())
    });
    system.run(&["down"]).expect(0);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn a_killed_foreground_up_takes_its_system_with_it() {
    let system = System::fixture("library").on(Runtime::Processes);
    let mut up = system.start(&["up"]);
    up.wait_for("listens at");
    up.signal("KILL");
    let _ = up.finish();
    until("the end of every process", || {
        system.processes().is_empty().then_some(())
    });
}

fn logs_are_of_the_services_named_and_stay_when_nothing_runs(runtime: Runtime) {
    let system = System::fixture("library").on(runtime);
    system.up();
    let all = until("both greetings", || {
        let all = system.run(&["logs"]).expect(0).stdout;
        (all.contains("desk     | desk: open") && all.contains("shelves  | shelves: open"))
            .then_some(all)
    });
    assert!(all.lines().count() > 2, "{all}");
    let one = system.run(&["logs", "shelves"]).expect(0).stdout;
    assert!(one.lines().all(|l| l.starts_with("shelves")), "{one}");
    assert!(one.contains("shelves: open"), "{one}");
    let last = system
        .run(&["logs", "--tail", "1", "desk"])
        .expect(0)
        .stdout;
    assert_eq!(last.lines().count(), 1, "{last}");
    system.run(&["down"]).expect(0);
    let after = system.run(&["logs"]).expect(0).stdout;
    assert!(after.contains("shelves: open"), "{after}");
}

fn followed_logs_end_when_nobody_reads_them_any_more(runtime: Runtime) {
    let talks = r#"["sh", "-c", "while :; do echo on; sleep 0.01; done"]"#;
    let text = format!("services:\n  talker:\n{}", runs(talks, ""));
    let system = System::compose(&text).on(runtime);
    system.up();
    let mut command = system.command(&["logs", "-f"]);
    let mut logs = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(logs.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    drop(lines);
    let status = until("its end", || logs.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

fn two_copies_side_by_side_keep_their_own_addresses_and_data(runtime: Runtime) {
    let (one, other) = (
        System::fixture("library").on(runtime),
        System::fixture("library").on(runtime),
    );
    one.up();
    other.up();
    let book = |system: &System| format!("{}/books/moby-dick", system.url("desk"));
    assert_ne!(one.url("desk"), other.url("desk"));
    for (system, copies) in [(&one, 3), (&other, 8)] {
        let (status, body) = http("PUT", &book(system), &[], Some(json!({"copies": copies})));
        assert_eq!((status, &body["copies"]), (200, &json!(copies)), "{body}");
    }
    assert_eq!(http("GET", &book(&one), &[], None).1["copies"], 3);
    one.run(&["down", "--volumes"]).expect(0);
    assert_eq!(one.left(), Vec::<String>::new());
    assert_eq!(http("GET", &book(&other), &[], None).1["copies"], 8);
}

fn who_looks_at_a_system_while_it_is_taken_down_is_answered(runtime: Runtime) {
    let system = one_and("other", r#"["sleep", "600"]"#, "    depends_on: [one]\n").on(runtime);
    for _ in 0..3 {
        system.up();
        let down = system.start(&["down"]);
        until("nothing to be there", || {
            (system.ps()["running"] == false).then_some(())
        });
        down.finish().expect(0);
    }
}

/// A service that stays, and one more with `more` in its lines.
fn one_and(name: &str, words: &str, more: &str) -> System {
    let stays = runs(r#"["sleep", "600"]"#, "");
    let other = runs(words, "");
    System::compose(&format!(
        "services:\n  one:\n{stays}  {name}:\n{more}{other}"
    ))
}

fn a_service_of_a_profile_is_named_with_it_started_by_name_and_told_when_taken_away(
    runtime: Runtime,
) {
    let profiles = "    profiles: [debug]\n";
    let system = one_and("dbg", r#"["sleep", "600"]"#, profiles).on(runtime);
    system.up();
    for words in [&["chaos", "kill", "dbg"][..], &["logs", "dbg"]] {
        let unknown = system.run(words).expect(2);
        assert!(
            unknown.stderr.contains("add `--profile debug`"),
            "{}",
            unknown.stderr
        );
    }
    system.run(&["up", "-d", "dbg"]).expect(0);
    assert_eq!(system.ps()["instances"].as_array().unwrap().len(), 2);
    let whole = system.run(&["up", "-d"]).expect(0);
    assert!(
        whole.stdout.contains("dbg was taken down: its profile"),
        "{}",
        whole.stdout
    );
    let with = system.run(&["--profile", "debug", "up", "-d"]).expect(0);
    assert!(!with.stdout.contains("taken down"), "{}", with.stdout);
    let again = system.run(&["--format", "json", "up", "-d"]).expect(0);
    assert_eq!(again.json()["taken_away"], json!(["dbg"]));
}

fn what_a_command_writes_is_no_part_of_the_document_and_a_job_that_is_done_is_said_to_be(
    runtime: Runtime,
) {
    let system = one_and("job", r#"["true"]"#, "").on(runtime);
    system.up();
    let job = || {
        let ps = system.ps();
        let mut all = ps["instances"].as_array().unwrap().iter();
        let job = all.find(|it| it["service"] == "job").unwrap();
        (job["health"] == "exited").then_some(())
    };
    until("the job to be done", job);
    let kill = [
        "--format", "json", "chaos", "kill", "one", "--", "echo", "hello",
    ];
    let killed = system.run(&kill);
    assert!(killed.json().is_object(), "{}", killed.stdout);
    assert!(killed.stderr.contains("hello"), "{}", killed.stderr);
    let done = system.run(&["chaos", "kill", "job"]);
    let said = format!("{}{}", done.stdout, done.stderr);
    assert!(
        said.contains("job is not running: it ended by itself"),
        "{said}"
    );
    let again = system.run(&["up", "-d"]).expect(0);
    let mut ready = again.stderr.lines().filter(|it| it.starts_with("ready"));
    assert!(!ready.any(|it| it.contains("job")), "{}", again.stderr);
}
