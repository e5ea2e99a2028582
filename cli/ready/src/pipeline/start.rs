//! What starts a pipeline, or a part of one, and what keeps it from running.

use std::collections::BTreeSet;

use msvc_system::yaml::{Node, NodeValue};

use super::condition::{Run, holds};
use super::texts;

/// What starts a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// What is merged, or somebody who wants it.
    Delivering,
    /// A pull request, before it is merged.
    Asked,
    /// Another workflow.
    Called,
}

/// Events of what is not merged yet.
const ASKED: [&str; 5] = [
    "pull_request",
    "pull_request_target",
    "pull_request_review",
    "pull_request_review_comment",
    "merge_group",
];

/// What starts a workflow of GitHub's, and the runs in which its own paths do; `None` when nothing
/// does. The patterns that restrict it are added to `globs`, what its steps compare to `paths`.
pub(super) fn of_workflow(
    root: &Node,
    paths: &mut BTreeSet<String>,
    globs: &mut Vec<String>,
) -> Option<(Start, Vec<Run>)> {
    let on = root.get("on").or_else(|| root.get("true"))?;
    let mut events: Vec<(String, Option<&Node>)> = texts(on)
        .into_iter()
        .filter(|event| !event.is_empty())
        .map(|event| (event, None))
        .collect();
    events.extend(
        on.entries()
            .iter()
            .map(|(key, node)| (key.text.clone(), Some(node))),
    );
    let kind = |event: &str, node: Option<&Node>| {
        let types = node
            .and_then(|node| node.get("types"))
            .map(texts)
            .unwrap_or_default();
        match event {
            "workflow_call" => Start::Called,
            event if ASKED.contains(&event) && types != ["closed"] => Start::Asked,
            _ => Start::Delivering,
        }
    };
    let mut all: Vec<(Start, &Node, Vec<Run>)> = Vec::new();
    for (event, node) in &events {
        let node = node.unwrap_or(on);
        let runs = runs(event, node);
        if !runs.is_empty() {
            all.push((kind(event, Some(node)), node, runs));
        }
    }
    let start = [Start::Delivering, Start::Asked, Start::Called]
        .into_iter()
        .find(|start| all.iter().any(|(kind, ..)| kind == start))?;
    // Paths of what only asks restrict no delivery.
    all.retain(|(kind, ..)| *kind == start);
    // What is restricted to paths is asked for with them: a tag, or somebody's wish, starts the rest.
    if all.iter().any(|(_, node, _)| node.get("paths").is_some()) {
        all.retain(|(_, node, _)| node.get("paths").is_some());
    }
    for (_, node, _) in &all {
        globs.extend(node.get("paths").map(texts).unwrap_or_default());
    }
    if let Some(jobs) = root.get("jobs") {
        filters(jobs, paths);
    }
    Some((start, all.into_iter().flat_map(|(.., runs)| runs).collect()))
}

/// The kinds of run that an event may start.
fn runs(event: &str, node: &Node) -> Vec<Run> {
    let run = |begins| Run {
        event: (event != "workflow_call").then(|| event.to_owned()),
        begins,
    };
    if event != "push" {
        return vec![run(None)];
    }
    let list = |key: &str| node.get(key).map(texts);
    let lets = |only: &str, not: &str| match (list(only), list(not)) {
        (Some(only), _) => only.iter().any(|pattern| !pattern.starts_with('!')),
        (None, Some(not)) => !not.iter().any(|pattern| pattern == "**"),
        (None, None) => false,
    };
    let has = |keys: [&str; 2]| keys.iter().any(|key| node.get(key).is_some());
    let (branches, tags) = (["branches", "branches-ignore"], ["tags", "tags-ignore"]);
    let mut all = Vec::new();
    if lets(branches[0], branches[1]) || (!has(branches) && !has(tags)) {
        all.push(run(Some("refs/heads/")));
    }
    let restricted = node.get("paths").is_some();
    if lets(tags[0], tags[1]) || (!has(branches) && !has(tags) && !restricted) {
        all.push(run(Some("refs/tags/")));
    }
    all
}

/// The paths that steps compare with what changed, to go on only then.
fn filters(node: &Node, paths: &mut BTreeSet<String>) {
    let uses = node.get("uses").and_then(Node::text).unwrap_or_default();
    if uses.contains("paths-filter") || uses.contains("changed-files") {
        for key in ["filters", "files", "files_yaml"] {
            let filter = node.get("with").and_then(|with| with.get(key));
            paths.extend(
                filter
                    .and_then(Node::text)
                    .iter()
                    .flat_map(|text| words(text)),
            );
        }
    }
    let children = node
        .items()
        .iter()
        .chain(node.entries().iter().map(|(_, node)| node));
    children.for_each(|child| filters(child, paths));
}

/// The same for other pipelines, wherever it stands in them.
pub(super) fn restrictions(node: &Node, paths: &mut BTreeSet<String>) {
    for (key, value) in node.entries() {
        match key.text.as_str() {
            "changes" | "paths" | "only_changes" | "changesets" | "includedFiles" => {
                paths.extend(patterns(value));
                for inner in ["paths", "include", "includePaths"] {
                    paths.extend(value.get(inner).map(patterns).unwrap_or_default());
                }
            }
            // Buildkite's monorepo-diff.
            "path" => paths.extend(texts(value).iter().flat_map(|text| words(text))),
            _ => {}
        }
        restrictions(value, paths);
    }
    node.items()
        .iter()
        .for_each(|item| restrictions(item, paths));
}

/// Patterns that let something in.
fn patterns(node: &Node) -> Vec<String> {
    let mut all = texts(node);
    all.retain(|pattern| !pattern.starts_with('!'));
    all
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(['"', '\'', ',', '-']).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether a job, a stage or a step never runs in these runs, by what stands at it.
pub(super) fn is_off(node: &Node, runs: &[Run]) -> bool {
    let is_never = |node: &Node| {
        let conditions = ["if", "condition"].iter().filter_map(|key| node.get(key));
        conditions.filter_map(Node::text).any(|condition| {
            !runs.is_empty() && runs.iter().all(|run| holds(&condition, run) == Some(false))
        })
    };
    let never = |node: &Node| {
        let when = node.get("when").and_then(Node::as_str);
        matches!(when, Some("never" | "on_failure")) || is_never(node)
    };
    let rules = node.get("rules").map(Node::items).unwrap_or_default();
    let only_never = !rules.is_empty() && rules.iter().all(never);
    let is = |key: &str, off: bool| match node.get(key).map(|node| &node.value) {
        Some(NodeValue::Bool(value)) => *value == off,
        _ => false,
    };
    never(node) || only_never || is("enabled", false) || is("skip", true) || is("when", false)
}

/// Whether a condition asks for a pull request.
pub(super) fn asks(condition: &str) -> bool {
    let text = condition.replace(['"', '\''], "");
    text.contains("event_name == pull_request")
        || text.contains("== merge_request_event")
        || matches!(text.as_str(), "merge_requests" | "pull_request")
}

/// Whether a job or a step runs for pull requests alone.
pub(super) fn is_asked(node: &Node) -> bool {
    let all = |node: Option<&Node>| {
        let texts = node.map(texts).unwrap_or_default();
        !texts.is_empty() && texts.iter().all(|text| asks(text))
    };
    let rules = node.get("rules").map(Node::items).unwrap_or_default();
    all(node.get("if"))
        || all(node.get("only"))
        || all(node.at("/only/refs"))
        || all(node.at("/when/event"))
        || (!rules.is_empty() && rules.iter().all(|rule| all(rule.get("if"))))
}
