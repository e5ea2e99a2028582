//! The two copies of a text that a walk makes.

/// As much of them as is made.
pub(super) struct Copies<'t> {
    text: &'t str,
    first: Vec<u8>,
    /// Spaces that the first pass is given more: before which byte, and how many.
    more: Vec<(usize, usize)>,
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
            more: Vec::new(),
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

    /// Gives the first pass so many spaces more before the byte that stands there: at the beginning of a line
    /// in quotes they mean nothing, and nothing follows there whose place is asked for.
    pub(super) fn indent(&mut self, at: usize, spaces: usize) {
        self.more.push((at, spaces));
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
        let first = String::from_utf8(indented(self.first, &self.more));
        (first.unwrap_or_else(|_| self.text.to_owned()), self.second)
    }
}

/// The same with the spaces in it, which stand in order.
fn indented(text: Vec<u8>, more: &[(usize, usize)]) -> Vec<u8> {
    if more.is_empty() {
        return text;
    }
    let spaces: usize = more.iter().map(|(_, spaces)| spaces).sum();
    let mut all = Vec::with_capacity(text.len() + spaces);
    let mut from = 0;
    for (at, spaces) in more {
        all.extend_from_slice(text.get(from..*at).unwrap_or_default());
        all.resize(all.len() + spaces, b' ');
        from = *at;
    }
    all.extend_from_slice(text.get(from..).unwrap_or_default());
    all
}
