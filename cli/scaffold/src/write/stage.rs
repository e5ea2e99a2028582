//! The folder in which a plan is written before it is moved into place: hidden, beside where the
//! service goes, and locked while it is used. What a run that was killed left is known by a lock
//! that nobody holds, and the next run clears it away.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use msvc_machine::lock::{Lock, try_lock};
use tempfile::TempDir;

/// The lock's file, and what it says.
const LOCK: &str = "msvc-new.lock";
const SAYS: &str = "msvc new writes a service here, then moves it into place\n";

/// The folder, gone when dropped.
pub(super) struct Stage {
    folder: TempDir,
    /// Released behind the folder; none where the file system has no locks.
    _lock: Option<Lock>,
}

impl Stage {
    /// A new one in `parent`, for what is called `name`; what dead ones left there is cleared away.
    pub(super) fn make(parent: &Path, name: &str) -> io::Result<Self> {
        clear(parent);
        let folder = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .tempdir_in(parent)?;
        // Nobody may meet the lock's file before it is locked.
        let making = folder.path().join("lock");
        let lock = try_lock(&making).ok().flatten();
        match &lock {
            Some(lock) => {
                lock.note(SAYS)?;
                fs::rename(&making, folder.path().join(LOCK))?;
            }
            None => {
                let _none_was_made = fs::remove_file(&making);
            }
        }
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where a file is written that goes to `folder` then: here, or there where only a copy could
    /// bring it.
    pub(super) fn for_folder<'a>(&'a self, folder: &'a Path) -> &'a Path {
        let device = |path: &Path| fs::metadata(path).map(|it| it.dev()).ok();
        match device(folder).is_some_and(|there| device(self.path()) == Some(there)) {
            true => self.path(),
            false => folder,
        }
    }
}

/// Removes the folders of runs that ended without doing so. Whatever cannot be had stays: it is in
/// nobody's way.
fn clear(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|it| it.is_dir());
        if !is_folder || !entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let lock = entry.path().join(LOCK);
        let is_file = fs::symlink_metadata(&lock).is_ok_and(|it| it.is_file());
        let is_ours = is_file && fs::read(&lock).is_ok_and(|said| said == SAYS.as_bytes());
        if is_ours && let Ok(Some(_held)) = try_lock(&lock) {
            let _stays = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_cleared_away_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let at = |path: &str| parent.path().join(path);
        for folder in [
            ".dead.abcdef/dead/src",
            ".other.abcdef/other",
            "seen.abcdef",
            ".git",
        ] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at(".dead.abcdef").join(LOCK), SAYS).unwrap();
        // Not hidden; a file of that name that says something else; a link to one.
        fs::write(at("seen.abcdef").join(LOCK), SAYS).unwrap();
        fs::write(at(".git").join(LOCK), "mine").unwrap();
        let link = at(".other.abcdef").join(LOCK);
        std::os::unix::fs::symlink(at("seen.abcdef").join(LOCK), link).unwrap();

        let living = Stage::make(parent.path(), "living").unwrap();
        let younger = Stage::make(parent.path(), "younger").unwrap();
        assert!(living.path().join(LOCK).is_file(), "it lives");
        assert!(!at(".dead.abcdef").exists());
        for folder in [".other.abcdef/other", "seen.abcdef", ".git"] {
            assert!(at(folder).is_dir(), "{folder}");
        }
        drop((living, younger));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 3);
    }
}
