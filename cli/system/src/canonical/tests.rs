//! Short forms and what they become.

use super::*;

fn lengthened(text: &str) -> (serde_json::Value, String) {
    let trees = crate::yaml::parse_documents("f".as_ref(), text.as_bytes());
    let mut node = trees.unwrap().pop().unwrap();
    let mut problems = Problems::default();
    let _ = crate::fields::check(&mut node, false, &mut problems);
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
        "f:4:9: an item of `services.a.environment` must be text, not a list (write `NAME=VALUE`)\n\
         f:5:18: an item of `services.a.depends_on` must be text, not a number (write `db`)"
    );
}
