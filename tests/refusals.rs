//! What cannot be had, said in the words of the Compose file: programs, folders, ports, and a
//! system that somebody else took away.

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

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use support::{Runtime, System, finish, runs, until};

support::in_both! {
    a_program_that_is_not_there_is_told_with_its_service_and_the_line_of_its_command,
    a_plan_is_shown_though_a_port_is_taken_and_its_owner_is_told_as_the_system_it_is,
}

fn a_program_that_is_not_there_is_told_with_its_service_and_the_line_of_its_command(
    runtime: Runtime,
) {
    let store = runs(r#"["no-such-program"]"#, "");
    let system = System::compose(&format!("services:\n  store:\n{store}")).on(runtime);
    let done = system.run(&["up", "-d"]).expect(1);
    let place = match runtime {
        Runtime::Processes => "compose.yaml:6:27: ",
        Runtime::Containers => "compose.yaml:5:5: ",
    };
    let said = format!("{place}store cannot be started: ");
    assert!(done.stderr.contains(&said), "{}", done.stderr);
    assert!(done.stderr.contains("no-such-program"), "{}", done.stderr);
    assert!(
        done.stderr.contains("hint: correct the words"),
        "{}",
        done.stderr
    );
    // Names that only msvc uses are not shown, nor a PATH of many folders.
    assert!(!done.stderr.contains("store/1"), "{}", done.stderr);
    assert!(
        done.stderr.lines().all(|line| line.len() < 300),
        "{}",
        done.stderr
    );
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn a_project_folder_that_cannot_be_written_is_told_with_what_to_do() {
    let web = runs(r#"["sleep", "600"]"#, "");
    let system = System::compose(&format!("services:\n  web:\n{web}")).on(Runtime::Processes);
    let mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&system.directory, permissions).unwrap();
    };
    mode(0o555);
    // Root may write anywhere; without its privileges it may not.
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    let msvc = system.command(&["up", "-d"]);
    command.arg(msvc.get_program()).args(msvc.get_args());
    command.envs(system.environment()).env("NO_COLOR", "1");
    let done = finish(command);
    mode(0o755);
    if done.stderr.contains("setpriv") {
        return support::skipped("setpriv and a program that others may run");
    }
    let done = done.expect(3);
    assert!(done.stderr.contains("keep or read"), "{}", done.stderr);
    assert!(done.stderr.contains("hint: "), "{}", done.stderr);
    assert!(!system.home().exists());
}

#[test]
fn an_up_whose_system_is_brought_down_meanwhile_says_so() {
    let slow = runs(r#"["sleep", "600"]"#, "");
    let probe = r#"{ test: ["CMD", "false"], interval: 60s, start_period: 600s }"#;
    let text = format!("services:\n  slow:\n{slow}    healthcheck: {probe}\n");
    let system = System::compose(&text).on(Runtime::Processes);
    let up = system.start(&["up", "-d"]);
    until("its service", || {
        (!system.processes().is_empty()).then_some(())
    });
    system.run(&["down"]).expect(0);
    let done = up.finish().expect(1);
    let said = format!("{} was brought down while it came up", system.project);
    assert!(done.stderr.contains(&said), "{}", done.stderr);
    assert_eq!(system.left(), Vec::<String>::new());
}

fn a_plan_is_shown_though_a_port_is_taken_and_its_owner_is_told_as_the_system_it_is(
    runtime: Runtime,
) {
    const SERVER: &str = "import os,socket,time; s=socket.create_server(('',int(os.environ['PORT']))); time.sleep(600)";
    let port = support::free_port();
    let web = runs(&format!(r#"["python3", "-c", "{SERVER}"]"#), "port: PORT,");
    let text = format!(
        "services:\n  web:\n{web}    environment: {{ PORT: \"9100\" }}\n    ports: [\"127.0.0.1:{port}:9100\"]\n"
    );
    let first = System::compose(&text).on(runtime);
    first.up();
    let second = System::compose(&text).on(runtime);
    let done = second.run(&["up", "--dry-run"]).expect(0);
    assert!(
        done.stdout.contains("main/web/1#1  (not there yet)"),
        "{}",
        done.stdout
    );
    let taken = format!("127.0.0.1:{port} is taken by the system {}", first.project);
    assert!(done.stderr.contains(&taken), "{}", done.stderr);
    assert!(done.stderr.contains("warning"), "{}", done.stderr);
    let done = second.run(&["up", "-d"]).expect(3);
    assert!(done.stderr.contains(&taken), "{}", done.stderr);
    // What runs has its own port.
    let done = first.run(&["up", "--dry-run"]).expect(0);
    assert!(!done.stderr.contains("is taken"), "{}", done.stderr);
    assert_eq!(second.left(), Vec::<String>::new());
}

/// A service with one more line, which is the fourth of its file.
fn with_line(line: &str, command: &str) -> System {
    let text = format!(
        "services:\n  web:\n    image: x\n    {line}\n    x-msvc: {{ process: {{ command: {command} }} }}\n"
    );
    System::compose(&text).on(Runtime::Processes)
}

#[test]
fn a_field_that_a_host_process_cannot_honour_is_told_with_its_line() {
    for (line, named) in [
        ("working_dir: /no/such/folder", "`working_dir`"),
        ("working_dir: ../elsewhere", "`working_dir`"),
        ("logging: { driver: none }", "`logging.driver: none`"),
        ("logging: { driver: syslog }", "`logging.driver: syslog`"),
        ("user: somebody", "`user`"),
        ("mem_limit: 64m", "`mem_limit`"),
    ] {
        let system = with_line(line, r#"["sleep", "600"]"#);
        let done = system.run(&["up", "-d"]).expect(4);
        let said = format!("compose.yaml:4:5: web: a host process cannot honour {named}");
        assert!(done.stderr.contains(&said), "{line}\n{}", done.stderr);
        assert!(done.stderr.contains("hint: "), "{line}\n{}", done.stderr);
        assert_eq!(system.left(), Vec::<String>::new(), "{line}");
        // Who knows better goes without it.
        system.run(&["--lenient", "up", "--dry-run"]).expect(0);
    }
}

#[test]
fn what_a_host_process_goes_without_is_told_once_and_it_runs() {
    for (line, named) in [
        ("hostname: hh", "`hostname`"),
        ("container_name: cc", "`container_name`"),
        (
            "develop: { watch: [{ action: sync, path: ., target: /x }] }",
            "`develop`",
        ),
        ("tty: true", "`tty`"),
        ("labels: { a: b }", "`labels`"),
    ] {
        let system = with_line(line, r#"["sleep", "600"]"#);
        let done = system.run(&["up", "-d"]).expect(0);
        let said = format!("web runs as a host process and goes without {named}");
        assert_eq!(
            done.stderr.matches(&said).count(),
            1,
            "{line}\n{}",
            done.stderr
        );
        assert!(done.stderr.contains("warning: "), "{line}\n{}", done.stderr);
    }
    for silent in [
        "logging: { driver: json-file, options: { max-size: 10m } }",
        "init: true",
    ] {
        let system = with_line(silent, r#"["sleep", "600"]"#);
        let done = system.run(&["up", "-d"]).expect(0);
        assert!(
            !done.stderr.contains("warning"),
            "{silent}\n{}",
            done.stderr
        );
    }
}

#[test]
fn a_working_dir_is_where_a_host_process_runs() {
    let told = |line: &str, more: &str| {
        let system = with_line(line, r#"["sh", "-c", "pwd -P; exec sleep 600"]"#);
        let file = system.directory.join("compose.yaml");
        std::fs::write(&file, support::read(&file) + more).unwrap();
        std::fs::create_dir(system.directory.join("inner")).unwrap();
        system.up();
        let logs = until("its first line", || {
            let logs = system.run(&["logs", "web"]).expect(0).stdout;
            logs.contains('|').then_some(logs)
        });
        let said = logs.lines().next().unwrap().rsplit("| ").next().unwrap();
        (system.directory.clone(), said.to_owned())
    };
    let (root, said) = told("working_dir: inner", "");
    assert_eq!(said, root.join("inner").to_str().unwrap());
    let (_, said) = told("working_dir: /usr", "");
    assert_eq!(said, "/usr");
    // Through a mount it is the folder that is mounted.
    let (root, said) = told("working_dir: /app/inner", "    volumes: [\".:/app\"]\n");
    assert_eq!(said, root.join("inner").to_str().unwrap());
    let (_, said) = told(
        "working_dir: /state",
        "    volumes: [\"state:/state\"]\nvolumes: { state: }\n",
    );
    assert!(said.ends_with("/main/volumes/state"), "{said}");
}

#[test]
fn msvcs_own_working_dir_wins() {
    let system = System::compose(
        "services:\n  web:\n    image: x\n    working_dir: /no/such\n    x-msvc: { process: { command: [\"sh\", \"-c\", \"pwd -P; exec sleep 600\"], working_dir: / } }\n",
    )
    .on(Runtime::Processes);
    system.up();
    let logs = system.run(&["logs", "web"]).expect(0).stdout;
    assert!(logs.trim_end().ends_with("| /"), "{logs}");
}
