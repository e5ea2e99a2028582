//! GitLab's pipelines: jobs stand at the top, take over what hidden ones say, and are restricted to
//! changes one by one.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::yaml::{self, Key, Node, NodeValue};

use super::condition::Run;
use super::{Reader, start, texts};
use crate::tree::Tree;

/// Jobs that take over from jobs are followed so far.
const DEPTH: u32 = 5;
/// Keys of the top that are no jobs.
const NO_JOBS: [&str; 8] = [
    "workflow",
    "include",
    "variables",
    "stages",
    "image",
    "services",
    "cache",
    "pages:deploy",
];

impl Reader<'_> {
    /// Reads all jobs.
    pub(super) fn gitlab(&mut self, root: &Node) {
        let jobs = root.entries();
        if root
            .get("workflow")
            .is_some_and(|it| start::is_off(it, &self.runs))
        {
            return self.off("no pipeline is made: `workflow` never lets one");
        }
        let asked = root.get("workflow").is_some_and(start::is_asked);
        for (name, job) in jobs {
            if name.text.starts_with('.') || NO_JOBS.contains(&name.text.as_str()) {
                continue;
            }
            let job = whole(jobs, job, DEPTH);
            let changes = changes(&job, &self.runs);
            self.asked = asked;
            self.begin(&job, Some(&changes).filter(|it| !it.is_empty()));
            self.found.globs.extend(changes);
            self.steps(&job);
        }
        self.asked = false;
    }
}

/// A job with what it takes over from those that it extends.
fn whole(jobs: &[(Key, Node)], job: &Node, depth: u32) -> Node {
    let mut all: Vec<(Key, Node)> = job.entries().to_vec();
    if all.is_empty() {
        return job.clone();
    }
    let parents = job.get("extends").map(texts).unwrap_or_default();
    for parent in parents.iter().rev() {
        let found = jobs.iter().find(|(name, _)| name.text == *parent);
        let Some(((_, parent), depth)) = found.zip(depth.checked_sub(1)) else {
            continue;
        };
        for (key, value) in whole(jobs, parent, depth).entries() {
            if !all.iter().any(|(own, _)| own.text == key.text) {
                all.push((key.clone(), value.clone()));
            }
        }
    }
    all.retain(|(key, _)| key.text != "extends");
    Node::new(job.place.clone(), NodeValue::Map(all))
}

/// The changes that let a job run; those that keep it from it begin with `!`.
fn changes(job: &Node, runs: &[Run]) -> Vec<String> {
    let list = |node: Option<&Node>| {
        let node = node.and_then(|node| node.get("changes"));
        let paths = node.map(|node| node.get("paths").unwrap_or(node));
        paths.map(texts).unwrap_or_default()
    };
    let mut all = list(job.get("only"));
    let mut out = list(job.get("except"));
    for rule in job.get("rules").map(Node::items).unwrap_or_default() {
        match start::is_off(rule, runs) {
            true => out.extend(list(Some(rule))),
            false => all.extend(list(Some(rule))),
        }
    }
    all.extend(out.into_iter().map(|pattern| format!("!{pattern}")));
    all
}

/// The pipelines that the root's file takes in, each with the changes that let it run where a job
/// starts it as a pipeline of its own.
#[must_use]
pub fn included(tree: &Tree) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(".gitlab-ci.yml".to_owned(), Vec::new())];
    let mut seen = BTreeSet::new();
    while let Some((path, changed)) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let Some(file) = tree.text(&path) else {
            continue;
        };
        let Ok(root) = yaml::parse(&tree.root.join(&path), file.text.as_bytes()) else {
            continue;
        };
        let mut takes = |node: Option<&Node>, changed: &[String]| {
            for path in node.map(locals).unwrap_or_default() {
                waiting.push((path, changed.to_vec()));
            }
        };
        takes(root.get("include"), &changed);
        for (_, job) in root.entries() {
            let job = whole(root.entries(), job, DEPTH);
            let runs = [Run::default()];
            if !start::is_off(&job, &runs) {
                takes(job.at("/trigger/include"), &changes(&job, &runs));
            }
        }
        found.insert(path, changed);
    }
    found
}

/// The files of this repository that `include` names.
fn locals(node: &Node) -> Vec<String> {
    let mut all = texts(node);
    let items = node.items().iter().chain([node]);
    all.extend(items.filter_map(|item| item.get("local")?.text()));
    all.iter()
        .filter(|path| !path.contains("://"))
        .map(|path| {
            path.trim_start_matches("./")
                .trim_start_matches('/')
                .to_owned()
        })
        .collect()
}
