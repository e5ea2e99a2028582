//! The only way this room reads: a value handed in by the caller.
//!
//! The real one lives in `machine` and refuses FIFOs, devices and oversized files; tests hand in
//! a map. Keeping it a value keeps the loader pure and lets a fuzzer drive it. It remembers what was
//! read, so that a problem can be shown with the very line that was found wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::git_source::GitSource;
use crate::problem::Problem;
use crate::shown_path::shown_path;
use crate::yaml::shorten;

mod beside;
mod fetched;
mod kept;
mod structure;

use beside::Names;
pub use fetched::Fetched;
use fetched::Repositories;
use kept::Kept;
pub use structure::has_structure;

/// Files above this many bytes are refused (a Compose file of 10 MB is no Compose file).
pub const MAX_BYTES: u64 = 10_000_000;

/// Bytes that all files of a project may have, each counted as often as it is read: ten of the
/// largest.
pub const MAX_TOTAL: u64 = 100_000_000;

/// Reads a whole file; `NotFound` when it does not exist, `IsADirectory` for a folder, `InvalidInput` for
/// what else is no regular file, `FileTooLarge` for what exceeds the limit in bytes.
type ReadFile = dyn Fn(&Path, u64) -> io::Result<Vec<u8>> + Send + Sync;

/// Brings what a repository holds onto this machine.
type Checkout = dyn Fn(&GitSource) -> Result<Fetched, Problem> + Send + Sync;

/// Access to files, given by the caller. Clones remember together.
#[derive(Clone)]
pub struct Files {
    read: Arc<ReadFile>,
    checkout: Option<Arc<Checkout>>,
    names: Option<Arc<Names>>,
    kept: Arc<Mutex<Kept>>,
    /// Bytes read so far.
    total: Arc<AtomicU64>,
    repositories: Arc<Mutex<Repositories>>,
}

impl Files {
    /// Files read through `read` (path, most bytes allowed).
    pub fn new(read: impl Fn(&Path, u64) -> io::Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self {
            read: Arc::new(read),
            checkout: None,
            names: None,
            kept: Arc::default(),
            total: Arc::default(),
            repositories: Arc::default(),
        }
    }

    /// The same, with repositories brought here by `checkout`.
    #[must_use]
    pub fn with_git(
        mut self,
        checkout: impl Fn(&GitSource) -> Result<Fetched, Problem> + Send + Sync + 'static,
    ) -> Self {
        self.checkout = Some(Arc::new(checkout));
        self
    }

    /// The same, with the names of what stands in a folder, so that one that was meant can be told.
    #[must_use]
    pub fn with_names(
        mut self,
        names: impl Fn(&Path) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.names = Some(Arc::new(names));
        self
    }

    /// Advice for a file that could not be read: the one beside it that may have been meant, else
    /// `otherwise`.
    pub(crate) fn advice(&self, path: &Path, error: &io::Error, otherwise: &str) -> String {
        if error.kind() == io::ErrorKind::IsADirectory {
            return "that is a folder: name the file in it".to_owned();
        }
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        let names = self.names.as_ref().filter(|_| is_missing);
        let names = names
            .zip(path.parent())
            .map(|(names, folder)| names(folder));
        match beside::beside(path, &names.unwrap_or_default()) {
            Some(near) => format!("did you mean `{}`?", shorten(&near)),
            None => otherwise.to_owned(),
        }
    }

    /// The folder where what a repository holds stands on this machine.
    ///
    /// # Errors
    /// As the function handed in; where there is none, that repositories are not fetched here.
    pub(crate) fn checkout(&self, source: &GitSource) -> Result<PathBuf, Problem> {
        match &self.checkout {
            Some(checkout) => {
                let fetched = checkout(source)?;
                self.repositories().keep(source, &fetched);
                Ok(fetched.folder)
            }
            None => Err(
                Problem::error("files of git repositories are not fetched here")
                    .hint("clone it, and name the file"),
            ),
        }
    }

    /// Files that exist only in memory.
    #[must_use]
    pub fn in_memory(files: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let paths: Vec<PathBuf> = files.keys().cloned().collect();
        let names = move |folder: &Path| {
            let inside = paths.iter().filter(|it| it.parent() == Some(folder));
            let names = inside.filter_map(|it| it.file_name()?.to_str());
            names.map(str::to_owned).collect()
        };
        Self::new(move |path, limit| match files.get(path) {
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
            Some(bytes) if bytes.len() as u64 > limit => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "file too large",
            )),
            Some(bytes) => Ok(bytes.clone()),
        })
        .with_names(names)
    }

    /// The bytes of a regular file of at most [`MAX_BYTES`], and of [`MAX_TOTAL`] with all that was
    /// read before.
    ///
    /// # Errors
    /// As the reader handed in.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = (self.read)(path, MAX_BYTES)?;
        let size = bytes.len() as u64;
        if self
            .total
            .fetch_add(size, Ordering::Relaxed)
            .saturating_add(size)
            > MAX_TOTAL
        {
            let what = format!("with it the project's files have more than {MAX_TOTAL} bytes");
            return Err(io::Error::other(what));
        }
        self.kept().keep(path, &bytes);
        Ok(bytes)
    }

    /// A line of a file, as it was when it was last read through this value. `None` when it was
    /// not, or was too large to be remembered, or has no such line. The path is a whole one;
    /// lines count from 1.
    #[must_use]
    pub fn line(&self, path: &Path, number: u32) -> Option<String> {
        self.kept().line(&self.whole(path), number)
    }

    /// Remembers that a file which was read was read as a Compose file.
    pub(crate) fn as_compose(&self, path: &Path) {
        self.kept().as_compose(path);
    }

    /// Whether a file is a Compose file, however it is called: it was read as one, and says so itself, with a
    /// line that begins its `services`. What was named as one by mistake, as `.env` is, does not.
    #[must_use]
    pub fn is_compose(&self, path: &Path) -> bool {
        self.kept().is_compose(&self.whole(path))
    }

    /// When a file was first read, counted from 0; `None` when it never was.
    #[must_use]
    pub fn turn(&self, path: &Path) -> Option<usize> {
        self.kept().turn(&self.whole(path))
    }

    /// How a file is named to people who stand in the folder `from`: as seen from there; one of a
    /// repository by its repository, ref and path. Both paths are whole ones.
    #[must_use]
    pub fn shown(&self, path: &Path, from: &Path) -> PathBuf {
        let named = self.repositories().name(path);
        named.unwrap_or_else(|| shown_path(path, from))
    }

    /// The same, but for files of this machine, which keep their whole path.
    pub(crate) fn named(&self, path: &Path) -> PathBuf {
        let named = self.repositories().name(path);
        named.unwrap_or_else(|| path.to_path_buf())
    }

    /// Whether a place's file is one that can be opened by its name: neither standard input nor a
    /// file of a repository.
    #[must_use]
    pub fn is_of_this_machine(&self, file: &Path) -> bool {
        file.as_os_str() != "-" && self.repositories().file(file).is_none()
    }

    /// Where a file stands that is named as it is shown.
    fn whole<'a>(&self, path: &'a Path) -> Cow<'a, Path> {
        let file = self.repositories().file(path);
        file.map_or(Cow::Borrowed(path), Cow::Owned)
    }

    fn repositories(&self) -> MutexGuard<'_, Repositories> {
        let repositories = self.repositories.lock();
        repositories.unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the folder of this path has something of its name, whatever that leads to.
    #[must_use]
    pub fn is_named(&self, path: &Path) -> bool {
        let (Some(names), Some(folder)) = (&self.names, path.parent()) else {
            return false;
        };
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| names(folder).iter().any(|it| it == name))
    }

    /// Whether something is there that is no folder. Nothing of it is read.
    pub(crate) fn is_file(&self, path: &Path) -> bool {
        let within = (self.read)(&path.join("."), 0);
        within.is_err_and(|error| error.kind() == io::ErrorKind::NotADirectory)
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
    fn a_file_of_a_repository_is_named_by_where_it_comes_from() {
        let files = Files::new(|_, _| Ok(b"one".to_vec())).with_git(|_| {
            Ok(Fetched {
                folder: "/cache/1".into(),
                remote: "https://…@h/r.git".into(),
            })
        });
        let source = |reference: Option<&str>| GitSource {
            remote: "https://me:secret@h/r.git".into(),
            reference: reference.map(str::to_owned),
            inside: PathBuf::new(),
        };
        assert_eq!(
            files.checkout(&source(None)).unwrap(),
            Path::new("/cache/1")
        );
        files.checkout(&source(Some("v1"))).unwrap();
        let file = Path::new("/cache/1/deploy/a.yaml");
        let shown = files.shown(file, Path::new("/cache"));
        assert_eq!(shown, Path::new("https://…@h/r.git#HEAD:deploy/a.yaml"));
        assert_eq!(files.named(file), shown);
        files.read(file).unwrap();
        let from_here = Path::new("/here").join(&shown);
        assert_eq!(files.line(&from_here, 1).as_deref(), Some("one"));
        assert_eq!(files.turn(&shown), Some(0));
        assert!(!files.is_of_this_machine(&shown) && !files.is_of_this_machine(Path::new("-")));
        assert!(files.is_of_this_machine(Path::new("a.yaml")));
        let other = Path::new("/here/a.yaml");
        assert_eq!(files.shown(other, Path::new("/here")), Path::new("a.yaml"));
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
