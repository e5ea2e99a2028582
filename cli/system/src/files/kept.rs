//! What was read, kept for whoever shows a line of it: the file may have changed since, or be one
//! that can be read only once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::normal_path::normal;
use crate::utf16;

/// Bytes that are kept of all files together; the rest is read and forgotten, so that no number of
/// files fills the memory.
const MOST_KEPT: usize = 24_000_000;

/// The files that were read, by whole path.
#[derive(Default)]
pub(super) struct Kept {
    files: HashMap<PathBuf, File>,
    bytes: usize,
}

struct File {
    /// When it was first read, counted from 0.
    turn: usize,
    bytes: Option<Box<[u8]>>,
    /// Whether it was read as a Compose file.
    is_read_as_compose: bool,
    /// The line that was asked for last, and where it begins: who shows many asks for them in order.
    last: (u32, usize),
}

impl Kept {
    /// Keeps what was read of a file, in place of what was read of it before.
    pub(super) fn keep(&mut self, path: &Path, bytes: &[u8]) {
        // Lines are shown as UTF-8.
        let decoded = utf16::decoded(bytes).and_then(Result::ok);
        let bytes = decoded.as_deref().map_or(bytes, str::as_bytes);
        let turn = self.files.len();
        let file = self.files.entry(plain(path)).or_insert(File {
            turn,
            bytes: None,
            is_read_as_compose: false,
            last: FIRST,
        });
        if file.bytes.as_deref() == Some(bytes) {
            return;
        }
        file.last = FIRST;
        self.bytes -= file.bytes.take().map_or(0, |old| old.len());
        if self.bytes + bytes.len() <= MOST_KEPT {
            self.bytes += bytes.len();
            file.bytes = Some(bytes.into());
        }
    }

    /// Remembers that a file which was read was read as a Compose file.
    pub(super) fn as_compose(&mut self, path: &Path) {
        if let Some(file) = self.files.get_mut(&plain(path)) {
            file.is_read_as_compose = true;
        }
    }

    /// Whether a file was read as a Compose file, says that it is one, and is not called as one of settings.
    pub(super) fn is_compose(&self, path: &Path) -> bool {
        let path = plain(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = self.files.get(&path);
        let file = file.filter(|it| it.is_read_as_compose && !name.contains(".env"));
        let bytes = file.and_then(|it| it.bytes.as_deref());
        bytes.is_some_and(|bytes| bytes.split(|byte| *byte == b'\n').any(begins_services))
    }

    pub(super) fn turn(&self, path: &Path) -> Option<usize> {
        self.files.get(&plain(path)).map(|file| file.turn)
    }

    /// A line of a file, counted from 1, without its end and without a byte-order mark. What is not
    /// UTF-8 in it becomes U+FFFD.
    pub(super) fn line(&mut self, path: &Path, number: u32) -> Option<String> {
        let file = self.files.get_mut(&plain(path))?;
        let bytes = file.bytes.as_deref()?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (before, begin) = match file.last {
            (last, begin) if last <= number => (last, begin),
            _ => FIRST,
        };
        let further = usize::try_from(number.checked_sub(before)?).ok()?;
        let mut lines = bytes.get(begin..)?.split(|byte| *byte == b'\n');
        let passed: usize = lines
            .by_ref()
            .take(further)
            .map(|line| line.len() + 1)
            .sum();
        let line = lines.next()?;
        file.last = (number, begin + passed);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(String::from_utf8_lossy(line).into_owned())
    }
}

/// Whether a line begins the services of a Compose file. No line of settings does: a name without a value is
/// none there, and `services: {` no value.
fn begins_services(line: &[u8]) -> bool {
    let rest = line.trim_ascii_end().strip_prefix(b"services:");
    rest.is_some_and(|rest| matches!(rest.trim_ascii_start(), [] | [b'#' | b'{', ..]))
}

/// The first line, and where it begins.
const FIRST: (u32, usize) = (1, 0);

/// A path without `.` and `..`, so that one file has one name however it was come by.
fn plain(path: &Path) -> PathBuf {
    // Standard input stands in no folder, from wherever it is looked at.
    if path.file_name().is_some_and(|name| name == "-") {
        return PathBuf::from("-");
    }
    normal(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compose_file_is_what_was_read_as_one_and_says_so() {
        for (path, text, wanted) in [
            (
                "/s/shop.compose",
                "# c\r\nservices: # d\r\n  a: {}\r\n",
                true,
            ),
            ("/s/shop.prod", "services: {a: {}}\n", true),
            ("/s/shop", " services:\nPASSWORD: hunter2\n", false),
            ("/s/shop", "services: hunter2\nservices=\n", false),
            ("/s/web.env", "services:\n", false),
            ("/s/.env.prod", "services:\n", false),
        ] {
            let mut kept = Kept::default();
            let path = Path::new(path);
            kept.keep(path, text.as_bytes());
            assert!(!kept.is_compose(path), "{text}");
            kept.as_compose(path);
            assert_eq!(kept.is_compose(path), wanted, "{text}");
        }
    }
}
