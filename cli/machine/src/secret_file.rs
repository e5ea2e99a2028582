//! A file with a secret that nobody chose: made once, of what only the system's own chance knows,
//! and never replaced.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

/// Nobody but the owner looks into the folder.
const FOLDER_MODE: u32 = 0o700;
/// Nobody but the owner reads the file.
const FILE_MODE: u32 = 0o600;

/// Makes `path`, below `root`, with a text of `bytes` random bytes, unless something is there
/// already; whether it was made. Of several that make it at once one does, and the others see the
/// whole file. The text is URL-safe, four characters for three bytes, without a line's end; it
/// leaves this function in no other way.
///
/// # Errors
/// When the file lies outside `root` (also by a symbolic link on the way), or cannot be made.
pub fn make_once(root: &Path, path: &Path, bytes: usize) -> io::Result<bool> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(root);
    let there = folder.ancestors().find(|folder| folder.exists());
    stays_inside(root, there.unwrap_or(Path::new("/")))?;
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(FOLDER_MODE).create(folder)?;
    stays_inside(root, folder)?;
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(FILE_MODE))
        .tempfile_in(folder)?;
    file.write_all(text(bytes)?.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(folder)?.sync_all().map(|()| true),
        Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(refused.error),
    }
}

fn stays_inside(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.canonicalize()?.starts_with(root.canonicalize()?) {
        return Ok(());
    }
    let why = "its folder leads out of the project's";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Six bits of chance for each character.
fn text(bytes: usize) -> io::Result<String> {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut drawn = vec![0_u8; (bytes * 8).div_ceil(6)];
    getrandom::fill(&mut drawn).map_err(io::Error::other)?;
    let sign = |byte: &u8| SIGNS.get(usize::from(byte & 63)).copied();
    Ok(drawn.iter().filter_map(sign).map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_made_for_its_owner_alone_and_never_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/secrets/password");
        assert!(make_once(root.path(), &path, 24).unwrap());
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(first.len(), 32);
        let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(first.chars().all(safe));
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(mode(&root.path().join("a")), 0o700);
        assert!(!make_once(root.path(), &path, 24).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_stays_even_when_it_is_empty_or_leads_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let (empty, link) = (root.path().join("empty"), root.path().join("link"));
        fs::write(&empty, "").unwrap();
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        for path in [&empty, &link] {
            assert!(!make_once(root.path(), path, 24).unwrap());
        }
        assert_eq!(fs::read(&empty).unwrap(), b"");
        assert!(!root.path().join("nowhere").exists());
    }

    #[test]
    fn nothing_is_made_outside_the_project() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(other.path(), root.path().join("out")).unwrap();
        let roundabout = root.path().join("out/deeper/password");
        for path in [&roundabout, &other.path().join("password")] {
            let why = make_once(root.path(), path, 24).unwrap_err();
            assert_eq!(why.kind(), io::ErrorKind::PermissionDenied);
        }
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_many_that_make_it_at_once_one_does_and_all_see_the_same() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("secrets/password");
        let make = || {
            let made = make_once(root.path(), &path, 24).unwrap();
            (made, fs::read_to_string(&path).unwrap())
        };
        let all: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..16).map(|_| scope.spawn(make)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(all.iter().filter(|(made, _)| *made).count(), 1);
        let seen: HashSet<_> = all.iter().map(|(_, text)| text).collect();
        assert_eq!(seen.len(), 1);
    }

    #[test]
    fn two_secrets_are_not_alike() {
        assert_ne!(text(24).unwrap(), text(24).unwrap());
        assert_eq!(text(16).unwrap().len(), 22);
    }
}
