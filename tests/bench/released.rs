//! The whole shop as it would be shipped, for measurements: every binary of the release profile,
//! msvc's own included, as host processes, mesh and access log on, settings as they stand in the
//! shop's Compose file. Only the gateway's published ports differ (any free one), and where the
//! programs are: the build's context is the folder of the release binaries, which are built before
//! anything is timed.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each measurement uses a part of it"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) mod customers;
pub(crate) mod figures;
pub(crate) mod machine;
#[path = "release.rs"]
mod release;

use release::programs_of;
pub(crate) use release::root;

/// Builds every release binary of the shop and of msvc, in both workspaces; with the word `built`
/// on the command line those that are there are taken.
pub(crate) fn build() {
    if std::env::args().any(|word| word == "built") {
        return;
    }
    let since = Instant::now();
    for workspace in [root(), root().join("sample-system/services/broker")] {
        release::build(&workspace, &["--bins"]);
    }
    println!("release build: {:.0?}", since.elapsed());
}

/// The shop under a project name of its own; taken down, data included, when it is dropped.
pub(crate) struct Released {
    project: String,
    over: PathBuf,
}

impl Released {
    /// The shop under `project`, not booted yet. What a run before left of it is taken away.
    pub(crate) fn new(project: &str) -> Self {
        let over = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{project}.yaml"));
        std::fs::write(&over, over_the_shop()).unwrap();
        let project = project.to_owned();
        let shop = Self { project, over };
        let _nothing_there = shop.output(&["down", "--volumes"]);
        shop
    }

    fn folder() -> PathBuf {
        root().join("sample-system")
    }

    /// Where its data and records are.
    pub(crate) fn home(&self) -> PathBuf {
        Self::folder().join(".msvc").join(&self.project)
    }

    /// `msvc`, the release, on this shop.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(programs_of(&root()).join("msvc"));
        command
            .arg("-C")
            .arg(Self::folder())
            .args(["-f", "compose.yaml", "-f"])
            .arg(&self.over)
            .args(["-p", &self.project, "--runtime", "process", "-q"])
            .args(words)
            .stdin(Stdio::null());
        command
    }

    fn output(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs msvc on it; what it printed.
    pub(crate) fn msvc(&self, words: &[&str]) -> String {
        let ended = self.output(words);
        let (out, said) = (
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr),
        );
        assert!(ended.status.success(), "{words:?}: {out}\n{said}");
        out.into_owned()
    }

    /// Boots it; how long `msvc up -d` took.
    pub(crate) fn up(&self) -> Duration {
        let since = Instant::now();
        self.msvc(&["up", "-d"]);
        since.elapsed()
    }

    /// Takes it down with its data.
    pub(crate) fn down(&self) {
        self.msvc(&["down", "--volumes"]);
    }

    /// What runs.
    pub(crate) fn ps(&self) -> Value {
        serde_json::from_str(&self.msvc(&["ps", "--format", "json"])).unwrap()
    }

    /// Where the host calls a port of a service.
    pub(crate) fn url(&self, service: &str, port: u16) -> String {
        let ps = self.ps();
        let mut entries = ps["entries"].as_array().into_iter().flatten();
        let entry = entries.find(|entry| entry["service"] == service && entry["port"] == port);
        entry.unwrap()["url"].as_str().unwrap().to_owned()
    }

    /// The password of the shop's first operator.
    pub(crate) fn password() -> String {
        let file = Self::folder().join("secrets/operator-password");
        std::fs::read_to_string(file).unwrap().trim_end().to_owned()
    }

    /// Runs the auditor on it; whether everything holds, and what it said. `sent` is a client's log
    /// of the keys it sent.
    pub(crate) fn audit(&self, sent: Option<&Path>) -> (Option<i32>, String) {
        let mut command = Command::new(programs_of(&root()).join("auditor"));
        command
            .args(["--gateway", &self.url("gateway", 8080)])
            .args([
                "--kafka",
                self.url("broker", 9092).trim_start_matches("http://"),
            ])
            .env("MSVC_INPUT_OPERATOR_PASSWORD", Self::password());
        if let Some(sent) = sent {
            command.arg("--sent").arg(sent);
        }
        let ended = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned()
            + &String::from_utf8_lossy(&ended.stderr);
        (ended.status.code(), said)
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        let _ = self.output(&["down", "--volumes"]);
        let _ = std::fs::remove_dir_all(self.home());
    }
}

/// A file over the shop's: the release binaries instead of a build, and the gateway at any free
/// port.
fn over_the_shop() -> String {
    let text = std::fs::read_to_string(Released::folder().join("compose.yaml")).unwrap();
    let file: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    let mut over = "services:\n".to_owned();
    for (name, service) in file["services"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let own_build = &service["x-msvc"]["process"]["build"];
        let _ = writeln!(over, "  {name}:");
        if name == "gateway" {
            let _ = writeln!(
                over,
                "    ports: !override [\"127.0.0.1::8080\", {{ host_ip: 127.0.0.1, target: 8443, app_protocol: https }}]"
            );
        }
        // Python is not compiled: it is built as the shop says.
        if own_build.is_null() {
            let workspace = if name == "broker" {
                Released::folder().join("services/broker")
            } else {
                root()
            };
            let programs = programs_of(&workspace);
            let _ = writeln!(
                over,
                "    build: {{ context: {programs:?} }}\n    x-msvc: {{ process: {{ build: {{ command: [\"true\"], path: . }} }} }}"
            );
        } else {
            let _ = writeln!(over, "    x-msvc: {{}}");
        }
    }
    over
}
