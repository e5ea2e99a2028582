//! What may be wrong with a text that has variables in it, in words.

use super::MAX_NESTING;
use crate::yaml::{MAX_SCALAR, MAX_TEXT};

/// What is wrong with a text that has variables in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without a form that is known.
    #[error(
        "`{0}` is no variable: write `${{NAME}}`, `${{NAME:-default}}`, or `$$` for a dollar sign"
    )]
    Form(String),
    /// `${` that no brace closes in its line.
    #[error("no brace closes `{0}` in its line: write it in one line, or `$$` for a dollar sign")]
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
