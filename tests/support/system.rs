//! A system of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::root;
use super::running::{Finished, Running, finish};
use super::runtime::Runtime;
use super::shared_engine::engine;
use super::tools::tools;

/// A system of the test's own: a Compose project in a folder, under a name of its own.
pub struct System {
    pub directory: PathBuf,
    pub project: String,
    files: Vec<PathBuf>,
    environment: Vec<(String, String)>,
    /// The process in whose network namespace `msvc` runs.
    within: Option<u32>,
    runtime: Runtime,
    _folders: Vec<tempfile::TempDir>,
}

/// The lines of a service that runs `words` (a YAML list) in either runtime; `process` stands
/// beside them in its `x-msvc.process`.
pub fn runs(words: &str, process: &str) -> String {
    format!(
        "    image: ${{TOOLS}}\n    stop_grace_period: 1s\n    command: {words}\n    x-msvc: {{ process: {{ {process} command: {words} }} }}\n"
    )
}

/// The sample shop's Compose file, as it stands.
pub fn shop_file() -> serde_yaml::Value {
    let text = super::read(&root().join("sample-system/compose.yaml"));
    serde_yaml::from_str(&text).unwrap()
}

/// The services of the sample shop.
pub fn shop_services() -> Vec<String> {
    let file = shop_file();
    let services = file["services"].as_mapping().unwrap();
    let names = services.keys().filter_map(|name| name.as_str());
    names.map(str::to_owned).collect()
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl System {
    /// The sample shop, with data, addresses and records of its own, its gateway at any free port
    /// and `more` over its services.
    pub fn shop(name: &str, more: &str) -> Self {
        let over = format!(
            "services:\n  gateway:\n    ports: !override [\"8080\", {{ target: 8443, app_protocol: https }}]\n{more}"
        );
        // One set of images for all the tests' shops: packing is paid once. What a Dockerfile makes
        // carries the project's labels, so one name for two would be another image at each turn.
        let image = |service: String| format!("  {service}: {{ image: msvc-tests-{service} }}\n");
        let services = shop_services().into_iter();
        let packed = services.filter(|service| service != "recommendations");
        let images: String = packed.map(image).collect();
        let images = format!("services:\n{images}");
        Self::at(root().join("sample-system"), name)
            .with_override(&images)
            .with_override(&over)
    }

    /// A copy of `tests/fixtures/<fixture>` in a folder of its own.
    pub fn fixture(fixture: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&root().join("tests/fixtures").join(fixture), folder.path());
        let mut system = Self::at(folder.path().to_owned(), fixture);
        system._folders.push(folder);
        system
    }

    /// A folder that holds just this Compose file.
    pub fn compose(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
        let mut system = Self::at(folder.path().to_owned(), "t");
        system._folders.push(folder);
        system
    }

    /// The same in a folder that the test has.
    pub fn compose_in(folder: &Path, text: &str) -> Self {
        std::fs::write(folder.join("compose.yaml"), text).unwrap();
        Self::at(folder.to_owned(), "t")
    }

    fn at(directory: PathBuf, name: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            directory: directory.canonicalize().unwrap(),
            project: format!("{name}-{}-{number}", std::process::id()),
            files: Vec::new(),
            environment: Vec::new(),
            within: None,
            runtime: Runtime::Processes,
            _folders: Vec::new(),
        }
    }

    /// The same with a further Compose file over the folder's own.
    pub fn with_override(mut self, text: &str) -> Self {
        if self.files.is_empty() {
            self.files.push(self.directory.join("compose.yaml"));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("override.yaml");
        std::fs::write(&path, text).unwrap();
        self.files.push(path);
        self._folders.push(folder);
        self
    }

    /// The same in a runtime. In its Compose files `${TOOLS}` is an image with `sh`, a few of
    /// coreutils and Python.
    pub fn on(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        let image = match runtime {
            Runtime::Processes => "none",
            Runtime::Containers => tools(),
        };
        self.with_variable("MSVC_RUNTIME", runtime.word())
            .with_variable("TOOLS", image)
    }

    /// Its runtime.
    pub fn runtime(&self) -> Runtime {
        self.runtime
    }

    /// The same with a variable in msvc's environment.
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What its `msvc` finds in the environment beside the test's own.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.environment.iter();
        all.map(|(name, value)| (name.as_str(), value.as_str()))
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
        command.envs(self.environment());
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

    /// Where the host calls one port of a service, from `ps`.
    #[track_caller]
    pub fn url_of(&self, service: &str, port: u16) -> String {
        let ps = self.ps();
        let mut entries = ps["entries"].as_array().into_iter().flatten();
        entries
            .find(|entry| entry["service"] == service && entry["port"] == port)
            .and_then(|entry| entry["url"].as_str())
            .unwrap_or_else(|| panic!("no port {port} of {service} in {ps:#}"))
            .to_owned()
    }

    /// What of it runs: pids of processes, names of containers.
    pub fn running(&self) -> Vec<String> {
        match self.runtime {
            Runtime::Processes => self.processes().iter().map(u32::to_string).collect(),
            Runtime::Containers => self.in_engine().running(|name| self.is_own(name)),
        }
    }

    /// The same of the copies that `demo` and `contract verify` boot for themselves.
    pub fn running_of_copies(&self) -> Vec<String> {
        match self.runtime {
            Runtime::Processes => {
                let all = self.processes_of_copies();
                all.iter().map(u32::to_string).collect()
            }
            Runtime::Containers => self.in_engine().running(|name| self.is_of_a_copy(name)),
        }
    }

    /// What is left of it beside its data: processes; in an engine every container and network,
    /// of its copies also volumes.
    pub fn left(&self) -> Vec<String> {
        match self.runtime {
            Runtime::Processes => [self.running(), self.running_of_copies()].concat(),
            Runtime::Containers => {
                let data = |it: &String| it.starts_with("volume ");
                let mut own = self.in_engine().holds(|name| self.is_own(name));
                own.retain(|it| !data(it));
                own.extend(self.in_engine().holds(|name| self.is_of_a_copy(name)));
                own
            }
        }
    }

    fn in_engine(&self) -> &'static super::SharedEngine {
        engine().unwrap()
    }

    /// Whether an engine's name is of this project: names begin with the project's.
    fn is_own(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.project);
        rest.is_some_and(|rest| rest.starts_with(['-', '_'])) && !self.is_of_a_copy(name)
    }

    fn is_of_a_copy(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.project);
        rest.is_some_and(|rest| rest.starts_with("-demo-") || rest.starts_with("-verify-"))
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
        if self.directory.join("Dockerfile").exists() && self.within.is_none() {
            super::engine::forget_images(&self.project);
        }
        // The shop's only image that its Dockerfile makes: under the project's own name, since the
        // builder makes it anew for each, of the same layers.
        let is_in_it = self
            .environment()
            .any(|it| it == ("MSVC_RUNTIME", "docker"));
        if let (true, None, Some(engine)) = (is_in_it, self.within, engine()) {
            engine.forget_image(&format!("{}-recommendations", self.project));
        }
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
