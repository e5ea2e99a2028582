//! The environment of a build: the caller's, without what an outer cargo set for the program it
//! runs.
//!
//! Build scripts watch such variables (ring's names `CARGO_MANIFEST_DIR` and `CARGO_PKG_*`):
//! passed on, they make cargo rebuild it and all above it, at every call. What the user sets
//! (`CARGO_HOME`, `CARGO_TARGET_DIR`, `CARGO_PROFILE_…`, `RUSTFLAGS`, `RUSTC_WRAPPER`) stays, for
//! without it the build would be another than the user's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What cargo sets for a program it runs, or for a build script or test.
const OUTER: [&str; 13] = [
    "CARGO",
    "CARGO_CRATE_NAME",
    "CARGO_MAKEFLAGS",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_RUSTC_CURRENT_DIR",
    "CARGO_TARGET_TMPDIR",
    "DEBUG",
    "HOST",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "TARGET",
];

/// The beginnings of such.
const OUTER_PREFIXES: [&str; 6] = [
    "CARGO_BIN_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "DEP_",
];

/// Those of [`OUTER`] and [`OUTER_PREFIXES`] that are everyday names too, and cargo's only in a
/// build script: there `NUM_JOBS` and `OUT_DIR` stand beside them.
const EVERYDAY: [&str; 5] = ["DEBUG", "HOST", "OPT_LEVEL", "PROFILE", "TARGET"];

/// The caller's environment without what an outer cargo set in it: for every command that may call
/// cargo itself.
#[must_use]
pub fn without_outer(caller: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let in_build_script = caller.contains_key("OUT_DIR") && caller.contains_key("NUM_JOBS");
    let mut environment = caller.clone();
    environment.retain(|key, _| {
        let everyday = EVERYDAY.contains(&key.as_str()) || key.starts_with("DEP_");
        let outer = OUTER.contains(&key.as_str())
            || OUTER_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        !outer || (everyday && !in_build_script)
    });
    environment
}

/// The environment of a build in `root`. `toolchain_file` is the folder of the `rust-toolchain`
/// file that holds there; `directory` is where the caller stands.
pub(super) fn environment(
    caller: &BTreeMap<String, String>,
    directory: &Path,
    toolchain_file: Option<&Path>,
) -> BTreeMap<String, String> {
    let mut environment = without_outer(caller);
    // Handles to an outer make's job server are not inherited by the processes they name.
    if environment
        .get("MAKEFLAGS")
        .is_some_and(|flags| flags.contains("--jobserver"))
    {
        environment.remove("MAKEFLAGS");
    }
    // The outer rustup's choice keeps one toolchain for both, or all would be compiled twice; it
    // was made for the outer package, though, and yields to a workspace's own file.
    let outer_package = caller.get("CARGO_MANIFEST_DIR").map(PathBuf::from);
    if let (Some(folder), Some(package)) = (toolchain_file, outer_package)
        && !package.starts_with(folder)
    {
        environment.remove("RUSTUP_TOOLCHAIN");
    }
    if let Some(target) = environment.get_mut("CARGO_TARGET_DIR")
        && Path::new(target.as_str()).is_relative()
    {
        *target = directory.join(&*target).to_string_lossy().into_owned();
    }
    environment.insert("CARGO_TERM_COLOR".to_owned(), "never".to_owned());
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(caller: &[(&str, &str)], toolchain_file: Option<&str>) -> Vec<String> {
        let caller = caller
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let file = toolchain_file.map(Path::new);
        let environment = environment(&caller, Path::new("/here"), file);
        environment
            .into_keys()
            .filter(|key| key != "CARGO_TERM_COLOR")
            .collect()
    }

    #[test]
    fn what_an_outer_cargo_sets_is_left_out_and_what_a_user_sets_stays() {
        let outer = [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "CARGO_PKG_NAME",
            "OUT_DIR",
            "CARGO_BIN_EXE_msvc",
            "CARGO_BIN_NAME",
            "CARGO_CRATE_NAME",
            "CARGO_PRIMARY_PACKAGE",
        ];
        let users = [
            "CARGO_BUILD_JOBS",
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_PROFILE_DEV_DEBUG",
            "HOME",
            "HOST",
            "LD_LIBRARY_PATH",
            "PATH",
            "PROFILE",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "TARGET",
        ];
        let both: Vec<_> = outer.iter().chain(&users).map(|key| (*key, "x")).collect();
        assert_eq!(keys(&both, None), users);
    }

    #[test]
    fn a_build_scripts_everyday_names_are_left_out_in_a_build_script_only() {
        let script = [
            ("OUT_DIR", "x"),
            ("NUM_JOBS", "2"),
            ("TARGET", "x"),
            ("DEP_Z_ROOT", "x"),
        ];
        assert_eq!(keys(&script, None), [""; 0]);
        assert_eq!(keys(&script[2..], None), ["DEP_Z_ROOT", "TARGET"]);
    }

    #[test]
    fn the_outer_toolchain_yields_to_another_workspaces_own_file() {
        let caller = [
            ("CARGO_MANIFEST_DIR", "/a/cli/msvc"),
            ("RUSTUP_TOOLCHAIN", "x"),
        ];
        assert_eq!(keys(&caller, Some("/a")), ["RUSTUP_TOOLCHAIN"]);
        assert_eq!(keys(&caller, None), ["RUSTUP_TOOLCHAIN"]);
        assert_eq!(keys(&caller, Some("/b")), [""; 0]);
        // Without an outer cargo it is the user's own wish.
        assert_eq!(keys(&caller[1..], Some("/b")), ["RUSTUP_TOOLCHAIN"]);
    }

    #[test]
    fn a_relative_target_folder_is_the_callers() {
        let caller = [("CARGO_TARGET_DIR".to_owned(), "t".to_owned())].into();
        let environment = environment(&caller, Path::new("/here"), None);
        assert_eq!(environment["CARGO_TARGET_DIR"], "/here/t");
    }
}
