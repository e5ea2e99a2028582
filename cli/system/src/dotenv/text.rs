//! The text of a file of settings, also where some of it is of another encoding: many a comment is, and
//! nobody reads those.

use std::borrow::Cow;

use crate::problem::{Place, Problem};

/// What to do about another encoding.
const SAVE: &str = "save the file as UTF-8";

/// The text of a file.
pub(super) struct Text<'a> {
    text: Cow<'a, str>,
    /// Whether its first bytes say that it is UTF-16.
    is_utf16: bool,
}

impl<'a> Text<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            text: String::from_utf8_lossy(bytes),
            is_utf16: bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff"),
        }
    }

    pub(super) fn rest(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }

    /// What is wrong where `part` of it, the setting at `place`, holds bytes that were no UTF-8. They
    /// may be a password: none is shown.
    pub(super) fn check(&self, part: &str, place: &Place) -> Result<(), Problem> {
        let is_whole = matches!(self.text, Cow::Borrowed(_));
        if is_whole || !part.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(());
        }
        Err(Problem::error("the setting is not UTF-8 text")
            .at(place.clone())
            .hint(SAVE))
    }

    /// What is wrong with all of the file, where the wrong name at `place` shows it: every line of it
    /// would be as wrong.
    pub(super) fn foreign(&self, name: &str, place: &Place) -> Option<Problem> {
        let what = if self.is_utf16 {
            "the file is UTF-16 text, and settings are read as UTF-8"
        } else if name.contains('\0') {
            "the file has NUL bytes here, as UTF-16 text has, and settings are read as UTF-8"
        } else {
            return None;
        };
        Some(Problem::error(what).at(place.clone()).hint(SAVE))
    }
}
