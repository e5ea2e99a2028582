//! What the values of an entry of `include` must be, as Docker Compose takes them.

use super::AN_ENTRY;
use crate::problem::Problem;
use crate::yaml::{Node, NodeValue};

/// Looks at one entry.
///
/// # Errors
/// When it, or a value of it, is of a kind that means nothing there.
pub(super) fn check(item: &Node) -> Result<(), Problem> {
    if item.as_str().is_some() {
        return Ok(());
    }
    if item.as_map().is_none() {
        let problem = item.expected(AN_ENTRY, "text or a mapping");
        return Err(match item.as_seq() {
            Some(_) => problem.hint("take the brackets away, or write `path: [FILE]`"),
            None => problem.hint("write the file's path"),
        });
    }
    for key in ["path", "env_file"] {
        let Some(value) = item.get(key) else { continue };
        let what = format!("`{key}` of {AN_ENTRY}");
        let example = if key == "path" {
            "more.yaml"
        } else {
            "more.env"
        };
        match &value.value {
            NodeValue::Null | NodeValue::String(_) => {}
            NodeValue::Seq(items) => {
                if let Some(wrong) = items.iter().find(|it| it.as_str().is_none()) {
                    let problem = wrong.expected(&format!("an item of {what}"), "text");
                    return Err(problem.hint(format!("write `{example}`")));
                }
            }
            _ => {
                let problem = value.expected(&what, "text or a list");
                return Err(problem.hint(format!("write `{key}: {example}`")));
            }
        }
    }
    let Some(own) = item.get("project_directory") else {
        return Ok(());
    };
    match &own.value {
        // A whole number stands for its digits, here and nowhere else in an entry.
        NodeValue::Null | NodeValue::String(_) | NodeValue::Date(_) | NodeValue::Int(_) => Ok(()),
        _ => {
            let problem = own.expected(&format!("`project_directory` of {AN_ENTRY}"), "text");
            Err(problem.hint("write `project_directory: ./folder`"))
        }
    }
}
