//! Where Docker Compose's parser of YAML goes another way than the two that read here: `"\'"` and `[-]` are
//! YAML to it, and `"\/"` is none.
//!
//! What comes in: the text of a Compose file. What leaves: its marks, and the text that the second pass
//! reads the same of. What must not enter: what a document means.

use std::borrow::Cow;
use std::ops::Range;

use super::marks::{self, Marks};
use crate::problem::{Place, Problem, Problems};

/// Bytes that may be read again for signs that are taken another way.
const MOST_READ: usize = 5_000_000;
/// Signs of a file that may be.
const MOST_SIGNS: usize = 50;

/// The marks of every document, and the text for the second pass.
pub(super) fn read<'t>(
    start: &Place,
    text: &'t str,
) -> Result<(Vec<Marks>, Cow<'t, str>), Problems> {
    let marks = read_marks(start, text)?;
    let mut whole = String::new();
    let mut done = 0;
    for Quoted { bytes, place } in marks.iter().flat_map(|marks| &marks.quoted) {
        for (at, escaped) in escapes(text, bytes) {
            match escaped {
                '/' => {
                    let problem = Problem::error("`\\/` stands for nothing in YAML 1.1");
                    return Err(problem.at(place.clone()).hint("write `/`").into());
                }
                '\'' => {
                    whole.push_str(text.get(done..at).unwrap_or_default());
                    whole.push_str("\\x27");
                    done = at + 2;
                }
                _ => {}
            }
        }
    }
    if done == 0 {
        return Ok((marks, Cow::Borrowed(text)));
    }
    whole.push_str(text.get(done..).unwrap_or_default());
    Ok((marks, Cow::Owned(whole)))
}

/// A text in double quotes.
pub(super) struct Quoted {
    /// Where it stands in the file, its quotes included.
    pub(super) bytes: Range<usize>,
    /// The same for people.
    pub(super) place: Place,
}

/// The marks; signs that stop the first pass alone are taken for letters there, which it says nothing of.
fn read_marks(start: &Place, text: &str) -> Result<Vec<Marks>, Problems> {
    let first = match marks::read(start, text) {
        Ok(marks) => return Ok(marks),
        Err(refused) => refused,
    };
    let tries = (MOST_READ / text.len().max(1)).min(MOST_SIGNS);
    let mut mended = text.to_owned();
    let mut at = first.offset;
    for _ in 0..tries {
        let Some((sign, letter)) = at.and_then(|at| sign(&mended, at)) else {
            break;
        };
        mended.replace_range(sign, letter);
        match marks::read(start, &mended) {
            Ok(marks) => return Ok(marks),
            Err(refused) => at = refused.offset,
        }
    }
    Err(first.problems)
}

/// The sign that stopped the first pass, and what it is as good as.
fn sign(text: &str, at: usize) -> Option<(Range<usize>, &'static str)> {
    let rest = text.get(at..)?;
    if rest.starts_with('"') {
        let all = at..text.len();
        let (at, _) = escapes(text, &all).find(|(_, escaped)| *escaped == '\'')?;
        return Some((at..at + 2, "\\a"));
    }
    let sign = rest.strip_prefix('-')?;
    let is_last = sign.starts_with([',', '[', ']', '{', '}']);
    is_last.then_some((at..at + 1, "x"))
}

/// What is escaped in a text in quotes, and where.
fn escapes<'t>(text: &'t str, bytes: &Range<usize>) -> impl Iterator<Item = (usize, char)> + 't {
    let begin = bytes.start;
    let quoted = text.get(bytes.clone()).unwrap_or_default();
    let mut signs = quoted.char_indices().skip(1);
    std::iter::from_fn(move || {
        loop {
            match signs.next()? {
                (at, '\\') => return Some((begin + at, signs.next()?.1)),
                (_, '"') => return None,
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    fn read(text: &str) -> Result<serde_json::Value, String> {
        let trees = crate::yaml::parse_documents("f".as_ref(), text.as_bytes());
        let mut trees = trees.map_err(|problems| problems.to_string())?;
        Ok(trees.pop().unwrap().to_json())
    }

    #[test]
    fn signs_are_taken_as_docker_composes_parser_takes_them() {
        for (text, wanted) in [
            (
                r#"{a: "it\'s", "\'": "\\'\"\'"}"#,
                json!({"a": "it's", "'": "\\'\"'"}),
            ),
            (
                r#"[-, "\'", [-], {c: -, d: e}]"#,
                json!(["-", "'", ["-"], {"c": "-", "d": "e"}]),
            ),
            (
                "a: &x '\\'\n---\n{b: *x, c: \"\\'\"}",
                json!({"b": "\\", "c": "'"}),
            ),
        ] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
        let slash = "f:1:5: `\\/` stands for nothing in YAML 1.1 (write `/`)";
        assert_eq!(read(r#"{a: "b\/"}"#).unwrap_err(), slash);
        assert!(read(r#"{a: "b\\/", c: 'd\/'}"#).is_ok());
        for text in [r#"["\q"]"#, "[:]", "[- , a]", r#"["\'"#] {
            assert!(
                read(text).unwrap_err().contains("this is not YAML"),
                "{text}"
            );
        }
        let many = format!("[{}]", "-, ".repeat(super::MOST_SIGNS + 1));
        assert!(
            read(&many)
                .unwrap_err()
                .starts_with("f:1:2: this is not YAML")
        );
    }
}
