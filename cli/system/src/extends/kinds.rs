//! What the values of an `extends` must be, as Docker Compose takes them.

use super::KEYS;
use crate::problem::Problem;
use crate::yaml::Node;

/// Looks at one `extends`.
///
/// # Errors
/// When it, or a value of it, is of a kind that means nothing there.
pub(super) fn check(extends: &Node) -> Result<(), Problem> {
    if extends.as_map().is_none() && extends.as_str().is_none() && !extends.is_null() {
        let problem = extends.expected("`extends`", "text or a mapping");
        return Err(problem.hint("write `extends: { service: NAME }`"));
    }
    let values = KEYS.iter().filter_map(|key| Some((key, extends.get(key)?)));
    for (key, value) in values {
        if value.as_str().is_none() && !value.is_null() {
            let problem = value.expected(&format!("`{key}` of `extends`"), "text");
            return Err(problem.hint(match *key {
                "service" => "write `service: NAME`, of this file or of the `file` beside it",
                _ => "write `file: base.yaml`",
            }));
        }
    }
    Ok(())
}
