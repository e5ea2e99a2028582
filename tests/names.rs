//! What people name and is not there, is broken or is held down: told once, with what to do, and
//! what else was named is done all the same.

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

use support::{Runtime, System, runs, until};

support::in_both! {
    an_unknown_edge_is_no_case_and_the_reversed_one_is_offered,
    experiments_go_by_their_names,
    a_journey_that_cannot_be_read_keeps_no_other_from_being_played,
    what_is_wrong_with_a_pact_or_a_journey_comes_with_what_to_do,
    a_step_that_only_goes_to_itself_is_found_before_anything_is_sent,
    what_a_fault_holds_down_is_told_with_the_command_that_does,
    commands_that_are_named_choose_the_same_system,
}

const PYTHON: &str = "import http.server,os; http.server.HTTPServer(('',int(os.environ['PORT'])),http.server.SimpleHTTPRequestHandler).serve_forever()";

/// Two services, the first of which calls the second.
fn two(runtime: Runtime, more: &str) -> System {
    let web = runs(&format!(r#"["python3", "-c", "{PYTHON}"]"#), "port: PORT,");
    System::compose(&format!(
        "services:\n\
         \x20 front:\n    environment: {{ PORT: \"9100\", BACK: \"http://back:9200/\" }}\n    ports: [\"9100\"]\n{web}\
         \x20 back:\n    restart: unless-stopped\n    environment: {{ PORT: \"9200\" }}\n    expose: [\"9200\"]\n{web}{more}"
    ))
    .on(runtime)
}

#[track_caller]
fn says(system: &System, arguments: &[&str], code: i32, said: &[&str]) -> String {
    let done = system.run(arguments).expect(code);
    for words in said {
        let there = done.stderr.contains(words);
        assert!(there, "no `{words}` in\n{}{}", done.stderr, done.stdout);
    }
    done.stderr + &done.stdout
}

fn an_unknown_edge_is_no_case_and_the_reversed_one_is_offered(runtime: Runtime) {
    let system = two(runtime, "");
    system.up();
    let latency = ["chaos", "inject", "latency", "--delay", "1ms", "--edge"];
    for edge in ["back->front", "front->bakc"] {
        let words = [&latency[..], &[edge, "--", "true"]].concat();
        // In containers any two may call each other: the mesh has an edge for each pair.
        if edge == "back->front" && runtime == Runtime::Containers {
            continue;
        }
        let told = format!("error: there is no edge `{edge}`");
        let said = says(
            &system,
            &words,
            2,
            &[&told, "did you mean `front->back:9200`?"],
        );
        assert!(
            !said.contains("again:") && !said.contains("FAILED"),
            "{said}"
        );
        let json = [&["--format", "json"][..], &words].concat();
        let document = system.run(&json).expect(2).json();
        assert_eq!(document["schema"], "msvc.error/1", "{document:#}");
    }
}

const KILL: &str = "title: t\ndescription: d\nsteady-state-hypothesis:\n  title: t\n  probes:\n  - { type: probe, name: p, tolerance: true, provider: { type: msvc, journey: look } }\nmethod:\n- { type: action, name: a, provider: { type: msvc, fault: kill, service: WHOM } }\n";

fn experiments_go_by_their_names(runtime: Runtime) {
    let more = "x-msvc:\n  journeys: [{ name: look, command: [\"true\"] }]\n  experiments: [back-dies.yaml, other-dies.yaml]\n";
    let system = two(runtime, more);
    let write = |name: &str, whom: &str| {
        let text = KILL.replace("WHOM", whom);
        std::fs::write(system.directory.join(name), text).unwrap();
    };
    write("back-dies.yaml", "back");
    write("other-dies.yaml", "bakc");
    let run = |name| ["chaos", "run", name];
    let near = "did you mean `back-dies`?";
    says(
        &system,
        &run("back-dys"),
        2,
        &["no experiment `back-dys`", near],
    );
    let all = "there are: back-dies, other-dies";
    says(&system, &run("zebra"), 2, &[all]);
    // Only what is named is looked at, and found: nothing runs.
    says(&system, &run("back-dies"), 5, &["is not running"]);
    let place = "other-dies.yaml:8:";
    says(
        &system,
        &run("other-dies"),
        4,
        &[place, "did you mean `back`?"],
    );
}

fn a_journey_that_cannot_be_read_keeps_no_other_from_being_played(runtime: Runtime) {
    let more = "x-msvc: { journeys: [nosuch.yaml, { name: look, command: [\"true\"] }] }\n";
    let system = two(runtime, more);
    system.up();
    let said = says(
        &system,
        &["journey", "run", "look"],
        0,
        &["warning", "nosuch.yaml"],
    );
    assert!(said.contains("held"), "{said}");
    says(&system, &["journey", "run"], 4, &["nosuch.yaml"]);
}

fn what_is_wrong_with_a_pact_or_a_journey_comes_with_what_to_do(runtime: Runtime) {
    let system = two(runtime, "");
    let write = |name: &str, text: &str| std::fs::write(system.directory.join(name), text).unwrap();
    let path = |name: &str| system.directory.join(name).display().to_string();
    for (text, what, hint) in [
        ("{\"a\":", "1:5: the pact is no JSON", "write it anew"),
        ("", "1:1: the pact is empty", "write it anew"),
        ("[]", "1:1: this is no pact but a list", "\"consumer\""),
        (
            "{\"consumer\": {\"name\": \"a\"}, \"provider\": {\"name\": \"b\"}}",
            "no list",
            "\"interactions\"",
        ),
    ] {
        write("p.json", text);
        let said = says(
            &system,
            &["contract", "verify", &path("p.json")],
            4,
            &[what, hint],
        );
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
    let head = "arazzo: 1.0.1\ninfo: { title: t, version: '1' }\nsourceDescriptions: [{ name: s, url: SOURCE }]\nworkflows:\n- workflowId: w\n  steps:\n";
    let journey = |source: &str, steps: &str| {
        write("j.yaml", &(head.replace("SOURCE", source) + steps));
        let path = path("j.yaml");
        system.run(&["journey", "run", &path]).expect(4).stderr
    };
    write(
        "api.yaml",
        "openapi: 3.0.3\ninfo: { title: t, version: '1' }\npaths: { /things: { get: { operationId: things, responses: {} } } }\n",
    );
    let said = journey("gone.yaml", "  - { stepId: a, operationId: things }\n");
    assert!(
        said.contains("j.yaml:3:38") && said.contains("hint"),
        "{said}"
    );
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    for (steps, place, hint) in [
        (
            "  - { stepId: a, operationId: zebra }\n",
            "j.yaml:7:",
            "there is: things",
        ),
        (
            "  - { stepId: a, operationId: things, onSuccess: [{ name: g, type: goto, stepId: nosuch }] }\n",
            "j.yaml:7:",
            "there is: a",
        ),
        (
            "  - { stepId: a, operationId: things, successCriteria: [{ context: $response.body, type: regex, condition: '(' }] }\n",
            "j.yaml:7:",
            "literally",
        ),
        (
            "  - { stepId: a, operationId: things, successCriteria: [{ context: $response.body, type: jsonpath, condition: '$[' }] }\n",
            "j.yaml:7:",
            "write for example",
        ),
        ("    []\n", "j.yaml:7:", "give it a step"),
    ] {
        let said = journey("api.yaml", steps);
        assert!(
            said.contains(place) && said.contains(hint),
            "{steps}: {said}"
        );
    }
}

fn a_step_that_only_goes_to_itself_is_found_before_anything_is_sent(runtime: Runtime) {
    let system = two(runtime, "");
    let write = |name: &str, text: &str| std::fs::write(system.directory.join(name), text).unwrap();
    write(
        "api.yaml",
        "openapi: 3.0.3\ninfo: { title: t, version: '1' }\npaths: { /: { get: { operationId: look, responses: {} } } }\n",
    );
    let head = "arazzo: 1.0.1\ninfo: { title: t, version: '1' }\nsourceDescriptions: [{ name: s, url: api.yaml }]\nworkflows:\n- workflowId: w\n  steps:\n";
    write(
        "j.yaml",
        &format!(
            "{head}  - stepId: a\n    operationId: look\n  - stepId: b\n    operationId: look\n    onSuccess: [{{ name: g, type: goto, stepId: a }}]\n"
        ),
    );
    let path = system.directory.join("j.yaml").display().to_string();
    let words = ["journey", "run", &path, "--url", "http://127.0.0.1:1"];
    says(
        &system,
        &words,
        4,
        &["j.yaml:11:17", "without end: `a` -> `b` -> `a`", "criteria"],
    );
}

fn what_a_fault_holds_down_is_told_with_the_command_that_does(runtime: Runtime) {
    let system = two(runtime, "");
    system.up();
    let release = system.directory.join("release").display().to_string();
    let wait = format!("while [ ! -e {release} ]; do sleep 0.05; done");
    let killing = system.start(&["chaos", "kill", "back", "--", "sh", "-c", &wait]);
    let health = || {
        let ps = system.ps();
        let all = ps["instances"].as_array().unwrap().clone();
        let back = all.into_iter().find(|it| it["service"] == "back").unwrap();
        back["health"].as_str().unwrap().to_owned()
    };
    until("back to be down", || {
        (health() == "held down").then_some(())
    });
    let by = format!(
        "chaos kill back -- sh -c '{wait}'` (process {})",
        killing.pid()
    );
    let again = ["chaos", "kill", "back"];
    let said = says(
        &system,
        &again,
        5,
        &["back is held down already, by `msvc", &by],
    );
    assert!(
        !said.contains("FAILED") && !said.contains("again:"),
        "{said}"
    );
    let up = system.run(&["up", "-d"]).expect(0).stdout;
    assert!(
        up.contains("back is held down by `msvc") && up.contains(&by),
        "{up}"
    );
    // It did not start it.
    assert_eq!(health(), "held down");
    std::fs::write(&release, "").unwrap();
    // Nobody called it meanwhile.
    killing.finish().expect(5);
    assert_eq!(health(), "ready");
}

fn commands_that_are_named_choose_the_same_system(runtime: Runtime) {
    let system = two(runtime, "");
    // The tests choose it by its folder and its name.
    let chosen = format!(
        "`msvc -C {} -p {}",
        system.directory.display(),
        system.project
    );
    let none = system.run(&["logs"]).expect(0);
    assert_eq!(none.stdout, "");
    let hint = format!("{chosen} up -d` boots it");
    assert!(none.stderr.contains(&hint), "{}", none.stderr);

    system.up();
    // It has no restart policy: it stays down.
    let killed = system.run(&["chaos", "kill", "front"]).expect(1);
    // Long lines are broken.
    let words: Vec<&str> = killed.stderr.split_whitespace().collect();
    let said = words.join(" ");
    assert!(said.contains(&format!("{chosen} up` brings")), "{said}");
    assert!(!said.contains("`msvc up`"), "{said}");
}
