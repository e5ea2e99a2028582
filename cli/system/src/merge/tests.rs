//! Two files, one over the other.

use super::*;
use crate::canonical::{Variables, WHOLE_FILE};

fn merged(files: &[&str]) -> (serde_json::Value, String) {
    let mut problems = Problems::default();
    let mut merged: Option<Node> = None;
    for (i, text) in files.iter().enumerate() {
        let text = format!("services: {{a: {{{text}}}}}");
        let tree = crate::yaml::parse(format!("f{i}").as_ref(), text.as_bytes()).unwrap();
        let mut tree = match merged.take() {
            None => tree,
            Some(base) => over(base, tree, &WHOLE_FILE, &mut Vec::new(), &mut problems),
        };
        clean(&mut tree, &mut problems);
        unique(&mut tree, &WHOLE_FILE);
        crate::canonical::lengthen(&mut tree, Variables::Replaced, &mut problems);
        unique(&mut tree, &WHOLE_FILE);
        merged = Some(tree);
    }
    let tree = merged.unwrap();
    (
        tree.at("/services/a").unwrap().to_json(),
        problems.to_string(),
    )
}

/// What the earlier file says of the service, the later, and both together.
const LAID: &[(&str, &str, &str)] = &[
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
        r#"{"environment":{"A":"1","B":"3","C":"4"}}"#,
    ),
    (
        "ports: ['80:80']",
        "ports: ['80:80', '81:81']",
        r#"{"ports":[{"mode":"ingress","published":"80","protocol":"tcp","target":80},{"mode":"ingress","published":"81","protocol":"tcp","target":81}]}"#,
    ),
    (
        "volumes: ['va:/x', '/yy']",
        "volumes: ['vb:/x:ro']",
        r#"{"volumes":[{"type":"volume","source":"vb","target":"/x","read_only":true,"volume":{}},{"type":"volume","target":"/yy","volume":{}}]}"#,
    ),
    (
        "expose: [80]",
        "expose: ['80', 81]",
        r#"{"expose":["80",81]}"#,
    ),
    (
        "depends_on: {b: {condition: service_healthy}}",
        "depends_on: [c]",
        r#"{"depends_on":{"b":{"condition":"service_healthy","required":true},"c":{"condition":"service_started","required":true}}}"#,
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
        r#"{"ports":[{"mode":"ingress","published":"81","protocol":"tcp","target":81}]}"#,
    ),
    (
        "environment: {A: 1, B: 2}",
        "environment: {A: !reset null}",
        r#"{"environment":{"B":"2"}}"#,
    ),
    ("image: a", "image: ", r#"{"image":"a"}"#),
    (
        "security_opt: [a]",
        "security_opt: [a]",
        r#"{"security_opt":["a","a"]}"#,
    ),
];

#[test]
fn a_later_file_is_laid_over_an_earlier_one() {
    for &(base, over, wanted) in LAID {
        let (json, problems) = merged(&[base, over]);
        assert_eq!(json.to_string(), wanted, "{base} + {over}");
        assert_eq!(problems, "");
    }
}

#[test]
fn what_cannot_be_merged_and_foreign_tags_are_named() {
    let (_, problems) = merged(&["ports: ['80:80']", "ports: 80"]);
    assert!(
        problems
            .starts_with("f1:1:23: `services.a.ports` is a number here and a list in line 1 of f0"),
        "{problems}"
    );
    let (_, problems) = merged(&["image: !vault x"]);
    assert!(problems.starts_with("f0:1:"), "{problems}");
    assert!(
        problems.contains("the tag `!vault` means nothing here"),
        "{problems}"
    );
}
