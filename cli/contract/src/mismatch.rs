//! What did not match, in words: the field, what was expected, what came.

use serde_json::Value;

/// Characters of a value that are shown.
const SHOWN: usize = 160;

/// In which order mismatches are told, the one that explains most first.
#[must_use]
pub fn weight(mismatch: &Value) -> u8 {
    match mismatch.get("type").and_then(Value::as_str) {
        Some("StatusMismatch") => 0,
        Some("HeaderMismatch") => 1,
        Some("BodyTypeMismatch") => 2,
        _ => 3,
    }
}

/// One sentence or more for a mismatch as the matching engine tells it in JSON.
#[must_use]
pub fn sentences(mismatch: &Value) -> Vec<String> {
    let text = |key: &str| mismatch.get(key).and_then(Value::as_str);
    let said = text("mismatch").unwrap_or_default();
    let shown = |key: &str| match mismatch.get(key) {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(value)) => short(value),
        Some(other) => short(&other.to_string()),
    };
    match text("type").unwrap_or_default() {
        "StatusMismatch" => vec![format!(
            "status: expected {} but was {}",
            shown("expected"),
            shown("actual")
        )],
        "HeaderMismatch" => vec![format!(
            "header `{}`: expected `{}` but was `{}`",
            text("key").unwrap_or_default(),
            shown("expected"),
            shown("actual")
        )],
        "BodyTypeMismatch" => vec![format!(
            "content type: expected {} but was {}",
            shown("expected"),
            shown("actual")
        )],
        "BodyMismatch" => {
            let path = text("path").unwrap_or("$");
            let absent = if said.contains("missing the following keys") {
                absent_fields(path, text("expected"), text("actual"))
            } else {
                Vec::new()
            };
            if absent.is_empty() {
                vec![body(path, &shown("expected"), &shown("actual"), said)]
            } else {
                absent
            }
        }
        _ => vec![said.to_owned()],
    }
}

/// A field each that the answer lacks, when that is what is wrong at `path`. The engine then gives
/// the names of the fields, expected and there, as two lists.
fn absent_fields(path: &str, expected: Option<&str>, actual: Option<&str>) -> Vec<String> {
    let names = |text: Option<&str>| {
        serde_json::from_str::<Vec<String>>(text.unwrap_or_default()).unwrap_or_default()
    };
    let actual = names(actual);
    let has = if actual.is_empty() {
        "no field at all".to_owned()
    } else {
        actual.join(", ")
    };
    names(expected)
        .iter()
        .filter(|name| !actual.contains(name))
        .map(|name| format!("{path}.{name}: expected but missing (the answer has {has})"))
        .collect()
}

fn body(path: &str, expected: &str, actual: &str, said: &str) -> String {
    let plain = format!("{path}: expected {expected} but was {actual}");
    // Where both are short the engine's words only repeat them, unless they name the rule.
    if said.is_empty() || said.contains("to be equal to") {
        plain
    } else {
        format!("{plain}: {}", short(said))
    }
}

fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= SHOWN {
        return text;
    }
    let mut cut: String = text.chars().take(SHOWN).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_missing_field_is_named_with_its_path() {
        let mismatch = json!({
            "type": "BodyMismatch", "path": "$.charge",
            "expected": "[\"id\",\"status\"]",
            "actual": "[\"id\",\"state\"]",
            "mismatch": "Actual map is missing the following keys: status"
        });
        assert_eq!(
            sentences(&mismatch),
            ["$.charge.status: expected but missing (the answer has id, state)"]
        );
    }

    #[test]
    fn each_kind_of_mismatch_reads_as_expected_and_was() {
        let table = [
            (
                json!({"type": "StatusMismatch", "expected": 201, "actual": 409}),
                "status: expected 201 but was 409",
            ),
            (
                json!({"type": "HeaderMismatch", "key": "etag", "expected": "a", "actual": ""}),
                "header `etag`: expected `a` but was ``",
            ),
            (
                json!({"type": "BodyTypeMismatch", "expected": "a/b", "actual": "c/d"}),
                "content type: expected a/b but was c/d",
            ),
            (
                json!({"type": "BodyMismatch", "path": "$.n", "expected": "1", "actual": "2",
                    "mismatch": "Expected '2' (Integer) to be equal to '1' (Integer)"}),
                "$.n: expected 1 but was 2",
            ),
            (json!({"type": "New", "mismatch": "words"}), "words"),
        ];
        for (mismatch, expected) in table {
            assert_eq!(sentences(&mismatch), [expected]);
        }
    }
}
