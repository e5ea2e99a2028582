//! Ends processes for good: TERM, grace, KILL, until none of them is found any more.

use std::collections::HashSet;
use std::time::Duration;

use crate::clock::Clock;
use crate::shutdown::Shutdown;
use nix::sys::signal::Signal;

use crate::process_table::ProcessIdentity;

/// Between two looks at what is left.
const LOOK: Duration = Duration::from_millis(20);

/// After KILL nothing lives long; what does is stuck in the kernel and is reported.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// How many processes were there.
    pub found: usize,
    /// Those that not even KILL ended.
    pub left: Vec<ProcessIdentity>,
}

/// Asks all that `find` finds to end, and kills what is left after `grace`, or as soon as `hurry`
/// is forced. `find` is asked again and again, so that what they start meanwhile ends too.
pub async fn sweep(
    mut find: impl FnMut() -> Vec<ProcessIdentity> + Send,
    clock: &dyn Clock,
    grace: Duration,
    hurry: &Shutdown,
) -> Swept {
    let mut asked = HashSet::new();
    let patience = clock.now() + grace;
    let mut killed_since = None;
    loop {
        let left = find();
        let now = clock.now();
        let overdue = killed_since.is_some_and(|since| now >= since + AFTER_KILL);
        if left.is_empty() || overdue {
            let found = asked.len();
            return Swept { found, left };
        }
        let kill = now >= patience || hurry.is_forced();
        if kill {
            killed_since.get_or_insert(now);
        }
        for process in left {
            if kill {
                process.signal(Signal::SIGKILL);
            } else if !asked.contains(&process) {
                process.signal(Signal::SIGTERM);
                // A stopped process takes no TERM before it goes on.
                process.signal(Signal::SIGCONT);
            }
            asked.insert(process);
        }
        clock.sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use crate::clock::MachineClock;

    use super::*;

    async fn end(script: &str, grace: Duration) -> std::process::ExitStatus {
        let mut child = Command::new("/bin/sh")
            .args(["-c", script])
            .spawn()
            .unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        // The shell has set its traps once it has become `sleep`'s parent or `sleep` itself.
        while !std::fs::read_to_string(format!("/proc/{}/stat", child.id()))
            .is_ok_and(|stat| stat.contains(") S "))
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let find = || {
            identity
                .lives()
                .then(|| identity.clone())
                .into_iter()
                .collect()
        };
        let swept = sweep(find, &MachineClock, grace, &Shutdown::new()).await;
        assert_eq!((swept.found, swept.left.len()), (1, 0));
        child.wait().unwrap()
    }

    #[tokio::test]
    async fn who_listens_ends_by_term_and_who_does_not_by_kill() {
        use std::os::unix::process::ExitStatusExt;
        let gentle = end("exec sleep 600", Duration::from_secs(60)).await;
        assert_eq!(gentle.signal(), Some(15));
        let hard = end(
            "trap '' TERM; while :; do sleep 0.01; done",
            Duration::from_millis(50),
        )
        .await;
        assert_eq!(hard.signal(), Some(9));
    }
}
