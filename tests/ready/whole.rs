//! A repository in which every check is ready, and what becomes of it when one thing in it changes.

use std::collections::BTreeMap;

use crate::support::repository::Repository;

/// Files by path.
pub type Files = BTreeMap<String, String>;

/// A change: what it is called, how the check then stands, and what it does to the files.
pub type Change = (&'static str, &'static str, fn(&mut Files));

const SOURCE: &str = "import structlog
from opentelemetry import trace
from kafka import KafkaConsumer, KafkaProducer

producer = KafkaProducer()
producer.send('placed', b'1')
for record in KafkaConsumer('placed'):
    print(record)
";

pub const COMPOSE: &str = "services:
  gateway: {image: 'traefik:3', ports: ['80:80'], depends_on: [orders, users]}
  kafka: {image: 'apache/kafka:3'}
  collector: {image: 'otel/opentelemetry-collector:1'}
  orders:
    build: ./orders
    environment: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317'}
    labels: ['traefik.http.routers.orders.rule=PathPrefix(`/orders`)']
    healthcheck: {test: [CMD, 'true']}
  users:
    build: ./users
    environment: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317'}
    labels: ['traefik.http.routers.users.rule=PathPrefix(`/users`)']
    healthcheck: {test: [CMD, 'true']}
";

/// The files of the whole.
pub fn files() -> Files {
    let words = "Look at the alert, find the part, roll it back, then tell everybody. ".repeat(6);
    let mut files = Files::new();
    for part in ["orders", "users"] {
        files.insert(format!("{part}/app.py"), SOURCE.to_owned());
    }
    for (path, text) in [
        ("CODEOWNERS", "/orders/ @shop\n/users/ @accounts\n"),
        ("docs/runbook.md", &format!("# When it breaks\n{words}\n")),
        (
            "deploy/alerts.yaml",
            "groups:\n  - rules:\n      - alert: Down\n        expr: up == 0\n",
        ),
        ("compose.yaml", COMPOSE),
    ] {
        files.insert(path.to_owned(), text.to_owned());
    }
    workflows(
        &mut files,
        "",
        "- run: docker build -t r/PART PART && docker push r/PART",
    );
    files
}

/// Gives each part a workflow of this job's settings and steps, `PART` being its name.
pub fn workflows(files: &mut Files, job: &str, steps: &str) {
    triggered(files, "push:\n    paths: ['PART/**']", job, steps);
}

/// The same with what starts it.
pub fn triggered(files: &mut Files, on: &str, job: &str, steps: &str) {
    for part in ["orders", "users"] {
        let text = format!(
            "on:\n  {on}\njobs:\n  all:\n    runs-on: x\n{job}    steps:\n      {}\n",
            steps.replace('\n', "\n      ")
        );
        let path = format!(".github/workflows/{part}.yml");
        files.insert(path, text.replace("PART", part));
    }
}

/// Replaces a text in the Compose file, in which it must stand.
pub fn compose(files: &mut Files, from: &str, to: &str) {
    let file = files.get_mut("compose.yaml").unwrap();
    assert!(file.contains(from), "no `{from}` in {file}");
    *file = file.replace(from, to);
}

/// Takes a line out of the Compose file.
pub fn without(files: &mut Files, line: &str) {
    let file = files.get_mut("compose.yaml").unwrap();
    assert!(file.contains(line), "no `{line}` in {file}");
    let kept = file.lines().filter(|it| !it.contains(line));
    *file = kept.map(|it| format!("{it}\n")).collect();
}

/// Writes a file.
pub fn write(files: &mut Files, path: &str, text: &str) {
    files.insert(path.to_owned(), text.to_owned());
}

/// Writes the same source into both parts.
pub fn source(files: &mut Files, text: &str) {
    for part in ["orders", "users"] {
        files.insert(format!("{part}/app.py"), text.to_owned());
    }
}

/// Puts these files into a repository, and nothing else.
pub fn put(repository: &Repository, files: &Files) {
    for entry in std::fs::read_dir(repository.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") {
        } else if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.git(&["add", "-A"], "ann");
}

/// Looks how a check stands after each change.
#[track_caller]
pub fn each(check: &str, changes: &[Change]) {
    let mut repository = Repository::new();
    if check == "team-alignment" {
        repository.changes(30, &["orders"], &["ann", "ben"]);
        repository.changes(30, &["users"], &["cay", "dan"]);
    }
    let mut wrong = Vec::new();
    for (name, wanted, change) in changes {
        let mut files = files();
        change(&mut files);
        put(&repository, &files);
        let standing = repository.standings()[check].clone();
        if standing != *wanted {
            wrong.push(format!("{name}: {standing}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{check}\n{}", wrong.join("\n"));
}
