//! `msvc config` beside `docker compose config`, both asked for the same JSON of the same files, in
//! turn, each whole process from its start to its end; prints both medians and their ratio.
//!
//!     cargo bench --bench config --profile dev
//!     cargo bench --bench config --profile dev -- built    takes the release that is built
//!     cargo bench --bench config --profile dev -- PATH     takes another msvc
//!
//! Docker Compose 2.40 is the one that `MSVC_BENCH_COMPOSE` names, else it is had by
//! `.ci/docker-compose` into this benchmark's folder. It is run by itself: `docker` before it would
//! add its own start to its time.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement prints and may fail loudly"
)]

mod release;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A project, how often it is read by each, and the limit that is wanted.
struct Case {
    name: &'static str,
    text: String,
    rounds: usize,
    limit: Duration,
}

/// 20 services as people write them.
fn twenty() -> String {
    let mut text = String::from("name: twenty\nservices:\n");
    for number in 0..20 {
        write!(
            text,
            "  service{number}:
    image: registry.example/team/service{number}:${{TAG:-latest}}
    restart: unless-stopped
    environment:
      LOG_LEVEL: ${{LOG_LEVEL:-info}}
      DATABASE_URL: postgres://app@database{number}:5432/app
      FEATURES: 'a,b,c'
    ports: ['127.0.0.1:{host}:8080']
    volumes: ['data{number}:/var/lib/app', './etc:/etc/app:ro']
    networks: [front, back]
    healthcheck:
      test: ['CMD', 'wget', '-q', 'http://localhost:8080/healthz']
      interval: 10s
      timeout: 3s
      retries: 5
    deploy: {{ resources: {{ limits: {{ cpus: '0.5', memory: 128M }} }} }}
",
            host = 18_000 + number,
        )
        .unwrap();
        if number > 0 {
            let before = number - 1;
            writeln!(
                text,
                "    depends_on:\n      service{before}: {{ condition: service_healthy }}"
            )
            .unwrap();
        }
    }
    text.push_str("networks: { front: {}, back: { internal: true } }\nvolumes:\n");
    for number in 0..20 {
        writeln!(text, "  data{number}: {{}}").unwrap();
    }
    text
}

/// 1,000 services with 5 edges each: to three of ten they wait for, to two they call by an address;
/// the ten call five. No service waits for one that waits: Docker Compose walks each way through
/// `depends_on` anew, and where three ways part at each of many levels it does not come to an end.
fn thousand() -> String {
    const SERVICES: usize = 1_000;
    const WAITED_FOR: usize = 10;
    let mut text = String::from("name: thousand\nservices:\n");
    for number in 0..SERVICES {
        let other = |step: usize| (number + step) % SERVICES;
        write!(
            text,
            "  s{number}:
    image: registry.example/team/s{number}:1
    ports: ['8080']
    environment:
      PORT: '8080'
      ONE_URL: http://s{one}:8080/v1
      OTHER_URL: http://s{two}:8080/v1
",
            one = other(1),
            two = other(2),
        )
        .unwrap();
        if number < WAITED_FOR {
            for step in 3..6 {
                writeln!(text, "      URL_{step}: http://s{}:8080/", other(step)).unwrap();
            }
            continue;
        }
        let names = [0, 3, 7].map(|step| format!("s{}", (number + step) % WAITED_FOR));
        writeln!(text, "    depends_on: [{}]", names.join(", ")).unwrap();
    }
    text
}

/// Docker Compose 2.40, where it can be had.
fn compose() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("MSVC_BENCH_COMPOSE") {
        return Some(PathBuf::from(given));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compose-2.40");
    let program = folder.join("docker-compose");
    if !program.exists() {
        let script = release::root().join(".ci/docker-compose");
        let had = Command::new(script).arg(&folder).status().unwrap();
        if !had.success() {
            return None;
        }
    }
    Some(program)
}

/// Runs it to its end; how long it took, and what it printed.
fn timed(program: &Path, folder: &Path, words: &[&str]) -> (Duration, Vec<u8>) {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder);
    command.stdin(Stdio::null()).env("NO_COLOR", "1");
    let since = Instant::now();
    let ended = command.output().unwrap();
    let took = since.elapsed();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{program:?} {words:?}: {said}");
    (took, ended.stdout)
}

fn median(took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn measure(case: &Case, msvc: &Path, compose: Option<&Path>) {
    const ASKED: [&str; 3] = ["config", "--format", "json"];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("compose.yaml"), &case.text).unwrap();
    let edges = timed(msvc, folder, &["config", "--edges", "--format", "json"]).1;
    let edges: Value = serde_json::from_slice(&edges).unwrap();
    let edges = edges["edges"].as_array().unwrap().len();
    let document = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    if let Some(compose) = compose {
        let ours = document(&timed(msvc, folder, &ASKED).1);
        let theirs = document(&timed(compose, folder, &ASKED).1);
        assert!(ours == theirs, "{}: they print the same", case.name);
    }
    let (mut ours, mut theirs, mut bare, mut shown) = (vec![], vec![], vec![], vec![]);
    for round in 0..case.rounds {
        // Whoever comes first has no advantage.
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                ours.push(timed(msvc, folder, &ASKED).0);
            } else if let Some(compose) = compose {
                theirs.push(timed(compose, folder, &ASKED).0);
            }
        }
        bare.push(timed(msvc, folder, &["--version"]).0);
        shown.push(timed(msvc, folder, &["config", "--edges"]).0);
    }
    println!(
        "{}, {edges} edges: msvc config {:.1} ms (best {:.1}; wanted below {:.0}), --edges {:.1} ms, \
         msvc --version {:.1} ms",
        case.name,
        milliseconds(median(&mut ours)),
        milliseconds(ours[0]),
        milliseconds(case.limit),
        milliseconds(median(&mut shown)),
        milliseconds(median(&mut bare)),
    );
    if compose.is_some() {
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        println!(
            "{}: docker compose config {:.1} ms, {:.1} times msvc's (wanted: at least 5)",
            case.name,
            milliseconds(theirs),
            theirs.as_secs_f64() / ours.as_secs_f64(),
        );
    }
}

fn main() {
    let msvc = release::program();
    let compose = compose();
    match &compose {
        Some(compose) => {
            let version = timed(compose, Path::new("."), &["version"]).1;
            print!("{}", String::from_utf8_lossy(&version));
        }
        None => println!("Docker Compose 2.40 is not to be had here: msvc is measured alone"),
    }
    for case in [
        Case {
            name: "20 services",
            text: twenty(),
            rounds: 41,
            limit: Duration::from_millis(10),
        },
        Case {
            name: "1,000 services",
            text: thousand(),
            rounds: 11,
            limit: Duration::from_millis(200),
        },
    ] {
        measure(&case, &msvc, compose.as_deref());
    }
}
