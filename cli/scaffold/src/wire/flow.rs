//! Adding a key to a mapping in flow style, `{…}`, as JSON files are: before its closing brace, in
//! JSON, which is YAML too. A mapping over several lines gets lines of its own for the key.

use serde_json::{Map, Value};

use super::Addition;
use super::text::{Spot, Text};

/// Adds a section with its first key.
pub(super) fn add_section(text: &mut Text, open: Spot, addition: &Addition) -> Option<()> {
    let mut entries = Map::new();
    entries.insert(addition.key.clone(), addition.value.clone());
    add(text, open, &addition.section, &Value::Object(entries))
}

/// Adds `key` to the mapping whose brace stands at `open`. `None` when it does not end.
pub(super) fn add(text: &mut Text, open: Spot, key: &str, value: &Value) -> Option<()> {
    let found = Scan::over(text, open)?;
    let comma = match found.last_is {
        '{' | ',' => "",
        // A key without a value: `a:,` would be read as one word.
        ':' => " ,",
        _ => ",",
    };
    let several_lines =
        found.close.line > open.line && text.line(found.close.line).trim_start().starts_with('}');
    if !several_lines {
        let entry = format!("{}: {}", Value::from(key), on_one_line(value));
        let (before, after) = match found.last_is {
            '{' => ("", ""),
            _ => (" ", ""),
        };
        // A comment after the last entry ends its line, so the entry goes in front of it.
        insert(text, found.last, &format!("{comma}{before}{entry}{after}"));
        return Some(());
    }
    let indent = " ".repeat(match found.first {
        Some(first) if first.line > open.line => first.byte,
        _ => text.indent(found.close.line) + 2,
    });
    let pretty = serde_json::to_string_pretty(value).ok()?;
    let mut lines = pretty.lines();
    let head = lines.next().unwrap_or_default();
    let mut new = vec![format!("{indent}{}: {head}", Value::from(key))];
    new.extend(lines.map(|line| format!("{indent}{line}")));
    if found.last_is == ',' {
        // A file that ends its last entry with a comma goes on doing so.
        if let Some(last) = new.last_mut() {
            last.push(',');
        }
    }
    insert(text, found.last, comma);
    text.insert(found.close.line, new);
    Some(())
}

fn insert(text: &mut Text, at: Spot, what: &str) {
    if let Some(line) = text.lines.get_mut(at.line)
        && line.is_char_boundary(at.byte)
    {
        line.insert_str(at.byte, what);
    }
}

/// A value in JSON on one line, with a blank after each comma and colon.
fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(k, v)| format!("{}: {}", Value::from(k.as_str()), on_one_line(v)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// What stands in a mapping in flow style.
struct Scan {
    /// Where its brace closes.
    close: Spot,
    /// Behind the last thing in it, comments not counted.
    last: Spot,
    /// The last character of that.
    last_is: char,
    /// Where its first entry begins.
    first: Option<Spot>,
}

/// How a scalar in quotes is left.
#[derive(Clone, Copy, PartialEq)]
enum In {
    Nothing,
    Single,
    Double,
}

impl Scan {
    fn over(text: &Text, open: Spot) -> Option<Self> {
        let mut depth = 0_usize;
        let mut inside = In::Nothing;
        // Quotes begin a text only where a value can begin; in the middle of one they are letters.
        let mut may_begin = true;
        let mut found = Self {
            close: open,
            last: open,
            last_is: '{',
            first: None,
        };
        for line in open.line..text.lines.len() {
            let from = if line == open.line { open.byte } else { 0 };
            let rest = text.line(line).get(from..)?;
            let mut characters = rest.char_indices().peekable();
            let mut after_blank = true;
            while let Some((offset, c)) = characters.next() {
                let here = Spot {
                    line,
                    byte: from + offset,
                };
                let behind = Spot {
                    line,
                    byte: from + offset + c.len_utf8(),
                };
                match (inside, c) {
                    (In::Double, '\\') => {
                        characters.next();
                        continue;
                    }
                    (In::Double, '"') => inside = In::Nothing,
                    (In::Single, '\'') => {
                        if characters.peek().is_some_and(|(_, next)| *next == '\'') {
                            characters.next();
                            continue;
                        }
                        inside = In::Nothing;
                    }
                    (In::Single | In::Double, _) => continue,
                    (In::Nothing, '#') if after_blank => break,
                    (In::Nothing, c) if c.is_whitespace() => {
                        after_blank = true;
                        continue;
                    }
                    (In::Nothing, '}' | ']') => {
                        depth = depth.checked_sub(1)?;
                        if depth == 0 {
                            found.close = here;
                            return (c == '}').then_some(found);
                        }
                    }
                    (In::Nothing, '{' | '[') => depth += 1,
                    (In::Nothing, '"') if may_begin => inside = In::Double,
                    (In::Nothing, '\'') if may_begin => inside = In::Single,
                    (In::Nothing, _) => {}
                }
                after_blank = false;
                may_begin = matches!(c, '{' | '[' | ',' | ':');
                if here != open {
                    found.first.get_or_insert(here);
                }
                found.last = behind;
                found.last_is = c;
            }
        }
        None
    }
}
