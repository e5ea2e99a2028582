//! Every field by its path, and which of them a value says something of.

use serde_json::Value;

use super::{FILE, FLAG, Field, Level, Map, SERVICE, Shape};

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
    let mut fields: Vec<&Field> = level.fields.iter().collect();
    fields.sort_by_key(|field| field.name);
    for field in fields {
        let path = format!("{above}{}", field.name);
        match level_below(&field.shape) {
            Some(below) => gather(below, &format!("{path}."), paths),
            None => paths.push(path),
        }
    }
}

/// What a value of the field at a path of [`all`] looks like, in YAML.
#[must_use]
pub fn example(path: &str) -> Option<&'static str> {
    let (level, path) = match path.strip_prefix('/') {
        Some(path) => (&FILE, path),
        None => (&SERVICE, path),
    };
    let mut parts = path.split('.');
    let first = parts.next().and_then(|name| level.field(name));
    let field = parts.try_fold(first?, |field, part| level_below(&field.shape)?.field(part));
    Some(field?.like)
}

/// The level that a shape leads to, through lists and names.
fn level_below(shape: &Shape) -> Option<&'static Level> {
    // `external` as a mapping is an old form of `true`.
    if shape.scalars & FLAG != 0 {
        return None;
    }
    let through = match shape.map {
        Map::Level(level) => Some(level),
        Map::Names(names) => level_below(&names.entry),
        Map::No | Map::Free => None,
    };
    through.or_else(|| shape.item().and_then(level_below))
}

/// The fields that have none below them and of which `value` says something, with what it says:
/// `value` stands at `path` of a service (`deploy.resources`). A short form that is one text stands
/// for its whole field; fields that nobody knows are left out.
#[must_use]
pub fn said<'v>(path: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
    let mut parts = path.split('.');
    let mut field = parts.next().and_then(|name| SERVICE.field(name));
    for part in parts {
        field = field.and_then(|it| level_below(&it.shape)?.field(part));
    }
    let mut said = Vec::new();
    if let Some(field) = field {
        descend(&field.shape, path, value, &mut said);
    }
    said
}

fn descend<'v>(shape: &Shape, path: &str, value: &'v Value, said: &mut Vec<(String, &'v Value)>) {
    if asks_nothing(value) {
        return;
    }
    if level_below(shape).is_none() {
        said.push((path.to_owned(), value));
        return;
    }
    match (value, shape.map, shape.item()) {
        (Value::Object(fields), Map::Level(level), _) => {
            for (name, below) in fields {
                if let Some(field) = level.field(name) {
                    descend(&field.shape, &format!("{path}.{name}"), below, said);
                }
            }
        }
        (Value::Object(entries), Map::Names(names), _) => {
            for below in entries.values() {
                // A name alone asks for what it names.
                match asks_nothing(below) {
                    true => said.push((path.to_owned(), below)),
                    false => descend(&names.entry, path, below, said),
                }
            }
        }
        (Value::Array(items), _, Some(shape)) => {
            for item in items {
                descend(shape, path, item, said);
            }
        }
        _ => said.push((path.to_owned(), value)),
    }
}

/// `false`, nothing or an empty list ask for nothing.
#[must_use]
pub fn asks_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_says_something_of_the_fields_that_it_fills_and_of_no_other() {
        for (path, value, expected) in [
            ("privileged", json!(true), vec!["privileged"]),
            ("privileged", json!(false), vec![]),
            ("devices", json!(["/dev/a:/dev/b"]), vec!["devices"]),
            (
                "devices",
                json!([{"source": "/a", "target": "/b"}]),
                vec!["devices.source", "devices.target"],
            ),
            ("gpus", json!("all"), vec!["gpus"]),
            (
                "networks",
                json!({"front": null, "back": {"aliases": ["a"], "priority": 3, "x-a": 1}}),
                vec!["networks", "networks.aliases", "networks.priority"],
            ),
            ("models", json!({"llm": null}), vec!["models"]),
            (
                "deploy.resources",
                json!({"limits": {"cpus": "1"}, "reservations": {"devices": [{"count": 1}]}}),
                vec![
                    "deploy.resources.limits.cpus",
                    "deploy.resources.reservations.devices.count",
                ],
            ),
            ("sysctls", json!({"a.b": 1}), vec!["sysctls"]),
            ("unheard", json!(1), vec![]),
        ] {
            let said: Vec<String> = said(path, &value).into_iter().map(|it| it.0).collect();
            assert_eq!(said, expected, "{path}: {value}");
        }
    }
}
