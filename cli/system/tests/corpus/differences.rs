//! How two JSON documents differ, place by place.

use serde_json::Value;

/// A normal form as it was written down: dollar signs doubled, paths below `root` as `/REPO`.
pub(crate) fn readable(value: Value, root: &str) -> Value {
    match value {
        Value::String(text) => {
            let text = text.replace('$', "$$");
            match text.strip_prefix(root) {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                    Value::String(format!("/REPO{rest}"))
                }
                _ => Value::String(text.replace(&format!("{root}/"), "/REPO/")),
            }
        }
        Value::Array(items) => items.into_iter().map(|it| readable(it, root)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, it)| (key.replace('$', "$$"), readable(it, root)))
            .collect(),
        other => other,
    }
}

/// Every difference, one line each.
pub(crate) fn between(ours: &Value, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", ours, theirs, &mut found);
    found
}

fn compare(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                let path = format!("{path}.{key}");
                match other.get(key) {
                    Some(theirs) => compare(&path, value, theirs, found),
                    None => found.push(format!("{path}: ours only, {value}")),
                }
            }
            for (key, value) in other {
                if !one.contains_key(key) {
                    found.push(format!("{path}.{key}: theirs only, {value}"));
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (i, (ours, theirs)) in one.iter().zip(other).enumerate() {
                compare(&format!("{path}[{i}]"), ours, theirs, found);
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        _ if ours == theirs => {}
        _ => found.push(format!("{path}: ours {ours}, theirs {theirs}")),
    }
}
