//! msvc's release binary, for measurements: built before anything is timed, unless the command line
//! has the word `built` or the path of another.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// The msvc that is measured.
pub(crate) fn program() -> PathBuf {
    // Cargo adds words of its own.
    let words = std::env::args().skip(1);
    let mut words = words.filter(|word| !word.starts_with('-'));
    match words.next().as_deref() {
        None => build(),
        Some("built") => {}
        Some(path) => return root().join(path),
    }
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = root().join(target.map_or_else(|| PathBuf::from("target"), PathBuf::from));
    target.join(triple()).join("release/msvc")
}

fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// The target is named, so that the binary is the one of a release.
fn build() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--release", "--bin", "msvc"]);
    cargo.args(["--target", &triple()]).current_dir(root());
    // What an outer cargo sets for the programs it runs would make ring, and all above it, stale.
    for (name, _) in std::env::vars() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
            .iter()
            .any(|outer| name.starts_with(outer))
        {
            cargo.env_remove(name);
        }
    }
    assert!(cargo.status().unwrap().success(), "no release build");
}
