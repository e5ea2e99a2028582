//! What was read, kept for whoever shows a line of it: the file may have changed since, or be one
//! that can be read only once.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

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

/// The first line, and where it begins.
const FIRST: (u32, usize) = (1, 0);

/// A path without `.` and `..`, so that one file has one name however it was come by.
fn plain(path: &Path) -> PathBuf {
    // Standard input stands in no folder, from wherever it is looked at.
    if path.file_name().is_some_and(|name| name == "-") {
        return PathBuf::from("-");
    }
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
