//! Switches that are set as variables, as Docker Compose reads them.

use crate::problem::Problem;
use crate::yaml::shorten;

/// Whether the variable `name` says yes.
///
/// # Errors
/// When it says neither yes nor no.
pub(crate) fn switch(name: &str, said: &str) -> Result<bool, Problem> {
    match said {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => {
            let what = format!("`{}` of {name} is neither yes nor no", shorten(said));
            Err(Problem::error(what).hint("set it to `true` or `false`"))
        }
    }
}
