//! Who a process is: its pid alone may be somebody else's by now, so it is known by pid, start
//! time and boot id. And who descends from whom, and who carries a run's mark, as `/proc` tells.

use std::fs;
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process that cannot be mistaken for a later one of the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since the boot.
    pub start_time: u64,
    /// Which boot of the machine.
    pub boot: String,
}

impl ProcessIdentity {
    /// The process that has this pid now, a zombie included.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        Some(Seen::read(pid)?.identity())
    }

    /// This very process.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether it still runs. A zombie does not.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.boot == boot_id()
            && Seen::read(self.pid).is_some_and(|seen| {
                seen.start_time == self.start_time && !matches!(seen.state, 'Z' | 'X')
            })
    }

    /// Sends it a signal if it still runs. Whether it was sent.
    pub fn signal(&self, signal: Signal) -> bool {
        self.lives() && as_pid(self.pid).is_some_and(|pid| kill(pid, signal).is_ok())
    }
}

/// A pid as the system calls take it; 0 and what does not fit name no process of ours.
pub fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid)
        .ok()
        .filter(|&pid| pid > 1)
        .map(Pid::from_raw)
}

/// One line of the process table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its process id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// The leader of its session.
    pub session: u32,
    /// When it started, in clock ticks since the boot.
    pub start_time: u64,
    /// `R`, `S`, `Z` and so on, as proc(5) lists them.
    pub state: char,
}

impl Seen {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads `pid (name) state parent group session …`; the name may hold anything, parentheses
    /// too.
    fn parse(pid: u32, stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            pid,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> ProcessIdentity {
        ProcessIdentity {
            pid: self.pid,
            start_time: self.start_time,
            boot: boot_id().to_owned(),
        }
    }
}

/// Every process that runs, zombies left out.
pub fn table() -> Vec<Seen> {
    let mut all = everything();
    all.retain(|seen| !matches!(seen.state, 'Z' | 'X'));
    all
}

/// The children of `parent` that have ended and that it has not waited for.
pub fn zombies(parent: u32) -> Vec<u32> {
    let all = everything().into_iter();
    let dead = all.filter(|seen| seen.parent == parent && seen.state == 'Z');
    dead.map(|seen| seen.pid).collect()
}

fn everything() -> Vec<Seen> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Seen::read)
        .collect()
}

/// Those of `table` that descend from `ancestor`, itself not included.
pub fn descendants(ancestor: u32, table: &[Seen]) -> Vec<&Seen> {
    let mut found: Vec<&Seen> = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for seen in table.iter().filter(|seen| seen.parent == parent) {
            // A table read while it changes could hold a circle.
            if found.iter().all(|known| known.pid != seen.pid) && seen.pid != ancestor {
                found.push(seen);
                parents.push(seen.pid);
            }
        }
    }
    found
}

/// The value of an environment variable that a process was started with, where we may read it.
pub fn variable_of(pid: u32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|&byte| byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_is_read_over() {
        let stat = "7 (a) b) S 3 7 5 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 0";
        let seen = Seen::parse(7, stat).unwrap();
        assert_eq!((seen.parent, seen.session, seen.start_time), (3, 5, 4242));
        assert!(Seen::parse(7, "7 (a").is_none());
    }

    #[test]
    fn a_later_process_of_the_same_pid_is_somebody_else() {
        let own = ProcessIdentity::own().unwrap();
        assert!(own.lives());
        let earlier = ProcessIdentity {
            start_time: own.start_time - 1,
            ..own.clone()
        };
        let other_boot = ProcessIdentity {
            boot: "another".to_owned(),
            ..own
        };
        assert!(!earlier.lives() && !other_boot.lives());
        assert!(!earlier.signal(Signal::SIGKILL));
    }

    #[test]
    fn descendants_are_found_through_every_generation() {
        let seen = |pid, parent| Seen {
            pid,
            parent,
            session: pid,
            start_time: 1,
            state: 'S',
        };
        let table = [seen(1, 0), seen(2, 1), seen(4, 3), seen(3, 2), seen(9, 1)];
        let mut found: Vec<u32> = descendants(2, &table).iter().map(|s| s.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }
}
