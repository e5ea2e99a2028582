//! What starts a pipeline, or a part of one, and what keeps it from running.

use std::collections::BTreeSet;

use msvc_system::yaml::{Node, NodeValue};

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

/// What starts a workflow of GitHub's; `None` when nothing does. The paths that restrict it are
/// added to `paths`.
pub(super) fn of_workflow(root: &Node, paths: &mut BTreeSet<String>) -> Option<Start> {
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
    let kinds: Vec<Start> = events
        .iter()
        .map(|(event, node)| kind(event, *node))
        .collect();
    let start = [Start::Delivering, Start::Asked, Start::Called]
        .into_iter()
        .find(|start| kinds.contains(start))?;
    // Paths of what only asks restrict no delivery.
    for ((_, node), kind) in events.iter().zip(&kinds) {
        if let Some(node) = node.filter(|_| *kind == start) {
            paths.extend(node.get("paths").map(patterns).unwrap_or_default());
        }
    }
    if let Some(jobs) = root.get("jobs") {
        filters(jobs, paths);
    }
    Some(start)
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
            // CircleCI's path-filtering, Buildkite's monorepo-diff.
            "mapping" | "path" => paths.extend(texts(value).iter().flat_map(|text| words(text))),
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

/// Whether a job, a stage or a step never runs, by a constant of its own.
pub(super) fn is_off(node: &Node) -> bool {
    let never = |node: &Node| node.get("when").and_then(Node::as_str) == Some("never");
    let rules = node.get("rules").map(Node::items).unwrap_or_default();
    let only_never = !rules.is_empty() && rules.iter().all(never);
    let is = |key: &str, off: bool| match node.get(key).map(|node| &node.value) {
        Some(NodeValue::Bool(value)) => *value == off,
        _ => false,
    };
    ["if", "condition"].iter().any(|key| {
        let value = node.get(key).and_then(Node::text);
        value.is_some_and(|condition| is_never(&condition))
    }) || never(node)
        || only_never
        || is("enabled", false)
        || is("skip", true)
        || is("when", false)
}

/// Whether a condition is false whatever happens.
fn is_never(condition: &str) -> bool {
    let condition = condition.trim();
    let bare = condition
        .strip_prefix("${{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .unwrap_or(condition);
    let is_false = |part: &str| {
        let part = part.trim().trim_matches(['(', ')']).trim();
        matches!(
            part,
            "false" | "False" | "0" | "''" | "\"\"" | "null" | "!true" | "never()"
        )
    };
    !condition.is_empty() && bare.split("||").all(|any| any.split("&&").any(is_false))
}

/// Whether a job or a step runs for pull requests alone.
pub(super) fn is_asked(node: &Node) -> bool {
    let asks = |text: &str| {
        let text = text.replace(['"', '\''], "");
        text.contains("event_name == pull_request")
            || text.contains("== merge_request_event")
            || matches!(text.as_str(), "merge_requests" | "pull_request")
    };
    let all = |node: Option<&Node>| {
        let texts = node.map(texts).unwrap_or_default();
        !texts.is_empty() && texts.iter().all(|text| asks(text))
    };
    let rules = node.get("rules").map(Node::items).unwrap_or_default();
    all(node.get("if"))
        || all(node.get("only"))
        || all(node.at("/when/event"))
        || (!rules.is_empty() && rules.iter().all(|rule| all(rule.get("if"))))
}

#[cfg(test)]
mod tests {
    use super::is_never;

    #[test]
    fn a_condition_that_is_never_so_is_told_from_one_that_may_be() {
        for never in [
            "false",
            "${{ false }}",
            "0",
            "false && a",
            "a && ${{ false }} && false",
        ] {
            assert!(is_never(never), "{never}");
        }
        for may_be in [
            "",
            "true",
            "a",
            "false || a",
            "github.ref == 'refs/heads/main'",
        ] {
            assert!(!is_never(may_be), "{may_be}");
        }
    }
}
