//! What is inside a service of a running shop: its processes, its data folder, its own commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine::is_root;
use super::running::{Finished, finish};
use super::runtime::Runtime;
use super::system::System;

/// The first process of each of a service's copies, as the host numbers it.
pub fn pids(system: &System, service: &str) -> Vec<u32> {
    let ps = system.ps();
    let all = ps["instances"].as_array().unwrap().iter();
    let own = all.filter(|it| it["service"] == service);
    own.filter_map(|it| u32::try_from(it["pid"].as_u64()?).ok())
        .collect()
}

/// Whether the test may look into the processes of a system.
pub fn can_look(runtime: Runtime) -> bool {
    runtime == Runtime::Processes || is_root()
}

/// A variable in the environment that a process was started with.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut all = environment.split(|byte| *byte == 0);
    all.find_map(|it| {
        let it = std::str::from_utf8(it).ok()?;
        Some(it.strip_prefix(name)?.strip_prefix('=')?.to_owned())
    })
}

/// A service's data folder, as its process sees it, reached from the host.
pub fn data(pid: u32) -> Option<PathBuf> {
    let folder = variable(pid, "DATA_DIR")?;
    Some(PathBuf::from(format!("/proc/{pid}/root{folder}")))
}

/// Runs a command of the service's own binary beside the running service: in its container, or
/// with its environment.
#[track_caller]
pub fn run_beside(system: &System, service: &str, words: &[&str]) -> Finished {
    let command = match system.runtime() {
        Runtime::Containers => {
            let mut command = Command::new("docker");
            let container = format!("{}-{service}-1", system.project);
            command.args(["exec", &container, service]);
            command
        }
        Runtime::Processes => {
            let pid = pids(system, service)[0];
            let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
            let mut command = Command::new(program);
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
            command.env_clear();
            for pair in String::from_utf8(environment).unwrap().split('\0') {
                if let Some((name, value)) = pair.split_once('=') {
                    command.env(name, value);
                }
            }
            command
        }
    };
    let mut command = command;
    command.args(words);
    finish(command)
}

/// The host's folder of a volume.
pub fn volume(system: &System, volume: &str) -> PathBuf {
    match system.runtime() {
        Runtime::Processes => system.home().join("main/volumes").join(volume),
        Runtime::Containers => {
            let mut command = Command::new("docker");
            let name = format!("{}_{volume}", system.project);
            command.args(["volume", "inspect", "--format", "{{.Mountpoint}}", &name]);
            let said = finish(command).expect(0).stdout;
            Path::new(said.trim()).to_owned()
        }
    }
}

/// Changes a service's database behind its back.
#[track_caller]
pub fn alter(database: &Path, statement: &str) -> Finished {
    let script = "import sqlite3,sys\n\
        database=sqlite3.connect('file:'+sys.argv[1]+'?mode=rw',uri=True,timeout=30)\n\
        database.execute(sys.argv[2])\n\
        database.commit()\n";
    let mut change = Command::new("python3");
    change.args(["-c", script]).arg(database).arg(statement);
    finish(change)
}
