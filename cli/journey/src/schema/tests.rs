use std::path::Path;

use msvc_system::problem::Problems;
use msvc_system::yaml;
use serde_json::{Map, Value, json};

use super::{InputSchema, read_inputs};

fn inputs(text: &str) -> Result<InputSchema, Problems> {
    let root = yaml::parse(Path::new("a.yaml"), text.as_bytes())?;
    let mut problems = Problems::default();
    let node = root.get("inputs").unwrap();
    let schema = read_inputs(node, root.get("components"), &mut problems);
    problems.or(schema)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

const ORDER: &str = "
inputs:
  type: object
  required: [sku]
  properties:
    run: {type: string, default: ''}
    sku: {type: string, pattern: '^[0-9]+$', maxLength: 6}
    qty: {type: integer, default: 2, minimum: 1, maximum: 9}
    gift: {type: boolean}
    kind: {enum: [card, cash], default: card}
    lines: {type: array, items: {$ref: '#/components/inputs/line'}}
components:
  inputs:
    line: {type: object, required: [n], additionalProperties: false, properties: {n: {type: number}}}
";

#[test]
fn defaults_and_the_run_are_put_in_and_texts_become_what_is_declared() {
    let schema = inputs(ORDER).unwrap();
    let given = object(json!({"sku": "4521", "gift": "true", "elsewhere": 1}));
    assert_eq!(
        Value::Object(schema.fill(&given, "r1").unwrap()),
        json!({"run": "r1", "sku": "4521", "qty": 2, "gift": true, "kind": "card"})
    );
    let given = object(json!({"sku": "1", "qty": "7", "run": "mine"}));
    let filled = schema.fill(&given, "r1").unwrap();
    assert_eq!(
        (&filled["qty"], &filled["run"]),
        (&json!(7), &json!("mine"))
    );
}

#[test]
fn inputs_that_are_missing_or_not_as_declared_are_all_told() {
    let schema = inputs(ORDER).unwrap();
    let wrong = |given| schema.fill(&object(given), "r").unwrap_err().join("\n");
    assert!(wrong(json!({})).contains("`sku` is required"));
    let all = wrong(json!({"sku": "x234567", "qty": 10, "gift": 1, "kind": "x",
                           "lines": [{"n": 1}, {"m": 1}]}));
    for part in [
        "at most 6 characters",
        "must match `^[0-9]+$`",
        "`qty` must be at most 9, not 10",
        "`gift` must be of type boolean, not 1",
        "`kind` must be one of \"card\", \"cash\"",
        "item 1 may not have `m`",
        "item 1 must have `n`",
    ] {
        assert!(all.contains(part), "{part} in\n{all}");
    }
}

#[test]
fn a_keyword_that_is_not_checked_is_a_problem_with_its_place() {
    let problems = inputs("inputs:\n  type: object\n  oneOf: []\n").unwrap_err();
    assert_eq!(
        problems.to_string(),
        "a.yaml:3:3: msvc does not check inputs by `oneOf`"
    );
    let problems = inputs("inputs: {properties: {a: {type: int}}}").unwrap_err();
    assert!(
        problems.to_string().contains("`int` is no type"),
        "{problems}"
    );
}

#[test]
fn a_schema_that_refers_to_itself_ends_in_a_problem() {
    let text = "
inputs: {$ref: '#/components/inputs/a'}
components: {inputs: {a: {$ref: '#/components/inputs/a'}}}";
    assert!(inputs(text).unwrap_err().to_string().contains("circle"));
    let text = "
inputs: {properties: {a: {$ref: '#/components/inputs/a'}}}
components: {inputs: {a: {properties: {a: {$ref: '#/components/inputs/a'}}}}}";
    assert!(inputs(text).unwrap_err().to_string().contains("nested"));
}
