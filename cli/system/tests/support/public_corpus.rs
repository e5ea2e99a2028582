//! Where the public Compose files are that some tests read in place. Third-party data, no part of the
//! tree; shared by the tests of several rooms.

use std::path::{Path, PathBuf};

/// The corpus: `MSVC_COMPOSE_CORPUS`, or `shared/compose-corpus` beside the repository or above it.
/// `None` where it is absent, which is said aloud.
#[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
pub(crate) fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("MSVC_COMPOSE_CORPUS").map(PathBuf::from);
    let found = given.or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|folder| folder.join("shared/compose-corpus"))
            .find(|path| path.is_dir())
    });
    if found.is_none() {
        eprintln!("SKIPPED: no compose-corpus (set MSVC_COMPOSE_CORPUS to its folder)");
    }
    found
}
