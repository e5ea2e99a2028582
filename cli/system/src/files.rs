//! The only way this room reads: a value handed in by the caller.
//!
//! The real one lives in `machine` and refuses FIFOs, devices and oversized files; tests hand in
//! a map. Keeping it a value keeps the loader pure and lets a fuzzer drive it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Files above this many bytes are refused (a Compose file of 10 MB is no Compose file).
pub const MAX_BYTES: u64 = 10_000_000;

/// Reads a whole file; `NotFound` when it does not exist, `InvalidInput` for what is no regular
/// file, `FileTooLarge` for what exceeds the limit in bytes.
type ReadFile = dyn Fn(&Path, u64) -> io::Result<Vec<u8>> + Send + Sync;

/// Access to files, given by the caller.
pub struct Files {
    read: Box<ReadFile>,
}

impl Files {
    /// Files read through `read` (path, most bytes allowed).
    pub fn new(read: impl Fn(&Path, u64) -> io::Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self {
            read: Box::new(read),
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
        (self.read)(path, MAX_BYTES)
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
