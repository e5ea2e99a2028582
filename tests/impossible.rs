//! What a file may say and no engine could do: told at its line before anything is built, in either
//! runtime, while `config` prints it.

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

use support::{Runtime, System, runs};

support::in_both! {
    what_no_engine_could_do_is_told_at_its_line_before_anything_is_built,
    a_secret_whose_file_is_missing_is_told_before_anything_is_built,
    who_is_not_to_start_keeps_nobody_from_starting,
    a_service_that_shares_no_port_with_what_fades_of_it_comes_back,
}

/// A service whose build would leave a file, and then fail.
fn with_a_build(runtime: Runtime, more: &str) -> System {
    let system = System::compose(&format!(
        "services:\n  web:\n    image: msvc-tests-never\n    build: {{ context: ., args: {{ TOOLS: \"${{TOOLS}}\" }} }}\n    x-msvc: {{ process: {{ build: [\"sh\", \"./build\"], command: [\"true\"] }} }}\n{more}"
    ))
    .on(runtime);
    let write = |file: &str, text: &str| std::fs::write(system.directory.join(file), text).unwrap();
    write("build", "echo something was built >&2; exit 1\n");
    let dockerfile = "ARG TOOLS\nFROM $TOOLS\nCOPY build /\nRUN [\"sh\", \"/build\"]\n";
    write("Dockerfile", dockerfile);
    system
}

#[track_caller]
fn refused(system: &System, said: &[&str]) {
    for arguments in [["up", "--dry-run"], ["up", "-d"]] {
        let done = system.run(&arguments).expect(4);
        for words in said {
            assert!(done.stderr.contains(words), "{words}\n{}", done.stderr);
        }
        assert!(!done.stderr.contains("was built"), "{}", done.stderr);
    }
    assert_eq!(system.left(), Vec::<String>::new());
    system.run(&["config", "-q"]).expect(0);
}

fn what_no_engine_could_do_is_told_at_its_line_before_anything_is_built(runtime: Runtime) {
    let signal = with_a_build(runtime, "    stop_signal: SIGTRM\n");
    refused(&signal, &["compose.yaml:6:18", "did you mean `SIGTERM`?"]);
    let amount = with_a_build(runtime, "    mem_limit: 1m\n");
    refused(&amount, &["compose.yaml:6:16", "write `6m` or more"]);
    let outside = with_a_build(
        runtime,
        "    networks: { n: { ipv4_address: 10.2.1.3 } }\nnetworks:\n  n: { ipam: { config: [{ subnet: 10.1.1.0/24 }] } }\n",
    );
    refused(
        &outside,
        &["compose.yaml:6:36", "10.2.1.3 is not in the network `n`"],
    );
    let shared = with_a_build(
        runtime,
        "    network_mode: \"service:rests\"\n  rests: { image: x, scale: 0 }\n",
    );
    refused(
        &shared,
        &["compose.yaml:6:19", "let one of `rests` run, or share"],
    );
}

fn a_secret_whose_file_is_missing_is_told_before_anything_is_built(runtime: Runtime) {
    let system = with_a_build(
        runtime,
        "    environment: { S: /run/secrets/s }\n    secrets: [s]\nsecrets:\n  s: { file: ./nowhere }\n",
    );
    refused(
        &system,
        &["compose.yaml:9:14", "web needs the secret `s`", "nowhere"],
    );
}

fn who_is_not_to_start_keeps_nobody_from_starting(runtime: Runtime) {
    let idle = runs(r#"["sleep", "600"]"#, "");
    let text = format!(
        "services:\n  a:\n{idle}  b:\n    stop_signal: SIGNONE\n    secrets: [s]\n{idle}secrets:\n  s: {{ file: ./nowhere }}\n"
    );
    let system = System::compose(&text).on(runtime);
    let refused = system.run(&["up", "-d"]).expect(4);
    assert!(
        refused.stderr.contains("there is no signal `SIGNONE`"),
        "{}",
        refused.stderr
    );
    system.run(&["up", "a", "--dry-run"]).expect(0);
    system.run(&["up", "a", "-d"]).expect(0);
    system.run(&["chaos", "kill", "a"]).expect(1);
    system.run(&["down", "--volumes"]).expect(0);
    let none = text.replace(
        "    stop_signal: SIGNONE",
        "    scale: 0\n    stop_signal: SIGNONE",
    );
    let none = System::compose(&none).on(runtime);
    none.run(&["up", "-d"]).expect(0);
    none.run(&["down", "--volumes"]).expect(0);
}

/// A server that asks for a port of its own alone: what fades of its connections keeps it off it.
const PYTHON: &str = "import http.server,os,socketserver; socketserver.TCPServer(('',int(os.environ['PORT'])),http.server.SimpleHTTPRequestHandler).serve_forever()";
const PROBE: &str = "import urllib.request as u; u.urlopen('http://127.0.0.1:9100/')";

fn a_service_that_shares_no_port_with_what_fades_of_it_comes_back(runtime: Runtime) {
    let web = runs(&format!(r#"["python3", "-c", "{PYTHON}"]"#), "port: PORT,");
    let system = System::compose(&format!(
        "services:\n  web:\n    environment: {{ PORT: \"9100\" }}\n    expose: [\"9100\"]\n    healthcheck: {{ test: [CMD, python3, -c, \"{PROBE}\"], interval: 300ms, retries: 100 }}\n{web}"
    ))
    .on(runtime);
    system.run(&["up", "-d"]).expect(0);
    // Its connections fade at its port when it is killed; with no restart policy it stays down.
    system.run(&["chaos", "kill", "web"]).expect(1);
    system.run(&["up", "-d"]).expect(0);
    system.run(&["down", "--volumes"]).expect(0);
}
