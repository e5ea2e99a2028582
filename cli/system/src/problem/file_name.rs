//! The name of a file that a place is in. A file of ten megabytes has hundreds of thousands of places,
//! so that they share it.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A file as it was named or found. Clones are one name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(Arc<PathBuf>);

impl FileName {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for FileName {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for FileName {
    fn as_ref(&self) -> &Path {
        self
    }
}

impl<T: Into<PathBuf>> From<T> for FileName {
    fn from(path: T) -> Self {
        Self(Arc::new(path.into()))
    }
}

// Paths are compared part by part; most that meet here are one.
impl PartialEq for FileName {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.0 == other.0
    }
}

impl Eq for FileName {}

impl PartialOrd for FileName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FileName {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is(other) {
            return Ordering::Equal;
        }
        self.0.cmp(&other.0)
    }
}

impl Hash for FileName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_by_what_they_say() {
        let (one, other) = (FileName::from("a/b"), FileName::from("a//b"));
        assert_eq!(one, other);
        assert_eq!(one.cmp(&other), Ordering::Equal);
        assert!(one < FileName::from("b"));
        assert_eq!(serde_json::to_string(&one).unwrap(), "\"a/b\"");
    }
}
