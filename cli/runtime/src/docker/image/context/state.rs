//! What a build context holds, without reading it: names, sizes, modes and times of change. For
//! contexts that a command of ours has made: unless it made anything anew, nothing need be sent.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Context;
use crate::docker::engine::EngineError;
use crate::docker::image::ignore::Ignore;

impl Context {
    /// Changes when anything that would be sent does, or `about`.
    pub(in crate::docker::image) fn state(&self, about: &str) -> Result<String, EngineError> {
        let ignore = self.ignore()?;
        let mut hash = Sha256::new();
        hash.update(format!("{about} {:?}\n", self.beside));
        self.add(&self.folder, "", &ignore, &mut hash)?;
        let digest = hash.finalize();
        Ok(digest[..16].iter().map(|it| format!("{it:02x}")).collect())
    }

    fn add(
        &self,
        folder: &Path,
        name: &str,
        ignore: &Ignore,
        hash: &mut Sha256,
    ) -> Result<(), EngineError> {
        let told = |why: &std::io::Error| self.told(folder, why);
        let entries = fs::read_dir(folder).map_err(|why| told(&why))?;
        let mut entries = entries
            .collect::<Result<Vec<_>, _>>()
            .map_err(|why| told(&why))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let file_name = entry.file_name();
            let name = match name {
                "" => file_name.to_string_lossy().into_owned(),
                name => format!("{name}/{}", file_name.to_string_lossy()),
            };
            let metadata = entry
                .metadata()
                .map_err(|why| self.told(&entry.path(), &why))?;
            let is_out = name != self.dockerfile && ignore.is_out(&name);
            if !is_out && !metadata.is_dir() {
                let (size, mode) = (metadata.len(), metadata.mode());
                let (seconds, rest) = (metadata.mtime(), metadata.mtime_nsec());
                hash.update(format!("{name} {size} {mode:o} {seconds}.{rest}\n"));
            }
            if metadata.is_dir() && (!is_out || ignore.takes_back_any()) {
                self.add(&entry.path(), &name, ignore, hash)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_changes_with_what_would_be_sent_and_with_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir_all(folder.path().join("made/root")).unwrap();
        write("Dockerfile", "FROM scratch");
        write(".dockerignore", "*\n!made/root\n");
        write("made/root/program", "one");
        let of = |about: &str| {
            let context = Context::of(folder.path(), Path::new("Dockerfile"), None).unwrap();
            context.state(about).unwrap()
        };
        let first = of("");
        write("source", "not sent");
        assert_eq!(of(""), first);
        assert_ne!(of("args"), first);
        for (name, text) in [
            ("Dockerfile", "FROM scratch\n"),
            ("made/root/program", "other"),
        ] {
            let before = of("");
            write(name, text);
            assert_ne!(of(""), before, "{name}");
        }
        let before = of("");
        write("made/root/more", "");
        assert_ne!(of(""), before);
    }
}
