//! Short forms made long, in a merged tree: `KEY=VALUE` lists become mappings, lists of names
//! mappings of names, one path a list of paths, a build context a build, ports and mounts what
//! their text says.
//!
//! What comes in: a tree that the table allows ([`crate::fields`]). What leaves: the same tree with
//! one form for each thing, places kept. What must not enter: defaults; decisions between files.

use crate::fields::{FILE, Field, Long, Map, Shape};
use crate::forms::scalar_text;
use crate::merge::{build, started};
use crate::problem::{Place, Problem, Problems};
use crate::yaml::{Key, Node, NodeValue};

mod bounds;
mod items;
mod settings;
#[cfg(test)]
mod tests;

/// The shape of a whole file.
pub(crate) static WHOLE_FILE: Shape = Shape::level(&FILE);

/// What is not read yet: variables stand in the texts still (`--no-interpolate`), so that a text
/// that is no short form stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variables {
    /// They have been replaced.
    Replaced,
    /// They stand there.
    Written,
}

/// Makes every short form of a file long.
pub(crate) fn lengthen(root: &mut Node, variables: Variables, problems: &mut Problems) {
    let mut lengthening = Lengthening {
        variables,
        problems,
        ports: 0,
        made: 0,
    };
    lengthening.below(root, &WHOLE_FILE);
}

/// The same of the value of one field.
pub(crate) fn lengthen_field(node: &mut Node, field: &'static Field, problems: &mut Problems) {
    let mut lengthening = Lengthening {
        variables: Variables::Replaced,
        problems,
        ports: 0,
        made: 0,
    };
    lengthening.field(node, field.long, &field.shape, field.name);
}

/// The way down the tree.
struct Lengthening<'p> {
    variables: Variables,
    problems: &'p mut Problems,
    /// Ports found so far, each of a range.
    ports: usize,
    /// Nodes made so far of short forms.
    made: usize,
}

impl Lengthening<'_> {
    fn below(&mut self, node: &mut Node, shape: &'static Shape) {
        let mapping = shape.map;
        match &mut node.value {
            NodeValue::Map(entries) => {
                for (key, child) in entries {
                    let below = shape.below(&key.text);
                    if let Some(shape) = below.shape {
                        if has_external(mapping, shape) {
                            self.external(child);
                        }
                        self.field(child, below.long, shape, &key.text);
                    }
                }
            }
            NodeValue::Seq(items) => {
                if let Some(shape) = shape.item() {
                    for item in items {
                        self.below(item, shape);
                    }
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, node: &mut Node, long: Long, shape: &'static Shape, name: &str) {
        match long {
            Long::Same => {
                if shape.is_settings() {
                    let is_list = node.as_seq().is_some();
                    match name {
                        "environment" | "args" => self.variables(node),
                        _ => settings::settings(node),
                    }
                    node.short |= is_list;
                }
            }
            Long::List => {
                node.short |= node.as_str().is_some() && matches!(name, "tmpfs" | "dns_search");
                list(node);
                if name == "dns"
                    && let NodeValue::Seq(items) = &mut node.value
                {
                    items.retain(|item| item.as_str() != Some("") && !item.is_null());
                }
            }
            Long::Names => names(node, |_| NodeValue::Null),
            Long::Settings => self.strict_settings(node, name),
            Long::Ssh => self.ssh(node),
            Long::Build => {
                let written = std::mem::replace(node, empty(&node.place));
                *node = build(written);
            }
            Long::Extends => wrap(node, "service"),
            Long::Dependencies => {
                let short = node.as_seq().map_or(0, <[Node]>::len);
                if self.may_make(short.saturating_mul(bounds::LONG_DEPENDENCY), &node.place) {
                    dependencies(node);
                }
            }
            Long::EnvFiles => env_files(node),
            Long::Gpus => gpus(node),
            Long::Mounts => self.each(node, Self::mount),
            Long::Devices => self.each(node, Self::device),
            Long::Files => self.each(node, |_, item| {
                wrap(item, "source");
                None
            }),
            Long::Ports => self.ports(node),
            Long::Text => {
                if let Some(text) = scalar_text(node).filter(|_| !node.is_null()) {
                    node.value = NodeValue::String(text);
                }
            }
        }
        self.below(node, shape);
    }

    /// `external` as a mapping with a name, which is how it was written once.
    fn external(&mut self, node: &mut Node) {
        let Some(external) = node.get_mut("external") else {
            return;
        };
        if external.as_map().is_none() {
            return;
        }
        let place = external.place.clone();
        let name = external.remove("name");
        external.value = NodeValue::Bool(true);
        let Some(name) = name else {
            return;
        };
        let what = "`external.name` is an old form";
        self.problems.push(
            Problem::warning(what)
                .at(place)
                .hint("write `external: true`, and `name` beside it"),
        );
        match node.get("name") {
            Some(other) if other.value != name.value => {
                let what = "`name` and `external.name` are not the same";
                self.problems.push(
                    Problem::error(what)
                        .at(name.place)
                        .hint("keep `name` alone"),
                );
            }
            Some(_) => {}
            None => {
                if let NodeValue::Map(entries) = &mut node.value {
                    entries.push(entry("name", &name.place.clone(), name));
                }
            }
        }
    }
}

/// Whether a mapping's entries may say that they are somebody else's.
fn has_external(mapping: Map, entry: &Shape) -> bool {
    matches!(mapping, Map::Names(_))
        && matches!(entry.map, Map::Level(level) if level.field("external").is_some())
}

fn empty(place: &Place) -> Node {
    Node::new(place.clone(), NodeValue::Null)
}

fn entry(text: &str, place: &Place, value: Node) -> (Key, Node) {
    let key = Key {
        text: text.to_owned(),
        place: place.clone(),
    };
    (key, value)
}

/// A text as the mapping whose one field it is.
fn wrap(node: &mut Node, field: &str) {
    if node.as_str().is_some() {
        let place = node.place.clone();
        let text = std::mem::replace(&mut node.value, NodeValue::Null);
        let value = Node::new(place.clone(), text);
        node.value = NodeValue::Map(vec![entry(field, &place, value)]);
    }
}

fn list(node: &mut Node) {
    if node.as_str().is_some() {
        let text = std::mem::replace(&mut node.value, NodeValue::Null);
        node.value = NodeValue::Seq(vec![Node::new(node.place.clone(), text)]);
    }
}

/// A list of names to a mapping of names.
fn names(node: &mut Node, value: impl Fn(&Place) -> NodeValue) {
    let NodeValue::Seq(items) = &mut node.value else {
        return;
    };
    let mut entries = indexmap::IndexMap::with_capacity(items.len());
    for item in std::mem::take(items) {
        if let Some(name) = item.as_str() {
            let value = Node::new(item.place.clone(), value(&item.place));
            entries.insert(name.to_owned(), entry(name, &item.place, value));
        }
    }
    node.value = NodeValue::Map(entries.into_values().collect());
}

fn dependencies(node: &mut Node) {
    names(node, started);
    let NodeValue::Map(entries) = &mut node.value else {
        return;
    };
    for (_, dependency) in entries {
        let place = dependency.place.clone();
        if let NodeValue::Map(fields) = &mut dependency.value
            && !fields.iter().any(|(key, _)| key.text == "required")
        {
            let required = Node::new(place.clone(), NodeValue::Bool(true));
            fields.push(entry("required", &place, required));
        }
    }
}

fn env_files(node: &mut Node) {
    list(node);
    for item in node.items_mut() {
        wrap(item, "path");
        let place = item.place.clone();
        if let NodeValue::Map(fields) = &mut item.value
            && !fields.iter().any(|(key, _)| key.text == "required")
        {
            let required = Node::new(place.clone(), NodeValue::Bool(true));
            fields.push(entry("required", &place, required));
        }
    }
}

fn gpus(node: &mut Node) {
    if node.as_str().is_some() {
        let place = node.place.clone();
        let all = Node::new(place.clone(), NodeValue::String("all".to_owned()));
        let device = NodeValue::Map(vec![entry("count", &place, all)]);
        node.value = NodeValue::Seq(vec![Node::new(place, device)]);
    }
}
