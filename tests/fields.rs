//! Fields of the Compose file that do something while a system runs: what is run at a service's
//! start and end, secrets and configs of every source.

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

use support::{Runtime, System, inside, read, runs, until};

support::in_both! {
    hooks_are_run_once_it_has_started_and_before_it_is_asked_to_end,
    a_post_start_that_fails_is_told_with_what_it_wrote_and_nothing_runs,
    a_pre_stop_that_fails_is_told_and_all_ends_the_same,
    secrets_and_configs_of_every_source_are_files_with_their_text,
}

/// A service that writes what happens to it, and ends when it is asked to.
const SCRIBE: &str = r#"["sh", "-c", "trap 'echo ended >> $$DATA/said; exit 0' TERM; echo began >> $$DATA/said; while :; do sleep 0.1; done"]"#;

/// The scribe with some more lines.
fn scribe(more: &str) -> String {
    let scribe = runs(SCRIBE, "");
    format!(
        "services:\n  scribe:\n{scribe}    environment: {{ DATA: /data }}\n    volumes: [\"data:/data\"]\n{more}volumes: {{ data: {{}} }}\n"
    )
}

fn said(system: &System) -> Vec<String> {
    let said = read(&inside::volume(system, "data").join("said"));
    said.lines().map(str::to_owned).collect()
}

fn hooks_are_run_once_it_has_started_and_before_it_is_asked_to_end(runtime: Runtime) {
    let hooks = r#"    post_start:
      - command: ["sh", "-c", "echo $$WHO was here >> $$DATA/said"]
        environment: { WHO: somebody }
      - command: sh -c "echo and after that >> /data/said"
    pre_stop:
      - command: ["sh", "-c", "sleep 0.3; echo the end is near >> $$DATA/said"]
"#;
    let system = System::compose(&scribe(hooks)).on(runtime);
    system.up();
    // They are over when it is up.
    let hooks: Vec<String> = said(&system)
        .into_iter()
        .filter(|it| it != "began")
        .collect();
    assert_eq!(hooks, ["somebody was here", "and after that"]);
    until("its beginning", || {
        said(&system).contains(&"began".to_owned()).then_some(())
    });
    // The second `up` finds nothing to do: they are not run again.
    system.up();
    assert_eq!(said(&system).len(), 3);
    let done = system.run(&["down"]).expect(0);
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
    assert_eq!(said(&system)[3..], ["the end is near", "ended"]);
}

fn a_post_start_that_fails_is_told_with_what_it_wrote_and_nothing_runs(runtime: Runtime) {
    let hook =
        "    post_start: [{ command: [\"sh\", \"-c\", \"echo there is no table; exit 7\"] }]\n";
    let system = System::compose(&scribe(hook)).on(runtime);
    let done = system.run(&["up", "-d"]).expect(1);
    let words = [
        "compose.yaml:9:20: scribe cannot be started: its post_start `sh -c",
        "ended with 7: there is no table",
    ];
    for word in words {
        assert!(done.stderr.contains(word), "{word}\n{}", done.stderr);
    }
    assert_eq!(system.left(), Vec::<String>::new());
}

fn a_pre_stop_that_fails_is_told_and_all_ends_the_same(runtime: Runtime) {
    let hook = "    pre_stop: [{ command: [\"sh\", \"-c\", \"echo no leave; exit 4\"] }, { command: [\"true\"] }]\n";
    let system = System::compose(&scribe(hook)).on(runtime);
    system.up();
    let done = system.run(&["down"]).expect(0);
    let told = "ended with 4: no leave";
    assert!(done.stderr.contains("warning"), "{}", done.stderr);
    assert!(done.stderr.contains(told), "{}", done.stderr);
    assert_eq!(system.left(), Vec::<String>::new());
}

fn secrets_and_configs_of_every_source_are_files_with_their_text(runtime: Runtime) {
    let reads =
        r#"["sh", "-c", "cat $$HELD $$PLAIN $$TEXT > $$DATA/said; while :; do sleep 1; done"]"#;
    let service = runs(reads, "");
    let text = format!(
        r#"services:
  reader:
{service}    environment: {{ DATA: /data, HELD: /run/secrets/held, PLAIN: /run/secrets/plain, TEXT: /etc/reader.conf }}
    volumes: ["data:/data"]
    secrets: [held, plain]
    configs: [{{ source: text, target: /etc/reader.conf }}]
secrets: {{ held: {{ environment: HELD }}, plain: {{ file: ./plain.txt }} }}
configs: {{ text: {{ content: "level = $${{LEVEL}}\n" }} }}
volumes: {{ data: {{}} }}
"#
    );
    let text = text.replace("$${LEVEL}", "${LEVEL:-low}");
    let system = System::compose(&text)
        .on(runtime)
        .with_variable("HELD", "hunter2\n");
    std::fs::write(system.directory.join("plain.txt"), "in a file\n").unwrap();
    let up = system.run(&["up", "-d"]).expect(0);
    assert!(!format!("{}{}", up.stdout, up.stderr).contains("hunter2"));
    let lines = || Some(said(&system)).filter(|it| it.len() == 3);
    let lines = until("what it read", lines);
    assert_eq!(lines, ["hunter2", "in a file", "level = low"]);
    let written = system.home().join("main/files");
    if runtime == Runtime::Processes {
        let file = written.join("reader-run-secrets-held");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Another value is another system.
    let system = system.with_variable("HELD", "other\n");
    system.up();
    until("the other value", || {
        (said(&system).first()? == "other").then_some(())
    });
    system.run(&["down"]).expect(0);
    assert!(!written.exists());
}
