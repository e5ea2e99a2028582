//! `msvc ready` as a command: what it takes, how it ends, where its report goes.

use std::process::Command;

use crate::support::repository::{Repository, ready};
use crate::support::{self, beside, finish, until};

#[test]
fn an_interrupt_ends_it_also_while_it_reads_the_source() {
    let mut repository = Repository::new();
    // Seconds to look at, in any profile.
    let line = "let a = \"b\"; // kafka producer consumer traceparent alert: deploy\n";
    let text = line.repeat(450_000 / line.len());
    for number in 0..60 {
        repository.write(&format!("part{}/f{number}.rs", number % 3), &text);
    }
    repository.commit("ann");
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command.arg("ready").arg(repository.path());
    let running = beside(command);
    // More than git told of: it reads the files themselves, and looks at them for seconds.
    until("five million bytes that it read", || {
        let io = std::fs::read_to_string(format!("/proc/{}/io", running.pid())).ok()?;
        let read: u64 = io.lines().next()?.strip_prefix("rchar: ")?.parse().ok()?;
        (read > 5_000_000).then_some(())
    });
    running.signal("INT");
    let done = running.finish().expect(130);
    assert_eq!(done.stdout, "");
}

#[test]
fn a_bare_repository_is_told_from_a_folder_that_is_none() {
    let mut repository = Repository::new();
    repository.write("main.py", "print(1)\n");
    repository.commit("ann");
    repository.git(&["clone", "-q", "--bare", ".", "bare.git"], "ann");
    let done = ready(&repository.path().join("bare.git"), &[]).expect(4);
    for said in ["is a bare repository", "hint: clone it"] {
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
    assert!(!done.stderr.contains("git init"), "{}", done.stderr);
}

#[test]
fn its_report_is_kept_among_artifacts() {
    let mut repository = Repository::new();
    repository.write("main.py", "print(1)\n");
    repository.commit("ann");
    let kept = repository.path().join("out/kept");
    let folder = kept.to_str().unwrap();
    repository.ready(&["--artifacts", folder]).expect(1);
    let report = support::read(&kept.join("report.json"));
    assert!(report.contains("\"msvc.report/1\""), "{report}");
    let file = repository.path().join("main.py/out");
    let folder = file.to_str().unwrap();
    // What was found is shown, and decides the code.
    let done = repository.ready(&["--artifacts", folder]).expect(1);
    assert!(done.stdout.contains("do this first"), "{}", done.stdout);
    let held = ["--artifacts", folder, "--fail-on", "never"];
    repository.ready(&held).expect(3);
}

#[test]
fn a_junit_file_that_cannot_be_written_is_one_message_and_loses_no_result() {
    let mut repository = Repository::new();
    repository.write("main.py", "print(1)\n");
    repository.commit("ann");
    let folder = repository.path();
    let missing = folder.join("a/b/j.xml");
    let found = ["--fail-on", "never", "--junit", missing.to_str().unwrap()];
    repository.ready(&found).expect(0);
    assert!(missing.is_file());
    for (file, code, found) in [
        ("/dev/full", 3, "never"),
        ("/dev/full", 1, "not-ready"),
        ("/proc/nothing/j.xml", 3, "never"),
        ("/dev/stdout", 0, "never"),
    ] {
        let done = repository.ready(&["--fail-on", found, "--junit", file]);
        let done = done.expect(code);
        assert!(
            done.stdout.contains("do this first"),
            "{file}: {}",
            done.stdout
        );
        let errors = done.stderr.matches("error: ").count();
        assert_eq!(
            errors,
            usize::from(file != "/dev/stdout"),
            "{}",
            done.stderr
        );
    }
    let done = repository.ready(&["--junit", "-"]).expect(2);
    assert!(done.stderr.contains("names no file"), "{}", done.stderr);
    assert_eq!(done.stdout, "");
    let done = repository.ready(&["--junit", folder.to_str().unwrap()]);
    let done = done.expect(2);
    let wanted = format!(
        "`--junit` names the folder {}, not a file",
        folder.display()
    );
    assert!(done.stderr.contains(&wanted), "{}", done.stderr);
    assert!(done.stderr.contains("/msvc.xml`"), "{}", done.stderr);
}

#[test]
fn a_compose_file_that_is_a_link_to_nowhere_is_told_by_every_command() {
    let mut repository = Repository::new();
    std::os::unix::fs::symlink("nowhere", repository.path().join("compose.yaml")).unwrap();
    repository.write("main.py", "print(1)\n");
    repository.commit("ann");
    let told = "compose.yaml is a link that leads nowhere";
    let done = repository.ready(&[]).expect(1);
    assert!(done.stdout.contains(told), "{}", done.stdout);
    for words in [
        &["config"][..],
        &["up"],
        &["ps"],
        &["new", "web", "--template", "rust-axum", "--no-input"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command.arg("-C").arg(repository.path()).args(words);
        let done = finish(command).expect(4);
        assert!(done.stderr.contains(told), "{words:?}: {}", done.stderr);
    }
    assert!(!repository.path().join("web").exists());
}

#[test]
fn rules_of_failure_replace_the_rule() {
    let mut repository = Repository::new();
    repository.write("main.py", "print(1)\n");
    repository.commit("ann");
    repository.ready(&[]).expect(1);
    repository.ready(&["--fail-on", "never"]).expect(0);
    let all_but_history = [
        "--fail-on",
        "never",
        "--fail-on",
        "inconclusive:bounded-contexts",
    ];
    repository.ready(&all_but_history).expect(5);
    let unknown = repository.ready(&["--fail-on", "never:gateway"]).expect(2);
    assert!(unknown.stderr.contains("api-gateway"), "{}", unknown.stderr);
}

#[test]
fn no_repository_no_commits_and_undecodable_files_are_told_or_read_past() {
    let plain = tempfile::tempdir().unwrap();
    let done = ready(plain.path(), &[]).expect(4);
    assert!(
        done.stderr.contains("is no git repository"),
        "{}",
        done.stderr
    );
    ready(&plain.path().join("absent"), &[]).expect(2);

    let mut repository = Repository::new();
    let done = repository.ready(&[]).expect(1);
    assert!(done.stdout.contains("no commits"), "{}", done.stdout);

    std::fs::write(repository.path().join("a\u{1}\"ü.py"), [0xff, 0xfe, 0, 1]).unwrap();
    repository.write("compose.yaml", "services: [\n");
    repository.write(".github/workflows/x.yml", "\u{0}\u{1}");
    let fifo = repository.path().join("pipe.yaml");
    finish({
        let mut command = Command::new("mkfifo");
        command.arg(&fifo);
        command
    })
    .expect(0);
    repository.commit("ann");
    let done = until("an answer", || Some(repository.ready(&[])));
    assert!(done.expect(1).stdout.contains("cannot be read"));
}

#[test]
fn a_demo_shows_how_the_checks_stand_and_is_not_decided_by_them() {
    let mut repository = Repository::new();
    repository.write(
        "compose.yaml",
        "services:\n  web:\n    image: none\n    x-msvc: { process: { command: [\"sleep\", \"600\"] } }\n    healthcheck: { test: [\"CMD\", \"true\"] }\nx-msvc:\n  journeys: [{ name: visit, command: [\"true\"] }]\n",
    );
    repository.commit("ann");
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command.arg("-C").arg(repository.path()).arg("demo");
    let done = finish(command).expect(0);
    assert!(
        done.stderr.contains("  not ready     independent-delivery"),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("held (1 held"), "{}", done.stdout);
}

#[test]
fn a_report_goes_to_a_junit_file_and_to_github_where_it_runs_there() {
    let mut repository = Repository::new();
    repository.write(".github/workflows/ci.yml", "# later\n");
    repository.write("main.py", "print(1)\n");
    repository.commit("ann");
    let (junit, summary) = (
        repository.path().join("out/j.xml"),
        repository.path().join("s.md"),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command
        .arg("ready")
        .arg(repository.path())
        .arg("--junit")
        .arg(&junit);
    command.current_dir(repository.path());
    command.env("GITHUB_ACTIONS", "true");
    command.env("GITHUB_WORKSPACE", repository.path());
    command.env("GITHUB_STEP_SUMMARY", &summary);
    let done = finish(command).expect(1);
    let annotation = "::error file=.github/workflows/ci.yml,line=1,col=1,title=";
    assert!(done.stderr.contains(annotation), "{}", done.stderr);
    let summary = support::read(&summary);
    assert!(summary.starts_with("### `msvc ready` on "), "{summary}");
    assert!(
        summary.contains("| not ready | CI/CD can build"),
        "{summary}"
    );
    assert!(summary.contains("\nNext: "), "{summary}");
    assert!(summary.contains("\n**Do this first:** "), "{summary}");
    let read = "import sys,xml.etree.ElementTree as t; s=t.parse(sys.argv[1]).getroot()[0]; print(s.get('tests'), s.get('failures'), s.get('errors'), s.get('skipped'))";
    let mut python = Command::new("python3");
    python.args(["-c", read]).arg(&junit);
    // Whether to split at all is advice: it fails nothing.
    assert_eq!(finish(python).expect(0).stdout.trim(), "8 5 2 1");
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_msvc"));
    wrong
        .arg("-C")
        .arg(repository.path())
        .args(["ps", "--junit", "x.xml"]);
    let wrong = finish(wrong).expect(2);
    assert!(wrong.stderr.contains("prove something"), "{}", wrong.stderr);
}
