//! The auditor, run on a shop.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::building::without_outer_cargo;
use super::running::finish;
use super::shop::Shop;

/// What the auditor found.
#[derive(Debug)]
pub struct Audit {
    /// Its exit code.
    pub code: i32,
    /// Its report, as JSON.
    pub report: Value,
}

impl Audit {
    /// Audits `shop`, with more words on the auditor's command line.
    #[track_caller]
    pub fn of(shop: &Shop, words: &[&str]) -> Self {
        let broker = shop.system.url("broker");
        let broker = broker.rsplit('/').next().unwrap();
        let password = shop.system.directory.join("secrets/operator-password");
        let mut command = Command::new(auditor());
        command
            .args(["--gateway", &shop.gateway, "--kafka", broker])
            .arg("--password-file")
            .arg(password)
            .args(["--format", "json"])
            .args(words);
        let done = finish(command);
        Self {
            code: done.code(),
            report: done.json(),
        }
    }

    /// The rules that do not hold.
    pub fn rules(&self) -> BTreeSet<String> {
        let found = self.report["violations"].as_array().into_iter().flatten();
        let rules = found.filter_map(|violation| violation["rule"].as_str());
        rules.map(str::to_owned).collect()
    }
}

/// The auditor's program, built once.
fn auditor() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = Command::new("cargo");
        build
            .args(["build", "--quiet", "--bin", "auditor"])
            .current_dir(super::root());
        without_outer_cargo(&mut build);
        finish(build).expect(0);
        Path::new(env!("CARGO_BIN_EXE_msvc")).with_file_name("auditor")
    })
}
