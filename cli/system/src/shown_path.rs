//! How a file is named to people: as seen from the folder they stand in, so that an editor or a
//! terminal finds it, and so that a report says the same on every machine.

use std::path::{Component, Path, PathBuf};

/// Folders that are climbed at most: a longer chain of `..` says less than the whole path.
const MOST_UP: usize = 3;

/// `path` as seen from the folder `from`; both absolute. What lies far away keeps its whole path.
#[must_use]
pub fn shown_path(path: &Path, from: &Path) -> PathBuf {
    for (up, folder) in from.ancestors().enumerate().take(MOST_UP + 1) {
        // Everything lies below the root; that is no neighbourhood.
        if up > 0 && folder.parent().is_none() {
            break;
        }
        if let Ok(rest) = path.strip_prefix(folder) {
            let climbed = std::iter::repeat_n(Component::ParentDir, up);
            let shown: PathBuf = climbed.chain(rest.components()).collect();
            return match (up, rest.as_os_str().is_empty()) {
                (0, true) => PathBuf::from("."),
                // `../..` names nothing: one would have to know where one stands.
                (1.., true) => path.to_path_buf(),
                (_, false) => shown,
            };
        }
    }
    path.to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_from_where_one_stands() {
        let shown = |path: &str, from: &str| {
            let shown = shown_path(Path::new(path), Path::new(from));
            shown.to_string_lossy().into_owned()
        };
        assert_eq!(shown("/a/b/c.yaml", "/a"), "b/c.yaml");
        assert_eq!(shown("/a/b/c.yaml", "/a/b"), "c.yaml");
        assert_eq!(shown("/a/b/c.yaml", "/a/x"), "../b/c.yaml");
        assert_eq!(shown("/a/c.yaml", "/a/b/c/d/e"), "/a/c.yaml");
        assert_eq!(shown("/z/c.yaml", "/a"), "/z/c.yaml");
        assert_eq!(shown("/a", "/a"), ".");
        assert_eq!(shown("/a/b", "/a/b/c/d"), "/a/b");
        assert_eq!(shown("/c.yaml", "/"), "c.yaml");
    }
}
