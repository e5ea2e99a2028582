//! The checklist over repositories that the tests make: what each check needs, and what it takes
//! for nothing.

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

use support::repository::{Repository, ready};
use support::{beside, finish, until};

#[test]
fn folders_that_always_change_together_and_folders_that_never_do_get_different_answers() {
    let mut welded = Repository::new();
    welded.changes(60, &["orders", "users"], &["ann", "ben", "cay"]);
    let said = welded.ready(&[]).expect(1).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Bounded contexts are identified and stable: not ready"),
        "{said}"
    );
    assert!(
        said.contains("orders and users change together in 60 commits (100 % of their own)"),
        "{said}"
    );
    assert!(
        said.contains("Teams are aligned to service boundaries: not ready"),
        "{said}"
    );

    let mut apart = Repository::new();
    apart.changes(30, &["orders"], &["ann", "ben"]);
    apart.changes(30, &["users"], &["cay", "dan"]);
    let said = apart.ready(&[]).expect(1).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Bounded contexts are identified and stable: ready"),
        "{said}"
    );
    assert!(
        said.contains("0 of 60 usable commits touch several contexts"),
        "{said}"
    );
    assert!(
        said.contains("Teams are aligned to service boundaries: partly"),
        "{said}"
    );
    assert!(said.contains("write the owners down"), "{said}");
}

#[test]
fn commits_of_one_file_each_cannot_tell_whether_boundaries_hold() {
    let mut repository = Repository::new();
    for folder in ["orders", "users"] {
        repository.changes_of(30, &[folder], &["ann"], &["main.py"]);
    }
    assert_eq!(repository.standings()["bounded-contexts"], "inconclusive");
}

#[test]
fn a_short_history_is_inconclusive_with_its_reason_and_never_ready() {
    let mut repository = Repository::new();
    repository.changes(49, &["orders"], &["ann"]);
    repository.write("users/main.py", "print(1)\n");
    repository.git(&["add", "-A"], "ann");
    repository.git(&["commit", "-q", "-m", "Bump a from 1 to 2"], "ann");
    let standings = repository.standings();
    assert_eq!(standings["bounded-contexts"], "inconclusive");
    assert_eq!(standings["team-alignment"], "inconclusive");
    let said = repository.ready(&[]).expect(1).stdout;
    assert!(
        said.contains("49 of 50 commits are usable, below 50"),
        "{said}"
    );
}

#[test]
fn files_that_are_there_but_empty_or_unused_prove_nothing() {
    let mut repository = Repository::new();
    repository.write("orders/main.py", "print('orders')\n");
    repository.write("users/main.py", "print('users')\n");
    repository.write(".github/workflows/ci.yml", "# later\n");
    repository.write("CODEOWNERS", "# nobody yet\n");
    repository.write("docs/runbook.md", "# Runbook\n");
    repository.write("docs/adr/1-gateway.md", "# A gateway\n");
    repository.write(
        "compose.yaml",
        "services:
  kafka: {image: 'apache/kafka:3'}
  jaeger: {image: 'jaegertracing/jaeger:2'}
  nginx: {image: 'nginx:1', ports: ['80:80']}
  orders: {build: ./orders}
  users: {build: ./users}
",
    );
    repository.commit("ann");
    repository.changes(60, &["orders", "users"], &["ann", "ben", "cay"]);
    let standings = repository.standings();
    for check in [
        "bounded-contexts",
        "independent-delivery",
        "observability",
        "api-gateway",
        "message-broker",
        "team-alignment",
        "operational-overhead",
    ] {
        assert_eq!(standings[check], "not-ready", "{check} in {standings:#}");
    }
    let said = repository.ready(&[]).expect(1).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for why in [
        "this pipeline has no steps",
        "no part's source sends it anything",
        "nginx stands there and leads to no service",
        "nothing in the source sends to it or reads from it",
        "this file names nobody",
        "is called a runbook and says nothing",
    ] {
        assert!(said.contains(why), "no `{why}` in {said}");
    }
}

#[test]
fn a_pipeline_delivers_where_a_step_of_its_really_does() {
    let mut repository = Repository::new();
    repository.write("orders/main.py", "print('orders')\n");
    repository.write("users/main.py", "print('users')\n");
    let write = |repository: &Repository, event: &str, step: &str| {
        for part in ["orders", "users"] {
            let text = format!(
                "name: deploy\non:\n  {event}:\n    paths: ['{part}/**']\njobs:\n  deploy:\n    runs-on: x\n    steps:\n      - {step}\n"
            );
            repository.write(&format!(".github/workflows/{part}.yml"), &text);
        }
    };
    let idle = "nothing runs in this pipeline";
    for (event, step, standing, why) in [
        (
            "push",
            "run: docker push reg/x",
            "ready",
            "a pipeline delivers",
        ),
        ("push", "run: 'echo docker push'", "not-ready", idle),
        ("push", "run: '# docker push reg/x'", "not-ready", idle),
        (
            "push",
            "run: 'true || kubectl apply -f x'",
            "not-ready",
            idle,
        ),
        (
            "push",
            "{ run: docker push x, if: false }",
            "not-ready",
            "is switched off",
        ),
        (
            "push",
            "{ run: echo hello, name: deploy to production }",
            "not-ready",
            idle,
        ),
        (
            "push",
            "run: cargo test",
            "partly",
            "no pipeline deploys or publishes anything",
        ),
        (
            "pull_request",
            "run: docker push x",
            "partly",
            "runs for pull requests alone",
        ),
    ] {
        write(&repository, event, step);
        repository.commit("ann");
        let standings = repository.standings();
        assert_eq!(
            standings["independent-delivery"], standing,
            "{event}: {step}"
        );
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(why), "no `{why}` in {said}");
    }
}

#[test]
fn reasons_are_true_of_what_is_there() {
    let mut repository = Repository::new();
    repository.write(".ci/licences.deny.toml", "[bans]\n");
    repository.write(".ci/run", "#!/bin/sh\ncargo test\n");
    repository.write(
        "compose.yaml",
        "services:\n  web: {build: ./img}\n  b: {build: {context: ./img}}\n  stock: {build: ./stock}\n",
    );
    repository.write("img/Dockerfile", "FROM scratch\n");
    let steps = "1. Look at the board.\n2. Run `kubectl rollout undo deploy/web`.\n3. Call Ann (+49 30 1234) when it stays red for ten minutes.\n";
    repository.write("docs/runbook.md", &format!("# When web is down\n\n{steps}"));
    repository.commit("ann");
    let said = |repository: &Repository| {
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let all = said(&repository);
    for (is_said, what) in [
        (false, "this pipeline has no steps"),
        (
            true,
            "a script for CI, which no pipeline of this repository calls",
        ),
        (false, "no builds in a Compose file"),
        (true, "these folders have no tracked source: img, stock"),
        (true, "says what to do when it breaks"),
    ] {
        assert_eq!(all.contains(what), is_said, "`{what}`: {all}");
    }
    repository.write(".github/workflows/x.yml", "on: [push\njobs\n");
    repository.write("compose.yaml", "services: [\n");
    repository.write("docs/runbook.md", "# When web is down\n\nCall Ann.\n");
    repository.commit("ann");
    let standings = repository.standings();
    assert_eq!(standings["independent-delivery"], "inconclusive");
    assert_eq!(standings["api-gateway"], "inconclusive");
    let all = said(&repository);
    for (is_said, what) in [
        (true, "this pipeline cannot be read"),
        (false, "no Compose file"),
        (true, "says 2 words beside headings, of 20 at least"),
    ] {
        assert_eq!(all.contains(what), is_said, "`{what}`: {all}");
    }
}

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
fn a_table_of_another_part_is_shared_in_whatever_words_it_is_used() {
    let mut repository = Repository::new();
    repository.write("orders/1.sql", "CREATE TABLE customers (\n  id int\n);\n");
    repository.write("orders/main.py", "print('orders')\n");
    repository.changes(30, &["orders"], &["ann"]);
    for (file, text) in [
        ("1.sql", "ALTER TABLE customers ADD COLUMN paid int;\n"),
        (
            "1.sql",
            "CREATE TABLE bills (\n  who int REFERENCES customers(id)\n);\n",
        ),
        ("q.py", "q = 'SELECT 1 FROM public.customers'\n"),
        ("q.py", "q = '''\nSELECT 1\nFROM\n  customers\n'''\n"),
        (
            "q.py",
            "class Customer(Base):\n    __tablename__ = \"customers\"\n",
        ),
    ] {
        repository.write(&format!("payments/{file}"), text);
        repository.commit("ann");
        let said = repository.ready(&["--fail-on", "never"]).expect(0).stdout;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let shared = "payments uses the table `customers`, which it shares";
        assert!(said.contains(shared), "{text}\n{said}");
        std::fs::remove_file(repository.path().join(format!("payments/{file}"))).unwrap();
    }
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
fn a_used_broker_is_known_by_the_words_of_many_clients() {
    let mut repository = Repository::new();
    repository.write(
        "compose.yaml",
        "services:\n  kafka: {image: 'apache/kafka:3'}\n",
    );
    repository.commit("ann");
    for (path, text) in [
        (
            "orders/main.py",
            "from confluent_kafka import Producer, Consumer\nc.subscribe([\"t\"])\n",
        ),
        (
            "orders/main.py",
            "from celery import Celery\n@app.task\ndef add(): pass\nadd.delay(1)\n",
        ),
        (
            "orders/Main.cs",
            "new ProducerBuilder<Null, string>(c).Build();\nnew ConsumerBuilder<Null, string>(c).Build();\n",
        ),
        (
            "orders/index.js",
            "await kafka.producer().send({});\nawait kafka.consumer().run({ eachMessage });\n",
        ),
    ] {
        repository.write(path, text);
        repository.commit("ann");
        let standings = repository.standings();
        assert_eq!(standings["message-broker"], "ready", "{text}");
        std::fs::remove_file(repository.path().join(path)).unwrap();
    }
    repository.write("orders/main.py", "import asyncio\ntask.delay(1)\n");
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "not-ready");
}

#[test]
fn a_broker_is_not_used_by_words_in_texts_or_outside_every_part() {
    let mut repository = Repository::new();
    repository.write(
        "compose.yaml",
        "services:\n  kafka: {image: 'apache/kafka:3'}\n  orders: {build: ./orders}\n",
    );
    repository.write("orders/Dockerfile", "FROM scratch\n");
    repository.commit("ann");
    for (path, text) in [
        (
            "orders/known.go",
            "package a\nvar known = []string{\"KafkaProducer\", \"KafkaConsumer\"}\n",
        ),
        (
            "orders/main.py",
            "def a():\n    \"\"\"\n    KafkaProducer\n    KafkaConsumer\n    \"\"\"\n",
        ),
        (
            "orders/main.py",
            "print(\"no KafkaProducer and no KafkaConsumer here\")\n",
        ),
        (
            "tools/m.py",
            "from kafka import KafkaProducer, KafkaConsumer\n",
        ),
    ] {
        repository.write(path, text);
        repository.commit("ann");
        let standings = repository.standings();
        assert_eq!(standings["message-broker"], "not-ready", "{text}");
        std::fs::remove_file(repository.path().join(path)).unwrap();
    }
    let clients = "from kafka import KafkaProducer, KafkaConsumer\n";
    repository.write("orders/main.py", clients);
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "ready");
}

#[test]
fn redis_and_masstransit_are_brokers_where_the_source_publishes_and_scripts_are_no_pipelines() {
    let mut repository = Repository::new();
    let compose = "services:\n  cache: {image: 'redis:7'}\n";
    repository.write("compose.yaml", compose);
    repository.write(".ci/release", "#!/usr/bin/env bash\necho 1\n");
    repository.write("orders/a.py", "import redis\nr.get(\"a\")\n");
    repository.commit("ann");
    let said = repository.ready(&[]).expect(1).stdout;
    assert!(!said.contains("this pipeline has no steps"), "{said}");
    assert_eq!(repository.standings()["message-broker"], "not-ready");
    let text = "import redis\nr.publish(\"a\", 1)\np = r.pubsub()\np.subscribe(\"a\")\n";
    repository.write("orders/a.py", text);
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "ready");
    let compose = "services:\n  queue: {image: 'rabbitmq:3'}\n";
    repository.write("compose.yaml", compose);
    repository.write("orders/a.py", "import os\n");
    let text = "using MassTransit;\nx.UsingRabbitMq();\nawait bus.Publish(new A());\nclass R : IConsumer<A> {}\n";
    repository.write("orders/A.cs", text);
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "ready");
}

#[test]
fn what_is_there_and_used_is_ready_and_the_code_says_so() {
    let mut repository = Repository::new();
    let parts = ["orders", "users"];
    for part in parts {
        repository.write(
            &format!("{part}/app.py"),
            "import structlog\nfrom opentelemetry import trace\nfrom kafka import KafkaProducer, KafkaConsumer\n",
        );
        repository.write(
            &format!(".github/workflows/{part}.yml"),
            &format!("on:\n  push:\n    paths: ['{part}/**']\njobs:\n  all:\n    steps:\n      - run: make deploy\n"),
        );
    }
    repository.write("Makefile", "deploy:\n\t@kubectl apply -f deploy\n");
    repository.write("CODEOWNERS", "/orders/ @shop\n/users/ @accounts\n");
    let words = "Look at the alert, find the part, roll it back, then tell everybody. ".repeat(6);
    repository.write("docs/runbook.md", &format!("# When it breaks\n{words}\n"));
    repository.write(
        "deploy/alerts.yaml",
        "groups:\n  - rules:\n      - alert: Down\n        expr: up == 0\n",
    );
    repository.write(
        "compose.yaml",
        "services:
  gateway: {image: 'traefik:3', ports: ['80:80'], depends_on: [orders, users]}
  kafka: {image: 'apache/kafka:3'}
  collector: {image: 'otel/opentelemetry-collector:1'}
  orders: {build: ./orders, healthcheck: {test: [CMD, 'true']}}
  users: {build: ./users, healthcheck: {test: [CMD, 'true']}}
",
    );
    repository.commit("ann");
    repository.changes(30, &["orders"], &["ann", "ben"]);
    repository.changes(30, &["users"], &["cay", "dan"]);
    let standings = repository.standings();
    for (check, standing) in standings.as_object().unwrap() {
        assert_eq!(standing, "ready", "{check} in {standings:#}");
    }
    let done = repository.ready(&[]).expect(0);
    // Four people: the question before the list is answered all the same, and does not decide.
    assert!(
        done.stdout
            .contains("Should you split at all? advised against"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout
            .trim_end()
            .ends_with("nothing is left to do before the first split")
    );
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
    repository.ready(&["--artifacts", folder]).expect(3);
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
