//! Every field's example is one that is truly taken: each is put into a file and read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map as Object, Value, json};

use super::{FILE, Field, Level, Map, SERVICE, Shape, example};
use crate::files::Files;
use crate::load::resolve;
use crate::load::testing::request;
use crate::yaml::parse_documents;

/// What examples name: services, networks and the like, and files.
const BESIDE: &str = "{services: {db: {image: db}}, networks: {back: {}, db: {}}, \
    configs: {site: {content: x}, key: {content: x}}, secrets: {key: {environment: KEY}}, \
    models: {llm: {model: m}, db: {model: m}}, volumes: {data: {}}}";
const FILES: [(&str, &str); 5] = [
    ("web.env", "A=1\n"),
    ("other.env", "A=1\n"),
    ("labels.env", "a=1\n"),
    ("other.yaml", "services: {other: {image: a}}\n"),
    ("base.yaml", "services: {base: {image: a}}\n"),
];

/// What a field needs beside it, by its path.
fn needed(path: &str) -> Value {
    match path.split('.').collect::<Vec<_>>().as_slice() {
        ["volumes", "volume"] => json!({"type": "volume", "source": "data"}),
        ["volumes", "tmpfs"] => json!({"type": "tmpfs"}),
        ["volumes", "image"] => json!({"type": "image", "source": "nginx"}),
        ["volumes", _] => json!({"source": "./data"}),
        ["secrets" | "configs", _] | ["build", "secrets", _] => json!({"source": "key"}),
        ["extends", _] => json!({"file": "base.yaml"}),
        [
            "/secrets" | "/configs",
            "environment" | "content" | "external",
        ] => json!({}),
        ["/secrets" | "/configs", _] => json!({"file": "./key.txt"}),
        ["/include", _] => json!({"path": "other.yaml"}),
        _ => json!({}),
    }
}

fn value_of(text: &str) -> Value {
    let documents = parse_documents("example".as_ref(), text.as_bytes()).unwrap();
    documents.first().unwrap().to_json()
}

/// A level below a field, and what makes a value of the field of one of the level.
type Below = (&'static Level, fn(Value) -> Value);

fn below(shape: &Shape) -> Option<Below> {
    let own = |value| value;
    match (shape.map, shape.item()) {
        (Map::Level(level), _) => Some((level, own)),
        (Map::Names(names), _) if matches!(names.entry.map, Map::Level(_)) => {
            let (level, _) = below(&names.entry)?;
            Some((level, |value| json!({ "db": value })))
        }
        (_, Some(item)) => Some((below(item)?.0, |value| json!([value]))),
        _ => None,
    }
}

/// Each field with its path and a value for the level that it stands in.
fn each(level: &'static Level, above: &str, found: &mut Vec<(String, &'static Field, Value)>) {
    for field in level.fields {
        let path = format!("{above}{}", field.name);
        let mut whole = Object::new();
        for other in level.fields.iter().filter(|other| other.required) {
            whole.insert(other.name.to_owned(), value_of(other.like));
        }
        whole.extend(needed(&path).as_object().unwrap().clone());
        let with = |value: Value| {
            let mut whole = whole.clone();
            whole.insert(field.name.to_owned(), value);
            Value::Object(whole)
        };
        found.push((path.clone(), field, with(value_of(field.like))));
        if let Some((level, wrapped)) = below(&field.shape).filter(|_| field.name != "services") {
            let mut inner = Vec::new();
            each(level, &format!("{path}."), &mut inner);
            let outer = inner.into_iter();
            found.extend(outer.map(|(path, field, value)| (path, field, with(wrapped(value)))));
        }
    }
}

/// One file with all of both in it.
fn merged(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merged(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

fn problems_of(file: &Value) -> Vec<String> {
    let mut files = vec![("compose.yaml".to_owned(), file.to_string())];
    files.extend(FILES.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let files: BTreeMap<PathBuf, Vec<u8>> = files
        .into_iter()
        .map(|(name, text)| (PathBuf::from("/system").join(name), text.into_bytes()))
        .collect();
    let problems = match resolve(&request(), &Files::in_memory(files)) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.0,
    };
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_example_of_every_field_is_taken() {
    let mut found = Vec::new();
    each(&SERVICE, "", &mut found);
    let mut whole = Vec::new();
    for (path, field, value) in found {
        let mut file = value_of(BESIDE);
        merged(&mut file, json!({"services": {"web": {"image": "nginx"}}}));
        merged(&mut file, json!({"services": {"web": value}}));
        whole.push((path, field, file));
    }
    let mut found = Vec::new();
    each(&FILE, "/", &mut found);
    for (path, field, value) in found {
        let mut file = json!({"services": {"web": {"image": "nginx"}}});
        merged(&mut file, value);
        whole.push((path, field, file));
    }
    let mut wrong = Vec::new();
    for (path, field, file) in whole {
        // `external` as a mapping is an old form, which nobody is advised to write.
        if path.contains(".external.") {
            continue;
        }
        assert_eq!(example(&path), Some(field.like), "{path}");
        let problems = problems_of(&file);
        if !problems.is_empty() && path != "/version" {
            wrong.push(format!("{path}: {}: {problems:?}\n  {file}", field.like));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
