//! Release binaries for measurements, built before anything is timed; msvc's alone, unless the command
//! line has the word `built` or the path of another.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each measurement uses a part of it"
)]

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
        None => build(&root(), &["--bin", "msvc"]),
        Some("built") => {}
        Some(path) => return root().join(path),
    }
    programs_of(&root()).join("msvc")
}

/// Where a workspace's release binaries are.
pub(crate) fn programs_of(workspace: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || workspace.join("target"),
        |folder| workspace.join(PathBuf::from(folder)),
    );
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    target.join(host).join("release")
}

/// Builds release binaries of a workspace: those that `which` says to cargo.
pub(crate) fn build(workspace: &Path, which: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--release"])
        .args(which)
        .current_dir(workspace);
    // What an outer cargo sets for the programs it runs would make ring, and all above it, stale.
    for (name, _) in std::env::vars() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
            .iter()
            .any(|outer| name.starts_with(outer))
        {
            cargo.env_remove(name);
        }
    }
    let built = cargo.status().unwrap();
    assert!(
        built.success(),
        "no release build of {}",
        workspace.display()
    );
}
