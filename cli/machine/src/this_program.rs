//! Where the running program stands, to be started again: as a guardian, as a supervisor.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Linux's door to the running program, whatever has become of its file.
const IMAGE: &str = "/proc/self/exe";

/// A path that starts this very program. It is the file's own path as long as that file is this
/// program; once it was replaced or removed (by the build that msvc itself ran, for example) it
/// is the kernel's own link.
///
/// # Errors
/// When the system does not tell where the program is.
pub fn this_program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    Ok(standing(path, Path::new(IMAGE)))
}

fn standing(path: PathBuf, image: &Path) -> PathBuf {
    let Ok(running) = std::fs::metadata(image) else {
        return path;
    };
    match std::fs::metadata(&path) {
        Ok(there) if (there.dev(), there.ino()) == (running.dev(), running.ino()) => path,
        _ => image.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_file_was_replaced_is_started_from_its_image() {
        let folder = tempfile::tempdir().unwrap();
        let (file, image) = (folder.path().join("tool"), folder.path().join("image"));
        std::fs::write(&file, "one").unwrap();
        std::fs::hard_link(&file, &image).unwrap();
        assert_eq!(standing(file.clone(), &image), file);

        std::fs::remove_file(&file).unwrap();
        assert_eq!(standing(file.clone(), &image), image);
        std::fs::write(&file, "two").unwrap();
        assert_eq!(standing(file, &image), image);
    }

    #[test]
    fn this_test_finds_itself() {
        assert_eq!(this_program().unwrap(), std::env::current_exe().unwrap());
    }
}
