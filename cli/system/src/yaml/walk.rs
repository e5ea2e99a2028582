//! A walk over the text of a Compose file, cut into tokens as Docker Compose's parser of YAML cuts it: the
//! two parsers that read here take some signs another way than that one, and which, hangs on where they stand.
//!
//! What comes in: the text. What leaves: the same text twice, as either parser has to have it to read what
//! is meant; or what Docker Compose's parser does not take. What must not enter: what is wrong otherwise,
//! which the parsers tell: the walk ends there.

use super::MAX_DEPTH;
use crate::problem::{Place, Problem};
use copies::Copies;
use cursor::Cursor;
use moved::Moved;

mod copies;
mod cursor;
pub(super) mod moved;
#[cfg(test)]
mod tests;
mod texts;

/// Signs that end a text without quotes in brackets.
const ENDS: &[u8] = b",[]{}";
/// Signs that no text without quotes begins with, but where more is said of them.
const NO_BEGINNING: &[u8] = b"-?:,[]{}#&*!|>'\"%@`";
/// Characters that a key may have which is not marked as one.
const LONGEST_KEY: usize = 1024;

/// The text for either parser.
pub(super) struct Walked {
    /// As the first pass reads it.
    pub(super) first: String,
    /// Where what stands there stood.
    pub(super) moved: Moved,
    /// As the second pass does.
    pub(super) second: String,
}

/// The text for both passes; `None` where no sign of it is taken another way. `start` names the file.
pub(super) fn walk_where_needed(start: &Place, text: &str) -> Result<Option<Walked>, Problem> {
    match has_signs(text.as_bytes()) {
        true => walk(start, text).map(Some),
        false => Ok(None),
    }
}

/// The text for both passes.
pub(super) fn walk(start: &Place, text: &str) -> Result<Walked, Problem> {
    let mut walk = Walk::over(text);
    while walk.token().is_some() {}
    if let Some(Refused {
        line,
        column,
        why,
        hint,
    }) = walk.refused
    {
        let file = start.file.clone();
        let place = Place { file, line, column };
        return Err(Problem::error(why).at(place).hint(hint));
    }
    Ok(walk.copies.done())
}

/// Whether a text has a sign of those, wherever it stands.
fn has_signs(text: &[u8]) -> bool {
    let is_one = |two: &[u8]| match two {
        [b'\t' | b'?', _] => true,
        [b':' | b'-', next] => ENDS.contains(next),
        [b'\\', next] => matches!(next, b'\'' | b'/'),
        [sign, b'#'] => b"\"',[]{}".contains(sign),
        _ => false,
    };
    text.windows(2).any(is_one) || text.last() == Some(&b'\t')
}

/// What Docker Compose's parser does not take.
struct Refused {
    line: u32,
    column: u32,
    why: &'static str,
    hint: &'static str,
}

/// Where a key may have begun.
struct Begun {
    line: usize,
    column: usize,
    index: usize,
}

struct Walk<'t> {
    cursor: Cursor<'t>,
    copies: Copies<'t>,
    /// How many brackets are open.
    open: usize,
    /// The column of the mapping or list that is read, without brackets.
    indent: Option<usize>,
    indents: Vec<Option<usize>>,
    /// Where the text begins that a `:` makes a key, in each bracket and outside them.
    keys: Vec<Option<Begun>>,
    is_key_allowed: bool,
    refused: Option<Refused>,
}

/// A step of the walk: `None` where it ends.
type Step = Option<()>;

impl<'t> Walk<'t> {
    fn over(text: &'t str) -> Self {
        Self {
            cursor: Cursor::of(text),
            copies: Copies::of(text),
            open: 0,
            indent: None,
            indents: Vec::new(),
            keys: vec![None],
            is_key_allowed: true,
            refused: None,
        }
    }

    fn in_brackets(&self) -> bool {
        self.open > 0
    }

    fn refuse(&mut self, (line, column): (usize, usize), why: &'static str, hint: &'static str) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.refused = Some(Refused {
            line: number(line),
            column: number(column.saturating_add(1)),
            why,
            hint,
        });
    }

    fn token(&mut self) -> Step {
        // What is deeper the parsers refuse.
        (self.open + self.indents.len() <= MAX_DEPTH).then_some(())?;
        self.go_to_token();
        if !self.in_brackets() {
            self.unroll(Some(self.cursor.column()));
        }
        let sign = self.cursor.ahead(0)?;
        if self.cursor.column() == 0 && (sign == b'%' || self.cursor.is_document()) {
            self.unroll(None);
            self.forget_key();
            self.is_key_allowed = false;
            match sign {
                b'%' => self.cursor.rest_of_line(),
                _ => (0..3).for_each(|_| self.cursor.step()),
            }
            return Some(());
        }
        let in_brackets = self.in_brackets();
        match sign {
            b'[' | b'{' => {
                self.save_key();
                self.open += 1;
                self.keys.push(None);
                self.is_key_allowed = true;
                self.cursor.step();
            }
            b']' | b'}' => {
                self.forget_key();
                if let Some(less) = self.open.checked_sub(1) {
                    self.open = less;
                    self.keys.pop();
                }
                self.is_key_allowed = false;
                self.cursor.step();
            }
            b',' => {
                self.forget_key();
                self.is_key_allowed = true;
                self.cursor.step();
            }
            b'-' if self.cursor.is_end(1) => {
                self.block(in_brackets)?;
                self.is_key_allowed = true;
                self.cursor.step();
            }
            b'?' if in_brackets || self.cursor.is_end(1) => {
                self.block(in_brackets)?;
                self.is_key_allowed = !in_brackets;
                self.cursor.step();
                if in_brackets && !self.cursor.is_end(0) {
                    self.copies.space(self.cursor.at);
                }
            }
            b':' if in_brackets || self.cursor.is_end(1) => self.value(in_brackets)?,
            b'*' | b'&' => {
                self.begin_text();
                self.cursor.step();
                self.cursor
                    .step_over(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
                // The first pass takes it for a part of the name.
                if sign == b'*' && self.cursor.ahead(0) == Some(b':') {
                    self.copies.space(self.cursor.at);
                }
            }
            b'!' => {
                self.begin_text();
                self.cursor.step();
                match self.cursor.ahead(0) {
                    Some(b'<') => self.cursor.step_over(|c| c != b'>' && c > b' '),
                    _ => self.cursor.step_over(is_of_tag),
                }
            }
            b'|' | b'>' if !in_brackets => self.lines()?,
            b'\'' => self.single()?,
            b'"' => self.double()?,
            _ if self.begins_plain(sign, in_brackets) => self.plain(in_brackets)?,
            _ => return None,
        }
        Some(())
    }

    /// Goes over what stands between tokens.
    fn go_to_token(&mut self) {
        loop {
            while let Some(blank @ (b' ' | b'\t')) = self.cursor.ahead(0) {
                if blank == b'\t' {
                    if self.is_key_allowed && !self.in_brackets() {
                        break;
                    }
                    self.copies.put(b' ', self.cursor.at);
                }
                self.cursor.step();
            }
            if self.cursor.ahead(0) == Some(b'#') {
                self.comment();
            }
            if self.cursor.line_end(0).is_none() {
                return;
            }
            self.cursor.step_line();
            if !self.in_brackets() {
                self.is_key_allowed = true;
            }
        }
    }

    /// A comment; the first pass takes none right behind another sign.
    fn comment(&mut self) {
        let begin = self.cursor.at;
        self.cursor.rest_of_line();
        for at in begin..self.cursor.at {
            self.copies.put(b' ', at);
        }
    }

    fn save_key(&mut self) {
        if self.is_key_allowed {
            let begun = Begun {
                line: self.cursor.line,
                column: self.cursor.column(),
                index: self.cursor.index,
            };
            self.set_key(Some(begun));
        }
    }

    fn forget_key(&mut self) {
        self.set_key(None);
    }

    fn set_key(&mut self, key: Option<Begun>) {
        if let Some(last) = self.keys.last_mut() {
            *last = key;
        }
    }

    fn begin_text(&mut self) {
        self.save_key();
        self.is_key_allowed = false;
    }

    /// Begins what is a mapping or list without brackets at that column, unless it is read already.
    fn roll(&mut self, column: usize) {
        if self.indent < Some(column) {
            self.indents.push(self.indent);
            self.indent = Some(column);
        }
    }

    /// Ends all that stand further to the right.
    fn unroll(&mut self, column: Option<usize>) {
        while self.indent > column {
            self.indent = self.indents.pop().flatten();
        }
    }

    /// An item, or a key that is marked as one.
    fn block(&mut self, in_brackets: bool) -> Step {
        if !in_brackets {
            self.is_key_allowed.then_some(())?;
            self.roll(self.cursor.column());
        }
        self.forget_key();
        Some(())
    }

    fn value(&mut self, in_brackets: bool) -> Step {
        let key = self.keys.last_mut().and_then(Option::take);
        let is_key = |key: &Begun| {
            key.line == self.cursor.line && key.index + LONGEST_KEY >= self.cursor.index
        };
        match key.filter(is_key) {
            Some(key) => {
                if !in_brackets {
                    self.roll(key.column);
                }
                self.is_key_allowed = false;
            }
            None => {
                if !in_brackets {
                    self.is_key_allowed.then_some(())?;
                    self.roll(self.cursor.column());
                }
                self.is_key_allowed = !in_brackets;
            }
        }
        self.cursor.step();
        Some(())
    }
}

/// Whether a tag may have that sign.
fn is_of_tag(sign: u8) -> bool {
    sign.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]%".contains(&sign)
}
