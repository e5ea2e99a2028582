//! The folder that keeps the commits of one repository. Who fetches into it shares it; what a fetch
//! that was killed left there goes when nobody else fetches.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use tempfile::{Builder, TempDir};

/// How the folders begin that something is fetched into.
const NEW: &str = ".new-";
/// The file that is locked.
const LOCK: &str = ".lock";

/// The folder, shared with others who fetch until this is dropped or the process ends.
pub(super) struct Room<'a> {
    path: &'a Path,
    /// Locked as long as it is open.
    _lock: File,
}

impl<'a> Room<'a> {
    /// Makes the folder where there is none, and clears it where nobody else is in it.
    pub(super) fn enter(path: &'a Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let mut open = OpenOptions::new();
        let lock = open.create(true).truncate(false).write(true);
        let lock = lock.open(path.join(LOCK))?;
        // A lock that this filesystem does not know keeps nobody from fetching.
        if lock.try_lock().is_ok() {
            clear(path)?;
        }
        // In place of the other one: nothing of this fetch is there yet that somebody could clear.
        let _ = lock.lock_shared();
        Ok(Self { path, _lock: lock })
    }

    /// A new folder to fetch into; removed when it is dropped.
    pub(super) fn folder(&self) -> io::Result<TempDir> {
        Builder::new().prefix(NEW).tempdir_in(self.path)
    }
}

fn clear(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(NEW) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name != LOCK).collect()
    }

    #[test]
    fn what_a_killed_fetch_left_goes_when_nobody_else_fetches() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("repository");
        fs::create_dir_all(path.join(".new-left/.git")).unwrap();
        fs::create_dir_all(path.join("commit")).unwrap();
        let first = Room::enter(&path).unwrap();
        assert_eq!(names(&path), ["commit"]);
        let fetched = first.folder().unwrap();
        let second = Room::enter(&path).unwrap();
        assert!(fetched.path().is_dir());
        drop(second);
        // As a kill leaves it: no destructor runs, the lock goes.
        let left = fetched.keep();
        drop(first);
        // A child that another test begins right now holds all files of this process for a moment.
        let begun = Instant::now();
        while left.exists() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "it is still there"
            );
            drop(Room::enter(&path).unwrap());
        }
    }
}
