//! `.env` files: those of the project directory, for interpolation, and a service's `env_file`.
//!
//! What comes in: the text of a file and what is already set. What leaves: names and values in
//! the order written, or what is wrong, with the line. What must not enter: file access; what
//! the values are for.
//!
//! The dialect is Compose's: `export` before a name, `=` or `:` after it, `#` comments, single
//! quotes (taken as they are), double quotes (escapes and variables), values over several lines
//! in quotes, variables in unquoted values; a name alone takes its value from what is set.

use std::collections::BTreeMap;
use std::path::Path;

use indexmap::IndexMap;

use crate::interpolate::Interpolation;
use crate::model::Placed;
use crate::problem::{FileName, Part, Place, Problem, Problems};

mod named;
mod raw;
mod text;
mod told;
mod unescape;

pub use named::may_be_told;
use named::named;
pub use raw::raw;
use text::Text;
use told::Told;
use unescape::unescape;

/// Settings that a file may have; who needs more means something else.
const MAX_SETTINGS: usize = 20_000;

/// Stands for a value that cannot be read, in a file that is refused.
const UNKNOWN: &str = "?";

/// What a file sets.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Names and values, in the order written.
    pub values: IndexMap<String, Placed<String>>,
    /// Variables in them that nothing sets.
    pub warnings: Vec<Problem>,
}

/// What files before one set.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    /// Names and values.
    pub set: BTreeMap<String, String>,
    /// Whether one of them cannot be read: what is not set may be what it would have.
    pub lacks_some: bool,
}

/// Reads a file of settings. `set` holds what is already set; variables look there first, then at
/// what stands earlier in the file.
///
/// # Errors
/// As [`parse_after`].
pub fn parse(
    file: &Path,
    bytes: &[u8],
    set: &BTreeMap<String, String>,
) -> Result<Settings, Problems> {
    parse_after(file, bytes, set, &Earlier::default())
}

/// The same of a file that follows others: what they set stands below what this one does.
///
/// # Errors
/// When a line is no setting, or one that is not UTF-8 is no comment, each with its line.
pub fn parse_after(
    file: &Path,
    bytes: &[u8],
    set: &BTreeMap<String, String>,
    earlier: &Earlier,
) -> Result<Settings, Problems> {
    let text = Text::of(bytes);
    let mut reader = Reader {
        file: FileName::from(file),
        text: &text,
        rest: text.rest(),
        line: 1,
        set: over(&earlier.set, set),
        are_whole: !earlier.lacks_some,
        outer: set,
        values: IndexMap::new(),
        told: Told::default(),
        wrong_names: 0,
        written: 0,
    };
    reader.read();
    let Reader { values, told, .. } = reader;
    let told = told.problems();
    if told.has_errors() {
        return Err(told);
    }
    Ok(Settings {
        values,
        warnings: told.0,
    })
}

/// What is set by two, of which the second counts.
pub(crate) fn over(
    earlier: &BTreeMap<String, String>,
    set: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut all = earlier.clone();
    all.extend(set.iter().map(|(k, v)| (k.clone(), v.clone())));
    all
}

struct Reader<'a> {
    file: FileName,
    text: &'a Text<'a>,
    rest: &'a str,
    line: u32,
    /// What is set outside, over what the file has set so far.
    set: BTreeMap<String, String>,
    outer: &'a BTreeMap<String, String>,
    /// Whether all that was read before is known.
    are_whole: bool,
    values: IndexMap<String, Placed<String>>,
    told: Told,
    /// Lines that begin with no name, which cost nothing.
    wrong_names: usize,
    /// Bytes that variables became so far.
    written: usize,
}

impl<'a> Reader<'a> {
    /// Reads all settings. What is wrong with one is told, and the next line read.
    fn read(&mut self) {
        for count in 0.. {
            if !self.skip_to_statement() {
                break;
            }
            let place = self.place();
            // Whatever else is wrong is counted: it costs as much as what is right.
            if count - self.wrong_names == MAX_SETTINGS {
                let what = format!("the file has more than {MAX_SETTINGS} settings");
                self.told.push(Problem::error(what).at(place));
                break;
            }
            if let Err(problem) = self.setting(place) {
                problem.into_iter().for_each(|it| self.told.push(it));
                self.advance(self.end_of_line());
            }
        }
    }

    /// One setting, or what is wrong with it where that is not told yet.
    fn setting(&mut self, place: Place) -> Result<(), Option<Problem>> {
        let Some((name, has_value)) = self.name()? else {
            return Ok(());
        };
        let value = if has_value {
            match self.value(&place) {
                Ok(Some(value)) => Some(value),
                wrong => {
                    // It is set, to whatever was meant.
                    self.set.insert(name, UNKNOWN.to_owned());
                    return Err(wrong.err());
                }
            }
        } else {
            self.set.get(&name).cloned()
        };
        let Some(value) = value else { return Ok(()) };
        if !self.outer.contains_key(&name) {
            self.set.insert(name.clone(), value.clone());
        }
        self.values.insert(name, Placed { value, place });
        Ok(())
    }

    fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            line: self.line,
            column: 1,
        }
    }

    fn wrong(&self, what: impl Into<String>) -> Problem {
        Problem::error(what).at(self.place())
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let lines = taken.bytes().filter(|b| *b == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = rest;
        taken
    }

    fn end_of_line(&self) -> usize {
        self.rest.find('\n').unwrap_or(self.rest.len())
    }

    /// Skips blank lines and comments; false at the end of the file.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.advance(blank);
            if self.rest.is_empty() {
                return false;
            }
            if !self.rest.starts_with('#') {
                return true;
            }
            self.advance(self.end_of_line());
        }
    }

    /// The name of a setting and whether a value follows.
    fn name(&mut self) -> Result<Option<(String, bool)>, Option<Problem>> {
        if let Some(after) = self.rest.strip_prefix("export")
            && after.starts_with([' ', '\t'])
        {
            let blank = after.len() - after.trim_start_matches([' ', '\t']).len();
            self.advance("export".len() + blank);
        }
        // Not to the end of the line: a line may be the whole file and have thousands of settings.
        let (name, has_value) = match self.rest.find(['=', ':', '\n']) {
            Some(end) => {
                let (name, after) = self.rest.split_at(end);
                (name, !after.starts_with('\n'))
            }
            None => (self.rest, false),
        };
        let length = name.len();
        let name = name.trim();
        // A line that the file ends in, without a sign, is a value without a name to Docker Compose.
        let is_value = !has_value && self.rest.len() == length;
        // Of what is a space, Docker Compose minds the one sign alone in a name.
        let of_names = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
        let fits = |c: char| of_names(c) || is_space(c) && (c != ' ' || is_value);
        if let Some(c) = name.chars().find(|c| !fits(*c)) {
            if let Some(foreign) = self.text.foreign(name, &self.place()) {
                self.rest = "";
                return Err(Some(foreign));
            }
            self.wrong_names += 1;
            if self.told.is_full() {
                self.told.count();
                return Err(None);
            }
            self.text.check(name, &self.place())?;
            let named = named(name, has_value);
            // A sign that can be seen is shown as it is, quotes too.
            let sign = match c {
                '"' | '\'' => c.to_string(),
                _ => c.escape_debug().to_string(),
            };
            let what = format!("{named} cannot be the name of a setting: it has `{sign}`");
            let problem = self.wrong(what);
            let hint = "write NAME=value, and `#` before a comment";
            return Err(Some(problem.hint(hint)));
        }
        if is_value && name.is_empty() {
            let problem = self.wrong("`export` names no setting");
            return Err(Some(
                problem.hint("write export NAME=value, or take it away"),
            ));
        }
        if is_value {
            return Ok(Some((String::new(), true)));
        }
        // Nothing before the sign is a name too, as to Docker Compose.
        let name = name.to_owned();
        self.advance(length + usize::from(has_value));
        if has_value {
            let blank = self.rest.len() - self.rest.trim_start_matches(is_space).len();
            self.advance(blank);
        }
        Ok(Some((name, has_value)))
    }

    /// The value; none where what is wrong with its variables was told.
    fn value(&mut self, place: &Place) -> Result<Option<String>, Problem> {
        let all = self.text;
        match self.rest.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let text = self.quoted(quote, place)?;
                all.check(&text, place)?;
                Ok(match quote {
                    '"' => self.replace(&unescape(&text), place),
                    _ => Some(text),
                })
            }
            _ => {
                let line = self.advance(self.end_of_line());
                let value = line.split_once(" #").map_or(line, |(value, _)| value);
                all.check(value, place)?;
                Ok(self.replace(value.trim_end(), place))
            }
        }
    }

    /// A quoted text, its quotes taken off and its escaped quotes unescaped.
    fn quoted(&mut self, quote: char, place: &Place) -> Result<String, Problem> {
        let mut text = String::new();
        let mut escaped = false;
        let mut chars = self.rest.char_indices().skip(1);
        let end = loop {
            let Some((i, c)) = chars.next() else {
                // All that follows is in the quotes, be it a password.
                self.rest = "";
                return Err(Problem::error(format!(
                    "the text that begins with {quote} here has no end"
                ))
                .at(place.clone())
                .hint(format!("close it with {quote}")));
            };
            match c {
                _ if escaped => {
                    if c != quote {
                        text.push('\\');
                    }
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                _ if c == quote => break i + 1,
                _ => text.push(c),
            }
        };
        self.advance(end);
        Ok(text)
    }

    fn replace(&mut self, text: &str, place: &Place) -> Option<String> {
        if !text.contains('$') {
            return Some(text.to_owned());
        }
        let interpolation = Interpolation::after(&self.set, self.written);
        let interpolation = interpolation.without_some(!self.are_whole);
        let mut interpolation = interpolation.set_in("in a line above");
        // Nothing of a value is shown: its variables are told at its name.
        let value = self
            .told
            .keep(|told| interpolation.told(text, place, |_| Part::Whole, told));
        self.written = interpolation.written();
        value
    }
}

/// Whether a sign before a value is none of it, as to Docker Compose.
fn is_space(sign: char) -> bool {
    matches!(
        sign,
        ' ' | '\t' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{a0}'
    )
}

#[cfg(test)]
mod tests;
