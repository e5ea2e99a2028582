//! What the end-to-end tests share: a system of their own, the binary run to its end or beside
//! the test, and waiting for a condition with a deadline.
//!
//! Every system a test boots has a project name of its own and is taken down, data included,
//! however the test ends. Nothing here sleeps for something to be done: it polls the condition.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Long enough for a busy machine with two cores; reached only when something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Says that a test did not run for want of `what`; where nothing may be skipped, as in CI, that
/// is a failure.
#[track_caller]
pub fn skipped(what: &str) {
    assert!(
        std::env::var_os("MSVC_TESTS_SKIP_NOTHING").is_none(),
        "this test needs {what}"
    );
    // The harness shows no output of a test that passes; this goes past it.
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let words = format!("\n!!! SKIPPED: {name} needs {what}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), words.as_bytes());
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A command that ran to its end.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The exit code.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal: {self:#?}"))
    }

    /// Fails unless it ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|why| panic!("{why}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// A system of the test's own: a Compose project in a folder, under a name of its own.
pub struct System {
    pub directory: PathBuf,
    pub project: String,
    files: Vec<PathBuf>,
    environment: Vec<(String, String)>,
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

    /// `msvc` with these arguments on this system.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
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

/// `msvc` beside the test; ended with it.
pub struct Running {
    child: Child,
    stdout: std::sync::Arc<std::sync::Mutex<String>>,
    stderr: std::sync::Arc<std::sync::Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Running {
    fn new(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (std::sync::Arc::default(), std::sync::Arc::default());
        let readers = vec![
            gather(child.stdout.take().unwrap(), std::sync::Arc::clone(&stdout)),
            gather(child.stderr.take().unwrap(), std::sync::Arc::clone(&stderr)),
        ];
        Self {
            child,
            stdout,
            stderr,
            readers,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Sends a signal by name, for example `INT`.
    pub fn signal(&self, signal: &str) {
        kill(signal, self.pid());
    }

    /// Waits until standard output or error holds `text`.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        until(&format!("`{text}` in the output"), || {
            // Looked at before the output: what it wrote last is read a little later.
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() {
                for reader in self.readers.drain(..) {
                    let _ = reader.join();
                }
            }
            let (stdout, stderr) = (self.stdout(), self.stderr());
            if stdout.contains(text) || stderr.contains(text) {
                return Some(());
            }
            assert!(
                ended.is_none(),
                "ended ({ended:?}) without `{text}`\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
            );
            None
        });
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let status = until("the end of the command", || self.child.try_wait().unwrap());
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Finished {
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            kill("INT", self.child.id());
            let deadline = Instant::now() + Duration::from_secs(20);
            while Instant::now() < deadline {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn gather(
    mut from: impl std::io::Read + Send + 'static,
    into: std::sync::Arc<std::sync::Mutex<String>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = [0_u8; 4096];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    })
}

/// Runs a command to its end.
#[track_caller]
pub fn finish(command: Command) -> Finished {
    Running::new(command).finish()
}

/// Polls `condition` until it gives a value, or fails naming `what` after [`PATIENCE`].
#[track_caller]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal by name.
pub fn kill(signal: &str, pid: u32) {
    let _ = Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(pid.to_string())
        .output();
}

/// The addresses that these processes listen at, as the kernel's table writes them.
pub fn listening(pids: &[u32]) -> Vec<String> {
    let mut inodes = Vec::new();
    for pid in pids {
        let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
            continue;
        };
        inodes.extend(
            open.flatten()
                .filter_map(|fd| std::fs::read_link(fd.path()).ok())
                .filter_map(|to| {
                    let socket = to.to_str()?.strip_prefix("socket:[")?;
                    Some(socket.strip_suffix(']')?.to_owned())
                }),
        );
    }
    let table = listeners();
    let ours = table
        .into_iter()
        .filter(|(_, inode)| inodes.contains(inode));
    ours.map(|(address, _)| address).collect()
}

/// Fails while anything listens at one of `addresses`.
#[track_caller]
pub fn assert_free(addresses: &[String]) {
    let taken: Vec<_> = listeners()
        .into_iter()
        .filter(|(address, _)| addresses.contains(address))
        .collect();
    assert!(taken.is_empty(), "still listening: {taken:?}");
}

/// Address and inode of every listening socket.
fn listeners() -> Vec<(String, String)> {
    let lines = |path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ["/proc/net/tcp", "/proc/net/tcp6"].map(lines).concat();
    let listening = |line: &String| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(3) == Some(&"0A")).then(|| (fields[1].to_owned(), fields[9].to_owned()))
    };
    all.iter().filter_map(listening).collect()
}

/// Whether a process is there and no zombie.
pub fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or("")
            .trim_start()
            .starts_with('Z')
    })
}

/// One HTTP request; the status and the body as JSON (or as a string when it is none).
pub fn http(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> (u16, Value) {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    PROVIDER.call_once(msvc_machine::http_client::choose_tls_provider);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(Vec::new())
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let mut request = client.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        match request.send().await {
            Err(why) => (0, Value::String(why.to_string())),
            Ok(answer) => {
                let status = answer.status().as_u16();
                let text = answer.text().await.unwrap_or_default();
                (
                    status,
                    serde_json::from_str(&text).unwrap_or(Value::String(text)),
                )
            }
        }
    })
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

/// Reads a file to its end, or nothing.
pub fn read(path: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let _ = file.read_to_string(&mut text);
    }
    text
}
