//! Where a walk is in its text.

/// A place in a text.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    /// The byte that is looked at.
    pub(super) at: usize,
    /// How many characters stand before it.
    pub(super) index: usize,
    /// How many of them before its line.
    line_begins: usize,
    /// Its line, from 1.
    pub(super) line: usize,
}

impl<'t> Cursor<'t> {
    /// The beginning of a text.
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            index: 0,
            line_begins: 0,
            line: 1,
        }
    }

    /// The byte so many behind the one that is looked at.
    pub(super) fn ahead(&self, many: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + many).copied()
    }

    pub(super) fn column(&self) -> usize {
        self.index - self.line_begins
    }

    pub(super) fn is_blank(&self, many: usize) -> bool {
        matches!(self.ahead(many), Some(b' ' | b'\t'))
    }

    /// How many bytes the end of a line has that stands there.
    pub(super) fn line_end(&self, many: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at + many..)?;
        match rest {
            [b'\r', b'\n', ..] => Some(2),
            [b'\n' | b'\r', ..] => Some(1),
            [0xc2, 0x85, ..] => Some(2),
            [0xe2, 0x80, 0xa8 | 0xa9, ..] => Some(3),
            _ => None,
        }
    }

    /// Whether a word ends there.
    pub(super) fn is_end(&self, many: usize) -> bool {
        self.is_blank(many) || self.line_end(many).is_some() || self.ahead(many).is_none()
    }

    /// Goes on by one character.
    pub(super) fn step(&mut self) {
        self.at += 1;
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        self.index += 1;
    }

    /// Goes over the end of a line, where one stands.
    pub(super) fn step_line(&mut self) {
        if let Some(bytes) = self.line_end(0) {
            self.at += bytes;
            self.index += 1;
            self.line += 1;
            self.line_begins = self.index;
        }
    }

    pub(super) fn rest_of_line(&mut self) {
        while self.ahead(0).is_some() && self.line_end(0).is_none() {
            self.step();
        }
    }

    pub(super) fn here(&self) -> (usize, usize) {
        (self.line, self.column())
    }

    pub(super) fn step_over(&mut self, fits: impl Fn(u8) -> bool) {
        while self.ahead(0).is_some_and(&fits) {
            self.step();
        }
    }

    /// Whether a document begins or ends there, at the beginning of a line.
    pub(super) fn is_document(&self) -> bool {
        let signs = self.text.as_bytes().get(self.at..self.at + 3);
        matches!(signs, Some(b"---" | b"...")) && self.is_end(3)
    }
}
