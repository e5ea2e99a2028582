//! CircleCI's dynamic configuration: a setup compares what changed with a mapping of paths to
//! parameters, and goes on with another file, whose workflows run by these parameters.

use msvc_system::yaml::{self, Node};

use super::{Reader, texts};
use crate::tree::Tree;

/// The file that every pipeline begins with.
const FIRST: &str = ".circleci/config.yml";

/// Which paths, as a pattern, set a parameter.
pub(super) type Mapping = Vec<(String, String)>;

/// The mapping that decides what of a file of CircleCI's runs, where it is such a file.
pub(super) fn mapping(tree: &Tree, path: &str) -> Option<Mapping> {
    if !path.starts_with(".circleci/") || path == FIRST {
        return None;
    }
    let first = tree.text(FIRST)?;
    let root = yaml::parse(&tree.root.join(FIRST), first.text.as_bytes()).ok()?;
    root.get("setup").filter(|it| it.as_bool() == Some(true))?;
    let mut found = Mapping::new();
    collect(&root, &mut found);
    Some(found).filter(|found| !found.is_empty())
}

/// All mappings below a node: lines of an expression, a parameter and its value.
fn collect(node: &Node, found: &mut Mapping) {
    for (key, value) in node.entries() {
        let text = value.text().filter(|_| key.text == "mapping");
        for line in text.iter().flat_map(|text| text.lines()) {
            let mut words = line.split_whitespace();
            if let (Some(path), Some(parameter)) = (words.next().and_then(glob), words.next()) {
                found.push((path, parameter.to_owned()));
            }
        }
        collect(value, found);
    }
    node.items().iter().for_each(|item| collect(item, found));
}

/// A regular expression of a path as a pattern, where it is no more than one.
fn glob(expression: &str) -> Option<String> {
    let bare = expression.trim_start_matches('^').trim_end_matches('$');
    let plain = bare.replace(".*", "\u{1}").replace(".+", "\u{1}");
    let plain = plain.replace("\\.", ".").replace("\\/", "/");
    let is_more = |it: char| "\\^$*+?()[]{}|".contains(it);
    (!plain.contains(is_more)).then(|| plain.replace('\u{1}', "**"))
}

impl Reader<'_> {
    /// The workflows of a file that a setup goes on with, each with the paths that start it.
    pub(super) fn continued(&mut self, root: &Node, mapping: &Mapping) {
        let jobs = root.get("jobs").map(Node::entries).unwrap_or_default();
        let workflows = root.get("workflows").map(Node::entries).unwrap_or_default();
        for (_, workflow) in workflows {
            let changes = workflow.get("when").map(|when| paths(when, mapping));
            let changes = changes.filter(|it| !it.is_empty());
            self.found.globs.extend(changes.iter().flatten().cloned());
            let listed = workflow.get("jobs").map(Node::items).unwrap_or_default();
            for item in listed {
                let key = item.entries().first().map(|(key, _)| key.text.clone());
                let Some(name) = item.text().or(key) else {
                    continue;
                };
                match jobs.iter().find(|(job, _)| job.text == name) {
                    Some((_, job)) => {
                        self.begin(job, changes.as_ref());
                        self.steps(job);
                    }
                    // A job of an orb.
                    None => {
                        self.begin(item, changes.as_ref());
                        self.action(&name, None, item.place.line);
                    }
                }
            }
        }
    }
}

/// The paths that set a parameter which a condition asks for.
fn paths(when: &Node, mapping: &Mapping) -> Vec<String> {
    let mut said = texts(when);
    let mut waiting: Vec<&Node> = when.entries().iter().map(|(_, node)| node).collect();
    while let Some(node) = waiting.pop() {
        said.extend(texts(node));
        waiting.extend(node.entries().iter().map(|(_, node)| node));
        waiting.extend(node.items());
    }
    let asks = |parameter: &str| {
        let asked = said
            .iter()
            .filter_map(|it| it.split_once("pipeline.parameters."));
        asked.into_iter().any(|(_, rest)| {
            let rest = rest.strip_prefix(parameter);
            rest.is_some_and(|it| {
                !it.starts_with(|it: char| it.is_alphanumeric() || "_-".contains(it))
            })
        })
    };
    let asked = mapping.iter().filter(|(_, parameter)| asks(parameter));
    asked.map(|(path, _)| path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_a_pattern_where_it_says_no_more() {
        for (expression, wanted) in [
            ("orders/.*", Some("orders/**")),
            ("^services\\/a\\.b/.+$", Some("services/a.b/**")),
            ("(orders|users)/.*", None),
            ("orders/[a-z]+", None),
        ] {
            assert_eq!(glob(expression).as_deref(), wanted, "{expression}");
        }
    }
}
