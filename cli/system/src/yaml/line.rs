//! A value written in one line of YAML, for messages.

use super::{Key, Node, NodeValue, is_text};
use crate::forms::scalar_text;

/// The value in one line, in quotes where YAML needs them; `None` where it takes more.
pub(crate) fn in_line(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::String(text) => text_in_line(text),
        NodeValue::Seq(items) => {
            let items: Option<Vec<String>> = items.iter().map(in_line).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        NodeValue::Map(entries) if entries.is_empty() => Some("{}".to_owned()),
        NodeValue::Map(entries) => {
            let entry = |(key, value): &(Key, Node)| {
                Some(format!("{}: {}", text_in_line(&key.text)?, in_line(value)?))
            };
            let entries: Option<Vec<String>> = entries.iter().map(entry).collect();
            Some(format!("{{ {} }}", entries?.join(", ")))
        }
        _ => scalar_text(node),
    }
}

fn text_in_line(text: &str) -> Option<String> {
    if text.contains(char::is_control) {
        return None;
    }
    let of_words = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '=' | '+');
    let is_plain = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/'))
        && !text.ends_with(' ')
        && text.chars().all(|c| of_words(c) || c == ' ')
        && is_text(text);
    Some(match is_plain {
        true => text.to_owned(),
        false => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    })
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse_documents;

    #[test]
    fn a_value_in_one_line_reads_as_the_same_value() {
        for (text, line) in [
            ("a: [b, 80, '80', '8080:80', true, 'true', 1.5]", ""),
            ("a: {}", "{ a: {} }"),
            (
                "'a b': \"say \\\"x\\\" \\\\ y\"",
                "{ a b: \"say \\\"x\\\" \\\\ y\" }",
            ),
            ("- '#a'\n- '- b'\n- ' c'\n- 'd: e'\n- é\n- ''", ""),
        ] {
            let read = |text: &str| {
                parse_documents("f".as_ref(), text.as_bytes())
                    .unwrap()
                    .remove(0)
            };
            let node = read(text);
            let written = super::in_line(&node).unwrap();
            assert_eq!(read(&written).to_json(), node.to_json(), "{written}");
            assert!(line.is_empty() || written == line, "{written}");
        }
    }
}
