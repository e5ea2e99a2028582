//! JSON as people read it: what fits in a line stands in one.

use serde_json::Value;

/// Columns of a line.
const WIDTH: usize = 100;

/// The value, with a line's end.
pub(super) fn lines(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, 0, &mut out);
    out.push('\n');
    out
}

/// `taken` columns of the line are.
fn write(value: &Value, indent: usize, taken: usize, out: &mut String) {
    let short = value.to_string();
    let (entries, open, close) = match value {
        Value::Object(fields) => {
            let label = |key: &String| format!("{}: ", Value::from(key.as_str()));
            let entries = fields.iter().map(|(key, value)| (label(key), value));
            (entries.collect(), '{', '}')
        }
        Value::Array(items) => {
            let entries = items.iter().map(|value| (String::new(), value));
            (entries.collect::<Vec<_>>(), '[', ']')
        }
        _ => (Vec::new(), ' ', ' '),
    };
    // A comma may follow.
    if entries.is_empty() || taken + short.chars().count() < WIDTH {
        return out.push_str(&short);
    }
    let (inner, last) = (" ".repeat(indent + 2), entries.len() - 1);
    out.push(open);
    for (i, (label, value)) in entries.into_iter().enumerate() {
        out.push('\n');
        out.push_str(&inner);
        out.push_str(&label);
        write(value, indent + 2, inner.len() + label.chars().count(), out);
        out.push_str(if i < last { "," } else { "" });
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push(close);
}
