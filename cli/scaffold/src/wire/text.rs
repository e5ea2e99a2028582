//! A file as lines, each with the line end that it has.

use msvc_system::problem::Place;

use super::line_of;

/// A mark that some editors put in front of UTF-8.
const MARK: &str = "\u{feff}";

/// The lines of a file, without their ends.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) lines: Vec<String>,
    /// How each of them ends.
    ends: Vec<&'static str>,
    marked: bool,
}

/// A place in a text: line and byte in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) byte: usize,
}

impl Text {
    pub(super) fn of(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let (marked, text) = match text.strip_prefix(MARK) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let lines = text.lines().map(str::to_owned).collect();
        let mut ends: Vec<&'static str> = Vec::new();
        for line in text.split_inclusive('\n') {
            ends.push(match (line.ends_with("\r\n"), line.ends_with('\n')) {
                (true, _) => "\r\n",
                (_, true) => "\n",
                // The last one has none: it gets that of the line above.
                (false, false) => ends.last().copied().unwrap_or("\n"),
            });
        }
        Ok(Self {
            lines,
            ends,
            marked,
        })
    }

    /// The file. Its last line has an end, whether or not it had one.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        if self.marked {
            text.push_str(MARK);
        }
        for (line, end) in self.lines.iter().zip(&self.ends) {
            text.push_str(line);
            text.push_str(end);
        }
        text.into_bytes()
    }

    pub(super) fn insert(&mut self, at: usize, lines: Vec<String>) {
        let at = at.min(self.lines.len());
        // New lines end as the one above does.
        let above = at.checked_sub(1).and_then(|above| self.ends.get(above));
        let end = above.or(self.ends.first()).copied().unwrap_or("\n");
        let ends = std::iter::repeat_n(end, lines.len());
        self.ends.splice(at..at, ends);
        self.lines.splice(at..at, lines);
    }

    pub(super) fn line(&self, index: usize) -> &str {
        self.lines.get(index).map_or("", String::as_str)
    }

    /// Where a collection in braces begins, when one stands at `place`.
    pub(super) fn flow_at(&self, place: &Place) -> Option<Spot> {
        let line = line_of(place.line);
        let column = line_of(place.column);
        let text = self.line(line);
        let byte = text.char_indices().nth(column).map(|(byte, _)| byte)?;
        text.get(byte..)?
            .starts_with('{')
            .then_some(Spot { line, byte })
    }

    /// The blanks in front of a line.
    pub(super) fn indent(&self, index: usize) -> usize {
        let line = self.line(index);
        line.len() - line.trim_start_matches(' ').len()
    }

    pub(super) fn is_blank(&self, index: usize) -> bool {
        self.line(index).trim().is_empty()
    }

    pub(super) fn is_comment(&self, index: usize) -> bool {
        self.line(index).trim_start().starts_with('#')
    }
}
