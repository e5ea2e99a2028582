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

use support::{Runtime, System, runs};

support::in_both! {
    a_compose_file_that_is_missing_malformed_or_empty_is_told_with_its_place,
    an_unknown_service_is_wrong_usage_and_the_nearest_is_offered,
    a_published_port_that_is_taken_names_the_owner,
    a_port_of_the_host_that_two_services_want_is_told_with_both_places,
    a_service_that_dies_at_once_shows_its_last_words,
    a_service_that_cannot_be_asked_and_dies_at_once_is_not_up,
    a_service_that_is_started_again_and_again_is_not_up,
    a_job_that_has_done_its_work_is_as_good_as_up,
    a_service_that_dies_while_others_get_ready_is_not_up,
    a_service_that_never_gets_ready_shows_its_last_lines_and_what_its_probe_said,
    who_is_still_waited_for_when_the_time_is_over_is_named_with_its_last_lines,
    an_unknown_edge_or_journey_is_wrong_usage_and_the_nearest_is_offered,
    an_unknown_edge_is_told_also_while_nothing_runs,
    places_are_named_from_where_one_stands,
    a_file_broken_while_the_system_runs_leaves_what_runs_alone,
    wrong_flags_are_wrong_usage,
    a_build_that_fails_shows_its_own_message,
    a_broken_journey_or_pact_is_told_with_its_place,
    a_pact_or_journey_that_matches_nothing_is_inconclusive_or_told,
}

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
    assert_eq!(system.left(), Vec::<String>::new());
}

const PYTHON: &str = "import http.server,os; http.server.HTTPServer(('',int(os.environ['PORT'])),http.server.SimpleHTTPRequestHandler).serve_forever()";

fn one_service(runtime: Runtime, more: &str) -> System {
    let web = runs(&format!(r#"["python3", "-c", "{PYTHON}"]"#), "port: PORT,");
    System::compose(&format!(
        "services:\n  web:\n    environment: {{ PORT: \"9100\" }}\n    expose: [\"9100\"]\n{web}{more}"
    ))
    .on(runtime)
}

fn a_compose_file_that_is_missing_malformed_or_empty_is_told_with_its_place(runtime: Runtime) {
    let empty = System::compose("").on(runtime);
    refused(&empty, &["up", "-d"], 4, &["compose.yaml:1:1", "fill it"]);
    let malformed = System::compose("services:\n  web: [\n").on(runtime);
    refused(&malformed, &["up", "-d"], 4, &["compose.yaml:"]);
    let typo = System::compose("services:\n  web:\n    imag: x\n").on(runtime);
    refused(&typo, &["up", "-d"], 4, &["compose.yaml:3:5", "`image`"]);
    let missing = System::compose("services: {}\n").on(runtime);
    std::fs::remove_file(missing.directory.join("compose.yaml")).unwrap();
    let done = missing.run(&["up", "-d"]).expect(4);
    assert!(done.stderr.contains("no Compose file"), "{}", done.stderr);
}

fn an_unknown_service_is_wrong_usage_and_the_nearest_is_offered(runtime: Runtime) {
    let system = one_service(runtime, "");
    refused(
        &system,
        &["up", "-d", "wbe"],
        2,
        &["`wbe`", "did you mean `web`?"],
    );
    refused(&system, &["logs", "wbe"], 2, &["did you mean `web`?"]);
    refused(&system, &["up", "--wrong"], 2, &["--wrong"]);
}

fn a_published_port_that_is_taken_names_the_owner(runtime: Runtime) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let system = one_service(runtime, &format!("    ports: [\"{port}:9100\"]\n"));
    let me = std::process::id().to_string();
    refused(
        &system,
        &["up", "-d"],
        3,
        &[&format!(":{port} is taken"), &me],
    );
}

fn a_port_of_the_host_that_two_services_want_is_told_with_both_places(runtime: Runtime) {
    let web = runs(r#"["sleep", "600"]"#, "port: PORT,");
    let other = "  other:\n    image: x\n    ports: [\"28490:80\"]\n    environment: { PORT: \"80\" }\n    x-msvc: { process: { port: PORT, command: [sleep, \"600\"] } }\n";
    let system = System::compose(&format!(
        "services:\n{other}  web:\n    ports: [\"28490:81\"]\n    environment: {{ PORT: \"81\" }}\n{web}"
    ))
    .on(runtime);
    refused(
        &system,
        &["up", "-d"],
        4,
        &[
            "compose.yaml:8:13",
            "the host's port 28490 is published for other too",
            "compose.yaml:4:13",
        ],
    );
}

fn a_service_that_dies_at_once_shows_its_last_words(runtime: Runtime) {
    // Its healthcheck never passes, so that no probe can come in before it is dead.
    let sick = runs(r#"["sh", "-c", "echo last words; exit 7"]"#, "");
    let probe = r#"{ test: ["CMD", "false"], interval: 100ms, start_period: 60s }"#;
    let system = System::compose(&format!(
        "services:\n  sick:\n{sick}    healthcheck: {probe}\n"
    ))
    .on(runtime);
    refused(
        &system,
        &["up", "-d"],
        1,
        &["last words", "sick never became ready", "status 7"],
    );
    let logs = system.run(&["logs", "sick"]).expect(0);
    assert!(logs.stdout.contains("last words"), "{}", logs.stdout);
}

/// Services that can be asked nothing: `command` stands for a shell's.
fn unasked(runtime: Runtime, command: &str, more: &str) -> System {
    let worker = runs(&format!(r#"["sh", "-c", "{command}"]"#), "");
    System::compose(&format!("services:\n  worker:\n{worker}{more}")).on(runtime)
}

fn a_service_that_cannot_be_asked_and_dies_at_once_is_not_up(runtime: Runtime) {
    let system = unasked(runtime, "echo no such module; sleep 0.1; exit 3", "");
    refused(
        &system,
        &["up", "-d"],
        1,
        &["no such module", "worker never became ready", "status 3"],
    );
}

fn a_service_that_is_started_again_and_again_is_not_up(runtime: Runtime) {
    let system = unasked(runtime, "echo once more; exit 4", "    restart: always\n");
    refused(
        &system,
        &["up", "-d"],
        1,
        &["once more", "worker never became ready", "in a row"],
    );
}

fn a_job_that_has_done_its_work_is_as_good_as_up(runtime: Runtime) {
    let system = unasked(runtime, "echo done", "");
    system.up();
    assert_eq!(system.ps()["instances"][0]["health"], "exited");
    // Twice changes nothing: the job is not done again.
    system.run(&["up", "-d"]).expect(0);
    let logs = system.run(&["logs", "worker"]).expect(0);
    assert_eq!(logs.stdout.matches("done").count(), 1, "{}", logs.stdout);
}

fn a_service_that_dies_while_others_get_ready_is_not_up(runtime: Runtime) {
    // The first is healthy at once and dies when it is told to; the second gets ready only once the
    // first is seen to be dead.
    let brief = runs(
        r#"["sh", "-c", "echo farewell; while [ ! -e /gate/die ]; do sleep 0.01; done; exit 5"]"#,
        "",
    );
    let late = runs(r#"["sleep", "600"]"#, "");
    let system = System::compose(&format!(
        "services:\n\
         \x20 brief:\n{brief}    volumes: [\"./gate:/gate\"]\n    healthcheck: {{ test: [\"CMD\", \"true\"], interval: 100ms }}\n\
         \x20 late:\n{late}    volumes: [\"./gate:/gate\"]\n    depends_on: {{ brief: {{ condition: service_healthy }} }}\n    healthcheck: {{ test: [\"CMD\", \"test\", \"-e\", \"/gate/dead\"], interval: 100ms, retries: 6000 }}\n"
    ))
    .on(runtime);
    let gate = system.directory.join("gate");
    std::fs::create_dir(&gate).unwrap();
    let up = system.start(&["up", "-d"]);
    let until_it_is = |service: &str, fits: fn(&str) -> bool| {
        support::until(service, || {
            let ps = system.ps();
            let mut all = ps["instances"].as_array()?.iter();
            let health = all.find(|it| it["service"] == service)?["health"].as_str()?;
            fits(health).then_some(())
        });
    };
    until_it_is("late", |health| health == "starting");
    std::fs::write(gate.join("die"), "").unwrap();
    until_it_is("brief", |health| health == "exited");
    std::fs::write(gate.join("dead"), "").unwrap();
    let done = up.finish().expect(1);
    for words in ["farewell", "brief never became ready", "status 5"] {
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
    assert_eq!(system.left(), Vec::<String>::new());
}

fn a_service_that_never_gets_ready_shows_its_last_lines_and_what_its_probe_said(runtime: Runtime) {
    let web = runs(
        r#"["sh", "-c", "echo waiting for the tide; exec sleep 600"]"#,
        "",
    );
    let probe = r#"{ test: ["CMD", "sh", "-c", "echo not today; exit 1"], interval: 200ms, retries: 3, start_period: 0s }"#;
    let system = System::compose(&format!(
        "services:\n  web:\n{web}    healthcheck: {probe}\n"
    ))
    .on(runtime);
    refused(
        &system,
        &["up", "-d"],
        1,
        &[
            "web never became ready",
            "not today",
            "waiting for the tide",
        ],
    );
}

fn who_is_still_waited_for_when_the_time_is_over_is_named_with_its_last_lines(runtime: Runtime) {
    let seed = runs(r#"["sh", "-c", "echo half done; exec sleep 600"]"#, "");
    let web = runs(r#"["sleep", "600"]"#, "");
    let system = System::compose(&format!(
        "services:\n  seed:\n{seed}  web:\n{web}    depends_on: {{ seed: {{ condition: service_completed_successfully }} }}\n"
    ))
    .on(runtime);
    // Enough for it to be started on a busy machine; its end is not waited for.
    let (limit, shown) = match runtime {
        Runtime::Processes => ("10s", "not up within 10s: seed has not ended"),
        Runtime::Containers => ("30s", "not up within 30s: seed has not ended"),
    };
    let up = ["up", "-d", "--timeout", limit];
    refused(
        &system,
        &up,
        1,
        &["half done", shown, "`--timeout`", "logs seed`"],
    );
}

fn an_unknown_edge_or_journey_is_wrong_usage_and_the_nearest_is_offered(runtime: Runtime) {
    let system = one_service(
        runtime,
        "    ports: [\"9100\"]\nx-msvc: { journeys: [{ name: visit, command: [\"true\"] }] }\n",
    );
    system.up();
    let delay = |edge| {
        let words = ["chaos", "inject", "latency", "--edge", edge, "--delay"];
        let done = system.run(&[&words[..], &["1ms", "--", "true"]].concat());
        done.expect(2).stderr
    };
    let said = delay("@client->wbe");
    assert!(
        said.contains("client->wbe") && said.contains("client->web:9100"),
        "{said}"
    );
    let said = delay("web->wen");
    assert!(said.contains("web->wen"), "{said}");
    let done = system.run(&["journey", "run", "vist"]).expect(2);
    assert!(
        done.stderr.contains("did you mean `visit`?"),
        "{}",
        done.stderr
    );
    let done = system.run(&["chaos", "kill", "wbe"]).expect(2);
    assert!(
        done.stderr.contains("did you mean `web`?"),
        "{}",
        done.stderr
    );
    // None of it touched what runs.
    assert_eq!(system.ps()["instances"][0]["health"], "ready");
    assert_eq!(system.ps()["instances"][0]["restarts"], 0);
}

fn an_unknown_edge_is_told_also_while_nothing_runs(runtime: Runtime) {
    let system = one_service(runtime, "    ports: [\"9100\"]\n");
    let latency = ["chaos", "inject", "latency", "--delay", "1ms", "--edge"];
    let unknown = [&latency[..], &["client->wbe", "--", "true"]].concat();
    refused(&system, &unknown, 2, &["did you mean `client->web:9100`?"]);
    let known = [&latency[..], &["client->web", "--", "true"]].concat();
    refused(&system, &known, 5, &["is not running", " up -d`"]);
}

fn places_are_named_from_where_one_stands(runtime: Runtime) {
    let system = System::compose("services:\n  web:\n    imag: x\n").on(runtime);
    let above = system.directory.parent().unwrap();
    let name = system.directory.file_name().unwrap().to_str().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_msvc"));
    command.current_dir(above).args(["-C", name, "up"]);
    let done = support::finish(command).expect(4);
    let place = format!("error: {name}/compose.yaml:3:5: ");
    assert!(done.stderr.contains(&place), "{}", done.stderr);
}

fn a_file_broken_while_the_system_runs_leaves_what_runs_alone(runtime: Runtime) {
    let system = one_service(runtime, "");
    system.up();
    let before = system.ps()["instances"][0]["pid"].clone();
    let file = system.directory.join("compose.yaml");
    let text = support::read(&file);
    std::fs::write(&file, "services:\n  web: [\n").unwrap();
    system.run(&["up", "-d"]).expect(4);
    std::fs::write(&file, text).unwrap();
    assert_eq!(system.ps()["instances"][0]["pid"], before);
}

fn wrong_flags_are_wrong_usage(runtime: Runtime) {
    let system = System::compose("services: {}\n").on(runtime);
    for (line, said) in [
        ("upp", "'up'"),
        ("up --timeout 5", "5sec"),
        ("ps --format yaml", "json"),
        ("chaos inject latency --edge orders --delay 1s", "orders"),
        ("chaos inject latency --edge a->b --delay 0s", "1ms or more"),
        (
            "chaos inject latency --edge a->b --delay 2days",
            "a day at most",
        ),
        ("chaos kill web --down 1s -- true", "--down"),
        ("journey run -i quantity", "KEY=VALUE"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        refused(&system, &words, 2, &[said]);
    }
}

fn a_build_that_fails_shows_its_own_message(runtime: Runtime) {
    let system = System::compose(
        "services:\n  web:\n    image: msvc-tests-cross\n    build: { context: ., args: { TOOLS: \"${TOOLS}\" } }\n    x-msvc: { process: { build: [\"sh\", \"./build\"], command: [\"true\"] } }\n",
    )
    .on(runtime);
    let write = |file: &str, text: &str| std::fs::write(system.directory.join(file), text).unwrap();
    write("build", "echo the compiler is cross >&2; exit 1\n");
    let dockerfile = "ARG TOOLS\nFROM $TOOLS\nCOPY build /\nRUN [\"sh\", \"/build\"]\n";
    write("Dockerfile", dockerfile);
    refused(
        &system,
        &["up", "-d"],
        1,
        &["the compiler is cross", "the build of"],
    );
}

fn a_broken_journey_or_pact_is_told_with_its_place(runtime: Runtime) {
    let system = System::compose(
        "services: { web: { image: x } }\nx-msvc: { journeys: [j.arazzo.yaml], contracts: pacts }\n",
    ).on(runtime);
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

fn a_pact_or_journey_that_matches_nothing_is_inconclusive_or_told(runtime: Runtime) {
    let system = one_service(runtime, "x-msvc: { contracts: pacts }\n");
    let pacts = system.directory.join("pacts");
    std::fs::create_dir(&pacts).unwrap();
    refused(&system, &["contract", "verify"], 4, &["no pact file in"]);
    std::fs::write(
        pacts.join("a-web.json"),
        r#"{"consumer": {"name": "a"}, "provider": {"name": "web"}, "interactions": [{"description": "a visit", "request": {"method": "GET", "path": "/"}, "response": {"status": 200}}], "metadata": {"pactSpecification": {"version": "3.0.0"}}}"#,
    )
    .unwrap();
    let verify = ["contract", "verify"];
    for (flag, name, code, there) in [
        ("--provider", "wbe", 2, "did you mean `web`?"),
        ("--consumer", "nobody", 2, "there are: a, web"),
        ("--consumer", "web", 5, "there is: a"),
        ("--interaction", "nobody", 5, "there is: a visit"),
    ] {
        let words = [&verify[..], &[flag, name]].concat();
        refused(&system, &words, code, &[&format!("`{name}`"), there]);
    }
    let absent = [&verify[..], &["absent.json"]].concat();
    refused(&system, &absent, 4, &["absent.json"]);
    let none = ["journey", "run", "absent.arazzo.yaml"];
    refused(&system, &none, 4, &["absent.arazzo.yaml"]);
}
