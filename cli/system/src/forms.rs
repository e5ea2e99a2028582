//! Short forms that must be long ones before files can be merged: `KEY=VALUE` lists become
//! mappings, lists of names mappings of names, one path a list of paths, a build context a
//! build. Also numbers that only YAML 1.1 knows (`0444`, `1_000`), which Compose reads as such.
//!
//! What comes in: the tree of one file, interpolated. What leaves: the same tree, places kept.
//! What must not enter: defaults; decisions between files.

use crate::problem::{Place, Problem, Problems};
use crate::yaml::{Key, Node, NodeValue, shorten};

/// Rewrites the short forms of one file.
pub(crate) fn lengthen(root: &mut Node, problems: &mut Problems) {
    for (_, service) in entries_of(root, "services") {
        lengthen_service(service, problems);
    }
    for section in ["networks", "volumes"] {
        for (_, one) in entries_of(root, section) {
            settings(one, "labels", problems);
        }
    }
}

fn lengthen_service(service: &mut Node, problems: &mut Problems) {
    for key in ["environment", "labels", "annotations", "sysctls"] {
        settings(service, key, problems);
    }
    if let Some(build) = service.get_mut("build") {
        if build.as_str().is_some() {
            let context = std::mem::replace(&mut build.value, NodeValue::Null);
            let place = build.place.clone();
            build.value = NodeValue::Map(vec![entry("context", &place, context)]);
        }
        for key in ["args", "labels", "additional_contexts"] {
            settings(build, key, problems);
        }
    }
    if let Some(deploy) = service.get_mut("deploy") {
        settings(deploy, "labels", problems);
    }
    if let Some(extends) = service.get_mut("extends")
        && extends.as_str().is_some()
    {
        let name = std::mem::replace(&mut extends.value, NodeValue::Null);
        let place = extends.place.clone();
        extends.value = NodeValue::Map(vec![entry("service", &place, name)]);
    }
    names(service, "depends_on", problems, |place| {
        let condition = NodeValue::String("service_started".to_owned());
        NodeValue::Map(vec![
            entry("condition", place, condition),
            entry("required", place, NodeValue::Bool(true)),
        ])
    });
    names(service, "networks", problems, |_| NodeValue::Null);
    names(service, "models", problems, |_| NodeValue::Null);
    for key in [
        "env_file",
        "dns",
        "dns_search",
        "dns_opt",
        "tmpfs",
        "label_file",
    ] {
        if let Some(node) = service.get_mut(key)
            && matches!(node.value, NodeValue::String(_) | NodeValue::Map(_))
        {
            let one = std::mem::replace(&mut node.value, NodeValue::Null);
            node.value = NodeValue::Seq(vec![Node::new(node.place.clone(), one)]);
        }
    }
}

fn entries_of<'n>(node: &'n mut Node, key: &str) -> &'n mut [(Key, Node)] {
    match node.get_mut(key).map(|node| &mut node.value) {
        Some(NodeValue::Map(entries)) => entries,
        _ => &mut [],
    }
}

fn entry(text: &str, place: &Place, value: NodeValue) -> (Key, Node) {
    let key = Key {
        text: text.to_owned(),
        place: place.clone(),
    };
    (key, Node::new(place.clone(), value))
}

/// `- KEY=VALUE` and `- KEY` (no value) to a mapping. Of a key named twice the later one counts.
fn settings(parent: &mut Node, key: &str, problems: &mut Problems) {
    let Some(node) = parent.get_mut(key) else {
        return;
    };
    let NodeValue::Seq(items) = &node.value else {
        return;
    };
    let mut settings = indexmap::IndexMap::new();
    for item in items {
        let Some(text) = scalar_text(item).filter(|_| !item.is_null()) else {
            problems.push(item.expected(&format!("an item of `{key}`"), "text: `KEY=VALUE`"));
            continue;
        };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, NodeValue::String(value.to_owned())),
            None => (text.as_str(), NodeValue::Null),
        };
        let (key, node) = entry(name, &item.place, value);
        settings.insert(name.to_owned(), (key, node));
    }
    node.value = NodeValue::Map(settings.into_values().collect());
}

/// A list of names to a mapping of names.
fn names(
    parent: &mut Node,
    key: &str,
    problems: &mut Problems,
    value: impl Fn(&Place) -> NodeValue,
) {
    let Some(node) = parent.get_mut(key) else {
        return;
    };
    let NodeValue::Seq(items) = &node.value else {
        return;
    };
    let mut entries = indexmap::IndexMap::new();
    for item in items {
        match item.as_str() {
            Some(name) => {
                entries.insert(
                    name.to_owned(),
                    entry(name, &item.place, value(&item.place)),
                );
            }
            None => problems.push(item.expected(&format!("an item of `{key}`"), "a name")),
        }
    }
    node.value = NodeValue::Map(entries.into_values().collect());
}

/// Numbers that YAML 1.1 knows and YAML 1.2 does not, wherever they stand without quotes.
pub(crate) fn old_numbers(node: &mut Node) {
    match &mut node.value {
        NodeValue::String(text) if node.plain => {
            if let Some(value) = old_number(text) {
                node.value = value;
            }
        }
        NodeValue::Seq(items) => items.iter_mut().for_each(old_numbers),
        NodeValue::Map(entries) => entries.iter_mut().for_each(|(_, node)| old_numbers(node)),
        _ => {}
    }
}

fn old_number(text: &str) -> Option<NodeValue> {
    let plain = text.replace('_', "");
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with('_') {
        return None;
    }
    let sign = if plain.starts_with('-') { "-" } else { "" };
    let whole = |digits: &str, radix| i64::from_str_radix(&format!("{sign}{digits}"), radix).ok();
    let lower = digits.to_ascii_lowercase();
    let int = if let Some(hex) = lower.strip_prefix("0x") {
        whole(hex, 16)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        whole(binary, 2)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        whole(octal, 8)
    } else if let Some(octal) = lower.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        whole(octal, 8)
    } else {
        whole(&lower, 10)
    };
    let decimal = digits
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    match int {
        Some(int) => Some(NodeValue::Int(int)),
        None if decimal => plain.parse().ok().map(NodeValue::Float),
        None => None,
    }
}

/// A scalar as Compose turns it into text; `None` for lists and mappings. Nothing is the empty
/// text.
pub(crate) fn scalar_text(node: &Node) -> Option<String> {
    match node.value {
        NodeValue::Float(float) => Some(float_text(float)),
        _ => node.text(),
    }
}

/// The shortest text of a number: with an exponent from 1e21 on and below 1e-4.
fn float_text(float: f64) -> String {
    let size = float.abs();
    if !float.is_finite() || size == 0.0 || (1e-4..1e21).contains(&size) {
        return match float {
            f if f == f64::INFINITY => "+Inf".to_owned(),
            f if f == f64::NEG_INFINITY => "-Inf".to_owned(),
            f => f.to_string(),
        };
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

/// The text of a scalar, or the problem that `what` must be one.
pub(crate) fn want_text(node: &Node, what: &str) -> Result<String, Problem> {
    match scalar_text(node) {
        Some(text) if !node.is_null() => Ok(text),
        _ => Err(node.expected(&shorten(what), "text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengthened(text: &str) -> (serde_json::Value, String) {
        let mut node = crate::yaml::parse("f".as_ref(), text.as_bytes()).unwrap();
        let mut problems = Problems::default();
        old_numbers(&mut node);
        lengthen(&mut node, &mut problems);
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
            ("env_file: x.env", r#"{"env_file":["x.env"]}"#),
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
            "f:4:9: an item of `environment` must be text: `KEY=VALUE`, not a list\n\
             f:5:18: an item of `depends_on` must be a name, not a number"
        );
    }

    #[test]
    fn numbers_become_the_text_that_compose_makes_of_them() {
        for (float, text) in [
            (1.0, "1"),
            (1.5, "1.5"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (0.0, "0"),
            (123456789.0, "123456789"),
        ] {
            assert_eq!(float_text(float), text);
        }
    }
}
