//! The only way this room reads: a value handed in by the caller.
//!
//! The real one lives in `machine` and refuses FIFOs, devices and oversized files; tests hand in
//! a map. Keeping it a value keeps the loader pure and lets a fuzzer drive it. It remembers what was
//! read, so that a problem can be shown with the very line that was found wrong.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::git_source::GitSource;
use crate::problem::Problem;

mod kept;

use kept::Kept;

/// Files above this many bytes are refused (a Compose file of 10 MB is no Compose file).
pub const MAX_BYTES: u64 = 10_000_000;

/// Reads a whole file; `NotFound` when it does not exist, `InvalidInput` for what is no regular
/// file, `FileTooLarge` for what exceeds the limit in bytes.
type ReadFile = dyn Fn(&Path, u64) -> io::Result<Vec<u8>> + Send + Sync;

/// Brings what a repository holds onto this machine: the folder where it stands.
type Checkout = dyn Fn(&GitSource) -> Result<PathBuf, Problem> + Send + Sync;

/// Access to files, given by the caller. Clones remember together.
#[derive(Clone)]
pub struct Files {
    read: Arc<ReadFile>,
    checkout: Option<Arc<Checkout>>,
    kept: Arc<Mutex<Kept>>,
}

impl Files {
    /// Files read through `read` (path, most bytes allowed).
    pub fn new(read: impl Fn(&Path, u64) -> io::Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self {
            read: Arc::new(read),
            checkout: None,
            kept: Arc::default(),
        }
    }

    /// The same, with repositories brought here by `checkout`.
    #[must_use]
    pub fn with_git(
        mut self,
        checkout: impl Fn(&GitSource) -> Result<PathBuf, Problem> + Send + Sync + 'static,
    ) -> Self {
        self.checkout = Some(Arc::new(checkout));
        self
    }

    /// The folder where what a repository holds stands on this machine.
    ///
    /// # Errors
    /// As the function handed in; where there is none, that repositories are not fetched here.
    pub(crate) fn checkout(&self, source: &GitSource) -> Result<PathBuf, Problem> {
        match &self.checkout {
            Some(checkout) => checkout(source),
            None => Err(
                Problem::error("files of git repositories are not fetched here")
                    .hint("clone it, and name the file"),
            ),
        }
    }

    /// Files that exist only in memory.
    #[must_use]
    pub fn in_memory(files: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        Self::new(move |path, limit| match files.get(path) {
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
            Some(bytes) if bytes.len() as u64 > limit => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "file too large",
            )),
            Some(bytes) => Ok(bytes.clone()),
        })
    }

    /// The bytes of a regular file of at most [`MAX_BYTES`].
    ///
    /// # Errors
    /// As the reader handed in.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = (self.read)(path, MAX_BYTES)?;
        self.kept().keep(path, &bytes);
        Ok(bytes)
    }

    /// A line of a file, as it was when it was last read through this value. `None` when it was
    /// not, or was too large to be remembered, or has no such line. The path is a whole one;
    /// lines count from 1.
    #[must_use]
    pub fn line(&self, path: &Path, number: u32) -> Option<String> {
        let bytes = self.kept().bytes(path)?;
        kept::line(&bytes, number)
    }

    /// When a file was first read, counted from 0; `None` when it never was.
    #[must_use]
    pub fn turn(&self, path: &Path) -> Option<usize> {
        self.kept().turn(path)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the file can be read.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        self.read(path)
            .map_or_else(|e| e.kind() != io::ErrorKind::NotFound, |_| true)
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_as_it_was_read_however_the_file_is_named() {
        let files = Files::new(|_, _| Ok(b"\xef\xbb\xbfa\r\nb\xff\n".to_vec()));
        let path = Path::new("/s/x/../compose.yaml");
        assert_eq!(files.line(path, 1), None);
        files.read(path).unwrap();
        let named = Path::new("/s/./compose.yaml");
        assert_eq!(files.line(named, 1).as_deref(), Some("a"));
        assert_eq!(files.line(named, 2).as_deref(), Some("b\u{fffd}"));
        assert_eq!(files.line(named, 9), None);
        assert_eq!(files.line(named, 0), None);
        assert_eq!(
            (files.turn(named), files.turn(Path::new("/z"))),
            (Some(0), None)
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let files = Files::new(|_, _| Ok(vec![b'x'; 9_000_000]));
        for file in ["/a", "/b", "/c", "/b"] {
            files.read(Path::new(file)).unwrap();
        }
        let kept = |file: &str| files.line(Path::new(file), 1).is_some();
        assert!(kept("/a") && kept("/b") && !kept("/c"));
        assert_eq!(files.turn(Path::new("/c")), Some(2));
    }
}
