//! What an engine cannot do, or cannot be had for: told once, with what to do, and nothing half-made
//! left of it.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

#[path = "engine_refusals/behind_a_proxy.rs"]
mod behind_a_proxy;
mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use support::nodes::{nodes, play};
use support::{
    Engine, Finished, Runtime, System, an_engine_answers, belongings, free_port, runs, skipped,
};

/// A service when it is given a role, and no test otherwise.
#[test]
fn service() {
    play();
}

/// Fails unless a command ended with `code` and one message that holds all of `words`.
#[track_caller]
fn told(finished: Finished, code: i32, words: &[&str]) {
    let told = finished.expect(code).stderr;
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    let plain = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(plain.contains(word), "no `{word}` in {told}");
    }
}

/// A system that runs anywhere, in the engine at a socket.
fn at(socket: &Path) -> System {
    let idle = "services:\n  idle: {image: none, x-msvc: {process: {command: [sleep, \"600\"]}}}\n";
    System::compose(idle).with_variable("DOCKER_HOST", &format!("unix://{}", socket.display()))
}

/// With `docker` it is an error; left open, host processes are taken, and why is said.
#[track_caller]
fn refused_or_passed_over(system: &System, why: &str) {
    told(
        system.run(&["up", "-d", "--runtime", "docker"]),
        3,
        &[why, "--runtime process"],
    );
    assert!(!system.home().exists());
    let up = system.run(&["up", "-d", "--runtime", "auto"]).expect(0);
    let said = up.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(why) && said.contains("running as host processes"),
        "{said}"
    );
    system.run(&["down"]).expect(0);
}

#[test]
fn no_engine_is_told_with_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let system = at(&folder.path().join("none.sock"));
    refused_or_passed_over(
        &system,
        "none.sock (DOCKER_HOST) does not answer: no such file",
    );
}

#[test]
fn an_engine_that_is_too_old_is_told_with_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("old.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut asked = [0; 2048];
            let _ = stream.read(&mut asked);
            let body = r#"{"Version":"1.12.6","ApiVersion":"1.24"}"#;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nApi-Version: 1.24\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    refused_or_passed_over(&at(&socket), "is too old: version 1.12.6 speaks API 1.24");
}

#[test]
fn an_engine_whose_socket_belongs_to_others_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("theirs.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600)).unwrap();
    let system = at(&socket);
    // Root may connect to any socket: the question is asked as somebody else.
    let mut command = Command::new("setpriv");
    let is_root = nix::unistd::geteuid().is_root();
    if is_root {
        for open in [folder.path(), &system.directory] {
            std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    } else {
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    let own = system.command(&["up", "-d", "--runtime", "docker"]);
    command.arg(own.get_program()).args(own.get_args());
    for (name, value) in own.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    told(
        support::finish(command),
        3,
        &[
            "theirs.sock (DOCKER_HOST) does not answer: permission denied",
            "join the socket's group",
        ],
    );
}

#[test]
fn a_full_disk_of_the_engine_is_told_and_nothing_half_made_stays() {
    // Too small for the mesh's image, and for a service's that is built.
    let Some(engine) = Engine::start_small(24) else {
        return;
    };
    let system = engine.runs(nodes(
        "  one: {<<: *node}\n  two: {<<: *node, image: other, command: [x]}\n",
    ));
    for arguments in [&["up", "-d"][..], &["up", "-d", "--no-mesh"]] {
        told(
            system.run(arguments),
            3,
            &["no space left on device", "the engine's disk is full"],
        );
        assert_eq!(engine.belongings(&system), Vec::<String>::new());
    }
}

#[test]
fn an_image_that_cannot_be_had_is_named_with_the_registrys_answer() {
    if !an_engine_answers() {
        return;
    }
    let system =
        System::compose("services: {web: {image: \"localhost:1/none:1\"}}\n").in_containers();
    told(
        system.run(&["up", "-d"]),
        3,
        &[
            "image localhost:1/none:1 of web cannot be had:",
            "connection refused",
        ],
    );
    assert_eq!(belongings(&system), Vec::<String>::new());
    let built = System::compose("services: {web: {build: .}}\n").in_containers();
    let dockerfile = "FROM localhost:1/base:1\nLABEL a=b\n";
    std::fs::write(built.directory.join("Dockerfile"), dockerfile).unwrap();
    told(
        built.run(&["up", "-d"]),
        3,
        &["image localhost:1/base:1 of web cannot be had:"],
    );
}

#[test]
fn a_socket_in_a_build_context_is_named() {
    if !an_engine_answers() {
        return;
    }
    let system = nodes("  one: {<<: *node}\n").in_containers();
    let _socket = UnixListener::bind(system.directory.join("s.sock")).unwrap();
    told(
        system.run(&["up", "-d"]),
        4,
        &["s.sock: a socket cannot be sent"],
    );
    assert_eq!(belongings(&system), Vec::<String>::new());
}

#[test]
fn a_port_that_is_taken_is_told_with_its_owner_be_it_a_process_or_a_container() {
    if !an_engine_answers() {
        return;
    }
    let publishing = |port: u16| {
        nodes(&format!(
            "  one: {{<<: *node, ports: [\"127.0.0.1:{port}:8080\"]}}\n"
        ))
        .in_containers()
    };
    let port = free_port();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let first = publishing(port);
    let address = format!("127.0.0.1:{port} is taken by");
    let own = format!("(pid {})", std::process::id());
    told(
        first.run(&["up", "-d"]),
        3,
        &[&address, &own, "publish another port"],
    );
    assert_eq!(belongings(&first), Vec::<String>::new());

    drop(taken);
    first.up();
    let second = publishing(port);
    let owner = format!("{address} the system {}", first.project);
    told(second.run(&["up", "-d"]), 3, &[&owner]);
    assert_eq!(belongings(&second), Vec::<String>::new());
}

/// What an engine alone can tell: at the line that its words are about.
#[test]
fn what_an_engine_does_not_take_is_told_at_its_field_and_not_at_the_command() {
    for (line, code, said) in [
        (
            "working_dir: app",
            4,
            "compose.yaml:3:5: web cannot be started: the engine says: the working directory 'app'",
        ),
        (
            "logging: { driver: json-file, options: { nope: 1 } }",
            4,
            "compose.yaml:3:5: web cannot be started: the engine says: unknown log opt 'nope'",
        ),
        (
            "security_opt: [nope]",
            4,
            "compose.yaml:3:5: web cannot be started: the engine says: invalid --security-opt",
        ),
        (
            "volumes: [{ type: bind, source: ./no, target: /x, bind: { create_host_path: false } }]",
            4,
            "compose.yaml:3:5: web cannot be started: the engine says: invalid mount config",
        ),
        (
            "user: nobody-of-that-name",
            4,
            "compose.yaml:3:5: web cannot be started: the engine says: unable to find user",
        ),
    ] {
        let idle = runs(r#"["sleep", "600"]"#, "");
        let text = format!("services:\n  web:\n    {line}\n{idle}");
        let system = System::compose(&text).on(Runtime::Containers);
        if !an_engine_answers() {
            return skipped("an engine");
        }
        let done = system.run(&["up", "-d"]).expect(code);
        assert!(done.stderr.contains(said), "{line}\n{}", done.stderr);
        assert!(!done.stderr.contains("the words"), "{}", done.stderr);
        assert_eq!(system.left(), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn what_a_logging_driver_keeps_from_msvc_is_said() {
    if !an_engine_answers() {
        return skipped("an engine");
    }
    let idle = runs(r#"["sleep", "600"]"#, "");
    let text = format!("services:\n  web:\n    logging: {{ driver: none }}\n{idle}");
    let system = System::compose(&text).on(Runtime::Containers);
    system.run(&["up", "-d"]).expect(0);
    for arguments in [&["logs"][..], &["logs", "web"]] {
        let done = system.run(arguments).expect(0);
        let said = "compose.yaml:3:5: web: what it writes is not kept";
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
    let json = system.run(&["logs", "--format", "json"]).expect(0);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["lines"], serde_json::json!([]));
    system.run(&["down"]).expect(0);
}
