//! The two copies of a text that a walk makes.

/// As much of them as is made.
pub(super) struct Copies<'t> {
    text: &'t str,
    first: Vec<u8>,
    second: String,
    /// How much of the text stands in `second`.
    copied: usize,
}

impl<'t> Copies<'t> {
    /// Those of a text.
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            text,
            first: text.as_bytes().to_vec(),
            second: String::with_capacity(text.len()),
            copied: 0,
        }
    }

    /// Gives the first pass another sign for the byte that stands there.
    pub(super) fn put(&mut self, sign: u8, at: usize) {
        if let Some(byte) = self.first.get_mut(at) {
            *byte = sign;
        }
    }

    /// Gives the second pass `other` for what stands from one byte to another.
    pub(super) fn replace(&mut self, begin: usize, end: usize, other: &str) {
        self.copy(begin);
        self.second.push_str(other);
        self.copied = end;
    }

    fn copy(&mut self, end: usize) {
        let part = self.text.get(self.copied..end).unwrap_or_default();
        self.second.push_str(part);
    }

    /// The text for the first pass and that for the second.
    pub(super) fn done(mut self) -> (String, String) {
        self.copy(self.text.len());
        let first = String::from_utf8(self.first);
        (first.unwrap_or_else(|_| self.text.to_owned()), self.second)
    }
}
