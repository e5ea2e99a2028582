//! Variables in values: `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:?e}`, `${X?e}`, `${X:+r}`,
//! `${X+r}`, nested, and `$$` for a dollar sign.
//!
//! What comes in: a text or tree and the environment. What leaves: the same with variables
//! replaced, a warning for each variable that nothing sets, an error with its place for each
//! required one. What must not enter: the process's own environment; where values come from.
//!
//! A `$` before anything else stands for itself, as in Compose. Keys are never interpolated.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{MOST_SHOWN, Part, Place, Problem, Problems};
use crate::yaml::{MAX_SCALAR, MAX_TEXT, shorten};

pub(crate) mod cast;
mod form;
mod found;
mod near;
mod tree;
pub mod variables;
mod wrong;

use form::{closing_brace, split_name};
use found::{Found, What};
pub use wrong::TemplateError;

/// Variables nested in each other's defaults that are followed.
const MAX_NESTING: usize = 50;

/// Replaces variables, remembering those that nothing sets.
#[derive(Debug)]
pub struct Interpolation<'a> {
    environment: &'a BTreeMap<String, String>,
    unset: BTreeSet<String>,
    /// Bytes written so far, those too that another form made needless.
    written: usize,
    /// Where variables stand that nothing sets; `None` where all that sets something is known.
    untold: Option<Vec<Place>>,
    /// Where a person sets a variable but in the environment; nothing where nowhere.
    set_in: &'a str,
    /// What counts before that: what whoever calls has set.
    outside: Option<&'a BTreeMap<String, String>>,
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
            set_in: "in .env",
            outside: None,
        }
    }

    /// The same, where variables are set in another place than `.env` ("in a line above").
    pub(crate) fn set_in(self, set_in: &'a str) -> Self {
        Self { set_in, ..self }
    }

    /// The same, where `outside` counts before what files set.
    pub(crate) fn below(self, outside: &'a BTreeMap<String, String>) -> Self {
        Self {
            outside: Some(outside),
            ..self
        }
    }

    /// Whether whoever calls has set a variable to nothing: what files set counts for nothing then.
    fn is_empty_outside(&self, name: &str) -> bool {
        let set = self.outside.and_then(|outside| outside.get(name));
        set.is_some_and(String::is_empty)
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
        let (new, found) = self.replaced(text);
        for found in found {
            match found.what {
                What::Unset(name) => unset.push(name),
                What::Wrong(error) => return Err(error),
            }
        }
        Ok(new)
    }

    /// The same, and everything that is to be told of it.
    fn replaced(&mut self, text: &str) -> (String, Vec<Found>) {
        let mut out = String::with_capacity(text.len());
        let mut found = Vec::new();
        if let Err(error) = self.write(text, 0, &mut out, &mut found, 0) {
            found.push(Found::whole(error));
        }
        (out, found)
    }

    /// One text, that stands at `place`, with its variables replaced; `None` when something of it is
    /// wrong. All of that is told, with `part_of` it.
    pub(crate) fn told(
        &mut self,
        text: &str,
        place: &Place,
        part_of: impl Fn(Part) -> Part,
        problems: &mut Problems,
    ) -> Option<String> {
        let (new, found) = self.replaced(text);
        // A text can have more of it than anybody reads.
        let most = match problems.0.len() {
            0..MOST_SHOWN => MOST_SHOWN,
            _ => 1,
        };
        let mut errors = 0;
        for (what, part) in found::in_order(text, found) {
            let part = part_of(part);
            let is_required = matches!(what, What::Wrong(TemplateError::Required { .. }));
            match (what, &mut self.untold) {
                // What must be set stays as it is written: what later steps say of it is an echo.
                (_, Some(untold)) if is_required => {
                    untold.push(place.clone());
                    errors += 1;
                }
                (What::Unset(_), Some(untold)) => untold.push(place.clone()),
                (What::Unset(name), None) => self.warn(name, place, part, problems),
                (What::Wrong(error), _) => {
                    errors += 1;
                    if errors <= most {
                        let problem = error.problem(self.set_in).at(place.clone()).about(part);
                        let name = error.required();
                        let empty = name.filter(|it| self.is_empty_outside(it));
                        let near = name.and_then(|it| near::near(it, self.environment, problems));
                        problems.push(match (empty, near) {
                            (Some(_), _) => problem.hint(wrong::empty_outside(self.set_in)),
                            (None, Some(near)) => problem.hint(format!("did you mean `{near}`?")),
                            (None, None) => problem,
                        });
                    }
                }
            }
        }
        if let (Some(rest), Some(last)) = (errors.checked_sub(most), problems.0.last_mut()) {
            last.more += rest;
        }
        (errors == 0).then_some(new)
    }

    /// One warning per variable and run.
    fn warn(&mut self, name: String, place: &Place, part: Part, problems: &mut Problems) {
        if self.unset.contains(&name) {
            return;
        }
        let what = format!("the variable `{name}` is not set; it is taken as empty");
        let problem = Problem::warning(what).at(place.clone()).about(part);
        let near = near::near(&name, self.environment, problems);
        self.unset.insert(name);
        if let Some(near) = near {
            problems.push(problem.hint(format!("did you mean `{near}`?")));
            return;
        }
        let or = if self.set_in.is_empty() { "" } else { " or " };
        problems.push(problem.hint(format!(
            "set it in the environment{or}{}, write a default: `${{NAME:-default}}`, or `$$` for a \
             plain dollar sign",
            self.set_in
        )));
    }

    /// `text` begins at the byte `from` of the whole.
    fn write(
        &mut self,
        mut text: &str,
        from: usize,
        out: &mut String,
        found: &mut Vec<Found>,
        depth: usize,
    ) -> Result<(), TemplateError> {
        if depth > MAX_NESTING {
            return Err(TemplateError::Nesting);
        }
        let end = from + text.len();
        while let Some((before, after)) = text.split_once('$') {
            self.append(out, before)?;
            let at = end - after.len() - 1;
            text = if let Some(rest) = after.strip_prefix('$') {
                self.append(out, "$")?;
                rest
            } else if let Some(braced) = after.strip_prefix('{') {
                self.braced(braced, at, out, found, depth)?
            } else {
                let (name, rest) = split_name(after);
                if name.is_empty() {
                    self.append(out, "$")?;
                } else {
                    let value = self.value_or_unset(name, at, name, found);
                    self.append(out, value)?;
                }
                rest
            };
        }
        self.append(out, text)
    }

    /// `text` follows a `${`, which stands at the byte `at` of the whole; what follows the closing
    /// brace is returned, or what is read on with where the form is wrong.
    fn braced<'t>(
        &mut self,
        text: &'t str,
        at: usize,
        out: &mut String,
        found: &mut Vec<Found>,
        depth: usize,
    ) -> Result<&'t str, TemplateError> {
        let Some(end) = closing_brace(text) else {
            let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
            let shown = shorten(&format!("${{{line}"));
            let is_last = line.len() == text.len();
            let error = match is_last {
                true => TemplateError::Form(shown),
                false => TemplateError::Line(shown),
            };
            found.push(Found::wrong(error, at, line.trim_end(), 2));
            return Ok(rest);
        };
        let (inside, rest) = (
            text.get(..end).unwrap_or_default(),
            text.get(end + 1..).unwrap_or_default(),
        );
        let wrong = |found: &mut Vec<Found>| {
            let error = TemplateError::Form(shorten(&format!("${{{inside}}}")));
            found.push(Found::wrong(error, at, inside, 3));
            Ok(rest)
        };
        let (name, form) = split_name(inside);
        if name.is_empty() {
            return wrong(found);
        }
        let value = self.environment.get(name);
        let (form, value) = match form.strip_prefix(':') {
            Some(form) => (form, value.filter(|v| !v.is_empty())),
            None => (form, value),
        };
        let mut chars = form.chars();
        let operator = chars.next();
        let operand = chars.as_str();
        if operator.is_none() && !inside.ends_with(':') {
            let value = self.value_or_unset(name, at, text.get(..=end).unwrap_or_default(), found);
            self.append(out, value)?;
            return Ok(rest);
        }
        if !matches!(operator, Some('-' | '+' | '?')) {
            return wrong(found);
        }
        // What stands after the sign is read whether it is needed or not, as Docker Compose does:
        // what must be set there must be set.
        let mut other = String::new();
        let from = at + 2 + inside.len() - operand.len();
        self.write(operand, from, &mut other, found, depth + 1)?;
        match (operator, value) {
            (Some('-'), None) | (Some('+'), Some(_)) => self.append(out, &other)?,
            (Some('+'), None) => {}
            (_, Some(value)) => self.append(out, value)?,
            (_, None) => {
                let error = TemplateError::Required {
                    name: name.to_owned(),
                    message: Some(other).filter(|m| !m.is_empty()),
                };
                found.push(Found::wrong(error, at, inside, 3));
            }
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

    /// `written` is what follows the dollar sign, or that and a brace, at the byte `at` of the whole.
    fn value_or_unset(
        &self,
        name: &str,
        at: usize,
        written: &str,
        found: &mut Vec<Found>,
    ) -> &'a str {
        let value = self.environment.get(name).map(String::as_str);
        value.unwrap_or_else(|| {
            let signs = if written.ends_with('}') { 2 } else { 1 };
            found.push(Found::unset(name, at, written, signs));
            ""
        })
    }
}

#[cfg(test)]
mod tests;
