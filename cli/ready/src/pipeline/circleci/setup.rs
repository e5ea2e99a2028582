//! With which files a setup of CircleCI's goes on, and which parameters it sets for which paths.

use std::collections::BTreeMap;

use msvc_system::yaml::{self, Node};

use super::live::{Call, live};
use super::{Parameters, steps_of};
use crate::tree::Tree;

/// The file that every pipeline begins with.
pub(super) const FIRST: &str = ".circleci/config.yml";

/// The file that path filtering goes on with where nobody names another.
const USUAL: &str = ".circleci/continue_config.yml";

/// So many lines of a mapping are looked at: nobody has more.
const MOST_RULES: usize = 1000;

/// Which paths set which parameter.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// The paths, as a pattern; `None` where the expression says more than a pattern can.
    pub(super) glob: Option<String>,
    pub(super) parameter: String,
    pub(super) value: String,
}

/// How a file is gone on with: by these rules, or with parameters that nobody here can know.
pub(super) type Way = Option<Vec<Rule>>;

/// The files that the pipeline's first file goes on with.
pub(super) fn files(tree: &Tree) -> BTreeMap<String, Way> {
    let Some(first) = tree.text(FIRST) else {
        return BTreeMap::new();
    };
    match yaml::parse(&tree.root.join(FIRST), first.text.as_bytes()) {
        Ok(root) => of(&root),
        Err(_) => BTreeMap::new(),
    }
}

/// Whether a pipeline's first file is a setup.
pub(super) fn is_one(root: &Node) -> bool {
    root.get("setup").and_then(Node::as_bool) == Some(true)
}

/// Those that a setup goes on with.
pub(super) fn of(root: &Node) -> BTreeMap<String, Way> {
    let mut found = BTreeMap::new();
    if !is_one(root) {
        return found;
    }
    for (_, calls) in live(root, &Parameters::declared(root)) {
        for Call { item, job, .. } in calls {
            let mut given = Vec::new();
            match job {
                Some(job) => given.extend(steps_of(root, job)),
                None => given.extend(item.entries().iter().map(|(key, it)| (&key.text, it))),
            }
            goes_on(&given, &mut found);
        }
    }
    found
}

/// What calls of orbs go on with: of one job, or of its steps.
fn goes_on(given: &[(&String, &Node)], found: &mut BTreeMap<String, Way>) {
    let mapping = given
        .iter()
        .find_map(|(_, with)| with.get("mapping")?.text());
    let rules: Way = mapping.map(|text| text.lines().filter_map(rule).take(MOST_RULES).collect());
    for (name, with) in given {
        let says = |key: &str| with.get(key).and_then(Node::text);
        let path = if name.ends_with("/filter") && with.get("mapping").is_some() {
            Some(says("config-path").unwrap_or_else(|| USUAL.to_owned()))
        } else if name.ends_with("/continue") {
            says("configuration_path")
        } else {
            None
        };
        if let Some(path) = path {
            let path = path.trim_start_matches("./").to_owned();
            found.insert(path, rules.clone());
        }
    }
}

/// A line of a mapping: an expression, a parameter and its value.
fn rule(line: &str) -> Option<Rule> {
    let mut words = line.split_whitespace();
    let path = words.next().filter(|it| !it.starts_with('#'))?;
    let (parameter, value) = (words.next()?, words.next()?);
    Some(Rule {
        glob: glob(path),
        parameter: parameter.to_owned(),
        value: value.trim_matches('"').to_owned(),
    })
}

/// A regular expression of a path as a pattern, where it is no more than one.
fn glob(expression: &str) -> Option<String> {
    let bare = expression.trim_start_matches('^').trim_end_matches('$');
    let plain = bare.replace(".*", "\u{1}").replace(".+", "\u{1}");
    let plain = plain.replace("\\.", ".").replace("\\/", "/");
    let is_more = |it: char| "\\^$*+?()[]{}|".contains(it);
    (!plain.contains(is_more)).then(|| plain.replace('\u{1}', "**"))
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
