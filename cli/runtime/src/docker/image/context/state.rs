//! What a build context holds, without reading it: names, sizes, modes and times of change. For
//! contexts that a command of ours has made: unless it made anything anew, nothing need be sent.

use std::os::unix::fs::MetadataExt as _;

use sha2::{Digest as _, Sha256};

use super::Context;
use crate::docker::engine::EngineError;

impl Context {
    /// Changes when anything that would be sent does, or `about`.
    pub(in crate::docker::image) fn state(&self, about: &str) -> Result<String, EngineError> {
        let ignore = self.ignore()?;
        let mut hash = Sha256::new();
        hash.update(format!("{about} {:?}\n", self.beside));
        self.walk(&ignore, &mut |_, name, metadata| {
            // A folder's own time changes with what is ignored in it.
            if !metadata.is_dir() {
                let (size, mode) = (metadata.len(), metadata.mode());
                let (seconds, rest) = (metadata.mtime(), metadata.mtime_nsec());
                hash.update(format!("{name} {size} {mode:o} {seconds}.{rest}\n"));
            }
            Ok(())
        })?;
        let digest = hash.finalize();
        Ok(digest[..16].iter().map(|it| format!("{it:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_state_changes_with_a_dockerfile_in_a_folder_that_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir_all(folder.path().join("packing")).unwrap();
        write(".dockerignore", "packing\n");
        write("packing/Dockerfile", "FROM scratch");
        let state = || {
            let dockerfile = Path::new("packing/Dockerfile");
            let context = Context::of(folder.path(), dockerfile, None).unwrap();
            context.state("").unwrap()
        };
        let before = state();
        write("packing/other", "not sent");
        assert_eq!(state(), before);
        write("packing/Dockerfile", "FROM scratch\n");
        assert_ne!(state(), before);
    }

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
