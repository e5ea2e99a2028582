//! Booleans, numbers and lists of texts, out of what the file or a variable gave.

use crate::forms::scalar_text;
use crate::problem::{Problem, Problems};
use crate::yaml::{Node, NodeValue, shorten};

const SWITCH: &str = "write `true` or `false`";

/// A boolean, also as the text that a variable may have been.
pub(crate) fn flag(node: &Node, what: &str) -> Result<bool, Problem> {
    match &node.value {
        NodeValue::Bool(b) => Ok(*b),
        NodeValue::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "y" | "yes" | "on" => Ok(true),
            "false" | "n" | "no" | "off" => Ok(false),
            _ => Err(
                Problem::error(format!("{what} cannot be `{}`", shorten(text)))
                    .at(node.place.clone())
                    .hint(SWITCH),
            ),
        },
        _ => Err(
            Problem::error(format!("{what} must be a switch, not {}", node.kind()))
                .at(node.place.clone())
                .hint(SWITCH),
        ),
    }
}

/// A boolean that is `false` when absent or wrong; what is wrong is reported.
pub(crate) fn flag_or_false(node: Option<&Node>, what: &str, problems: &mut Problems) -> bool {
    match node.filter(|n| !n.is_null()).map(|node| flag(node, what)) {
        Some(Ok(flag)) => flag,
        Some(Err(problem)) => {
            problems.push(problem);
            false
        }
        None => false,
    }
}

/// A whole number from 0 to `most`, also as text.
pub(crate) fn number(node: &Node, what: &str, most: u32) -> Result<u32, Problem> {
    let int = match &node.value {
        NodeValue::Int(int) => u32::try_from(*int).ok(),
        NodeValue::String(text) => text.trim().parse().ok(),
        NodeValue::Float(float) if float.fract() == 0.0 && (0.0..=4e9).contains(float) => {
            format!("{float:.0}").parse().ok()
        }
        _ => return Err(node.expected(what, "a whole number")),
    };
    int.filter(|int| *int <= most).ok_or_else(|| {
        let text = scalar_text(node).unwrap_or_default();
        Problem::error(format!("{what} cannot be `{}`", shorten(&text)))
            .at(node.place.clone())
            .hint(format!("write a whole number from 0 to {most}"))
    })
}

/// The text of an optional scalar; nothing when absent, `null`, or wrong (which is reported).
pub(crate) fn optional_text(
    node: Option<&Node>,
    what: &str,
    problems: &mut Problems,
) -> Option<String> {
    let node = node.filter(|n| !n.is_null())?;
    let text = scalar_text(node);
    if text.is_none() {
        problems.push(node.expected(what, "text"));
    }
    text
}

/// The texts of a list of scalars; what is none is reported.
pub(crate) fn texts(node: Option<&Node>, what: &str, problems: &mut Problems) -> Vec<String> {
    let Some(node) = node.filter(|n| !n.is_null()) else {
        return Vec::new();
    };
    let Some(items) = node.as_seq() else {
        problems.push(node.expected(what, "a list"));
        return Vec::new();
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match scalar_text(item).filter(|_| !item.is_null()) {
            Some(text) => texts.push(text),
            None => problems.push(item.expected(&format!("an item of {what}"), "text")),
        }
    }
    texts
}
