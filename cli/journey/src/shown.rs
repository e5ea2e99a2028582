//! How values appear in reasons and evidence: as JSON, short enough for a line or two.

use serde_json::Value;

/// Characters of a value or text that evidence shows; the rest is cut and counted.
const MOST: usize = 240;

/// What stands where a text was cut, with what follows it always.
pub(crate) const CUT: &str = "… (";

/// The value as JSON, cut.
#[must_use]
pub(crate) fn value(value: &Value) -> String {
    text(&value.to_string())
}

/// The text, cut.
#[must_use]
pub(crate) fn text(text: &str) -> String {
    let length = text.chars().count();
    if length <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{start}{CUT}{length} characters)")
}

/// What kind of value it is, in JSON's words.
#[must_use]
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
