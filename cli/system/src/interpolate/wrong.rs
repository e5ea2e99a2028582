//! What may be wrong with a text that has variables in it, in words.

use super::MAX_NESTING;
use super::form::split_name;
use crate::problem::Problem;
use crate::yaml::{MAX_SCALAR, MAX_TEXT};

/// What is wrong with a text that has variables in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without a form that is known.
    #[error("`{0}` is no variable")]
    Form(String),
    /// `${` that no brace closes in its line.
    #[error("no brace closes `{0}` in its line")]
    Line(String),
    /// `${X:?message}` and X is not set (or empty).
    #[error("the variable `{name}` must be set{}", .message.as_deref().map(|m| format!(": {m}")).unwrap_or_default())]
    Required {
        /// The variable.
        name: String,
        /// What the file says about it.
        message: Option<String>,
    },
    /// More nesting than anybody writes.
    #[error("variables are nested more than {MAX_NESTING} deep")]
    Nesting,
    /// The result would be larger than a document may be.
    #[error(
        "with its variables replaced the text has more than {MAX_SCALAR} bytes, or all texts together more than {MAX_TEXT}"
    )]
    Size,
}

impl TemplateError {
    /// The variable that must be set.
    pub(super) fn required(&self) -> Option<&str> {
        match self {
            Self::Required { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The problem that it is, with what to do. A variable can be set in the environment, and `set_in`
    /// ("in .env").
    pub(crate) fn problem(&self, set_in: &str) -> Problem {
        let problem = Problem::error(self.to_string());
        match self {
            Self::Form(written) => problem.hint(form(written)),
            Self::Line(_) => problem.hint("write it in one line, or `$$` for a dollar sign"),
            Self::Required { .. } if set_in.is_empty() => problem.hint("set it in the environment"),
            Self::Required { name, .. } => {
                let hint = format!("set it in the environment, or write `{name}=…` {set_in}");
                problem.hint(hint)
            }
            Self::Nesting => problem.hint("write fewer defaults, one in the other"),
            Self::Size => problem.hint("let a file hold what is that large"),
        }
    }
}

/// What to do where a variable must be set that whoever calls has set to nothing.
pub(super) fn empty_outside(set_in: &str) -> String {
    const EMPTY: &str = "it is empty in the environment";
    match set_in.strip_prefix("in ") {
        Some(file) => format!(
            "{EMPTY}, which counts before {file}: give it a value there, or unset it so that {file} \
             can say one"
        ),
        None => format!("{EMPTY}: give it a value there"),
    }
}

/// What `${…` that is no variable most likely should be.
fn form(written: &str) -> String {
    const ANY: &str = "write `${NAME}`, `${NAME:-default}`, or `$$` for a dollar sign";
    let inside = written.strip_prefix("${").unwrap_or(written);
    let (name, rest) = split_name(inside);
    let mended = match (rest, inside.strip_suffix('}')) {
        _ if name.is_empty() => return ANY.to_owned(),
        // `${NAME`, and what follows it.
        (_, None) => format!("${{{name}}}"),
        (rest, Some(_)) => {
            let default = rest.trim_end_matches('}').trim_start_matches([':', '=']);
            match default.chars().all(|c| c.is_ascii_alphanumeric()) && !default.is_empty() {
                true => format!("${{{name}:-{default}}}"),
                false => format!("${{{name}}}"),
            }
        }
    };
    format!("write `{mended}`, or `$$` for a dollar sign")
}
