//! What a text stands for where a number or a switch is meant.

use crate::fields::Cast;
use crate::problem::{Problem, Problems};
use crate::yaml::{Node, NodeValue, shorten};

/// Takes the text of a node for what is meant there, which looks `like` that.
pub(crate) fn cast(
    node: &mut Node,
    cast: Cast,
    like: &str,
    problems: &mut Problems,
) -> Result<(), Problem> {
    let NodeValue::String(text) = &node.value else {
        return Ok(());
    };
    let digits = || format!("write it in digits, as `{like}`");
    let wrong = |wanted: &str, hint: String| {
        let what = format!("`{}` is no {wanted}", shorten(text));
        let problem = Problem::error(what).at(node.place.clone());
        Err(problem.hint(hint))
    };
    let value = match cast {
        Cast::No => return Ok(()),
        Cast::Whole => match text.parse() {
            Ok(number) => NodeValue::Int(number),
            Err(_) => return wrong("whole number", digits()),
        },
        Cast::Number => match text.parse() {
            Ok(number) => NodeValue::Float(number),
            Err(_) => return wrong("number", digits()),
        },
        Cast::Flag => match flag(text) {
            Some((flag, said)) => {
                if !said {
                    let what = format!("`{}` for `{flag}` is YAML 1.1's", shorten(text));
                    let problem = Problem::warning(what).at(node.place.clone());
                    problems.push(problem.hint(format!("write `{flag}`")));
                }
                NodeValue::Bool(flag)
            }
            None => return wrong("switch", "write `true` or `false`".to_owned()),
        },
    };
    node.value = value;
    Ok(())
}

/// A switch, and whether it says `true` or `false` itself.
pub(crate) fn flag(text: &str) -> Option<(bool, bool)> {
    match text.to_lowercase().as_str() {
        "true" => Some((true, true)),
        "false" => Some((false, true)),
        "y" | "yes" | "on" => Some((true, false)),
        "n" | "no" | "off" => Some((false, false)),
        _ => None,
    }
}
