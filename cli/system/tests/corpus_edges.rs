//! Public systems whose edges a person has read out of their Compose files by hand
//! (`corpus_edges/*.txt`): at least 9 in 10 of them are found, and none beside them.
//!
//! The files are third-party data that is read in place and not part of the tree; where they are
//! absent the test says so and passes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input has failed"
)]

#[path = "support/public_corpus.rs"]
mod public_corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use msvc_system::files::Files;
use msvc_system::id::Party;
use msvc_system::load::{LoadRequest, load};
use msvc_system::model::System;
use public_corpus::corpus;

/// What was read by hand: which file, and each pair with the port where the file says one.
struct Read {
    file: PathBuf,
    edges: BTreeSet<(String, String, Option<u16>)>,
}

fn read(corpus: &Path, text: &str) -> Read {
    let mut file = PathBuf::new();
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut edges = BTreeSet::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap().trim();
        if let Some(named) = line.strip_prefix("file ") {
            let (repository, path) = named.split_once(' ').unwrap();
            let projects = corpus.join("projects");
            file = projects.join(repository.replace('/', "+")).join(path);
        } else if let Some((group, members)) = line.split_once(" = ") {
            groups.insert(group, members.split_whitespace().collect());
        } else if let Some((callers, callees)) = line.split_once(" -> ") {
            let callers = callers.split_whitespace();
            let callers = callers.flat_map(|it| groups.get(it).cloned().unwrap_or(vec![it]));
            for caller in callers {
                for callee in callees.split_whitespace() {
                    let (callee, port) = match callee.split_once(':') {
                        Some((callee, port)) => (callee, Some(port.parse().unwrap())),
                        None => (callee, None),
                    };
                    edges.insert((caller.to_owned(), callee.to_owned(), port));
                }
            }
        } else {
            assert!(line.is_empty(), "{line}");
        }
    }
    Read { file, edges }
}

fn system(file: &Path) -> System {
    let request = LoadRequest {
        directory: file.parent().unwrap().to_path_buf(),
        files: vec![file.to_path_buf()],
        profiles: vec!["*".to_owned()],
        environment: BTreeMap::from([("HOME".to_owned(), "/HOME".to_owned())]),
        ..LoadRequest::default()
    };
    let files = Files::new(|path, _| std::fs::read(path));
    load(&request, &files).unwrap().system
}

/// What is missing of `read`, and what is found beside it, both as lines.
fn differences(read: &Read, system: &System) -> (Vec<String>, Vec<String>) {
    let services = system.edges.iter();
    let found: BTreeSet<(String, String, Option<u16>)> = services
        .filter(|edge| matches!(edge.caller, Party::Service(_)))
        .map(|edge| (edge.caller.to_string(), edge.callee.to_string(), edge.port))
        .collect();
    let is_found = |(caller, callee, port): &&(String, String, Option<u16>)| {
        let mut found = found.iter();
        found.any(|(from, to, at)| from == caller && to == callee && (port.is_none() || at == port))
    };
    let missing = read.edges.iter().filter(|edge| !is_found(edge));
    let pairs: BTreeSet<(&str, &str)> = read
        .edges
        .iter()
        .map(|(caller, callee, _)| (caller.as_str(), callee.as_str()))
        .collect();
    let invented = found
        .iter()
        .filter(|(caller, callee, _)| !pairs.contains(&(caller.as_str(), callee.as_str())));
    let line = |(caller, callee, port): &(String, String, Option<u16>)| {
        let port = port.map_or_else(|| "?".to_owned(), |port| port.to_string());
        format!("{caller} -> {callee}:{port}")
    };
    (missing.map(line).collect(), invented.map(line).collect())
}

#[test]
fn of_edges_read_by_hand_nine_in_ten_are_found_and_none_is_invented() {
    let Some(corpus) = corpus() else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus_edges");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    let mut wrong = Vec::new();
    for file in files {
        let read = read(&corpus, &std::fs::read_to_string(&file).unwrap());
        let (missing, invented) = differences(&read, &system(&read.file));
        let (all, named) = (
            read.edges.len(),
            file.file_stem().unwrap().to_string_lossy(),
        );
        eprintln!(
            "{named}: {} of {all} edges found, {} invented",
            all - missing.len(),
            invented.len()
        );
        for line in &missing {
            eprintln!("  missing {line}");
        }
        if missing.len() * 10 > all || !invented.is_empty() {
            wrong.push(format!(
                "{named}: missing {missing:?}, invented {invented:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
