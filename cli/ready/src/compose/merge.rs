//! One Compose file over another, read leniently: mappings are joined, lists go on, anything else is
//! replaced; settings in either form are joined by their names.

use msvc_system::yaml::{Key, Node, NodeValue};

/// What may be a mapping or a list of its names, or of `NAME=value`.
const NAMED: [&str; 7] = [
    "environment",
    "labels",
    "annotations",
    "args",
    "networks",
    "depends_on",
    "sysctls",
];

/// Lists that are one text in many words.
const WHOLE: [&str; 3] = ["command", "entrypoint", "test"];

/// One over another.
pub(super) fn laid_over(below: &Node, over: &Node) -> Node {
    under("", below, over)
}

/// The same, of what stands at a key.
fn under(key: &str, below: &Node, over: &Node) -> Node {
    if NAMED.contains(&key) && over.tag.is_none() {
        return joined(&named(below), &named(over));
    }
    match (&below.value, &over.value) {
        _ if over.tag.is_some() => over.clone(),
        (_, NodeValue::Null) => below.clone(),
        (NodeValue::Map(_), NodeValue::Map(_)) => joined(below, over),
        (NodeValue::Seq(old), NodeValue::Seq(new)) if !WHOLE.contains(&key) => {
            let all = old.iter().chain(new).cloned().collect();
            Node::new(over.place.clone(), NodeValue::Seq(all))
        }
        _ => over.clone(),
    }
}

/// Two mappings as one.
fn joined(below: &Node, over: &Node) -> Node {
    if over.entries().is_empty() {
        return below.clone();
    }
    let mut all: Vec<(Key, Node)> = below.entries().to_vec();
    for (key, value) in over.entries() {
        match all.iter_mut().find(|(it, _)| it.text == key.text) {
            Some((_, old)) => *old = under(&key.text, old, value),
            None => all.push((key.clone(), value.clone())),
        }
    }
    Node::new(over.place.clone(), NodeValue::Map(all))
}

/// A list of names, or of `NAME=value`, as a mapping.
fn named(node: &Node) -> Node {
    if node.items().is_empty() {
        return node.clone();
    }
    let entry = |item: &Node| {
        let text = item.text()?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, NodeValue::String(value.to_owned())),
            None => (text.as_str(), NodeValue::Null),
        };
        let key = Key {
            text: name.to_owned(),
            place: item.place.clone(),
        };
        Some((key, Node::new(item.place.clone(), value)))
    };
    let all = node.items().iter().filter_map(entry).collect();
    Node::new(node.place.clone(), NodeValue::Map(all))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use msvc_system::yaml;

    use super::*;

    fn service(below: &str, over: &str) -> Node {
        let read = |text: &str| {
            let text = format!("services: {{a: {{{text}}}}}");
            yaml::parse(Path::new("/r/a"), text.as_bytes()).unwrap()
        };
        let all = laid_over(&read(below), &read(over));
        all.at("/services/a").unwrap().clone()
    }

    #[test]
    fn settings_are_joined_by_name_in_either_form_and_commands_are_replaced() {
        for (below, over) in [
            ("environment: {A: x, B: y}", "environment: {A: z}"),
            ("environment: [A=x, B=y]", "environment: [A=z]"),
            ("environment: {A: x, B: y}", "environment: [A=z]"),
            ("environment: [A=x, B=y]", "environment: {A: z}"),
        ] {
            let all = service(below, over);
            let value = |name: &str| all.get("environment")?.get(name)?.text();
            assert_eq!(value("A").as_deref(), Some("z"), "{below} {over}");
            assert_eq!(value("B").as_deref(), Some("y"), "{below} {over}");
        }
        let all = service(
            "command: [a, b], ports: ['1:1']",
            "command: [c], ports: ['2:2']",
        );
        assert_eq!(all.get("command").unwrap().items().len(), 1);
        assert_eq!(all.get("ports").unwrap().items().len(), 2);
        let all = service("ports: ['1:1'], image: a", "ports: !reset [], image: ");
        assert!(all.get("ports").unwrap().items().is_empty() && all.get("image").is_some());
    }
}
