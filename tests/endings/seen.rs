//! What is seen of a system while it runs, to be looked for once it has ended.

use crate::support::{Runtime, System, alive, assert_free, listening, read, until};

/// The processes of the endless journey: its own, and one that left its group and session.
pub fn players(system: &System) -> Vec<u32> {
    let pids = read(&system.directory.join("playing"));
    pids.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Every descendant of a process, and the process.
pub fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let children = |pid: &u32| read(format!("/proc/{pid}/task/{pid}/children").as_ref());
    let mut next = 0;
    while let Some(pid) = all.get(next) {
        let more = children(pid);
        all.extend(
            more.split_whitespace()
                .filter_map(|p| p.parse::<u32>().ok()),
        );
        next += 1;
    }
    all
}

/// What the kernel shows of processes, to look for once they are to be gone.
pub struct Seen {
    /// Its processes.
    pub pids: Vec<u32>,
    addresses: Vec<String>,
}

impl Seen {
    /// Supervisors, guardians and `more` in the host's own table, once a service listens; of
    /// containers the engine tells.
    pub fn of(system: &System, services: impl Fn() -> Vec<u32>, more: Vec<u32>) -> Self {
        let pids = [more, keepers(system)].concat();
        let addresses = match system.runtime() {
            Runtime::Containers => Vec::new(),
            Runtime::Processes => until("its ports", || {
                let found = listening(&services());
                (!found.is_empty()).then(|| [found, listening(&pids)].concat())
            }),
        };
        let pids = [pids, services()].concat();
        Self { pids, addresses }
    }

    #[track_caller]
    pub fn are_gone(&self) {
        until("the end of every process", || {
            (!self.pids.iter().any(|pid| alive(*pid))).then_some(())
        });
        assert_free(&self.addresses);
    }
}

/// The supervisors and guardians of all projects in a system's folder.
pub fn keepers(system: &System) -> Vec<u32> {
    let homes = std::fs::read_dir(system.directory.join(".msvc"));
    let homes = homes.into_iter().flatten().flatten();
    let states = homes.map(|home| read(&home.path().join("state.json")));
    states
        .filter_map(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .flat_map(|state| ["supervisor", "guardian"].map(|who| state[who]["pid"].as_u64()))
        .filter_map(|pid| u32::try_from(pid?).ok())
        .collect()
}

/// The records of the systems that `demo` booted for itself.
pub fn copies(system: &System) -> Vec<String> {
    let homes = std::fs::read_dir(system.directory.join(".msvc")).unwrap();
    let names = homes.flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.contains("-demo-"))
        .collect()
}
