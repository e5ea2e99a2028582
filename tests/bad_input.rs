//! Wrong inputs: each ends in one clear message, the right code, and nothing left running.

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

use support::System;

#[track_caller]
fn refused(system: &System, arguments: &[&str], code: i32, said: &[&str]) {
    let done = system.run(arguments).expect(code);
    for words in said {
        assert!(
            done.stderr.contains(words),
            "no `{words}` in\n{}",
            done.stderr
        );
    }
    assert_eq!(system.processes(), Vec::<u32>::new());
}

const PYTHON: &str = "import http.server,os; http.server.HTTPServer(('127.0.0.1',int(os.environ['PORT'])),http.server.SimpleHTTPRequestHandler).serve_forever()";

fn one_service(more: &str) -> System {
    System::compose(&format!(
        "services:\n  web:\n    image: python\n    environment: {{ PORT: \"9100\" }}\n    expose: [\"9100\"]\n    x-msvc:\n      process:\n        port: PORT\n        command: [\"python3\", \"-c\", \"{PYTHON}\"]\n{more}"
    ))
}

#[test]
fn a_compose_file_that_is_missing_malformed_or_empty_is_told_with_its_place() {
    let empty = System::compose("");
    refused(&empty, &["up", "-d"], 4, &["compose.yaml"]);
    let malformed = System::compose("services:\n  web: [\n");
    refused(&malformed, &["up", "-d"], 4, &["compose.yaml:"]);
    let typo = System::compose("services:\n  web:\n    imag: x\n");
    refused(&typo, &["up", "-d"], 4, &["compose.yaml:3:5", "`image`"]);
    let missing = System::compose("services: {}\n");
    std::fs::remove_file(missing.directory.join("compose.yaml")).unwrap();
    let done = missing.run(&["up", "-d"]).expect(4);
    assert!(done.stderr.contains("no Compose file"), "{}", done.stderr);
}

#[test]
fn an_unknown_service_is_wrong_usage_and_the_nearest_is_offered() {
    let system = one_service("");
    refused(
        &system,
        &["up", "-d", "wbe"],
        2,
        &["`wbe`", "did you mean `web`?"],
    );
    refused(&system, &["logs", "wbe"], 2, &["did you mean `web`?"]);
    refused(&system, &["up", "--wrong"], 2, &["--wrong"]);
}

#[test]
fn a_published_port_that_is_taken_names_the_owner() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let system = one_service(&format!("    ports: [\"{port}:9100\"]\n"));
    let me = std::process::id().to_string();
    refused(
        &system,
        &["up", "-d"],
        3,
        &[&format!("127.0.0.1:{port} is taken"), &me],
    );
}

#[test]
fn a_service_that_dies_at_once_shows_its_last_words() {
    let system = System::compose(
        "services:\n  sick:\n    image: none\n    x-msvc: { process: { command: [\"sh\", \"-c\", \"echo last words; exit 7\"] } }\n    healthcheck: { test: [\"CMD\", \"true\"], interval: 60s }\n",
    );
    let done = system.run(&["up", "-d"]);
    // Whether its one probe came in before it died is a race that it may win; dead it is anyway.
    assert!(matches!(done.status.code(), Some(0 | 1)), "{done:?}");
    let logs = system.run(&["logs", "sick"]).expect(0);
    assert!(logs.stdout.contains("last words"), "{}", logs.stdout);
}

#[test]
fn a_service_that_never_gets_ready_is_told_with_what_its_probe_said() {
    let system = one_service(
        "    healthcheck: { test: [\"CMD\", \"sh\", \"-c\", \"echo not today; exit 1\"], interval: 100ms, retries: 2, start_period: 0s }\n",
    );
    refused(
        &system,
        &["up", "-d"],
        1,
        &["web never became ready", "not today"],
    );
}

#[test]
fn a_build_that_fails_shows_its_own_message() {
    let system = System::compose(
        "services:\n  web:\n    build: .\n    x-msvc: { process: { build: [\"sh\", \"-c\", \"echo the compiler is cross >&2; exit 1\"], command: [\"true\"] } }\n",
    );
    refused(
        &system,
        &["up", "-d"],
        1,
        &["the compiler is cross", "the build of"],
    );
}

#[test]
fn a_broken_journey_or_pact_is_told_with_its_place() {
    let system = System::compose(
        "services: { web: { image: x } }\nx-msvc: { journeys: [j.arazzo.yaml], contracts: pacts }\n",
    );
    std::fs::write(
        system.directory.join("j.arazzo.yaml"),
        "arazzo: 1.0.1\nworkflow: []\n",
    )
    .unwrap();
    refused(
        &system,
        &["journey", "run"],
        4,
        &["j.arazzo.yaml:2:1", "`workflows`"],
    );
    std::fs::create_dir(system.directory.join("pacts")).unwrap();
    std::fs::write(system.directory.join("pacts/a-b.json"), "{ broken").unwrap();
    refused(&system, &["contract", "verify"], 4, &["a-b.json:1:"]);
}
