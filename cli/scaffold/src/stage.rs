//! The folder in which a plan is written before it is moved into place: hidden, beside where the
//! service goes, and locked while it is used. What a run that was killed left is known by its name and
//! by a lock that nobody holds, and the next run clears it away, killed at whatever moment.
//!
//! Between the folder and its lock, and between the lock's file and the lock, a living run looks as a
//! dead one does. So whoever makes one looks whether it was cleared away meanwhile, and makes another.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use msvc_machine::lock::{Lock, try_lock};
use tempfile::TempDir;

/// The lock's file, and what it says.
const LOCK: &str = "msvc-new.lock";
const SAYS: &str = "msvc new writes a service here, then moves it into place\n";
/// What stands in the folder's name between the service's and six signs that are drawn.
const MARK: &str = ".msvc-new.";
/// How many times in a row somebody else may clear a folder away before it was locked.
const TRIES: usize = 8;

/// The folder, gone when dropped.
pub(crate) struct Stage {
    folder: TempDir,
    /// Released behind the folder; none where the file system has no locks.
    _lock: Option<Lock>,
}

impl Stage {
    /// A new one in `parent`, for what is called `name`; what dead ones left there is cleared away.
    pub(crate) fn make(parent: &Path, name: &str) -> io::Result<Self> {
        clear(parent);
        for _ in 0..TRIES {
            if let Some(stage) = Self::try_make(parent, name)? {
                return Ok(stage);
            }
        }
        Err(io::Error::other("others clear it away"))
    }

    /// A new one; `None` where somebody took it for a dead one before it was locked.
    fn try_make(parent: &Path, name: &str) -> io::Result<Option<Self>> {
        let folder = tempfile::Builder::new()
            .prefix(&format!(".{name}{MARK}"))
            .tempdir_in(parent)?;
        Self::locked(folder)
    }

    fn locked(folder: TempDir) -> io::Result<Option<Self>> {
        let path = folder.path().join(LOCK);
        let lock = match try_lock(&path) {
            Ok(Some(lock)) if lock.is_at(&path) => {
                lock.note(SAYS)?;
                Some(lock)
            }
            Ok(_) => return Ok(None),
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            // No locks: nobody could tell whether it lives.
            Err(_) => {
                let _none_was_made = fs::remove_file(&path);
                None
            }
        };
        Ok(Some(Self {
            folder,
            _lock: lock,
        }))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where a file is written that goes to `folder` then: here, or there where only a copy could
    /// bring it.
    pub(crate) fn for_folder<'a>(&'a self, folder: &'a Path) -> &'a Path {
        let device = |path: &Path| fs::metadata(path).map(|it| it.dev()).ok();
        match device(folder).is_some_and(|there| device(self.path()) == Some(there)) {
            true => self.path(),
            false => folder,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        remove(self.path());
    }
}

/// Removes the folders of runs that ended without doing so. Whatever cannot be had stays: it is in
/// nobody's way.
pub(crate) fn clear(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let (name, folder) = (entry.file_name(), entry.path());
        let is_folder = entry.file_type().is_ok_and(|it| it.is_dir());
        let name = name.to_string_lossy();
        if !is_folder || !name.starts_with('.') || !name.contains(MARK) {
            continue;
        }
        let lock = folder.join(LOCK);
        match fs::symlink_metadata(&lock) {
            // Killed before it had a lock: nothing else can be in there.
            Err(why) if why.kind() == ErrorKind::NotFound => {
                let _stays = fs::remove_dir(&folder);
            }
            // Killed before that said anything, it may be empty.
            Ok(it) if it.is_file() => {
                let said = fs::read_to_string(&lock);
                let is_ours = said.is_ok_and(|said| SAYS.starts_with(&said));
                if is_ours && let Ok(Some(_held)) = try_lock(&lock) {
                    remove(&folder);
                }
            }
            _ => {}
        }
    }
}

/// Removes a folder, its lock's file behind all else: until then it can be told what the folder is.
fn remove(folder: &Path) {
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in inside.filter(|entry| entry.file_name() != LOCK) {
        let is_folder = entry.file_type().is_ok_and(|it| it.is_dir());
        let _stays = match is_folder {
            true => fs::remove_dir_all(entry.path()),
            false => fs::remove_file(entry.path()),
        };
    }
    let _stays = fs::remove_file(folder.join(LOCK)).and_then(|()| fs::remove_dir(folder));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_cleared_away_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let at = |path: &str| parent.path().join(path);
        for folder in [
            ".dead.msvc-new.abcdef/dead/src",
            ".unlocked.msvc-new.abcdef",
            ".speechless.msvc-new.abcdef",
            ".other.msvc-new.abcdef/other",
            ".full.msvc-new.abcdef/mine",
            "seen.msvc-new.abcdef",
            ".git",
            ".empty",
        ] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at(".dead.msvc-new.abcdef").join(LOCK), SAYS).unwrap();
        fs::write(at(".speechless.msvc-new.abcdef").join(LOCK), "").unwrap();
        // Not hidden; a file of that name that says something else; a link to one.
        fs::write(at("seen.msvc-new.abcdef").join(LOCK), SAYS).unwrap();
        fs::write(at(".git").join(LOCK), SAYS).unwrap();
        let link = at(".other.msvc-new.abcdef").join(LOCK);
        std::os::unix::fs::symlink(at("seen.msvc-new.abcdef").join(LOCK), link).unwrap();

        let living = Stage::make(parent.path(), "living").unwrap();
        let younger = Stage::make(parent.path(), "younger").unwrap();
        assert!(living.path().join(LOCK).is_file(), "it lives");
        for folder in ["dead", "unlocked", "speechless"] {
            assert!(!at(&format!(".{folder}.msvc-new.abcdef")).exists());
        }
        let stay = [
            ".other.msvc-new.abcdef/other",
            ".full.msvc-new.abcdef/mine",
            "seen.msvc-new.abcdef",
            ".git",
            ".empty",
        ];
        for folder in stay {
            assert!(at(folder).is_dir(), "{folder}");
        }
        drop((living, younger));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), stay.len());
    }

    #[test]
    fn one_that_was_cleared_away_before_it_was_locked_is_made_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = || tempfile::tempdir_in(parent.path()).unwrap();
        let gone = folder();
        fs::remove_dir(gone.path()).unwrap();
        assert!(Stage::locked(gone).unwrap().is_none());
        // Somebody holds the lock, about to clear.
        let held = folder();
        let _clearing = try_lock(&held.path().join(LOCK)).unwrap().unwrap();
        assert!(Stage::locked(held).unwrap().is_none());
        let staged = Stage::locked(folder()).unwrap().unwrap();
        assert_eq!(fs::read(staged.path().join(LOCK)).unwrap(), SAYS.as_bytes());
    }
}
