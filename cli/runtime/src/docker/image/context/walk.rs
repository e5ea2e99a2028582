//! What of a build context's folder is sent: one rule for who sends it and for who asks whether it changed.

use std::fs::{self, Metadata};
use std::path::Path;

use super::Context;
use crate::docker::engine::EngineError;
use crate::docker::image::ignore::Ignore;

/// What is done with one entry: its path, its name from the context's folder on, and what it is.
type Visit<'a> = dyn FnMut(&Path, &str, &Metadata) -> Result<(), EngineError> + 'a;

impl Context {
    /// Visits all that is sent of the folder, in the order of names, folders before what is in them.
    pub(super) fn walk(&self, ignore: &Ignore, visit: &mut Visit<'_>) -> Result<(), EngineError> {
        self.walk_folder(&self.folder, "", ignore, visit)
    }

    fn walk_folder(
        &self,
        folder: &Path,
        name: &str,
        ignore: &Ignore,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError> {
        let entries = fs::read_dir(folder).map_err(|why| self.told(folder, &why))?;
        let mut entries = entries
            .collect::<Result<Vec<_>, _>>()
            .map_err(|why| self.told(folder, &why))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, file_name) = (entry.path(), entry.file_name());
            let name = match name {
                "" => file_name.to_string_lossy().into_owned(),
                name => format!("{name}/{}", file_name.to_string_lossy()),
            };
            let metadata = fs::symlink_metadata(&path).map_err(|why| self.told(&path, &why))?;
            // The engine needs these two whatever is ignored.
            let is_needed = name == self.dockerfile || name == ".dockerignore";
            let is_out = !is_needed && ignore.is_out(&name);
            if !is_out {
                visit(&path, &name, &metadata)?;
            }
            let goes_in = metadata.is_dir()
                && (!is_out
                    || ignore.takes_back_any()
                    || self.dockerfile.starts_with(&format!("{name}/")));
            if goes_in {
                self.walk_folder(&path, &name, ignore, visit)?;
            }
        }
        Ok(())
    }
}
