//! The schema knows the keys that the loader knows, describes each, and stands alone.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{compose_file, text};
use crate::load::testing::problems_of;
use crate::xmsvc::keys;

/// Every mapping of `x-msvc`: where it stands in the schema, its keys, and a Compose file with an
/// unknown key in it, nearly spelt like the last of them.
const MAPPINGS: [(&str, &[&str], &str, &str); 10] = [
    (
        "x-msvc-system",
        keys::SYSTEM,
        "x-msvc: {input: {}}",
        "inputs",
    ),
    (
        "x-msvc-journey",
        keys::JOURNEY,
        "x-msvc: {journeys: [{name: a, command: [b], comand: [c]}]}",
        "command",
    ),
    (
        "x-msvc-input",
        keys::INPUT,
        "x-msvc: {inputs: {a: {secret: s, secrets: s}}}\nsecrets: {s: {file: s}}",
        "secret",
    ),
    (
        "x-msvc-service",
        keys::SERVICE,
        "S x-msvc: {callls: [a]}",
        "calls",
    ),
    (
        "x-msvc-call",
        keys::CALL,
        "S x-msvc: {calls: [{service: a, prot: 1}]}",
        "port",
    ),
    (
        "x-msvc-contract",
        keys::CONTRACT,
        "S x-msvc: {contract: {state: /x}}",
        "states",
    ),
    (
        "x-msvc-process",
        keys::PROCESS,
        "S x-msvc: {process: {workdir: x, working_dirs: x}}",
        "working_dir",
    ),
    (
        "x-msvc-build",
        keys::BUILD,
        "S x-msvc: {process: {build: {comand: [x]}}}",
        "command",
    ),
    (
        "x-msvc-secret",
        keys::SECRET,
        "secrets: {s: {file: s, x-msvc: {generated: true}}}",
        "generate",
    ),
    (
        "x-msvc-secret/properties/generate",
        keys::GENERATE,
        "secrets: {s: {file: s, x-msvc: {generate: {byte: 32}}}}",
        "bytes",
    ),
];

#[test]
fn the_schema_has_every_key_of_the_loader_and_no_other() {
    let schema = compose_file();
    for (place, keys, ..) in MAPPINGS {
        let mapping = schema.pointer(&format!("/definitions/{place}")).unwrap();
        let written = mapping["properties"].as_object().unwrap().keys();
        let written: BTreeSet<&str> = written.map(String::as_str).collect();
        assert_eq!(written, keys.iter().copied().collect(), "{place}");
        assert_eq!(mapping["additionalProperties"], false, "{place}");
    }
}

#[test]
fn a_key_that_no_mapping_of_x_msvc_knows_is_an_error_with_the_nearest() {
    for (place, _, part, nearest) in MAPPINGS {
        let service = part.strip_prefix("S ").unwrap_or_default();
        let part = if service.is_empty() { part } else { "" };
        let text = format!("services:\n  a: {{image: a, {service}}}\n{part}\n");
        let problems = problems_of(&text);
        assert!(
            problems.contains("has no key") && problems.contains(&format!("`{nearest}`")),
            "{place}: {problems}"
        );
    }
}

/// Calls `look` with every object of the schema, with its place.
fn walk(value: &Value, at: &str, look: &mut impl FnMut(&str, &Value)) {
    look(at, value);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                walk(value, &format!("{at}/{key}"), look);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                walk(value, &format!("{at}/{i}"), look);
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_x_msvc_is_described_and_no_reference_leads_away() {
    let schema = compose_file();
    let described = |value: &Value| {
        let own = value.get("description").and_then(Value::as_str);
        let named = value.get("$ref").and_then(Value::as_str);
        let named = named.and_then(|name| schema.pointer(name.strip_prefix('#')?));
        let theirs = named.and_then(|it| it.get("description")?.as_str());
        own.or(theirs).is_some_and(|text| text.len() > 10)
    };
    for (place, ..) in MAPPINGS {
        let mapping = schema.pointer(&format!("/definitions/{place}")).unwrap();
        assert!(described(mapping), "{place}");
        for (key, value) in mapping["properties"].as_object().unwrap() {
            assert!(described(value), "{place}: {key}");
        }
    }
    walk(&schema, "", &mut |at, value| {
        if let Some(name) = value.get("$ref").and_then(Value::as_str) {
            let place = name.strip_prefix('#');
            let found = place.and_then(|place| schema.pointer(place));
            assert!(found.is_some_and(Value::is_object), "{at}: {name}");
        }
    });
}

#[test]
fn the_text_is_the_schema_in_lines_that_a_person_reads() {
    let text = text();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read, compose_file());
    let long = |line: &&str| line.chars().count() > 100 && !line.contains("\"description\"");
    assert_eq!(text.lines().find(long), None);
    assert!(text.ends_with("}\n"));
}

#[test]
fn the_published_schema_is_the_one_that_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = path.join(super::FILE_NAME);
    if std::env::var_os("MSVC_TESTS_WRITE").is_some() {
        std::fs::write(&path, text()).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == text(),
        "{} is another one: MSVC_TESTS_WRITE=1 cargo test -p msvc-system writes it",
        path.display()
    );
}
