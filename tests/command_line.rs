//! What is typed: paths below `-C`, journeys' inputs and URLs, and wrong usage told as JSON.

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
use std::process::Command;

use support::{Finished, Runtime, System, finish, runs};

support::in_both! {
    paths_are_taken_from_the_folder_that_is_worked_in,
    an_input_that_no_journey_takes_or_that_does_not_fit_is_wrong_usage,
    a_pact_without_interactions_is_told_with_its_place_and_the_reason,
}

const DESCRIPTION: &str = "openapi: 3.0.3\ninfo: { title: T, version: '1' }\npaths: { /x: { get: { operationId: getX, responses: { '200': { description: ok } } } } }\n";

/// A journey with an input of a type, and its description beside it.
fn write_journey(folder: &Path, more: &str) {
    let text = format!(
        "arazzo: 1.0.1\ninfo: {{ title: T, version: '1' }}\n\
         sourceDescriptions: [{{ name: x, url: x.openapi.yaml, type: openapi }}]\n\
         workflows:\n\
         - workflowId: look\n\
         \x20 inputs: {{ type: object, required: [sku], properties: {{ sku: {{ type: integer }}, run: {{ type: string }} }} }}\n\
         \x20 steps: [{{ stepId: one, operationId: getX, successCriteria: [{{ condition: $statusCode == 200 }}] }}]\n{more}"
    );
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("look.arazzo.yaml"), text).unwrap();
    std::fs::write(folder.join("x.openapi.yaml"), DESCRIPTION).unwrap();
}

/// `msvc` in a folder, with `-C` and all else in the arguments.
fn msvc(folder: &Path, runtime: Runtime, arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command.current_dir(folder).args(arguments);
    command
        .env("NO_COLOR", "1")
        .env("MSVC_RUNTIME", runtime.word());
    finish(command)
}

fn a_system(runtime: Runtime, more: &str) -> System {
    let web = runs(r#"["sh", "-c", "exec sleep 600"]"#, "");
    System::compose(&format!("services:\n  web:\n{web}{more}")).on(runtime)
}

fn paths_are_taken_from_the_folder_that_is_worked_in(runtime: Runtime) {
    let system = a_system(runtime, "");
    let above = system.directory.parent().unwrap();
    let name = system.directory.file_name().unwrap().to_str().unwrap();
    write_journey(&system.directory.join("journeys"), "");
    let file = "journeys/look.arazzo.yaml";
    let line = [
        "-C",
        name,
        "--artifacts",
        "kept",
        "--junit",
        "kept/it.xml",
        "journey",
        "run",
        file,
    ];
    let at = ["-i", "sku=1", "--url", "http://127.0.0.1:1"];
    let done = msvc(above, runtime, &[&line[..], &at].concat()).expect(1);
    // Places are named from where one stands, the line that repeats it from where msvc works.
    let place = format!("{name}/{file}:7:");
    assert!(done.stderr.contains(&place), "{}", done.stderr);
    let again = format!("again: msvc -C {name} journey run {file} ");
    assert!(done.stderr.contains(&again), "{}", done.stderr);
    assert!(system.directory.join("kept/report.json").exists());
    assert!(system.directory.join("kept/it.xml").exists());

    for (words, absent) in [
        (&["journey", "run"][..], "absent.arazzo.yaml"),
        (&["contract", "verify"], "absent.json"),
        (&["chaos", "run"], "absent.yaml"),
    ] {
        let line = [&["-C", name], words, &[absent]].concat();
        let done = msvc(above, runtime, &line).expect(4);
        let whole = system.directory.join(absent);
        let seen = done.stderr.contains(whole.to_str().unwrap());
        assert!(seen, "{}", done.stderr);
    }
    let done = msvc(above, runtime, &["-C", "nowhere", "ps"]).expect(2);
    assert!(
        done.stderr.contains("cannot work in nowhere"),
        "{}",
        done.stderr
    );
}

fn an_input_that_no_journey_takes_or_that_does_not_fit_is_wrong_usage(runtime: Runtime) {
    let system = a_system(runtime, "x-msvc: { journeys: [look.arazzo.yaml] }\n");
    write_journey(&system.directory, "");
    let play = |inputs: &[&str]| {
        let at = ["journey", "run", "look", "--url", "http://127.0.0.1:1"];
        let given = inputs.iter().flat_map(|input| ["-i", input]);
        let line: Vec<&str> = at.into_iter().chain(given).collect();
        system.run(&line).expect(2).stderr
    };
    let said = play(&["skku=1"]);
    assert!(said.contains("there is no input `skku`"), "{said}");
    assert!(said.contains("did you mean `sku`?"), "{said}");
    let said = play(&[]);
    assert!(said.contains("look.arazzo.yaml:5:"), "{said}");
    assert!(said.contains("input `sku` is required"), "{said}");
    let said = play(&["sku=many"]);
    assert!(said.contains("must be of type integer"), "{said}");
    assert!(said.contains("-i NAME=VALUE"), "{said}");
}

fn a_pact_without_interactions_is_told_with_its_place_and_the_reason(runtime: Runtime) {
    let web = runs(
        r#"["python3", "-c", "import http.server,os; http.server.HTTPServer(('',int(os.environ['PORT'])),http.server.SimpleHTTPRequestHandler).serve_forever()"]"#,
        "port: PORT,",
    );
    let system = System::compose(&format!(
        "services:\n  web:\n    environment: {{ PORT: \"9100\" }}\n    expose: [\"9100\"]\n{web}"
    ))
    .on(runtime);
    let pact = "{\"consumer\": {\"name\": \"a\"}, \"provider\": {\"name\": \"web\"},\n \"interactions\": []}";
    std::fs::write(system.directory.join("none.json"), pact).unwrap();
    let done = system.run(&["contract", "verify", "none.json"]).expect(5);
    assert!(done.stderr.contains("none.json:2:2"), "{}", done.stderr);
    assert!(done.stderr.contains("no interactions"), "{}", done.stderr);
    assert_eq!(system.left(), Vec::<String>::new());
}

#[test]
fn a_journey_at_a_url_needs_no_compose_file() {
    let folder = tempfile::tempdir().unwrap();
    write_journey(folder.path(), "");
    let play = |more: &[&str]| {
        let line = ["journey", "run", "look.arazzo.yaml", "-i", "sku=1"];
        msvc(
            folder.path(),
            Runtime::Processes,
            &[&line[..], more].concat(),
        )
    };
    let done = play(&["--url", "http://127.0.0.1:1"]).expect(1);
    assert!(done.stderr.contains("no connection"), "{}", done.stderr);
    for url in ["nonsense", "http://", "ftp://x", "http://x:y"] {
        let done = play(&["--url", url]).expect(2);
        assert!(done.stderr.contains("--url"), "{}", done.stderr);
    }
    // Without a URL the system has to be found.
    let done = play(&[]).expect(4);
    assert!(done.stderr.contains("no Compose file"), "{}", done.stderr);
    // And so it has by a name that is the system's.
    let done = msvc(
        folder.path(),
        Runtime::Processes,
        &["journey", "run", "look", "--url", "http://127.0.0.1:1"],
    );
    let done = done.expect(4);
    assert!(done.stderr.contains("no Compose file"), "{}", done.stderr);
}

#[test]
fn a_workflow_that_calls_itself_is_told_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    write_journey(
        folder.path(),
        "- { workflowId: round, steps: [{ stepId: again, workflowId: round }] }\n",
    );
    let line = [
        "journey",
        "run",
        "look.arazzo.yaml",
        "--url",
        "http://127.0.0.1:1",
    ];
    let done = msvc(folder.path(), Runtime::Processes, &line).expect(4);
    let said = "look.arazzo.yaml:8:42: workflow `round` plays itself without end";
    assert!(done.stderr.contains(said), "{}", done.stderr);
}

#[test]
fn wrong_usage_is_told_as_json_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        msvc(folder.path(), Runtime::Processes, &words)
    };
    for line in [
        "--format json up --timeout x",
        "up --timeout x --format=json",
        "--format json upp",
        "ps --format json --wrong",
    ] {
        let done = run(line).expect(2);
        let json = done.json();
        assert_eq!(json["schema"], "msvc.error/1");
        assert_eq!(json["exit"], 2);
        assert!(done.stderr.starts_with("error: "), "{}", done.stderr);
        let what = json["problems"][0]["what"].as_str().unwrap();
        assert!(done.stderr.contains(what), "{what}\n{}", done.stderr);
    }
    assert_eq!(run("up --timeout x").expect(2).stdout, "");
    let help = run("--format json up --help").expect(0).stdout;
    assert!(help.contains("Usage:"), "{help}");
    let version = run("--format json --version").expect(0).stdout;
    assert!(version.starts_with("msvc "), "{version}");
}

/// `msvc` with its standard output on a device that is always full.
fn on_a_full_disk(system: &System, arguments: &[&str]) -> Finished {
    let msvc = system.command(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$0" "$@" > /dev/full"#]);
    command.arg(msvc.get_program()).args(msvc.get_args());
    command.envs(system.environment()).env("NO_COLOR", "1");
    finish(command)
}

#[test]
fn a_result_that_cannot_be_written_is_told_and_is_no_success() {
    let system = a_system(
        Runtime::Processes,
        "x-msvc: { journeys: [{ name: good, command: [\"true\"] }, { name: bad, command: [\"false\"] }] }\n",
    );
    let lost = |arguments: &[&str], code| {
        let done = on_a_full_disk(&system, arguments).expect(code);
        let said = "cannot be written to standard output: No space left";
        assert!(done.stderr.contains(said), "{}", done.stderr);
    };
    lost(&["--format", "json", "up", "-d"], 3);
    lost(&["ps"], 3);
    lost(&["--format", "json", "journey", "run", "good"], 3);
    // What failed is the greater matter.
    lost(&["--format", "json", "journey", "run", "bad"], 1);
    on_a_full_disk(&system, &["--help"]).expect(3);
}

#[test]
fn a_project_name_that_is_none_is_wrong_usage_and_what_is_allowed_is_said() {
    let system = a_system(Runtime::Processes, "");
    for command in ["ps", "up", "demo"] {
        let line = ["-p", "Foo Bar", command];
        let done = msvc(&system.directory, Runtime::Processes, &line).expect(2);
        assert!(done.stderr.contains("'--project-name"), "{}", done.stderr);
        assert!(
            done.stderr.contains("lower-case letters"),
            "{}",
            done.stderr
        );
        assert!(!done.stderr.contains('…'), "{}", done.stderr);
    }
}

#[test]
fn commands_that_are_not_for_people_are_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        &["--format", "json"][..],
        &["internal"],
        &["--format=json", "internl-mesh"],
    ] {
        let done = msvc(folder.path(), Runtime::Processes, line).expect(2);
        let said = format!("{}{}", done.stdout, done.stderr);
        for hidden in [
            "-guardian",
            "-supervisor",
            "internal-mesh",
            "-keeper",
            "-warden",
        ] {
            assert!(!said.contains(hidden), "{said}");
        }
    }
}
