//! One fault from the command line, and what is told of it: to who looks on at a terminal, to who wants
//! it again, and of callers of every kind.

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

use support::{System, finish, is_root, runs};

/// A web server that is started again whenever it ends.
fn web() -> System {
    let words = r#"["sh", "-c", "exec python3 -m http.server $$PORT"]"#;
    let web = runs(words, "port: PORT,");
    let system = System::compose(&format!(
        "services:\n  web:\n{web}    environment: {{ PORT: \"9100\" }}\n    ports: [\"9100\"]\n    restart: always\n"
    ));
    system.up();
    system
}

const LATE: [&str; 7] = [
    "chaos",
    "inject",
    "latency",
    "--edge",
    "client->web",
    "--delay",
    "20ms",
];

/// A command that asks the server once, and what else it does.
fn asking(system: &System, more: &str) -> [String; 4] {
    let url = system.url("web");
    let ask = format!("import urllib.request as r; r.urlopen('{url}')");
    let script = format!("python3 -c \"{ask}\"{more}");
    ["--", "sh", "-c", script.as_str()].map(str::to_owned)
}

#[track_caller]
fn run(system: &System, arguments: &[&str], command: &[String]) -> support::Finished {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    system.run(&[arguments, &command].concat())
}

#[test]
fn a_seed_that_was_drawn_is_told_also_where_all_held_and_one_that_was_given_is_not() {
    let system = web();
    let ask = asking(&system, "");
    let jitter = [&LATE[..], &["--jitter", "5ms"]].concat();
    let drawn = run(&system, &jitter, &ask).expect(0).stderr;
    let seed = drawn.split("drawn with seed ").nth(1);
    let seed = seed.and_then(|rest| rest.split(';').next()).unwrap();
    assert!(seed.parse::<u64>().is_ok(), "{drawn}");
    let given = [&jitter[..], &["--seed", seed]].concat();
    for nothing_drawn in [&given[..], &LATE] {
        let done = run(&system, nothing_drawn, &ask).expect(0);
        assert!(!done.stderr.contains("drawn"), "{}", done.stderr);
    }
}

#[test]
fn at_a_terminal_nothing_is_drawn_over_what_the_command_writes() {
    let system = web();
    // The line is open for longer than a progress line would leave it alone.
    let ask = asking(&system, "; printf RESULT42; sleep 1");
    let command: Vec<&str> = ask.iter().map(String::as_str).collect();
    let kill = ["chaos", "kill", "web"];
    for (arguments, code) in [(&LATE[..], 0), (&kill, 0)] {
        let msvc = system.command(&[arguments, &command].concat());
        let words = std::iter::once(msvc.get_program()).chain(msvc.get_args());
        let words =
            words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")));
        let line = words.collect::<Vec<_>>().join(" ");
        let mut terminal = Command::new("script");
        terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        terminal.env("TERM", "xterm");
        let shown = finish(terminal).expect(code).stdout;
        let after = shown.split("RESULT42").nth(1).expect("what it wrote");
        let before = shown.split("RESULT42").next().unwrap_or_default();
        assert!(!before.contains("holding"), "{shown:?}");
        assert!(!after.starts_with(['\r', '\u{1b}']), "{shown:?}");
    }
}

#[test]
fn a_caller_that_waits_in_connect_itself_detects_a_kill_too() {
    if !is_root() {
        return support::skipped("root, to see first segments");
    }
    let system = web();
    let url = system.url("web");
    let (_, port) = url.rsplit_once(':').unwrap();
    let script = format!(
        "import socket\ntry: socket.create_connection(('127.0.0.1', {port}))\nexcept ConnectionRefusedError: print('REFUSED')"
    );
    let command = ["--", "python3", "-c", script.as_str()].map(str::to_owned);
    let done = run(&system, &["chaos", "kill", "web"], &command).expect(0);
    assert!(done.stdout.contains("REFUSED"), "{}", done.stdout);
    let said = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("a connection refused on client->web:9100"),
        "{said}"
    );
    let ps = system.ps();
    assert_eq!(ps["edges"][0]["counts"]["refused"], 1, "{ps:#}");
}
