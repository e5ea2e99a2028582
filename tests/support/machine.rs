//! What the kernel says: processes, signals, sockets.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use super::until;

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

/// Whether the test may look into and end everybody's processes.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
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

/// A port that nobody has, and that neither the kernel nor msvc gives anybody of itself. Each is
/// given once: whoever it was given to listens there only later.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Files of tests that run at the same time have numbers that are near each other.
    let first = 15_000 + u16::try_from(std::process::id() % 500).unwrap() * 8;
    let is_free = |port: &u16| std::net::TcpListener::bind(("0.0.0.0", *port)).is_ok();
    let mut next = (0..1000).map(|_| first + GIVEN.fetch_add(1, Ordering::Relaxed));
    next.find(is_free).unwrap()
}

/// Sets its flag when it goes, also where the test fails: whoever goes on until then ends.
pub struct Sets<'a>(pub &'a AtomicBool);

impl Drop for Sets<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Calls `each` with every item from a thread of its own, all let go at the same moment; the
/// answers in the items' order.
pub fn at_once<I: Sync, T: Send>(items: &[I], each: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let ready = std::sync::Barrier::new(items.len());
    std::thread::scope(|scope| {
        let start = |item| {
            let (ready, each) = (&ready, &each);
            scope.spawn(move || {
                ready.wait();
                each(item)
            })
        };
        let running: Vec<_> = items.iter().map(start).collect();
        let ended = running.into_iter().map(|it| it.join().unwrap());
        ended.collect()
    })
}
