//! Public Compose files with one thing changed: what Docker Compose 2.40 refuses is refused, and what
//! it takes is taken.
//!
//! `refusals/changes.tsv` says of each file where what is put, and Docker Compose's verdict. The files
//! themselves are third-party data that is read in place; where they are absent the test says so and
//! passes. `MSVC_TESTS_COMPOSE=/path/to/docker-compose` asks Docker Compose anew and writes its
//! verdicts down.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail as loudly as it can"
)]

#[path = "support/public_corpus.rs"]
mod public_corpus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, resolve};
use msvc_system::problem::{Problems, Severity};
use public_corpus::corpus;
use serde_json::Value;

/// The changes, one a line: file, JSON pointer, value, verdict.
const CHANGES: &str = include_str!("refusals/changes.tsv");

/// Changes of which msvc thinks otherwise, with the reason.
const DISAGREE: &[(&str, &str)] = &[];

/// One change of a public file.
struct Change<'a> {
    file: &'a str,
    pointer: &'a str,
    value: &'a str,
    refused: bool,
}

impl<'a> Change<'a> {
    fn of(line: &'a str) -> Self {
        let cells: Vec<&str> = line.split('\t').collect();
        let [file, pointer, value, verdict] = cells[..] else {
            panic!("four cells in {line}");
        };
        Self {
            file,
            pointer,
            value,
            refused: verdict == "refused",
        }
    }

    /// The file below the projects of the corpus.
    fn path(&self) -> PathBuf {
        let mut parts = self.file.splitn(3, '/');
        let owner = parts.next().unwrap();
        let name = parts.next().unwrap();
        Path::new(&format!("{owner}+{name}")).join(parts.next().unwrap())
    }

    /// The file's text with the change in it, as JSON, which is YAML too.
    fn text(&self, projects: &Path) -> String {
        let written = std::fs::read_to_string(projects.join(self.path())).unwrap();
        let mut tree: serde_yaml::Value = serde_yaml::from_str(&written).unwrap();
        tree.apply_merge().unwrap();
        let mut tree = serde_json::to_value(tree).unwrap();
        let value: Value = serde_json::from_str(self.value).unwrap();
        put(&mut tree, self.pointer, value);
        tree.to_string()
    }
}

/// Puts a value where a pointer leads, making mappings on the way.
fn put(tree: &mut Value, pointer: &str, value: Value) {
    let mut at = tree;
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    for part in &parts {
        if !at.is_object() {
            *at = serde_json::json!({});
        }
        at = at
            .as_object_mut()
            .unwrap()
            .entry((*part).to_owned())
            .or_insert(Value::Null);
    }
    *at = value;
}

/// Why msvc refuses the file with that text in it, where it does.
fn refuses(file: &Path, text: &str) -> Option<Problems> {
    let request = LoadRequest {
        directory: file.parent().unwrap_or(Path::new("/")).to_path_buf(),
        files: vec![file.to_path_buf()],
        profiles: vec!["*".to_owned()],
        environment: BTreeMap::from([("HOME".to_owned(), "/HOME".to_owned())]),
        ..LoadRequest::default()
    };
    let (changed, text) = (file.to_path_buf(), text.as_bytes().to_vec());
    let files = Files::new(move |path, _| {
        if path == changed {
            Ok(text.clone())
        } else {
            std::fs::read(path)
        }
    });
    resolve(&request, &files).err()
}

/// Docker Compose's own verdict.
fn compose_refuses(compose: &Path, projects: &Path, change: &Change<'_>) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let repository = change
        .path()
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_owned();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(projects.join(&repository))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    let file = folder.path().join(change.path());
    std::fs::write(&file, change.text(projects)).unwrap();
    let status = Command::new(compose)
        .arg("-f")
        .arg(&file)
        .args(["--profile", "*", "config", "--quiet"])
        .env_clear()
        .env("HOME", "/HOME")
        .env("PATH", "/usr/bin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !status.unwrap().success()
}

#[test]
fn what_docker_compose_refuses_is_refused_and_what_it_takes_is_taken() {
    let Some(corpus) = corpus() else {
        return;
    };
    let projects = corpus.join("projects");
    if let Some(compose) = std::env::var_os("MSVC_TESTS_COMPOSE") {
        let mut written = String::new();
        for line in CHANGES.lines() {
            let change = Change::of(line);
            let refused = compose_refuses(Path::new(&compose), &projects, &change);
            let verdict = if refused { "refused" } else { "taken" };
            let Change {
                file,
                pointer,
                value,
                ..
            } = change;
            written.push_str(&format!("{file}\t{pointer}\t{value}\t{verdict}\n"));
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refusals/changes.tsv");
        std::fs::write(path, written).unwrap();
        return;
    }
    let (mut refused, mut wrong) = (0, Vec::new());
    for line in CHANGES.lines() {
        let change = Change::of(line);
        let file = projects.join(change.path());
        let ours = refuses(&file, &change.text(&projects));
        refused += usize::from(change.refused);
        let excused = DISAGREE.iter().any(|(it, _)| line.starts_with(it));
        if (ours.is_some() == change.refused) == excused {
            wrong.push(format!(
                "{line}: {}",
                ours.map_or_else(|| "taken".to_owned(), |why| why.to_string())
            ));
        }
    }
    assert!(refused >= 100, "only {refused} are refused");
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn whatever_is_refused_says_what_to_do() {
    let Some(corpus) = corpus() else {
        return;
    };
    let projects = corpus.join("projects");
    let mut without = Vec::new();
    for change in CHANGES.lines().map(Change::of) {
        let why = refuses(&projects.join(change.path()), &change.text(&projects));
        let problems = why.unwrap_or_default().0.into_iter();
        without.extend(
            problems
                .filter(|it| it.severity == Severity::Error && it.hint.is_none())
                .map(|it| format!("{} {}: {}", change.pointer, change.value, it.what)),
        );
    }
    assert!(without.is_empty(), "no hint:\n{}", without.join("\n"));
}
