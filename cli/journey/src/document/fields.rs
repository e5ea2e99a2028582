//! One object of the document: its fields taken by name, whatever is wrong with one told with its
//! place.

use std::collections::HashSet;

use msvc_system::problem::{Place, Problem, Problems};
use msvc_system::yaml::Node;

/// An object of the document, its unknown keys told already.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    pub(super) node: &'n Node,
    /// What it is, for messages: "the workflow", "a criterion".
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// The node as an object that may have `known` keys and extensions (`x-…`).
    pub(super) fn of(
        node: &'n Node,
        what: &'static str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Option<Self> {
        match node.want_map(what) {
            Ok(_) => {
                node.unknown_keys(what, known)
                    .into_iter()
                    .for_each(|p| problems.push(p));
                Some(Self { node, what })
            }
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// The field, when it is there.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key)
    }

    /// The field, or the problem that it is missing.
    pub(super) fn required(&self, key: &str, problems: &mut Problems) -> Option<&'n Node> {
        let found = self.node.get(key);
        if found.is_none() {
            problems.push(
                Problem::error(format!("{} has no `{key}`, which it must have", self.what))
                    .at(self.node.place.clone())
                    .hint(format!("write `{key}: …` there")),
            );
        }
        found
    }

    /// A text field, when it is there.
    pub(super) fn text(&self, key: &str, problems: &mut Problems) -> Option<&'n str> {
        text(self.get(key)?, key, problems)
    }

    /// A text field that must be there.
    pub(super) fn required_text(
        &self,
        key: &str,
        problems: &mut Problems,
    ) -> Option<(&'n str, &'n Place)> {
        let node = self.required(key, problems)?;
        text(node, key, problems).map(|text| (text, &node.place))
    }

    /// A list without equal items, when it is there; `least` items at least.
    pub(super) fn list(&self, key: &str, least: usize, problems: &mut Problems) -> &'n [Node] {
        let Some(node) = self.get(key) else {
            return &[];
        };
        let items = match node.want_seq(&format!("`{key}`")) {
            Ok(items) => items,
            Err(problem) => {
                problems.push(problem);
                return &[];
            }
        };
        if items.len() < least {
            let problem = Problem::error(format!("`{key}` is empty and must not be"));
            let hint = match key {
                "steps" => "give it a step: `- {stepId: …, operationId: …}`",
                "workflows" => "give it a workflow: `- {workflowId: …, steps: […]}`",
                "sourceDescriptions" => "name an OpenAPI document: `- {name: …, url: …}`",
                _ => "give it an item, or leave the key out",
            };
            problems.push(problem.at(node.place.clone()).hint(hint));
        }
        let mut seen = HashSet::new();
        for item in items {
            if !seen.insert(item.to_json().to_string()) {
                let problem = Problem::error(format!("`{key}` has this item twice"));
                problems.push(problem.at(item.place.clone()).hint("take one of them out"));
            }
        }
        items
    }

    /// A problem with the whole object.
    pub(super) fn problem(&self, what: impl Into<String>) -> Problem {
        Problem::error(what).at(self.node.place.clone())
    }
}

/// The node's text, or the problem that it is none; numbers want quotes.
pub(super) fn text<'n>(node: &'n Node, key: &str, problems: &mut Problems) -> Option<&'n str> {
    match node.want_str(&format!("`{key}`")) {
        Ok(text) => Some(text),
        Err(problem) => {
            let quotable = node.text().filter(|text| !text.is_empty());
            problems.push(match quotable {
                Some(text) => problem.hint(format!("write \"{text}\"")),
                None => problem,
            });
            None
        }
    }
}

/// Whether a name is one that outputs and components may have.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}
