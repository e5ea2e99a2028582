//! A system of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::root;
use super::running::{Finished, Running, finish};

/// A system of the test's own: a Compose project in a folder, under a name of its own.
pub struct System {
    pub directory: PathBuf,
    pub project: String,
    files: Vec<PathBuf>,
    environment: Vec<(String, String)>,
    /// The process in whose network namespace `msvc` runs.
    within: Option<u32>,
    _folder: Option<tempfile::TempDir>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl System {
    /// The sample shop, with data, addresses and records of its own, its gateway at any free port
    /// and `more` over its services.
    pub fn shop(name: &str, more: &str) -> Self {
        let over = format!("services:\n  gateway:\n    ports: !override [\"8080\"]\n{more}");
        Self::at(root().join("sample-system"), name).with_override(&over)
    }

    /// A copy of `tests/fixtures/<fixture>` in a folder of its own.
    pub fn fixture(fixture: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&root().join("tests/fixtures").join(fixture), folder.path());
        let mut system = Self::at(folder.path().to_owned(), fixture);
        system._folder = Some(folder);
        system
    }

    /// A folder that holds just this Compose file.
    pub fn compose(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
        let mut system = Self::at(folder.path().to_owned(), "t");
        system._folder = Some(folder);
        system
    }

    fn at(directory: PathBuf, name: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            directory: directory.canonicalize().unwrap(),
            project: format!("{name}-{}-{number}", std::process::id()),
            files: Vec::new(),
            environment: Vec::new(),
            within: None,
            _folder: None,
        }
    }

    /// The same with a further Compose file over the folder's own.
    pub fn with_override(mut self, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("override.yaml");
        std::fs::write(&path, text).unwrap();
        self.files = vec![self.directory.join("compose.yaml"), path];
        self._folder = Some(folder);
        self
    }

    /// The same with a variable in msvc's environment.
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same in containers.
    pub fn in_containers(self) -> Self {
        self.with_variable("MSVC_RUNTIME", "docker")
    }

    /// The same with `msvc` in a process's network namespace.
    pub fn within(mut self, process: u32) -> Self {
        self.within = Some(process);
        self
    }

    /// `msvc` with these arguments on this system.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_msvc");
        let mut command = match self.within {
            None => Command::new(program),
            Some(process) => {
                let mut command = Command::new("nsenter");
                let target = format!("--target={process}");
                command.args([target.as_str(), "--net", "--", program]);
                command
            }
        };
        command
            .arg("-C")
            .arg(&self.directory)
            .arg("-p")
            .arg(&self.project);
        for file in &self.files {
            command.arg("-f").arg(file);
        }
        command
            .args(arguments)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Runs `msvc` to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments))
    }

    /// Runs `msvc` beside the test.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::new(self.command(arguments))
    }

    /// Boots the system and leaves it running.
    #[track_caller]
    pub fn up(&self) -> Finished {
        self.run(&["up", "-d"]).expect(0)
    }

    /// The folder of its records.
    pub fn home(&self) -> PathBuf {
        self.directory.join(".msvc").join(&self.project)
    }

    /// `ps --format json`.
    #[track_caller]
    pub fn ps(&self) -> Value {
        self.run(&["ps", "--format", "json"]).expect(0).json()
    }

    /// Where the host calls a service, from `ps`.
    #[track_caller]
    pub fn url(&self, service: &str) -> String {
        let ps = self.ps();
        ps["instances"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|i| i["service"] == service)
            .and_then(|i| i["urls"][0].as_str())
            .unwrap_or_else(|| panic!("no URL of {service} in {ps:#}"))
            .to_owned()
    }

    /// Processes that carry this system's mark in their environment, whoever their parent is.
    pub fn processes(&self) -> Vec<u32> {
        Self::marked(&format!("{}/", self.project))
    }

    /// The same of the copies that `demo` and `contract verify` boot for themselves.
    pub fn processes_of_copies(&self) -> Vec<u32> {
        Self::marked(&format!("{}-", self.project))
    }

    fn marked(beginning: &str) -> Vec<u32> {
        let mark = format!("MSVC_RUN={beginning}").into_bytes();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.split(|b| *b == 0).any(|v| v.starts_with(&mark)) {
                found.push(pid);
            }
        }
        found
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.command(&["down", "--volumes"]).output();
        let _ = std::fs::remove_dir_all(self.home());
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
