//! `NAME=VALUE` items as mappings.

use super::{Lengthening, Variables, entry};
use crate::forms::scalar_text;
use crate::problem::Problem;
use crate::yaml::{Node, NodeValue, shorten};

impl Lengthening<'_> {
    /// `NAME=VALUE` items of variables, whose names end with no space.
    pub(super) fn variables(&mut self, node: &mut Node) {
        for item in node.items() {
            let name = item.as_str().unwrap_or_default();
            let name = name.split_once('=').map_or(name, |(name, _)| name);
            if name.ends_with(char::is_whitespace) {
                let what = format!("the name `{}` ends with a space", shorten(name));
                let problem = Problem::error(what).at(item.place.clone());
                self.problems.push(problem.hint("take the space away"));
            }
        }
        settings(node);
    }

    /// `NAME=VALUE` items, each with a value.
    pub(super) fn strict_settings(&mut self, node: &mut Node, name: &str) {
        for item in node.items() {
            if let Some(text) = item.as_str()
                && !text.contains('=')
                && self.variables == Variables::Replaced
            {
                let what = format!("`{}` of `{name}` has no value", shorten(text));
                let problem = Problem::error(what).at(item.place.clone());
                self.problems.push(problem.hint("write `NAME=VALUE`"));
            }
        }
        settings(node);
    }

    /// Keys for SSH: `ID=PATH`, or `default` alone.
    pub(super) fn ssh(&mut self, node: &mut Node) {
        for item in node.items() {
            if let Some(text) = item.as_str()
                && !text.contains('=')
                && text != "default"
            {
                let what = format!("`{}` is no key for SSH", shorten(text));
                let problem = Problem::error(what).at(item.place.clone());
                self.problems
                    .push(problem.hint("write `default` or `ID=PATH`"));
            }
        }
        settings(node);
    }
}

/// `- KEY=VALUE` and `- KEY` (no value) to a mapping. Of a key named twice the later one counts.
pub(super) fn settings(node: &mut Node) {
    let NodeValue::Seq(items) = &mut node.value else {
        return;
    };
    let mut settings = indexmap::IndexMap::with_capacity(items.len());
    for item in std::mem::take(items) {
        let Some(text) = scalar_text(&item).filter(|_| !item.is_null()) else {
            continue;
        };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, NodeValue::String(value.to_owned())),
            None => (text.as_str(), NodeValue::Null),
        };
        let value = Node::new(item.place.clone(), value);
        settings.insert(name.to_owned(), entry(name, &item.place, value));
    }
    node.value = NodeValue::Map(settings.into_values().collect());
}
