//! What a person, a program and the two drawing tools are given.

use proptest::prelude::*;

use super::{dot, json, mermaid, table};
use crate::load::testing::load;
use crate::model::System;

fn system() -> System {
    let text = r#"name: shop
services:
  web:
    image: web
    ports: ["8080:80"]
    environment: {API_URL: 'http://api:9000', API_ADMIN_URL: 'http://api:9001'}
    depends_on: [api, end]
  api: {image: api, links: ['db.x-1']}
  db.x-1: {image: db}
  end: {image: end}
  alone: {image: alone}
"#;
    load(text).system
}

#[test]
fn the_table_names_each_edge_with_every_reason() {
    assert_eq!(
        table(&system()),
        "EDGE            WHY\n\
         client->web:80  ports (compose.yaml:5)\n\
         web->api:9000   API_URL (compose.yaml:6), depends_on (compose.yaml:7)\n\
         web->api:9001   API_ADMIN_URL (compose.yaml:6), depends_on (compose.yaml:7)\n\
         web->end        depends_on (compose.yaml:7)\n\
         api->db.x-1     links (compose.yaml:8)\n"
    );
    let nothing = load("services: {a: {image: a}}").system;
    assert_eq!(table(&nothing), "no edges\n");
}

#[test]
fn the_data_says_the_same_as_the_table() {
    let value = json(&system());
    assert_eq!(value["schema"], "msvc.edges/1");
    assert_eq!(value["edges"].as_array().unwrap().len(), 5);
    assert_eq!(
        value["edges"][1],
        serde_json::json!({
            "edge": "web->api:9000", "caller": "web", "callee": "api", "port": 9000,
            "reasons": [
                {"by": "environment", "name": "API_URL", "file": "compose.yaml", "line": 6, "column": 28},
                {"by": "depends_on", "file": "compose.yaml", "line": 7, "column": 18},
            ],
        })
    );
    assert_eq!(value["edges"][0]["caller"], "@client");
    assert!(value["edges"][3]["port"].is_null());
}

#[test]
fn graphviz_is_given_every_service_and_one_arrow_for_each_pair() {
    assert_eq!(
        dot(&system()),
        r#"digraph "shop" {
  rankdir=LR;
  node [shape=box, fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];

  "@client" [label="client", shape=ellipse];
  "web" [label="web"];
  "api" [label="api"];
  "db.x-1" [label="db.x-1"];
  "end" [label="end"];
  "alone" [label="alone"];

  "@client" -> "web" [label="80"];
  "web" -> "api" [label="9000, 9001"];
  "web" -> "end" [style=dashed];
  "api" -> "db.x-1" [style=dashed];
}
"#
    );
}

#[test]
fn mermaid_is_given_names_as_labels_alone() {
    assert_eq!(
        mermaid(&system()),
        r#"flowchart LR
  n0(["client"])
  n1["web"]
  n2["api"]
  n3["db.x-1"]
  n4["end"]
  n5["alone"]
  n0 -->|"80"| n1
  n1 -->|"9000, 9001"| n2
  n1 -.-> n4
  n2 -.-> n3
"#
    );
}

/// Reads a string as Graphviz does: the scanner ends it at the first quote that no backslash is
/// before, a label then reads escapes and entities.
fn read_by_graphviz(quoted: &str) -> Option<String> {
    let inside = quoted.strip_prefix('"')?;
    let mut chars = inside.chars();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                c @ ('"' | '\\') => text.push(c),
                _ => return None,
            },
            '&' => {
                let rest = chars.as_str().strip_prefix("amp;")?;
                chars = rest.chars();
                text.push('&');
            }
            c => text.push(c),
        }
    }
    chars.as_str().is_empty().then_some(text)
}

/// Reads a string as Mermaid does: nothing is escaped but by entities.
fn read_by_mermaid(quoted: &str) -> Option<String> {
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once('#') {
        let (code, after) = after.split_once(';')?;
        text.push_str(before);
        text.push(char::from_u32(code.parse().ok()?)?);
        rest = after;
    }
    text.push_str(rest);
    let special = |c: char| matches!(c, '"' | '<' | '>' | '&' | '`' | '\\' | '|' | '\n');
    (!inside.contains(special)).then_some(text)
}

proptest! {
    #[test]
    fn any_text_is_quoted_so_that_each_language_reads_it_back(text in "\\PC{0,20}|[\"\\\\n&;#<>`|lNG\n]{0,20}") {
        prop_assert_eq!(read_by_graphviz(&super::dot::quoted(&text)), Some(text.clone()));
        prop_assert_eq!(read_by_mermaid(&super::mermaid::quoted(&text)), Some(text));
    }

    #[test]
    fn no_line_of_the_table_is_wider_than_a_terminal(
        caller in "[a-z]{1,30}", callee in "[A-Z]{1,30}", key in "[A-Z_é]{1,120}", port in 20..u16::MAX,
        file in "[a-z/é]{1,120}",
    ) {
        let text = format!(
            "services:\n  {caller}: {{image: a, environment: {{'{key}x': 'http://{callee}:{port}', \
             {key}: 'http://{callee}:{port}'}}, depends_on: [{callee}]}}\n  {callee}: {{image: b}}\n"
        );
        let mut system = load(&text).system;
        for reason in system.edges.iter_mut().flat_map(|edge| &mut edge.reasons) {
            if let crate::model::EdgeReason::Environment { place, .. } = reason {
                place.file = file.clone().into();
            }
        }
        let table = table(&system);
        prop_assert!(table.lines().all(|line| line.chars().count() <= 80), "{}", table);
        prop_assert!(table.contains(&format!("{caller}->{callee}:{port}")), "{}", table);
        prop_assert!(table.contains("depends_on (compose.yaml:2)"), "{}", table);
    }
}
