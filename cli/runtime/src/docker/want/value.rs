//! Values of fields that the model keeps as they stand in the file: amounts, times, lists.

use std::time::Duration;

use serde_json::Value;

/// A scalar as text.
pub(in crate::docker) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number, also as text.
pub(in crate::docker) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
            format!("{float:.0}").parse().ok()
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number with a fraction, also as text.
pub(in crate::docker) fn fraction(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A truth value, also as text.
pub(in crate::docker) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "on" => Some(true),
            "false" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A list of texts; one text is a list of one.
pub(in crate::docker) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Null | Value::Object(_) => None,
        one => Some(vec![text(one)?]),
    }
}

/// `KEY=VALUE` pairs, from a mapping or a list; a key alone has an empty value.
pub(in crate::docker) fn pairs(value: &Value, between: char) -> Option<Vec<(String, String)>> {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match value {
                Value::Null => Some((key.clone(), String::new())),
                value => Some((key.clone(), text(value)?)),
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                let item = text(item)?;
                let (key, value) = item.split_once(between).unwrap_or((&item, ""));
                Some((key.trim().to_owned(), value.trim().to_owned()))
            })
            .collect(),
        _ => None,
    }
}

/// An amount of memory in bytes: `64m`, `1.5gb`, `1048576`.
pub(in crate::docker) fn bytes(value: &Value) -> Option<i64> {
    let text = text(value)?.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let shift: u32 = match unit.trim().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    let bytes = number * 2f64.powi(i32::try_from(shift).ok()?);
    format!("{bytes:.0}").parse().ok()
}

/// The same with all keys in order, so that equal values are equal texts.
pub(in crate::docker) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// A time in nanoseconds, as the engine takes it.
pub(crate) fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_of_memory_are_read_as_compose_reads_them() {
        for (given, expected) in [
            (json!("64m"), Some(64 << 20)),
            (json!("1.5gb"), Some(3 << 29)),
            (json!("2GiB"), Some(2 << 30)),
            (json!(1024), Some(1024)),
            (json!("1024"), Some(1024)),
            (json!("10k"), Some(10 << 10)),
            (json!("5x"), None),
            (json!([]), None),
        ] {
            assert_eq!(bytes(&given), expected, "{given}");
        }
    }

    #[test]
    fn pairs_are_read_from_mappings_and_lists() {
        let expected = vec![
            ("a".to_owned(), "1".to_owned()),
            ("b".to_owned(), String::new()),
        ];
        assert_eq!(
            pairs(&json!({"a": 1, "b": null}), '='),
            Some(expected.clone())
        );
        assert_eq!(pairs(&json!(["a=1", "b"]), '='), Some(expected));
        assert_eq!(pairs(&json!(["a:1", "b"]), ':').map(|p| p.len()), Some(2));
    }
}
