//! Every field's example is one that is truly taken, and so is what its hints advise: each is put into a
//! file and read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map as Object, Value, json};

use super::{FILE, Field, Level, Map, SERVICE, Shape, example};
use crate::files::Files;
use crate::load::resolve;
use crate::load::testing::request;
use crate::problem::Problem;
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

/// Each field with its path and a value for the level that it stands in, where its own is as given.
fn each(
    level: &'static Level,
    above: &str,
    own: &dyn Fn(&'static Field) -> Value,
    found: &mut Vec<(String, &'static Field, Value)>,
) {
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
        found.push((path.clone(), field, with(own(field))));
        if let Some((level, wrapped)) = below(&field.shape).filter(|_| field.name != "services") {
            let mut inner = Vec::new();
            each(level, &format!("{path}."), own, &mut inner);
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

/// Whole files, each with one of all fields in it, whose value is as given.
fn files_with(own: &dyn Fn(&'static Field) -> Value) -> Vec<(String, &'static Field, Value)> {
    let mut whole = Vec::new();
    let mut found = Vec::new();
    each(&SERVICE, "", own, &mut found);
    for (path, field, value) in found {
        let mut file = value_of(BESIDE);
        merged(&mut file, json!({"services": {"web": {"image": "nginx"}}}));
        merged(&mut file, json!({"services": {"web": value}}));
        whole.push((path, field, file));
    }
    let mut found = Vec::new();
    each(&FILE, "/", own, &mut found);
    for (path, field, value) in found {
        let mut file = json!({"services": {"web": {"image": "nginx"}}});
        merged(&mut file, value);
        whole.push((path, field, file));
    }
    // `external` as a mapping is an old form, which nobody is advised to write.
    whole.retain(|(path, ..)| !path.contains(".external."));
    whole
}

fn problems_of(file: &str) -> Vec<Problem> {
    let mut files = vec![("compose.yaml".to_owned(), file.to_owned())];
    files.extend(FILES.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let files: BTreeMap<PathBuf, Vec<u8>> = files
        .into_iter()
        .map(|(name, text)| (PathBuf::from("/system").join(name), text.into_bytes()))
        .collect();
    match resolve(&request(), &Files::in_memory(files)) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.0,
    }
}

#[test]
fn the_example_of_every_field_is_taken() {
    let mut wrong = Vec::new();
    for (path, field, file) in files_with(&|field| value_of(field.like)) {
        assert_eq!(example(&path), Some(field.like), "{path}");
        let problems = problems_of(&file.to_string());
        if !problems.is_empty() && path != "/version" {
            wrong.push(format!("{path}: {}: {problems:?}\n  {file}", field.like));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a value is put.
const HERE: &str = "HERE";
/// Values, each of which most fields cannot be.
const VALUES: [&str; 14] = [
    "80", "0", "1.5", "-1", "true", "false", "hello", "\"a b\"", "", "[80]", "[a, b]", "[[a]]",
    "{x: 1}", "{}",
];

/// What a hint says to write, in each of its ways: what stands between accents, and each of a few words.
fn advised(hint: &str) -> Vec<&str> {
    let mut advises = ["write", "one of ", "did you mean "].iter();
    // Words in capitals stand for something, and what is to take another's place is not put here.
    let mut says_less = ["NAME", "PORT", "in place of"].iter();
    if !advises.any(|it| hint.starts_with(it)) || says_less.any(|it| hint.contains(it)) {
        return Vec::new();
    }
    let quoted = hint.split('`').skip(1).step_by(2);
    let words = hint.strip_prefix("one of ").into_iter();
    let words = words.flat_map(|words| words.split(", "));
    quoted.chain(words).collect()
}

/// What is wrong where something is put that `hint` advises in place of the value at [`HERE`] in `text`,
/// which is one line, with `value` in it.
fn refused(text: &str, value: &str) -> Vec<String> {
    let column = text.find(HERE).unwrap() as u32;
    let mut wrong = Vec::new();
    for problem in problems_of(&text.replace(&format!("\"{HERE}\""), value)) {
        let is_here = problem.place.as_ref().is_some_and(|it| it.column == column);
        for way in advised(problem.hint.as_deref().unwrap_or_default()) {
            if !is_here {
                continue;
            }
            let mapping = value_of(way);
            let put = match mapping
                .as_object()
                .filter(|it| it.len() == 1 && !way.starts_with('{'))
            {
                Some(one) => one.values().next().unwrap().to_string(),
                None => mapping.to_string(),
            };
            let after = problems_of(&text.replace(&format!("\"{HERE}\""), &put));
            let mut after = after.iter().filter(|it| !misses(&it.what));
            if let Some(after) = after.next() {
                wrong.push(format!("{value}: {problem}\n    then {after}"));
            }
        }
    }
    wrong
}

/// Whether what is told is that something else is not there.
fn misses(what: &str) -> bool {
    let missing = [
        "is not declared",
        "does not exist",
        "cannot be read",
        "has neither",
        "needs a `target`",
    ];
    missing.iter().any(|it| what.contains(it))
}

#[test]
fn what_the_hint_at_a_wrong_value_advises_is_taken() {
    // The first words of a healthcheck say how it is run.
    let item = |field: &'static Field| match field.name {
        "test" => json!(["CMD", HERE]),
        _ => json!([HERE]),
    };
    let mut files = files_with(&|_| json!(HERE));
    let lists = files_with(&item).into_iter();
    files.extend(lists.filter(|(_, field, _)| field.shape.list.is_some()));
    let names = files_with(&|_| json!({ "k": HERE })).into_iter();
    files.extend(names.filter(|(_, field, _)| matches!(field.shape.map, Map::Names(_))));
    let mut wrong = Vec::new();
    for (path, _, file) in files {
        let text = file.to_string();
        for value in VALUES {
            let refused = refused(&text, value).into_iter();
            wrong.extend(refused.map(|it| format!("{path}: {it}")));
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
