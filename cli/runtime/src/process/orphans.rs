//! Who lost its parents: it falls to the supervisor, the nearest subreaper, so that it can be found
//! and ended also where the guardian is gone, whatever it did to its environment and its session.

use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::process_table::{self, ProcessIdentity, as_pid};
use msvc_machine::shutdown::Shutdown;
use msvc_machine::sweep::sweep;

use super::guardian::GRACE;
use crate::contract::RuntimeError;

/// Between two looks for orphans that have ended. Who waits for a child of its own does so at once,
/// so what is still not waited for at the second look is nobody's.
#[cfg(target_os = "linux")]
const LOOK: Duration = Duration::from_secs(1);

/// From now on orphans among the descendants are this process's children.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn adopt() -> Result<(), RuntimeError> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true).map_err(|why| {
        let why = std::io::Error::from(why);
        RuntimeError::Refused(format!(
            "the supervisor could not become a subreaper: {why}"
        ))
    })?;
    Ok(())
}

/// Takes the orphans that have ended off the process table; whom `kept` names is waited for by
/// others. Never returns.
#[cfg(target_os = "linux")]
pub(super) async fn bury(clock: &dyn Clock, kept: impl Fn() -> Vec<u32>) {
    use std::collections::HashSet;

    use nix::sys::wait::{WaitPidFlag, waitpid};

    let mut seen = HashSet::new();
    loop {
        clock.sleep(LOOK).await;
        // The whole table is read only where there is somebody to be found.
        let mut dead = HashSet::new();
        if somebody_is_dead() {
            dead.extend(process_table::zombies(std::process::id()));
        }
        let kept = kept();
        let orphans = dead.intersection(&seen).filter(|pid| !kept.contains(pid));
        for pid in orphans.filter_map(|pid| as_pid(*pid)) {
            // It is this process's child and has ended: its pid is nobody else's yet.
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        }
        seen = dead;
    }
}

/// Elsewhere nothing falls to this process.
#[cfg(not(target_os = "linux"))]
pub(super) async fn bury(_: &dyn Clock, _: impl Fn() -> Vec<u32>) {
    std::future::pending::<()>().await;
}

/// Whether there is a child that has ended and that nobody has waited for; it is only looked at.
#[cfg(target_os = "linux")]
fn somebody_is_dead() -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};

    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, flags).is_ok_and(|status| status.pid().is_some())
}

/// Ends every descendant that is left.
pub(super) async fn end(clock: &dyn Clock, hurry: &Shutdown) {
    sweep(left, clock, GRACE, hurry).await;
}

fn left() -> Vec<ProcessIdentity> {
    let table = process_table::table();
    let left = process_table::descendants(std::process::id(), &table);
    left.into_iter()
        .map(process_table::Seen::identity)
        .collect()
}
