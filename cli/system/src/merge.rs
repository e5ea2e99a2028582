//! Several files into one, by Compose's rules: mappings are merged, lists appended (an item with
//! the identity of an earlier one takes its place), anything else replaced; commands and
//! healthcheck tests are replaced whole. `!reset` removes what earlier files gave, `!override`
//! replaces it.
//!
//! What comes in: trees in long form ([`crate::forms`]), earlier files first. What leaves: one
//! tree whose nodes keep the place of the file they came from, without tags. What must not
//! enter: defaults.

use std::collections::HashMap;

use crate::forms::scalar_text;
use crate::problem::{Problem, Problems};
use crate::volume_text;
use crate::yaml::{Key, Node, NodeValue, shorten};

/// One tree of all files.
pub(crate) fn merge(files: Vec<Node>, problems: &mut Problems) -> Option<Node> {
    let mut files = files.into_iter();
    let mut merged = files.next()?;
    for over in files {
        merged = node(merged, over, &[], problems);
    }
    clean(&mut merged, problems);
    unique(&mut merged, &mut Vec::new());
    Some(merged)
}

/// `base` with `over` on top, at `path`: as one service extends another.
pub(crate) fn over(base: Node, over: Node, path: &[&str], problems: &mut Problems) -> Node {
    node(base, over, path, problems)
}

fn node(base: Node, over: Node, path: &[&str], problems: &mut Problems) -> Node {
    if over.tag.as_deref() == Some("!override") || replaced(path) || base.is_null() {
        return over;
    }
    if over.is_null() {
        return base;
    }
    match (base.value, over.value) {
        (NodeValue::Map(base_entries), NodeValue::Map(over_entries)) => {
            if is(path, &["services", "*", "logging"])
                && driver(&base_entries) != driver(&over_entries)
                && driver(&base_entries).is_some()
                && driver(&over_entries).is_some()
            {
                return Node::new(over.place, NodeValue::Map(over_entries));
            }
            let entries = map(base_entries, over_entries, path, problems);
            Node::new(base.place, NodeValue::Map(entries))
        }
        (NodeValue::Seq(mut items), NodeValue::Seq(more)) => {
            items.extend(more);
            Node::new(base.place, NodeValue::Seq(items))
        }
        (base_value @ (NodeValue::Map(_) | NodeValue::Seq(_)), over_value) => {
            let base = Node::new(base.place, base_value);
            let over = Node::new(over.place, over_value);
            problems.push(
                Problem::error(format!(
                    "`{}` is {} here and {} in line {} of {}; the two cannot be merged",
                    shorten(&path.join(".")),
                    over.kind(),
                    base.kind(),
                    base.place.line,
                    base.place.file.display()
                ))
                .at(over.place.clone())
                .hint("write `!override` before the value to replace what earlier files say"),
            );
            over
        }
        (_, value) => Node {
            value,
            place: over.place,
            tag: over.tag,
            plain: over.plain,
        },
    }
}

fn map(
    mut base: Vec<(Key, Node)>,
    over: Vec<(Key, Node)>,
    path: &[&str],
    problems: &mut Problems,
) -> Vec<(Key, Node)> {
    let positions: HashMap<String, usize> = base
        .iter()
        .enumerate()
        .map(|(i, (key, _))| (key.text.clone(), i))
        .collect();
    for (key, value) in over {
        let Some((_, slot)) = positions.get(&key.text).and_then(|i| base.get_mut(*i)) else {
            base.push((key, value));
            continue;
        };
        if value.tag.as_deref() == Some("!reset") {
            // `clean` removes it, so that positions stay as they are.
            *slot = value;
            continue;
        }
        let mut path = path.to_vec();
        path.push(&key.text);
        let nothing = Node::new(slot.place.clone(), NodeValue::Null);
        *slot = node(std::mem::replace(slot, nothing), value, &path, problems);
    }
    base
}

/// Whether a path of keys fits a pattern in which `*` is any key.
fn is(path: &[&str], pattern: &[&str]) -> bool {
    path.len() == pattern.len()
        && path
            .iter()
            .zip(pattern)
            .all(|(key, wanted)| *wanted == "*" || key == wanted)
}

/// What a later file replaces whole.
fn replaced(path: &[&str]) -> bool {
    is(path, &["services", "*", "command"])
        || is(path, &["services", "*", "entrypoint"])
        || is(path, &["services", "*", "healthcheck", "test"])
        || is(path, &["services", "*", "ulimits", "*"])
}

fn driver(logging: &[(Key, Node)]) -> Option<&str> {
    let (_, driver) = logging.iter().find(|(key, _)| key.text == "driver")?;
    driver.as_str()
}

/// Removes what `!reset` marks, takes the mark of `!override` off, and names other tags.
fn clean(node: &mut Node, problems: &mut Problems) {
    match node.tag.take().as_deref() {
        None | Some("!override" | "!reset") => {}
        Some(tag) => problems.push(
            Problem::error(format!("the tag `{}` means nothing here", shorten(tag)))
                .at(node.place.clone())
                .hint("`!reset` and `!override` are understood"),
        ),
    }
    let reset = |node: &Node| node.tag.as_deref() == Some("!reset");
    match &mut node.value {
        NodeValue::Map(entries) => {
            entries.retain(|(_, child)| !reset(child));
            entries
                .iter_mut()
                .for_each(|(_, child)| clean(child, problems));
        }
        NodeValue::Seq(items) => {
            items.retain(|child| !reset(child));
            items.iter_mut().for_each(|child| clean(child, problems));
        }
        _ => {}
    }
}

/// Lists of a service whose items have an identity.
const UNIQUE: &[&str] = &[
    "cap_add",
    "cap_drop",
    "configs",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "env_file",
    "expose",
    "links",
    "ports",
    "profiles",
    "secrets",
    "tmpfs",
    "volumes",
];

fn unique(node: &mut Node, path: &mut Vec<String>) {
    match &mut node.value {
        NodeValue::Map(entries) if path.len() < 4 => {
            for (key, child) in entries {
                path.push(key.text.clone());
                unique(child, path);
                path.pop();
            }
        }
        NodeValue::Seq(items) => {
            let [section, _, list] = path.as_slice() else {
                return;
            };
            if section == "services" && UNIQUE.contains(&list.as_str()) {
                *items = without_repetition(std::mem::take(items), list);
            }
        }
        _ => {}
    }
}

fn without_repetition(items: Vec<Node>, list: &str) -> Vec<Node> {
    let mut kept: Vec<Node> = Vec::with_capacity(items.len());
    let mut positions: HashMap<String, usize> = HashMap::new();
    for item in items {
        let earlier = identity(&item, list).and_then(|id| match positions.get(&id) {
            Some(position) => Some(*position),
            None => {
                positions.insert(id, kept.len());
                None
            }
        });
        match earlier.and_then(|position| kept.get_mut(position)) {
            Some(slot) => *slot = item,
            None => kept.push(item),
        }
    }
    kept
}

fn identity(item: &Node, list: &str) -> Option<String> {
    let field = |key: &str| item.get(key).and_then(scalar_text);
    match list {
        "volumes" => match item.as_str() {
            Some(text) => volume_text::parts(text)
                .ok()
                .map(|parts| parts.target.to_owned()),
            None => field("target"),
        },
        "devices" => match item.as_str() {
            Some(text) => Some(text.split(':').nth(1).unwrap_or(text).to_owned()),
            None => field("target"),
        },
        "ports" if item.as_map().is_some() => {
            let host = field("host_ip").unwrap_or_else(|| "0.0.0.0".to_owned());
            let protocol = field("protocol").unwrap_or_else(|| "tcp".to_owned());
            let published = field("published").unwrap_or_default();
            Some(format!(
                "{host}:{published}:{}/{protocol}",
                field("target")?
            ))
        }
        "env_file" if item.as_map().is_some() => field("path"),
        "configs" | "secrets" if item.as_map().is_some() => {
            field("target").or_else(|| field("source"))
        }
        _ => scalar_text(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(files: &[&str]) -> (serde_json::Value, String) {
        let mut problems = Problems::default();
        let trees = files
            .iter()
            .enumerate()
            .map(|(i, text)| {
                let text = format!("services: {{a: {{{text}}}}}");
                let mut tree =
                    crate::yaml::parse(format!("f{i}").as_ref(), text.as_bytes()).unwrap();
                crate::forms::lengthen(&mut tree, &mut problems);
                tree
            })
            .collect();
        let tree = merge(trees, &mut problems).unwrap();
        (
            tree.at("/services/a").unwrap().to_json(),
            problems.to_string(),
        )
    }

    #[test]
    fn a_later_file_is_laid_over_an_earlier_one() {
        for (base, over, wanted) in [
            ("image: a", "image: b", r#"{"image":"b"}"#),
            ("image: a", "tty: true", r#"{"image":"a","tty":true}"#),
            ("command: [a, b]", "command: [c]", r#"{"command":["c"]}"#),
            ("command: a b", "command: [c]", r#"{"command":["c"]}"#),
            (
                "healthcheck: {test: [CMD, a], interval: 1s}",
                "healthcheck: {test: b}",
                r#"{"healthcheck":{"test":"b","interval":"1s"}}"#,
            ),
            (
                "environment: [A=1, B=2]",
                "environment: {B: 3, C: 4}",
                r#"{"environment":{"A":"1","B":3,"C":4}}"#,
            ),
            (
                "ports: ['80:80']",
                "ports: ['80:80', '81:81']",
                r#"{"ports":["80:80","81:81"]}"#,
            ),
            (
                "volumes: ['va:/x', '/y']",
                "volumes: ['vb:/x:ro']",
                r#"{"volumes":["vb:/x:ro","/y"]}"#,
            ),
            (
                "expose: [80]",
                "expose: ['80', 81]",
                r#"{"expose":["80",81]}"#,
            ),
            (
                "depends_on: {b: {condition: service_healthy}}",
                "depends_on: [c]",
                r#"{"depends_on":{"b":{"condition":"service_healthy"},"c":{"condition":"service_started","required":true}}}"#,
            ),
            (
                "build: x",
                "build: {target: t}",
                r#"{"build":{"context":"x","target":"t"}}"#,
            ),
            (
                "logging: {driver: a, options: {x: 1}}",
                "logging: {driver: b}",
                r#"{"logging":{"driver":"b"}}"#,
            ),
            (
                "logging: {driver: a}",
                "logging: {options: {x: 1}}",
                r#"{"logging":{"driver":"a","options":{"x":1}}}"#,
            ),
            (
                "ports: ['80:80'], tty: true",
                "ports: !reset null",
                r#"{"tty":true}"#,
            ),
            (
                "ports: ['80:80']",
                "ports: !override ['81:81']",
                r#"{"ports":["81:81"]}"#,
            ),
            (
                "environment: {A: 1, B: 2}",
                "environment: {A: !reset null}",
                r#"{"environment":{"B":2}}"#,
            ),
            ("image: a", "image: ", r#"{"image":"a"}"#),
            (
                "security_opt: [a]",
                "security_opt: [a]",
                r#"{"security_opt":["a","a"]}"#,
            ),
        ] {
            let (json, problems) = merged(&[base, over]);
            assert_eq!(json.to_string(), wanted, "{base} + {over}");
            assert_eq!(problems, "");
        }
    }

    #[test]
    fn what_cannot_be_merged_and_foreign_tags_are_named() {
        let (_, problems) = merged(&["ports: ['80:80']", "ports: 80"]);
        assert!(
            problems.starts_with(
                "f1:1:23: `services.a.ports` is a number here and a list in line 1 of f0"
            ),
            "{problems}"
        );
        let (_, problems) = merged(&["image: !vault x"]);
        assert!(problems.starts_with("f0:1:"), "{problems}");
        assert!(
            problems.contains("the tag `!vault` means nothing here"),
            "{problems}"
        );
    }
}
