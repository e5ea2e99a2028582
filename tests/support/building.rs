//! Builds of services that the tests make.

use std::path::Path;
use std::process::Command;

/// Builds of generated services: into one folder, without what only a debugger needs.
pub fn building(command: &mut Command) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffold");
    command
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS");
    without_outer_cargo(command);
}

/// Takes away what the cargo that runs this test has set for it.
pub(super) fn without_outer_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let outer = name.to_str().is_some_and(|name| {
            name == "CARGO"
                || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
                    .iter()
                    .any(|p| name.starts_with(p))
        });
        if outer {
            command.env_remove(name);
        }
    }
}
