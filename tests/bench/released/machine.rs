//! The machine beneath a measurement: how many cores it may use, what its disk takes for a commit,
//! how much memory the shop's processes have.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// Keeps this thread, and every thread and process that it makes from now on, on the first `cores`
/// cores: the shop, msvc and the client that is measured with.
pub(crate) fn pin(cores: usize) {
    let mut set = CpuSet::new();
    for core in 0..cores {
        set.set(core).unwrap();
    }
    sched_setaffinity(Pid::from_raw(0), &set).unwrap();
}

/// Bytes of one commit: two or three pages of 4 KiB, as the shop's commits mostly have, each behind
/// its header in the write-ahead log.
const COMMIT: usize = 3 * (4096 + 24);

/// Commits until the log is written from its beginning again: SQLite's 1000 pages.
const COMMITS_OF_A_LOG: u64 = 333;

/// How often the disk is asked.
const EVERY: Duration = Duration::from_millis(100);

/// Writes and syncs beside the shop, on its disk, as its databases do: in place, `fsync` after each.
pub(crate) struct Disk {
    ended: Arc<AtomicBool>,
    asked: std::thread::JoinHandle<Vec<Duration>>,
}

impl Disk {
    /// Begins to ask, in `folder`.
    pub(crate) fn ask(folder: &Path) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let mut file = tempfile::tempfile_in(folder).unwrap();
        let asked = std::thread::spawn(move || {
            let commit = vec![0x5a_u8; COMMIT];
            for _ in 0..COMMITS_OF_A_LOG {
                file.write_all(&commit).unwrap();
            }
            file.sync_all().unwrap();
            let mut took = Vec::new();
            for n in 0_u64.. {
                if seen.load(Ordering::Relaxed) {
                    break;
                }
                let place = n % COMMITS_OF_A_LOG * commit.len() as u64;
                let since = Instant::now();
                file.seek(SeekFrom::Start(place)).unwrap();
                file.write_all(&commit).unwrap();
                file.sync_all().unwrap();
                took.push(since.elapsed());
                std::thread::sleep(EVERY);
            }
            took
        });
        Self { ended, asked }
    }

    /// What each write with its sync took.
    pub(crate) fn answers(self) -> Vec<Duration> {
        self.ended.store(true, Ordering::Relaxed);
        self.asked.join().unwrap()
    }
}

/// A process of a system and the memory that is its share: pages that it has with others count
/// in part (`Pss` of `/proc/PID/smaps_rollup`).
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) pid: i32,
    pub(crate) kib: u64,
}

/// Every process that belongs to the system `project`: its services and their children, which carry
/// its mark, and msvc's own, which name it.
pub(crate) fn shares(project: &str) -> Vec<Share> {
    let mark = format!("MSVC_RUN={project}/").into_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|it| it.parse().ok()) else {
            continue;
        };
        let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let words = read("cmdline");
        let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
        let own = words.get(1).is_some_and(|it| it.starts_with(b"internal-"))
            && words.contains(&project.as_bytes());
        let environment = read("environ");
        let marked = environment
            .split(|byte| *byte == 0)
            .any(|it| it.starts_with(&mark));
        let rollup = String::from_utf8_lossy(&read("smaps_rollup")).into_owned();
        let kib = rollup.lines().find_map(|line| {
            let rest = line.strip_prefix("Pss:")?.trim();
            rest.strip_suffix("kB")?.trim().parse().ok()
        });
        if let (true, Some(kib)) = (own || marked, kib) {
            let name = if own { words[1] } else { words[0] };
            let name = String::from_utf8_lossy(name);
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            found.push(Share { name, pid, kib });
        }
    }
    found.sort_by_key(|share| std::cmp::Reverse(share.kib));
    found
}
