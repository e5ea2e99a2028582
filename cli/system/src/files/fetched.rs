//! Repositories that were fetched, so that a file of theirs is named by where it comes from: the copy on
//! this machine is nobody's to edit.

use std::path::{Path, PathBuf};

use crate::git_source::GitSource;

/// A repository that was brought onto this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The folder where it stands.
    pub folder: PathBuf,
    /// Its address as it may be shown, without a password.
    pub remote: String,
}

/// The repositories fetched so far.
#[derive(Default)]
pub(super) struct Repositories(Vec<(PathBuf, String)>);

impl Repositories {
    /// Remembers one. What is there already keeps its name: one commit may have many.
    pub(super) fn keep(&mut self, source: &GitSource, fetched: &Fetched) {
        if self.0.iter().all(|(folder, _)| *folder != fetched.folder) {
            let reference = source.reference.as_deref().unwrap_or("HEAD");
            let name = format!("{}#{reference}", fetched.remote);
            self.0.push((fetched.folder.clone(), name));
        }
    }

    /// A file of one of them by repository, ref and path, as `include` would name it.
    pub(super) fn name(&self, file: &Path) -> Option<PathBuf> {
        let mut all = self.0.iter();
        all.find_map(|(folder, name)| {
            let inside = file.strip_prefix(folder).ok()?;
            Some(PathBuf::from(match inside.to_string_lossy() {
                root if root.is_empty() => name.clone(),
                inside => format!("{name}:{inside}"),
            }))
        })
    }

    /// Where the file stands that such a name means; names of files may have a folder before them.
    pub(super) fn file(&self, named: &Path) -> Option<PathBuf> {
        let named = named.to_str()?;
        let mut all = self.0.iter();
        all.find_map(|(folder, name)| {
            let (before, inside) = named.split_once(&format!("{name}:"))?;
            (before.is_empty() || before.ends_with('/')).then(|| folder.join(inside))
        })
    }
}
