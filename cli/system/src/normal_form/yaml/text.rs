//! A tree written as YAML: everybody who reads it, be it YAML 1.1 or 1.2, reads the same texts, numbers
//! and switches out of it.
//!
//! What comes in: a tree. What leaves: its text, one line for each scalar but for texts of several lines. What
//! must not enter: what a field means.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::tree::{Fields, Tree};
use crate::yaml::is_text;

/// Columns that each level stands to the right of the one above it.
const STEP: usize = 2;
/// Bytes that a key may have to be seen as one at its colon.
const LONGEST_KEY: usize = 1_000;

/// The text of a tree.
pub(super) fn written(tree: &Tree) -> String {
    let mut writing = Writing { out: String::new() };
    match tree {
        Tree::Map(fields) if !fields.is_empty() => writing.mapping(fields, 0),
        Tree::List(items) if !items.is_empty() => writing.list(items, 0),
        scalar => writing.scalar(scalar, 0),
    }
    writing.out
}

struct Writing {
    out: String,
}

/// The text begins where the line stands; each line after the first is moved to the right.
impl Writing {
    fn mapping(&mut self, fields: &Fields, indent: usize) {
        for (number, (key, value)) in fields.iter().enumerate() {
            if number > 0 {
                self.indent(indent);
            }
            let key = in_line(key);
            if key.len() > LONGEST_KEY {
                self.out.push_str("? ");
                self.out.push_str(&key);
                self.out.push('\n');
                self.indent(indent);
            } else {
                self.out.push_str(&key);
            }
            self.out.push(':');
            match value {
                Tree::Map(fields) if !fields.is_empty() => {
                    self.line(indent + STEP);
                    self.mapping(fields, indent + STEP);
                }
                Tree::List(items) if !items.is_empty() => {
                    self.line(indent + STEP);
                    self.list(items, indent + STEP);
                }
                scalar => {
                    self.out.push(' ');
                    self.scalar(scalar, indent + STEP);
                }
            }
        }
    }

    fn list(&mut self, items: &[Tree], indent: usize) {
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.indent(indent);
            }
            self.out.push_str("- ");
            match item {
                Tree::Map(fields) if !fields.is_empty() => self.mapping(fields, indent + STEP),
                Tree::List(items) if !items.is_empty() => self.list(items, indent + STEP),
                scalar => self.scalar(scalar, indent + STEP),
            }
        }
    }

    /// A scalar, and the end of its line.
    fn scalar(&mut self, tree: &Tree, indent: usize) {
        match tree {
            Tree::Text(text) if is_block(text) => self.block(text, indent),
            Tree::Text(text) => self.out.push_str(&in_line(text)),
            Tree::Map(_) => self.out.push_str("{}"),
            Tree::List(_) => self.out.push_str("[]"),
            Tree::Null => self.out.push_str("null"),
            Tree::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Tree::Number(number) => self.out.push_str(&with_a_point(&number.to_string())),
            Tree::Endless(number) => self.out.push_str(endless(*number)),
            Tree::Date(date) => self.out.push_str(date),
        }
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// A text of several lines, as they are.
    fn block(&mut self, text: &str, indent: usize) {
        let lines = text.trim_end_matches('\n');
        self.out.push('|');
        // Where the first line does not show it, how far they stand to the right.
        if text.starts_with([' ', '\n']) {
            let _ = write!(self.out, "{STEP}");
        }
        self.out.push_str(match text.len() - lines.len() {
            0 => "-\n",
            1 => "\n",
            _ => "+\n",
        });
        for line in lines.split('\n') {
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        let ends = text.len() - lines.len();
        self.out
            .extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.indent(indent);
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A number that has a power with a point before that: without one YAML 1.1 reads text.
fn with_a_point(number: &str) -> Cow<'_, str> {
    match number.split_once('e') {
        Some((digits, power)) if !digits.contains('.') => format!("{digits}.0e{power}").into(),
        _ => number.into(),
    }
}

/// A number that is infinite or none.
pub(crate) fn endless(number: f64) -> &'static str {
    if number.is_nan() {
        ".nan"
    } else if number < 0.0 {
        "-.inf"
    } else {
        ".inf"
    }
}

/// Whether a text can stand as it is, line by line.
fn is_block(text: &str) -> bool {
    let lines = text.trim_end_matches('\n');
    let is_line = |line: &str| {
        line.chars().all(|c| c == '\t' || is_printable(c))
            && !line.starts_with('\t')
            && !line.ends_with([' ', '\t'])
    };
    text.contains('\n') && !lines.is_empty() && lines.split('\n').all(is_line)
}

/// A text in one line: in quotes where it needs them, as Docker Compose has them. What is no text without any
/// stands in double ones.
fn in_line(text: &str) -> String {
    let is_one = text.chars().all(is_printable) && is_text(text) && !is_base_60(text);
    if is_one && is_plain(text) {
        return text.to_owned();
    }
    if is_one {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => {
                let number = u32::from(c);
                // Writing to a text cannot fail.
                let _ = match number {
                    0..=0xff => write!(out, "\\x{number:02X}"),
                    0x100..=0xffff => write!(out, "\\u{number:04X}"),
                    _ => write!(out, "\\U{number:08X}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Whether no sign of a text means another thing without quotes, as a key too.
fn is_plain(text: &str) -> bool {
    let means = |rest: &str| rest.is_empty() || rest.starts_with(' ');
    let is_entry = text.strip_prefix(['-', '?', ':']).is_some_and(means);
    !is_entry
        && !text.starts_with(|c| " #,[]{}&*!|>'\"%@`".contains(c))
        && !text.starts_with("...")
        && !text.starts_with("---")
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
}

/// Whether YAML 1.1 takes a text for a number to the base of 60, as `22:22` and `-1:30.5`.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit() || c == '_');
    let mut last = false;
    let mut sixtieths = 0;
    for part in parts {
        let (whole, fraction) = part.split_once('.').unwrap_or((part, ""));
        let is_one = matches!(whole.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        if last || !is_one || !digits(fraction) {
            return false;
        }
        last = part.contains('.');
        sixtieths += 1;
    }
    sixtieths > 0 && first.starts_with(|c: char| c.is_ascii_digit()) && digits(first)
}

/// Whether a character stands for itself, and ends no line to anybody.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{feff}' | '\u{2028}' | '\u{2029}' => false,
        // The space that does not break is none to some.
        _ => {
            c > '\u{a0}' && !c.is_whitespace() && !c.is_control() && u32::from(c) & 0xfffe != 0xfffe
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Value {
        let trees = crate::yaml::parse_documents("f".as_ref(), text.as_bytes());
        let mut trees = trees.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        trees.pop().unwrap().to_json()
    }

    #[test]
    fn what_yaml_1_1_reads_to_the_base_of_60_stands_in_quotes() {
        for number in ["22:22", "1:30", "-1:30.5", "+1_0:0:59", "33:33."] {
            assert!(is_base_60(number), "{number}");
            assert!(in_line(number).starts_with('"'), "{number}");
        }
        for text in ["80:80", "1:", ":1", "a:1", "1:2.3:4", "1", "1:2a", "1:b.c"] {
            assert!(!is_base_60(text), "{text}");
        }
    }

    #[test]
    fn a_tree_is_written_with_quotes_where_a_text_needs_them_alone() {
        let tree = json!({
            "plain": {"a": "x y", "b": "http://h:80/p?q=1#f", "c": "-c", "é": "80:80x"},
            "quoted": {"1e3": "80", "2001-12-14": "2001-12-14", "<<": "<<", "yes": "no", "null": "~", "": ""},
            "list": ["a: b", "a #b", "- a", "--flag", "a:", " a", "#a", "*a", "'a", ":80", "?a", "---", "a\tb", [1, [true]], {"k": 1, "l": [null]}],
            "empty": [{}, []],
            "block": "a\n\n  b #\nc: d",
            "ended": ["a\nb\n", "a\n\n\n", "\n", " a\nb", "a \nb", {"k": "\n\na\tb\n", "l": "\ta\nb"}],
        });
        let text = written(&tree.clone().into());
        assert_eq!(
            text,
            r##"plain:
  a: x y
  b: http://h:80/p?q=1#f
  c: -c
  é: 80:80x
quoted:
  "1e3": "80"
  "2001-12-14": "2001-12-14"
  "<<": "<<"
  "yes": "no"
  "null": "~"
  "": ""
list:
  - 'a: b'
  - 'a #b'
  - '- a'
  - --flag
  - 'a:'
  - ' a'
  - '#a'
  - '*a'
  - '''a'
  - :80
  - ?a
  - '---'
  - "a\tb"
  - - 1
    - - true
  - k: 1
    l:
      - null
empty:
  - {}
  - []
block: |-
  a

    b #
  c: d
ended:
  - |
    a
    b
  - |+
    a


  - "\n"
  - |2-
     a
    b
  - "a \nb"
  - k: |2


      a	b
    l: "\ta\nb"
"##
        );
        assert_eq!(read(&text), tree);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_text_as_key_and_value_is_read_back(
            key in any_text(), value in any_text(), item in any_text()
        ) {
            let tree = json!({key.as_str(): value, "l": [{key.as_str(): {value.as_str(): item}}, [item], item]});
            let text = written(&tree.clone().into());
            prop_assert_eq!(read(&text), tree, "{}", text);
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        let word = "(yes|No|on|null|~|true|=|<<|0o17|0x1f|1e3|22:22|1_000|\\.inf|2001-12-14|[-?:,\\[\\]{}#&*!|>'\"%@`\\\\]|\\PC|\\p{Cc}| |\t|\n|\r|\u{85}|\u{a0}|\u{2028}|\u{feff}|\u{fffe}|\u{ffff}|\u{1fffe}|\\$|a|0|---|\\.\\.\\.)";
        prop_oneof![
            any::<String>(),
            "[ -~]{0,12}",
            proptest::string::string_regex(&format!("{word}{{0,5}}")).unwrap(),
            Just("x".repeat(LONGEST_KEY)),
            Just("\u{1}".repeat(LONGEST_KEY)),
        ]
    }
}
