//! One name for a path, however it was come by. Nothing is looked at: what a link leads to is not followed.

use std::path::{Component, Path, PathBuf};

/// A path without `.`, and without `..` but where a relative one begins with them, by its text alone.
#[must_use]
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            part => out.push(part),
        }
    }
    out
}
