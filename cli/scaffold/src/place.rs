//! Where the service goes: a folder inside the system's, reached without leaving the repository.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::error::ScaffoldError;

/// The folder that nothing written may leave: the git repository that `root` lies in, else `root`.
#[must_use]
pub fn boundary(root: &Path) -> PathBuf {
    let repository = root.ancestors().find(|folder| folder.join(".git").exists());
    repository.unwrap_or(root).to_path_buf()
}

/// The folder at `relative`, seen from `root` (a real path), with the links on the way followed.
/// It need not exist.
///
/// # Errors
/// When a link on the way leaves `boundary`, or something that is no folder stands in the way.
pub fn folder(root: &Path, relative: &Path, boundary: &Path) -> Result<PathBuf, ScaffoldError> {
    let mut real = root.to_path_buf();
    for component in relative.components() {
        match component {
            Component::CurDir => continue,
            Component::ParentDir => {
                real.pop();
            }
            other => real.push(other),
        }
        let followed = match std::fs::symlink_metadata(&real) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(source) => return Err(ScaffoldError::Read { path: real, source }),
            Ok(_) => std::fs::canonicalize(&real),
        };
        match followed {
            Ok(path) if path.is_dir() => real = path,
            Ok(_) => return Err(ScaffoldError::NoFolder { path: real }),
            // A link to nowhere.
            Err(why) if why.kind() == ErrorKind::NotFound => {
                return Err(ScaffoldError::NoFolder { path: real });
            }
            Err(source) => return Err(ScaffoldError::Read { path: real, source }),
        }
    }
    if real.starts_with(boundary) {
        Ok(real)
    } else {
        Err(ScaffoldError::Outside {
            path: root.join(relative),
            real,
            root: boundary.to_path_buf(),
        })
    }
}

/// That nothing is at `path`, not even a link that leads nowhere.
///
/// # Errors
/// When something is.
pub fn is_free(path: &Path) -> Result<(), ScaffoldError> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ScaffoldError::Read {
            path: path.to_path_buf(),
            source,
        }),
        Ok(_) => Err(ScaffoldError::Exists {
            path: path.to_path_buf(),
        }),
    }
}

/// The way from one folder to another, both real and absolute, with `/`.
#[must_use]
pub fn way(from: &Path, to: &Path) -> String {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().skip(shared).map(|_| "..".to_owned());
    let down = to.components().skip(shared);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().canonicalize().unwrap()
    }

    #[test]
    fn a_link_that_leaves_the_repository_is_refused_and_one_that_stays_is_followed() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = real(&inside);
        std::os::unix::fs::symlink(outside.path(), root.join("out")).unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::os::unix::fs::symlink("real", root.join("in")).unwrap();
        let refused = folder(&root, Path::new("out/x"), &root);
        assert!(matches!(refused, Err(ScaffoldError::Outside { .. })));
        let refused = folder(&root, Path::new("../x"), &root);
        assert!(matches!(refused, Err(ScaffoldError::Outside { .. })));
        let followed = folder(&root, Path::new("in/x"), &root).unwrap();
        assert_eq!(followed, root.join("real/x"));
    }

    #[test]
    fn a_link_that_leads_nowhere_and_a_file_in_the_way_are_refused() {
        let inside = tempfile::tempdir().unwrap();
        let root = real(&inside);
        std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        assert!(is_free(&root.join("dangling")).is_err());
        for way in ["dangling/x", "file/x", "file"] {
            let refused = folder(&root, Path::new(way), &root);
            assert!(
                matches!(refused, Err(ScaffoldError::NoFolder { .. })),
                "{way}"
            );
        }
        assert!(is_free(&root.join("x")).is_ok());
    }

    #[test]
    fn the_way_goes_up_and_down() {
        let way = |from, to| super::way(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b/c", "/a/x/y"), "../../x/y");
        assert_eq!(way("/a", "/a/b"), "b");
        assert_eq!(way("/a", "/a"), ".");
    }
}
