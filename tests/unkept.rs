//! What cannot be kept of a run (`--artifacts`, `--junit`) takes nothing of its result away.

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

use support::{Finished, Runtime, System, read, runs};

support::in_both! {
    a_broken_contract_is_told_whatever_of_it_cannot_be_kept,
    a_fault_goes_on_and_its_command_decides_where_exchanges_cannot_be_kept,
    a_demo_that_held_is_told_and_leaves_nothing_where_its_logs_cannot_be_kept,
}

const SERVER: &str = "import http.server,os; print('up',flush=True); http.server.ThreadingHTTPServer((os.environ.get('HOST',''),int(os.environ['PORT'])),http.server.SimpleHTTPRequestHandler).serve_forever()";

const PACT: &str = r#"{"consumer": {"name": "caller"}, "provider": {"name": "web"}, "interactions": [{"description": "a visit", "request": {"method": "GET", "path": "/"}, "response": {"status": 418}}], "metadata": {"pactSpecification": {"version": "3.0.0"}}}"#;

/// A server, and whatever else its `x-msvc` names.
fn served(runtime: Runtime, named: &str) -> System {
    let web = runs(&format!(r#"["python3", "-c", "{SERVER}"]"#), "port: PORT,");
    System::compose(&format!(
        "services:\n  web:\n{web}    environment: {{ PORT: \"9100\" }}\n    expose: [\"9100\"]\n    ports: [\"9100\"]\nx-msvc: {{ {named} }}\n"
    ))
    .on(runtime)
}

/// A folder of artefacts in which a file stands for `logs`, a folder for `run.json`, and a full disk for
/// `report.json` and `exchanges.ndjson`.
fn hostile() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("logs"), "").unwrap();
    std::fs::create_dir(folder.path().join("run.json")).unwrap();
    for full in ["report.json", "exchanges.ndjson"] {
        std::os::unix::fs::symlink("/dev/full", folder.path().join(full)).unwrap();
    }
    folder
}

/// What standard error says of it, in its order.
fn told(done: &Finished) -> Vec<String> {
    let plain = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let errors = plain.split("error: ").skip(1);
    let what = errors.map(|it| it.split(" hint: ").next().unwrap_or(it).to_owned());
    what.collect()
}

/// That these files are told, each group in one message.
#[track_caller]
fn tells(done: &Finished, groups: &[&str]) {
    let told = told(done);
    assert_eq!(told.len(), groups.len(), "{told:#?}\n{}", done.stderr);
    for group in groups {
        let wanted = format!("({group}): ");
        let is_told =
            |it: &&String| it.starts_with("cannot keep artefacts in ") && it.contains(&wanted);
        assert!(told.iter().any(|it| is_told(&it)), "{group}: {told:#?}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn a_broken_contract_is_told_whatever_of_it_cannot_be_kept(runtime: Runtime) {
    let system = served(runtime, "contracts: pacts");
    std::fs::create_dir(system.directory.join("pacts")).unwrap();
    std::fs::write(system.directory.join("pacts/caller-web.json"), PACT).unwrap();
    let (hostile, kept) = (hostile(), tempfile::tempdir().unwrap());
    let junit = kept.path().join("deep/j.xml");
    let verify = ["contract", "verify", "--artifacts", text(hostile.path())];
    let junit_too = ["--junit", text(&junit)];
    let done = system.run(&[&verify[..], &junit_too].concat()).expect(1);
    assert!(done.stdout.contains("1 failed"), "{}", done.stdout);
    assert!(read(&junit).contains("418"), "{}", read(&junit));
    let groups = ["exchanges.ndjson, report.json", "logs", "run.json"];
    tells(&done, &groups);
    // What can be kept is.
    assert!(read(&hostile.path().join("events.ndjson")).contains("a visit"));

    let json = ["--format", "json", "--junit", "/dev/full"];
    let done = system.run(&[&verify[..], &json].concat()).expect(1);
    assert_eq!(done.json()["schema"], "msvc.report/1", "{}", done.stdout);
    assert_eq!(done.json()["verdict"], "failed", "{}", done.stdout);
    let junit = told(&done);
    let junit = junit
        .iter()
        .filter(|it| it.starts_with("cannot write /dev/full"));
    assert_eq!(junit.count(), 1, "{}", done.stderr);
    assert_eq!(system.left(), Vec::<String>::new());
}

fn a_fault_goes_on_and_its_command_decides_where_exchanges_cannot_be_kept(runtime: Runtime) {
    let system = served(runtime, "journeys: []");
    system.up();
    let hostile = hostile();
    // From the first on: whether anything passes while a service is down is not to be known.
    let exchanges = hostile.path().join("exchanges.ndjson");
    std::fs::remove_file(&exchanges).unwrap();
    std::fs::create_dir(&exchanges).unwrap();
    let slow = ["chaos", "inject", "latency", "--edge", "client->web"];
    let play = |command: &str, code: i32| {
        let kept = ["--delay", "1ms", "--artifacts", text(hostile.path())];
        let command = ["--", "sh", "-c", command];
        let done = system.run(&[&slow[..], &kept, &command].concat());
        let done = done.expect(code);
        tells(
            &done,
            &["exchanges.ndjson, run.json", "logs", "report.json"],
        );
        done
    };
    let call = "python3 -c 'import sys,urllib.request; urllib.request.urlopen(sys.argv[1])'";
    let call = format!("{call} {}", system.url("web"));
    let done = play(&format!("{call} && exit 7"), 7);
    assert!(done.stderr.contains("status 7"), "{}", done.stderr);
    let done = play(&call, 3);
    assert!(done.stdout.contains("held (1 held"), "{}", done.stdout);
    // Felt by nobody: inconclusive, which counts less.
    let done = play("exit 7", 3);
    assert!(done.stdout.contains("inconclusive"), "{}", done.stdout);
    // A command that prints its one document has printed it by then.
    let ps = [
        "ps",
        "--format",
        "json",
        "--artifacts",
        text(hostile.path()),
    ];
    let done = system.run(&ps).expect(3);
    assert_eq!(done.json()["schema"], "msvc.ps/1", "{}", done.stdout);
    tells(&done, &["run.json"]);
    // What went wrong before anything was found is told first, as the one document.
    let unknown = ["logs", "nobody", "--format", "json"];
    let kept = ["--artifacts", text(hostile.path())];
    let done = system.run(&[&unknown[..], &kept].concat()).expect(2);
    assert_eq!(done.json()["schema"], "msvc.error/1", "{}", done.stdout);
    assert_eq!(told(&done).len(), 2, "{}", done.stderr);
}

fn a_demo_that_held_is_told_and_leaves_nothing_where_its_logs_cannot_be_kept(runtime: Runtime) {
    let journey = r#"journeys: [{ name: easy, command: ["true"] }]"#;
    let system = served(runtime, journey);
    let (hostile, kept) = (hostile(), tempfile::tempdir().unwrap());
    let junit = kept.path().join("j.xml");
    let demo = ["demo", "--artifacts", text(hostile.path())];
    let done = system
        .run(&[&demo[..], &["--junit", text(&junit)]].concat())
        .expect(3);
    assert!(done.stdout.contains("held (1 held"), "{}", done.stdout);
    assert!(read(&junit).contains("easy"));
    assert!(!done.stderr.contains("cleared"), "{}", done.stderr);
    tells(&done, &["report.json", "logs", "run.json"]);
    // Nor where the folder cannot be made at all.
    let done = system.run(&["demo", "--artifacts", "/proc/none"]).expect(3);
    assert!(done.stdout.contains("held (1 held"), "{}", done.stdout);
    assert_eq!(told(&done).len(), 1, "{}", done.stderr);
    assert_eq!(system.left(), Vec::<String>::new());
}
