//! Short forms made long, in a merged tree: `KEY=VALUE` lists become mappings, lists of names
//! mappings of names, one path a list of paths, a build context a build, ports and mounts what
//! their text says.
//!
//! What comes in: a tree that the table allows ([`crate::fields`]). What leaves: the same tree with
//! one form for each thing, places kept. What must not enter: defaults; decisions between files.

use crate::fields::{FILE, Long, Map, Shape};
use crate::forms::scalar_text;
use crate::merge::{build, started};
use crate::problem::{Place, Problem, Problems};
use crate::short_port;
use crate::volume_text;
use crate::yaml::{Key, Node, NodeValue, shorten};

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
    };
    lengthening.below(root, &WHOLE_FILE);
}

struct Lengthening<'p> {
    variables: Variables,
    problems: &'p mut Problems,
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
                    self.settings(node);
                }
            }
            Long::List => {
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
            Long::Dependencies => dependencies(node),
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

    fn each(&mut self, node: &mut Node, long: impl Fn(&Self, &mut Node) -> Option<Problem>) {
        let NodeValue::Seq(items) = &mut node.value else {
            return;
        };
        for item in items {
            if let Some(problem) = long(self, item)
                && self.variables == Variables::Replaced
            {
                self.problems.push(problem);
            }
        }
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

    /// `NAME=VALUE` items.
    fn settings(&mut self, node: &mut Node) {
        for item in node.items() {
            let name = item.as_str().unwrap_or_default();
            let name = name.split_once('=').map_or(name, |(name, _)| name);
            if name.ends_with(char::is_whitespace) {
                let what = format!("the name `{}` ends with a space", shorten(name));
                self.problems
                    .push(Problem::error(what).at(item.place.clone()));
            }
        }
        settings(node);
    }

    /// `NAME=VALUE` items, each with a value.
    fn strict_settings(&mut self, node: &mut Node, name: &str) {
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
    fn ssh(&mut self, node: &mut Node) {
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

    fn mount(&self, item: &mut Node) -> Option<Problem> {
        let text = item.as_str()?.to_owned();
        match volume_text::long(&text, &item.place) {
            Ok(value) => {
                item.value = value;
                let option = volume_text::meaningless(&text)?;
                let what = format!("`{}` is no option of a mount", shorten(option));
                let problem = Problem::warning(what).at(item.place.clone());
                Some(problem.hint("Compose goes without it too"))
            }
            Err(error) => Some(
                Problem::error(format!("`{}` is no mount: {error}", shorten(&text)))
                    .at(item.place.clone())
                    .hint("write `SOURCE:TARGET` or `SOURCE:TARGET:ro`"),
            ),
        }
    }

    fn device(&self, item: &mut Node) -> Option<Problem> {
        let text = item.as_str()?.to_owned();
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, permissions) = match *parts.as_slice() {
            [source] => (source, "", "rwm"),
            [source, target] => (source, target, "rwm"),
            [source, target, permissions] => (source, target, permissions),
            _ => {
                let what = format!("`{}` is no device", shorten(&text));
                return Some(
                    Problem::error(what)
                        .at(item.place.clone())
                        .hint("write `SOURCE:TARGET:PERMISSIONS`, or a mapping"),
                );
            }
        };
        let target = if target.is_empty() { source } else { target };
        let place = item.place.clone();
        let text = |name: &str, value: &str| {
            let value = Node::new(place.clone(), NodeValue::String(value.to_owned()));
            entry(name, &place, value)
        };
        item.value = NodeValue::Map(vec![
            text("source", source),
            text("target", target),
            text("permissions", permissions),
        ]);
        None
    }

    fn ports(&mut self, node: &mut Node) {
        let NodeValue::Seq(items) = &mut node.value else {
            return;
        };
        let mut ports = Vec::with_capacity(items.len());
        for item in std::mem::take(items) {
            if let NodeValue::Float(_) = item.value {
                self.problems
                    .push(item.expected("a port", "a whole number, text or a mapping"));
                continue;
            }
            let Some(text) = scalar_text(&item).filter(|_| !item.is_null()) else {
                ports.push(item);
                continue;
            };
            match short_port::read(&text) {
                Ok(read) => ports.extend(read.into_iter().map(|port| port.node(&item.place))),
                Err(_) if self.variables == Variables::Written => ports.push(item),
                Err(error) => self.problems.push(
                    Problem::error(format!("`ports` has `{}`: {error}", shorten(&text)))
                        .at(item.place.clone())
                        .hint(
                            "write `PORT`, `HOST:PORT` or `ADDRESS:HOST:PORT`, with `/udp` \
                             where it is not TCP",
                        ),
                ),
            }
        }
        node.value = NodeValue::Seq(ports);
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

/// `- KEY=VALUE` and `- KEY` (no value) to a mapping. Of a key named twice the later one counts.
fn settings(node: &mut Node) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lengthened(text: &str) -> (serde_json::Value, String) {
        let mut node = crate::yaml::parse("f".as_ref(), text.as_bytes()).unwrap();
        let mut problems = Problems::default();
        crate::forms::old_numbers(&mut node);
        crate::fields::check(&mut node, false, &mut problems);
        lengthen(&mut node, Variables::Replaced, &mut problems);
        let service = node.at("/services/a").unwrap().to_json();
        (service, problems.to_string())
    }

    #[test]
    fn short_forms_become_long_ones() {
        for (short, long) in [
            (
                "environment: [A=1, B, C=x=y, A=2]",
                r#"{"environment":{"A":"2","B":null,"C":"x=y"}}"#,
            ),
            ("build: ./x", r#"{"build":{"context":"./x"}}"#),
            (
                "build: {context: x, args: [V=1]}",
                r#"{"build":{"context":"x","args":{"V":"1"}}}"#,
            ),
            (
                "depends_on: [b]",
                r#"{"depends_on":{"b":{"condition":"service_started","required":true}}}"#,
            ),
            ("networks: [n, m]", r#"{"networks":{"n":null,"m":null}}"#),
            (
                "env_file: x.env",
                r#"{"env_file":[{"path":"x.env","required":true}]}"#,
            ),
            ("extends: b", r#"{"extends":{"service":"b"}}"#),
            (
                "labels: {a: 0444, b: 1_000, c: 08, d: '0444', e: v1_0}",
                r#"{"labels":{"a":292,"b":1000,"c":8.0,"d":"0444","e":"v1_0"}}"#,
            ),
        ] {
            let (json, problems) = lengthened(&format!("services:\n  a: {{{short}}}\n"));
            assert_eq!(json.to_string(), long);
            assert_eq!(problems, "");
        }
    }

    #[test]
    fn items_of_another_kind_are_named() {
        let (_, problems) =
            lengthened("services:\n  a:\n    environment:\n      - [x]\n    depends_on: [5]\n");
        assert_eq!(
            problems,
            "f:4:9: an item of `services.a.environment` must be text, not a list\n\
             f:5:18: an item of `services.a.depends_on` must be text, not a number"
        );
    }
}
