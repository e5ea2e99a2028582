//! `command` and `entrypoint`: a list of words, or one text that is split into words.

use super::scalars::texts;
use super::words;
use crate::problem::{Problem, Problems};
use crate::yaml::{Node, NodeValue};

/// The words of a command; `None` when the key is absent or says nothing.
pub(crate) fn words_of(
    node: Option<&Node>,
    what: &str,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let node = node?;
    match &node.value {
        NodeValue::Null => None,
        NodeValue::Seq(_) => Some(texts(Some(node), what, problems)),
        NodeValue::String(text) => match words::split(text) {
            Ok(split) => {
                if let Some(sign) = split.ended_at {
                    problems.push(ignored(what, sign, node));
                }
                Some(split.words)
            }
            Err(error) => {
                problems.push(
                    Problem::error(format!("{what} cannot be split into words: {error}"))
                        .at(node.place.clone())
                        .hint("write it as a list, one word per item"),
                );
                None
            }
        },
        _ => {
            problems.push(node.expected(what, "text or a list of texts"));
            None
        }
    }
}

fn ignored(what: &str, sign: char, node: &Node) -> Problem {
    Problem::warning(format!(
        "{what} is run without a shell: it ends before the `{sign}`, as with Compose"
    ))
    .at(node.place.clone())
    .hint("for a shell write [\"sh\", \"-c\", \"…\"]")
}
