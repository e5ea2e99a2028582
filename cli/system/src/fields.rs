//! Every key that Compose knows, at every level: what this tool honours and what it does not.
//!
//! What comes in: the merged tree. What leaves: an error for each key that Compose does not know
//! (with the nearest one that it does) and for each value of the wrong kind; what the keys mean
//! is decided elsewhere. What must not enter: values; `x-…` keys, which are everybody's own.
//!
//! The list is that of the Compose Specification's schema (2026-07).

use crate::problem::{Place, Problem, Problems, Severity};
use crate::yaml::{Node, NodeValue};

mod table;

pub(crate) use table::{FILE, SERVICE};

/// What a key's value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Not looked into here.
    Any,
    /// Text; a number too, since a variable may have been one.
    Text,
    /// A boolean, or text that says one.
    Flag,
    /// A number, or text that says one.
    Number,
    /// A list of scalars.
    Texts,
    /// A scalar or a list of scalars.
    TextOrTexts,
    /// A mapping from names to scalars, or a list of `NAME=VALUE`.
    Settings,
    /// A mapping of the level, or another form that is looked into elsewhere.
    In(&'static Level),
    /// A mapping from names to mappings of the level, or a list of them; items may be short.
    Each(&'static Level),
}

/// One level of the file: which keys a mapping there may have.
#[derive(Debug)]
pub(crate) struct Level {
    /// What such a mapping is called in messages.
    pub(crate) what: &'static str,
    /// Its keys.
    pub(crate) keys: &'static [(&'static str, Kind)],
}

impl Level {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|(name, _)| *name)
    }

    pub(crate) fn kind(&self, key: &str) -> Option<Kind> {
        let (_, kind) = self.keys.iter().find(|(name, _)| *name == key)?;
        Some(*kind)
    }
}

/// Every field that has none below it, by its path: of a service (`healthcheck.test`), then of the
/// top level, which begin with a slash (`/networks.driver`). Fields of the entries of a list or
/// mapping stand below it all the same (`volumes.bind.selinux`).
#[must_use]
pub fn all() -> Vec<String> {
    let mut paths = Vec::new();
    gather(&SERVICE, "", &mut paths);
    gather(&FILE, "/", &mut paths);
    paths.retain(|path| !path.starts_with("/services."));
    paths
}

fn gather(level: &'static Level, above: &str, paths: &mut Vec<String>) {
    for (key, kind) in level.keys {
        let path = format!("{above}{key}");
        match kind {
            Kind::In(below) | Kind::Each(below) => gather(below, &format!("{path}."), paths),
            _ => paths.push(path),
        }
    }
}

/// Checks every key and kind from the root on. With `lenient`, unknown keys are warnings.
pub(crate) fn check(root: &Node, lenient: bool, problems: &mut Problems) {
    let mut checker = Checker {
        lenient,
        problems,
        path: Vec::new(),
        unknown: 0,
    };
    checker.level(root, &FILE);
}

struct Checker<'a> {
    lenient: bool,
    problems: &'a mut Problems,
    path: Vec<String>,
    /// Unknown keys so far.
    unknown: usize,
}

impl Checker<'_> {
    fn level(&mut self, node: &Node, level: &'static Level) {
        for (key, value) in node.entries() {
            if key.text.starts_with("x-") {
                continue;
            }
            let Some(kind) = level.kind(&key.text) else {
                // The neighbours of the first hundred are enough; each costs a comparison with
                // every known key.
                self.unknown += 1;
                let mut problem = if self.unknown <= 100 {
                    key.unknown(level.what, level.names())
                } else {
                    key.unknown(level.what, [])
                };
                if self.lenient {
                    problem.severity = Severity::Warning;
                }
                self.problems.push(problem);
                continue;
            };
            if value.is_null() {
                continue;
            }
            self.path.push(key.text.clone());
            self.kind(value, kind);
            self.path.pop();
        }
    }

    fn kind(&mut self, node: &Node, kind: Kind) {
        use NodeValue::{Bool, Float, Int, Map, Null, Seq, String};
        let wanted = match (kind, &node.value) {
            (Kind::Any, _)
            | (Kind::Text | Kind::TextOrTexts, String(_) | Int(_) | Float(_))
            | (Kind::Flag, Bool(_) | String(_))
            | (Kind::Number, Int(_) | Float(_) | String(_)) => return,
            (Kind::Texts | Kind::TextOrTexts | Kind::Settings, Seq(items)) => {
                items.iter().for_each(|item| self.scalar(item));
                return;
            }
            (Kind::Settings, Map(entries)) => {
                entries.iter().for_each(|(_, value)| self.scalar(value));
                return;
            }
            (Kind::In(level) | Kind::Each(level), _) => return self.levels(node, kind, level),
            (Kind::Text, Bool(_) | Null | Seq(_) | Map(_)) => "text",
            (Kind::Flag, _) => "`true` or `false`",
            (Kind::Number, _) => "a number",
            (Kind::Texts, _) => "a list",
            (Kind::TextOrTexts, _) => "text or a list",
            (Kind::Settings, _) => "a mapping or a list of `KEY=VALUE`",
        };
        self.wrong(node, wanted);
    }

    fn levels(&mut self, node: &Node, kind: Kind, level: &'static Level) {
        match (kind, &node.value) {
            (Kind::In(_), NodeValue::Map(_)) => self.level(node, level),
            (Kind::Each(_), NodeValue::Map(entries)) => {
                for (key, child) in entries {
                    if key.text.starts_with("x-") {
                        continue;
                    }
                    self.path.push(key.text.clone());
                    self.level(child, level);
                    self.path.pop();
                }
            }
            (Kind::Each(_), NodeValue::Seq(items)) => {
                items.iter().for_each(|item| self.level(item, level));
            }
            _ => {}
        }
    }

    fn scalar(&mut self, node: &Node) {
        if matches!(node.value, NodeValue::Seq(_) | NodeValue::Map(_)) {
            self.wrong(node, "made of texts");
        }
    }

    fn wrong(&mut self, node: &Node, wanted: &str) {
        let what = format!("`{}`", crate::yaml::shorten(&self.path.join(".")));
        self.problems.push(node.expected(&what, wanted));
    }
}

/// The error that a key is Compose's, but not honoured yet.
pub(crate) fn not_supported(what: &str, place: &Place, instead: &str) -> Problem {
    let problem = Problem::error(format!("{what} is not supported yet")).at(place.clone());
    if instead.is_empty() {
        problem
    } else {
        problem.hint(instead)
    }
}
