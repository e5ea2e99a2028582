//! Variables in values: `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:?e}`, `${X?e}`, `${X:+r}`,
//! `${X+r}`, nested, and `$$` for a dollar sign.
//!
//! What comes in: a text or tree and the environment. What leaves: the same with variables
//! replaced, a warning for each variable that nothing sets, an error with its place for each
//! required one. What must not enter: the process's own environment; where values come from.
//!
//! A `$` before anything else stands for itself, as in Compose. Keys are never interpolated.

use std::collections::{BTreeMap, BTreeSet};

use crate::fields::{Below, Shape};
use crate::problem::{Place, Problem, Problems};
use crate::yaml::{MAX_SCALAR, MAX_TEXT, Node, NodeValue, shorten};

pub(crate) mod cast;
pub mod variables;

/// Variables nested in each other's defaults that are followed.
const MAX_NESTING: usize = 50;

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

/// Replaces variables, remembering those that nothing sets.
#[derive(Debug)]
pub struct Interpolation<'a> {
    environment: &'a BTreeMap<String, String>,
    unset: BTreeSet<String>,
    /// Bytes written so far, those too that another form made needless.
    written: usize,
    /// Where variables stand that nothing sets; `None` where all that sets something is known.
    untold: Option<Vec<Place>>,
}

impl<'a> Interpolation<'a> {
    /// Replaces variables by what `environment` says.
    #[must_use]
    pub fn new(environment: &'a BTreeMap<String, String>) -> Self {
        Self {
            environment,
            unset: BTreeSet::new(),
            written: 0,
            untold: None,
        }
    }

    /// The same; where some of what is set `cannot_be_read`, nobody is told that it is not set.
    pub(crate) fn without_some(self, cannot_be_read: bool) -> Self {
        Self {
            untold: cannot_be_read.then(Vec::new),
            ..self
        }
    }

    /// Where variables stand that may be set by what cannot be read.
    pub(crate) fn untold(&mut self) -> Vec<Place> {
        self.untold.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The same after so many bytes were written elsewhere.
    pub(crate) fn after(environment: &'a BTreeMap<String, String>, written: usize) -> Self {
        Self {
            written,
            ..Self::new(environment)
        }
    }

    /// What a variable is set to; counted as if it had been replaced.
    ///
    /// # Errors
    /// When that is too much with all that was written before.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<&'a str>, TemplateError> {
        let value = self.environment.get(name).map(String::as_str);
        self.written = self.written.saturating_add(value.map_or(0, str::len));
        match self.written > MAX_TEXT {
            true => Err(TemplateError::Size),
            false => Ok(value),
        }
    }

    /// Goes on after so many bytes were written, here and elsewhere.
    pub(crate) fn go_on_after(&mut self, written: usize) {
        self.written = written;
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// One text with its variables replaced. Variables that nothing sets become empty and are
    /// added to `unset`.
    ///
    /// # Errors
    /// When a form is unknown, a required variable is not set, or the result is too large.
    pub fn text(&mut self, text: &str, unset: &mut Vec<String>) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(text.len());
        self.write(text, &mut out, unset, 0)?;
        Ok(out)
    }

    /// Replaces variables in every value of a tree of `shape`, and takes texts for what they stand
    /// for there. A value that cannot be read stays as it is.
    pub(crate) fn tree(&mut self, node: &mut Node, shape: &'static Shape, problems: &mut Problems) {
        let below = Below {
            shape: Some(shape),
            ..Below::NONE
        };
        self.node(node, &below, problems);
    }

    fn node(&mut self, node: &mut Node, below: &Below, problems: &mut Problems) {
        // Nobody reads what stands beside the tag.
        if node.is_reset() {
            return;
        }
        match &mut node.value {
            NodeValue::String(text) => {
                let has_no_variable = !text.contains('$');
                if !has_no_variable {
                    let mut unset = Vec::new();
                    match self.text(text, &mut unset) {
                        Ok(new) => {
                            *text = new;
                            node.plain = false;
                        }
                        // It stays as it is written: what later steps say of its place is an echo.
                        Err(TemplateError::Required { .. }) if self.untold.is_some() => {
                            return self.warn(vec![String::new()], &node.place, problems);
                        }
                        Err(error) => {
                            problems.push(Problem::error(error.to_string()).at(node.place.clone()));
                            return self.warn(unset, &node.place, problems);
                        }
                    }
                    let is_known = unset.is_empty() || self.untold.is_none();
                    self.warn(unset, &node.place, problems);
                    if !is_known {
                        return;
                    }
                }
                if let Err(problem) = cast::cast(node, below.cast, problems) {
                    problems.push(problem);
                }
                // Docker Compose takes only what a variable made for what it stands for.
                node.short = has_no_variable && node.as_str().is_none();
            }
            NodeValue::Seq(items) => {
                let item = Below {
                    shape: below.shape.and_then(Shape::item),
                    ..Below::NONE
                };
                for child in items {
                    self.node(child, &item, problems);
                }
            }
            NodeValue::Map(entries) => {
                for (key, child) in entries {
                    let below = below
                        .shape
                        .map_or(Below::NONE, |shape| shape.below(&key.text));
                    self.node(child, &below, problems);
                }
            }
            _ => {}
        }
    }

    /// One warning per variable and run.
    pub(crate) fn warn(&mut self, unset: Vec<String>, place: &Place, problems: &mut Problems) {
        if let Some(untold) = &mut self.untold {
            untold.extend((!unset.is_empty()).then(|| place.clone()));
            return;
        }
        for name in unset {
            if self.unset.insert(name.clone()) {
                problems.push(
                    Problem::warning(format!(
                        "the variable `{name}` is not set; it is taken as empty"
                    ))
                    .at(place.clone())
                    .hint("set it in the environment or in .env, or write a default: `${NAME:-default}`"),
                );
            }
        }
    }

    fn write(
        &mut self,
        mut text: &str,
        out: &mut String,
        unset: &mut Vec<String>,
        depth: usize,
    ) -> Result<(), TemplateError> {
        if depth > MAX_NESTING {
            return Err(TemplateError::Nesting);
        }
        while let Some((before, after)) = text.split_once('$') {
            self.append(out, before)?;
            text = if let Some(rest) = after.strip_prefix('$') {
                self.append(out, "$")?;
                rest
            } else if let Some(braced) = after.strip_prefix('{') {
                self.braced(braced, out, unset, depth)?
            } else {
                let (name, rest) = split_name(after);
                if name.is_empty() {
                    self.append(out, "$")?;
                } else {
                    let value = self.value_or_unset(name, unset);
                    self.append(out, value)?;
                }
                rest
            };
        }
        self.append(out, text)
    }

    /// `text` follows a `${`; what follows the closing brace is returned.
    fn braced<'t>(
        &mut self,
        text: &'t str,
        out: &mut String,
        unset: &mut Vec<String>,
        depth: usize,
    ) -> Result<&'t str, TemplateError> {
        let wrong = || TemplateError::Form(shorten(&format!("${{{text}")));
        let end = closing_brace(text).ok_or_else(|| match text.split_once('\n') {
            Some((line, _)) => TemplateError::Line(shorten(&format!("${{{line}"))),
            None => wrong(),
        })?;
        let (inside, rest) = (
            text.get(..end).unwrap_or_default(),
            text.get(end + 1..).unwrap_or_default(),
        );
        let (name, form) = split_name(inside);
        if name.is_empty() {
            return Err(wrong());
        }
        let value = self.environment.get(name);
        let (form, value) = match form.strip_prefix(':') {
            Some(form) => (form, value.filter(|v| !v.is_empty())),
            None => (form, value),
        };
        let mut chars = form.chars();
        let operator = chars.next();
        let operand = chars.as_str();
        if operator.is_none() {
            if inside.ends_with(':') {
                return Err(wrong());
            }
            let value = self.value_or_unset(name, unset);
            self.append(out, value)?;
            return Ok(rest);
        }
        // What stands after the sign is read whether it is needed or not, as Docker Compose does:
        // what must be set there must be set.
        let mut other = String::new();
        self.write(operand, &mut other, unset, depth + 1)?;
        match (operator, value) {
            (Some('-'), None) | (Some('+'), Some(_)) => self.append(out, &other)?,
            (Some('-' | '?'), Some(value)) => self.append(out, value)?,
            (Some('+'), None) => {}
            (Some('?'), None) => {
                return Err(TemplateError::Required {
                    name: name.to_owned(),
                    message: Some(other).filter(|m| !m.is_empty()),
                });
            }
            _ => return Err(wrong()),
        }
        Ok(rest)
    }

    fn append(&mut self, out: &mut String, text: &str) -> Result<(), TemplateError> {
        self.written = self.written.saturating_add(text.len());
        if out.len() + text.len() > MAX_SCALAR || self.written > MAX_TEXT {
            return Err(TemplateError::Size);
        }
        out.push_str(text);
        Ok(())
    }

    fn value_or_unset(&self, name: &str, unset: &mut Vec<String>) -> &'a str {
        match self.environment.get(name) {
            Some(value) => value,
            None => {
                unset.push(name.to_owned());
                ""
            }
        }
    }
}

/// A variable's name at the start of the text, and the rest.
fn split_name(text: &str) -> (&str, &str) {
    let mut end = 0;
    for (i, byte) in text.bytes().enumerate() {
        let begins = byte.is_ascii_alphabetic() || byte == b'_';
        if !(begins || i > 0 && byte.is_ascii_digit()) {
            break;
        }
        end = i + 1;
    }
    text.split_at(end)
}

/// Where the brace closes that stands just before `text`, in its first line; when the braces within
/// do not balance, the last one.
fn closing_brace(text: &str) -> Option<usize> {
    let (text, _) = text.split_once('\n').unwrap_or((text, ""));
    let mut open = 1_usize;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    text.rfind('}')
}

#[cfg(test)]
mod tests;
