//! A container engine of a test's own, to be killed, filled and left alone with: in network, process
//! and mount namespaces of its own, so that neither the machine's engine nor its rules are touched.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use tempfile::TempDir;

use super::{System, kill, read, skipped, until};

/// Whether the machine's engine answers, and can be asked past msvc; says loudly when not.
pub fn an_engine_answers() -> bool {
    let probe =
        System::compose("services: {a: {image: a}}\n").with_variable("MSVC_RUNTIME", "docker");
    let found = is_there("docker") && probe.run(&["ps"]).status.success();
    if !found {
        skipped("a container engine and the docker CLI");
    }
    found
}

/// Whether a program is on the PATH.
fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).exists())
}

/// What the docker CLI prints of the machine's engine, as lines.
#[track_caller]
pub fn docker(arguments: &[&str]) -> Vec<String> {
    lines(Command::new("docker").args(arguments))
}

#[track_caller]
fn lines(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::to_owned).collect()
}

/// All containers, networks and volumes that are a system's or its copies', by what a docker CLI
/// lists.
fn belongings_of(system: &System, lines: impl Fn(&[&str]) -> Vec<String>) -> Vec<String> {
    [
        &[
            "ps",
            "--all",
            "--format",
            "container {{.Names}} {{.Labels}}",
        ][..],
        &["network", "ls", "--format", "network {{.Name}}"][..],
        &["volume", "ls", "--format", "volume {{.Name}}"][..],
    ]
    .into_iter()
    .flat_map(lines)
    .filter(|line| line.contains(&system.project))
    .collect()
}

/// All that the machine's engine has of a system and its copies.
pub fn belongings(system: &System) -> Vec<String> {
    belongings_of(system, |arguments| docker(arguments))
}

/// Removes the images that the machine's engine has built for a project.
pub fn forget_images(project: &str) {
    let label = format!("label=msvc.image={project}");
    let list = ["images", "--quiet", "--no-trunc", "--filter", &label];
    let Ok(output) = Command::new("docker").args(list).output() else {
        return;
    };
    let ids = String::from_utf8_lossy(&output.stdout).into_owned();
    for id in ids.lines() {
        // Two services may have the same image under two names.
        let _ = Command::new("docker").args(["rmi", "--force", id]).output();
    }
}

/// An engine; it and all that it ran is gone with it.
pub struct Engine {
    folder: TempDir,
    /// The first process of its namespaces, and who started that.
    holder: u32,
    namespaces: Child,
    /// Who started the engine in there, and ends with it.
    engine: Mutex<Option<Child>>,
}

impl Engine {
    /// Starts one; says loudly when this machine does not allow it.
    pub fn start() -> Option<Self> {
        Self::start_within("true")
    }

    /// The same with a disk of so many MiB.
    pub fn start_small(mebibytes: u32) -> Option<Self> {
        Self::start_within(&format!(
            "mount -t tmpfs -o size={mebibytes}m none \"$0/data\""
        ))
    }

    fn start_within(first: &str) -> Option<Self> {
        let is_root = nix::unistd::geteuid().is_root();
        let programs = ["dockerd", "docker", "unshare", "nsenter"];
        if !is_root || !programs.into_iter().all(is_there) {
            skipped("root, `dockerd`, `docker`, `unshare` and `nsenter`");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        // The first process of a namespace reaps what its parents have left: a shell that waits.
        let script = format!(
            "{first} && ip link set lo up && echo $$ > \"$0/inside\" && while sleep 0.2; do :; done"
        );
        let namespaces = Command::new("unshare")
            .args(["--net", "--pid", "--mount", "--fork", "--kill-child"])
            .args(["--mount-proc", "sh", "-c", &script])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let outer = namespaces.id();
        let holder = until("the namespaces", || {
            read(&folder.path().join("inside"))
                .ends_with('\n')
                .then_some(())?;
            let children = read(Path::new(&format!("/proc/{outer}/task/{outer}/children")));
            children.split_whitespace().next()?.parse().ok()
        });
        let engine = Self {
            folder,
            holder,
            namespaces,
            engine: Mutex::default(),
        };
        engine.begin();
        Some(engine)
    }

    /// Where it answers.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Starts the engine in its namespaces and waits until it answers.
    pub fn begin(&self) {
        let folder = self.folder.path();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let _ = std::fs::remove_file(folder.join("pid"));
        let mut command = self.inside("dockerd");
        command
            .arg("--host")
            .arg(self.host())
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(folder.join("exec"))
            .arg("--pidfile")
            .arg(folder.join("pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        *self.engine.lock().unwrap() = Some(command.spawn().unwrap());
        until("the engine", || {
            self.docker(&["version"]).status.success().then_some(())
        });
    }

    /// Its process, as this machine numbers it.
    fn pid(&self) -> u32 {
        let socket = self.host();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
        let mut found = pids.filter(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = words.split(|byte| *byte == 0);
            words.next().is_some_and(|it| it.ends_with(b"dockerd"))
                && words.any(|word| word == socket.as_bytes())
        });
        found.next().expect("the engine runs")
    }

    /// Kills the engine alone; what it ran runs on.
    pub fn kill(&self) {
        kill("KILL", self.pid());
        self.wait();
    }

    /// Ends the engine as the machine does when it goes down: all that it runs ends with it.
    pub fn end(&self) {
        kill("TERM", self.pid());
        self.wait();
    }

    fn wait(&self) {
        if let Some(mut engine) = self.engine.lock().unwrap().take() {
            engine.wait().unwrap();
        }
    }

    /// A command in its namespaces, where what it publishes is reached.
    pub fn inside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.holder))
            .args(["--net", "--pid", "--mount", "--"])
            .arg(program);
        command
    }

    /// The docker CLI on it.
    pub fn docker(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new("docker");
        command.args(["--host", &self.host()]).args(arguments);
        command.output().unwrap()
    }

    /// What the docker CLI prints, as lines.
    #[track_caller]
    pub fn lines(&self, arguments: &[&str]) -> Vec<String> {
        lines(
            Command::new("docker")
                .args(["--host", &self.host()])
                .args(arguments),
        )
    }

    /// All containers, networks and volumes that are a system's or its copies'.
    pub fn belongings(&self, system: &System) -> Vec<String> {
        belongings_of(system, |arguments| self.lines(arguments))
    }

    /// The same system in this engine.
    pub fn runs(&self, system: System) -> System {
        system
            .with_variable("MSVC_RUNTIME", "docker")
            .with_variable("DOCKER_HOST", &self.host())
            .within(self.holder)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = read(&self.folder.path().join("log"));
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(15)..].join("\n");
            let words = format!("--- the engine's last words\n{last}\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), words.as_bytes());
        }
        // With the first process of a namespace the kernel ends all others.
        kill("KILL", self.holder);
        let _ = self.namespaces.wait();
        self.wait();
    }
}
