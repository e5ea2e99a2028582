//! A job of a pipeline: what it says beside its steps, and what delivers in it.

use std::rc::Rc;

use msvc_system::yaml::Node;

/// A step that delivers.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// Its line.
    pub line: u32,
    /// What its job says, lower case: of which part it speaks.
    pub said: Rc<str>,
    /// The changes that let its job run, where it has some of its own.
    pub changes: Option<Vec<String>>,
}

/// What is known of a job beside its steps.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) said: Rc<str>,
    pub(super) changes: Option<Vec<String>>,
}

/// Keys whose texts do not tell of which part a job speaks.
const UNSAID: [&str; 15] = [
    "needs",
    "name",
    "if",
    "rules",
    "only",
    "except",
    "when",
    "stage",
    "on",
    "paths",
    "changes",
    "runs-on",
    "trigger",
    "tags",
    "dependencies",
];
/// Signs of a job's texts that are kept.
const MOST_SAID: usize = 100_000;

/// Adds what a job says, lower case.
pub(super) fn say(node: &Node, said: &mut String) {
    if said.len() > MOST_SAID {
        return;
    }
    if let Some(text) = node.text() {
        said.push_str(&text.to_lowercase());
        said.push('\n');
    }
    node.items().iter().for_each(|item| say(item, said));
    for (key, value) in node.entries() {
        if !UNSAID.contains(&key.text.as_str()) {
            say(value, said);
        }
    }
}

/// Whether a step's script is for a shell.
pub(super) fn of_shell(step: &Node) -> bool {
    let shell = step.get("shell").and_then(Node::text).unwrap_or_default();
    !["python", "node", "perl", "ruby"]
        .iter()
        .any(|it| shell.starts_with(it))
}

/// Whether a job is to run once for each of nothing.
pub(super) fn has_no_matrix(job: &Node) -> bool {
    let matrix = job.at("/strategy/matrix").map(Node::entries);
    let empty = |node: &Node| node.as_seq().is_some_and(<[Node]>::is_empty);
    matrix.is_some_and(|axes| axes.iter().any(|(_, axis)| empty(axis)))
}
