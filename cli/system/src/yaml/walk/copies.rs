//! The two copies of a text that a walk makes.

use super::Walked;
use super::moved::{Moved, Moving};

/// As much of them as is made.
pub(super) struct Copies<'t> {
    text: &'t str,
    first: Vec<u8>,
    /// Bytes before which the first pass is given a space more, in order.
    more: Vec<usize>,
    /// Whether ends of lines are none to the first pass.
    is_joined: bool,
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
            is_joined: false,
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

    /// Gives the first pass a space more before the byte that stands there.
    pub(super) fn space(&mut self, at: usize) {
        self.more.push(at);
    }

    /// Makes one line of those that stand from one byte to another, to the first pass.
    pub(super) fn join(&mut self, begin: usize, end: usize) {
        let part = self.first.get_mut(begin..end).unwrap_or_default();
        for byte in part.iter_mut().filter(|it| matches!(it, b'\n' | b'\r')) {
            *byte = b' ';
            self.is_joined = true;
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
    pub(super) fn done(mut self) -> Walked {
        self.copy(self.text.len());
        let (first, moved) = match self.is_joined || !self.more.is_empty() {
            true => Moving::of(self.text, &self.first).with(&self.more),
            false => (self.first, Moved::default()),
        };
        let first = String::from_utf8(first);
        Walked {
            first: first.unwrap_or_else(|_| self.text.to_owned()),
            second: self.second,
            moved,
        }
    }
}
