//! Docker Compose's own commands on what msvc made, and msvc's on what Docker Compose made.
//!
//! Needs a container engine and the `docker compose` plugin: the one that `docker` finds, or that
//! of the configuration folder which `MSVC_TESTS_DOCKER_CONFIG` names.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

mod support;

use support::{Finished, System, finish, skipped, until};

/// What `docker` is started as: with the plugin, in the system's folder.
fn docker(system: &System, arguments: &[&str]) -> Finished {
    let mut command = Command::new("docker");
    command.args(arguments).current_dir(&system.directory);
    if let Some(folder) = std::env::var_os("MSVC_TESTS_DOCKER_CONFIG") {
        command.env("DOCKER_CONFIG", folder);
    }
    finish(command)
}

fn compose(system: &System, arguments: &[&str]) -> Finished {
    let mut words = vec!["compose", "-p", &system.project];
    words.extend(arguments);
    docker(system, &words)
}

/// Two services, one of which counts its starts in its volume; none where this machine lacks what
/// the test needs.
fn counters() -> Option<Counters> {
    let system = System::compose(
        "x-words: [&w node, &x \"--exact\", &y \"--nocapture\", &z service]\n\
         x-node: &node\n  build: .\n  stop_signal: SIGKILL\n  expose: [8080]\n\
         services:\n  \
           shelf: {<<: *node, command: [*w, *x, *y, *z, shelf], volumes: [\"books:/books\"], networks: [default, inner]}\n  \
           desk: {<<: *node, command: [*w, *x, *y, *z, desk], ports: [\"127.0.0.1::8080\"], depends_on: [shelf]}\n\
         volumes: {books: }\n\
         networks: {inner: {internal: true}}\n",
    )
    .with_variable("MSVC_RUNTIME", "docker");
    if docker_command_fails(&["version"]) || docker_command_fails(&["compose", "version"]) {
        skipped("a container engine, the docker command and its compose plugin");
        return None;
    }
    let own = std::env::current_exe().unwrap();
    std::fs::copy(own, system.directory.join("node")).unwrap();
    let dockerfile = "FROM scratch\nCOPY node /bin/node\nENV PATH=/bin\n";
    std::fs::write(system.directory.join("Dockerfile"), dockerfile).unwrap();
    Some(Counters(system))
}

fn docker_command_fails(arguments: &[&str]) -> bool {
    let mut command = Command::new("docker");
    command.args(arguments);
    if let Some(folder) = std::env::var_os("MSVC_TESTS_DOCKER_CONFIG") {
        command.env("DOCKER_CONFIG", folder);
    }
    let output = command.output();
    !output.is_ok_and(|output| output.status.success())
}

/// The system of [`counters`]; its images go with it.
struct Counters(System);

impl std::ops::Deref for Counters {
    type Target = System;

    fn deref(&self) -> &System {
        &self.0
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        let _ = self.0.command(&["down", "--volumes"]).output();
        for service in ["shelf", "desk"] {
            let image = format!("{}-{service}", self.project);
            let mut remove = Command::new("docker");
            let _ = remove.args(["image", "rm", &image]).output();
        }
    }
}

/// The names of what the engine has of a kind (`ps`, `network`, `volume`) under the project.
fn there(system: &System, kind: &[&str]) -> Vec<String> {
    let label = format!("label=com.docker.compose.project={}", system.project);
    let mut words = kind.to_vec();
    let column = if kind[0] == "ps" { "Names" } else { "Name" };
    let format = format!("{{{{.{column}}}}}");
    words.extend(["--filter", &label, "--format", &format]);
    let found = docker(system, &words).expect(0).stdout;
    let mut names: Vec<String> = found.lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn docker_compose_shows_reads_and_ends_what_msvc_brought_up() {
    let Some(system) = counters() else { return };
    system.up();
    let table = compose(&system, &["ps"]).expect(0).stdout;
    let name = |service: &str| format!("{}-{service}-1", system.project);
    for service in ["shelf", "desk", "msvc-mesh"] {
        assert!(table.contains(&name(service)), "{service} in\n{table}");
    }
    let lines = compose(&system, &["ps", "--format", "json"])
        .expect(0)
        .stdout;
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let row = |service: &str| rows.iter().find(|it| it["Service"] == service).unwrap();
    assert_eq!(row("desk")["State"], "running");
    assert_eq!(row("desk")["Image"], format!("{}-desk", system.project));
    // The host's ports lead through the mesh, and stand there.
    assert_eq!(row("desk")["Publishers"][0]["PublishedPort"], 0);
    let port = row("msvc-mesh")["Publishers"][0]["PublishedPort"].clone();
    let url = system.url("desk");
    assert!(url.ends_with(&format!(":{port}")), "{url} and {port}");
    let all = docker(&system, &["compose", "ls", "--format", "json"]);
    let all = all.expect(0).json();
    let mut all = all.as_array().unwrap().iter();
    let own = all
        .find(|it| it["Name"] == system.project.as_str())
        .unwrap();
    assert_eq!(own["Status"], "running(3)");
    let file = system.directory.join("compose.yaml");
    assert_eq!(own["ConfigFiles"], file.display().to_string());

    let logs = compose(&system, &["logs", "shelf"]).expect(0).stdout;
    assert!(logs.contains("start 1"), "{logs}");
    assert!(!logs.contains("desk"), "{logs}");

    // What runs beside the services is none of them.
    let beside = ["run", "--detach", "--no-deps", "shelf"];
    compose(&system, &beside).expect(0);
    let ps = system.run(&["ps"]).expect(0);
    assert_eq!((ps.stdout.lines().count(), ps.stderr.as_str()), (3, ""));

    compose(&system, &["stop"]).expect(0);
    let again = system.up();
    assert!(again.stdout.contains("is up"), "{}", again.stdout);

    compose(&system, &["down", "--remove-orphans"]).expect(0);
    assert_eq!(there(&system, &["ps", "--all"]), [""; 0]);
    assert_eq!(there(&system, &["network", "ls"]), [""; 0]);
    let books = format!("{}_books", system.project);
    assert_eq!(there(&system, &["volume", "ls"]), [books]);
    assert_eq!(system.ps()["running"], false);
}

#[test]
fn what_docker_compose_started_is_shown_and_taken_over_with_its_data() {
    let Some(system) = counters() else { return };
    system.up();
    system.run(&["down"]).expect(0);
    compose(&system, &["up", "--detach"]).expect(0);
    let ps = until("both to run", || {
        let ps = system.run(&["ps"]).expect(0);
        (ps.stdout.matches("ready").count() == 2).then_some(ps)
    });
    let told = "was started by Docker Compose";
    assert!(ps.stderr.contains(told), "{}", ps.stderr);
    assert!(ps.stdout.contains("http://127.0.0.1:"), "{}", ps.stdout);
    assert!(ps.stdout.contains("8080"), "{}", ps.stdout);
    let logs = system.run(&["logs", "shelf"]).expect(0);
    assert!(logs.stdout.contains("start 2"), "{}", logs.stdout);

    let up = system.up();
    let told = "has 2 containers that Docker Compose made";
    assert!(up.stderr.contains(told), "{}", up.stderr);
    let logs = system.run(&["logs", "shelf"]).expect(0);
    assert!(logs.stdout.contains("start 3"), "{}", logs.stdout);
    let names = there(&system, &["ps", "--all"]);
    assert_eq!(names.len(), 3, "{names:?}");
    let again = system.up();
    assert!(again.stdout.contains("nothing changed"), "{}", again.stdout);
    assert_eq!(system.run(&["ps"]).expect(0).stderr, "");

    system.run(&["down"]).expect(0);
    compose(&system, &["up", "--detach"]).expect(0);
    compose(&system, &["run", "--detach", "desk"]).expect(0);
    system.run(&["down", "--volumes"]).expect(0);
    for kind in [&["ps", "--all"][..], &["network", "ls"], &["volume", "ls"]] {
        assert_eq!(there(&system, kind), [""; 0], "{kind:?}");
    }
}

/// A service when it is given a role, and no test otherwise.
#[test]
fn service() {
    let words: Vec<String> = std::env::args().collect();
    let Some(at) = words.iter().position(|word| word == "service") else {
        return;
    };
    match words.get(at + 1).map(String::as_str) {
        Some("shelf") => {
            let mut book = std::fs::OpenOptions::new();
            let mut book = book
                .append(true)
                .create(true)
                .open("/books/starts")
                .unwrap();
            book.write_all(b"x").unwrap();
            println!("start {}", book.metadata().unwrap().len());
        }
        Some("desk") => println!("desk is open"),
        _ => return,
    }
    let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
    for stream in listener.incoming().flatten() {
        drop(stream);
    }
}
