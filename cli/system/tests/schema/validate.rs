//! As much of a JSON Schema validator as the published schema needs: what it does not know it
//! refuses, so that no rule goes unlooked at.

use serde_json::{Map, Value};

/// What is wrong with `value`, each with its place; `root` is the schema.
pub(crate) fn errors(root: &Value, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    check(root, root, value, "", &mut errors);
    errors
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
    let rules = match schema {
        Value::Bool(true) => return,
        Value::Bool(false) => return errors.push(format!("{at}: is not allowed")),
        rules => rules.as_object().unwrap(),
    };
    if let Some(name) = rules.get("$ref").and_then(Value::as_str) {
        let named = root.pointer(name.strip_prefix('#').unwrap()).unwrap();
        return check(root, named, value, at, errors);
    }
    for (rule, wanted) in rules {
        let holds = match rule.as_str() {
            "type" => types(wanted).any(|kind| is_of(value, kind)),
            "minimum" => number(value) >= number(wanted) || !value.is_number(),
            "maximum" => number(value) <= number(wanted) || !value.is_number(),
            "pattern" => value.as_str().is_none_or(|text| matches(wanted, text)),
            "const" => value == wanted,
            "not" => {
                let mut inner = Vec::new();
                check(root, wanted, value, at, &mut inner);
                !inner.is_empty()
            }
            "enum" => wanted.as_array().unwrap().contains(value),
            "anyOf" => wanted.as_array().unwrap().iter().any(|schema| {
                let mut inner = Vec::new();
                check(root, schema, value, at, &mut inner);
                inner.is_empty()
            }),
            "allOf" => {
                for schema in wanted.as_array().unwrap() {
                    check(root, schema, value, at, errors);
                }
                true
            }
            "required" => value.as_object().is_none_or(|fields| {
                let mut keys = wanted.as_array().unwrap().iter();
                keys.all(|key| fields.contains_key(key.as_str().unwrap()))
            }),
            "dependencies" => value.as_object().is_none_or(|fields| {
                let mut all = wanted.as_object().unwrap().iter();
                all.all(|(key, others)| {
                    let mut others = others.as_array().unwrap().iter();
                    !fields.contains_key(key)
                        || others.all(|other| fields.contains_key(other.as_str().unwrap()))
                })
            }),
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{at}/{i}"), errors);
                }
                true
            }
            "propertyNames" => {
                for key in value.as_object().into_iter().flat_map(Map::keys) {
                    let name = Value::String(key.clone());
                    check(root, wanted, &name, &format!("{at}/{key} (name)"), errors);
                }
                true
            }
            "properties"
            | "patternProperties"
            | "additionalProperties"
            | "definitions"
            | "description"
            | "title"
            | "$schema" => true,
            other => panic!("the validator knows no `{other}`"),
        };
        if !holds {
            errors.push(format!("{at}: {rule} {wanted}"));
        }
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        field(root, rules, key, value, &format!("{at}/{key}"), errors);
    }
}

fn field(
    root: &Value,
    rules: &Map<String, Value>,
    key: &str,
    value: &Value,
    at: &str,
    errors: &mut Vec<String>,
) {
    let named = rules.get("properties").and_then(|all| all.get(key));
    let patterns = rules.get("patternProperties").and_then(Value::as_object);
    let of_pattern = patterns
        .into_iter()
        .flatten()
        .filter(|(pattern, _)| key.starts_with(pattern.strip_prefix('^').unwrap()))
        .map(|(_, schema)| schema);
    let mut known = false;
    for schema in named.into_iter().chain(of_pattern) {
        known = true;
        check(root, schema, value, at, errors);
    }
    if let (false, Some(schema)) = (known, rules.get("additionalProperties")) {
        check(root, schema, value, at, errors);
    }
}

fn types(wanted: &Value) -> impl Iterator<Item = &str> {
    let one = wanted.as_str().into_iter();
    let several = wanted.as_array().into_iter().flatten();
    one.chain(several.filter_map(Value::as_str))
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the validator knows no type `{other}`"),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// The few patterns that the schema has.
fn matches(pattern: &Value, text: &str) -> bool {
    match pattern.as_str().unwrap() {
        "^/" => text.starts_with('/'),
        "\\$" => text.contains('$'),
        "^[a-z]+$" => !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase()),
        "^[a-zA-Z0-9._-]+$" => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            !text.is_empty() && text.chars().all(plain)
        }
        "=" => text.contains('='),
        "^[0-9]+$" => !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()),
        "^[A-Za-z0-9_-]+$" => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            !text.is_empty() && text.chars().all(plain)
        }
        other => panic!("the validator knows no pattern `{other}`"),
    }
}
