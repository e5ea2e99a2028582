//! Brings a project down, and clears what crashes left behind: by recorded identity and by the
//! mark of its run, never by name.

use std::fs;
use std::io;
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_system::problem::Problem;
use nix::sys::signal::Signal;

use super::guardian::GRACE;
use super::home::{ProjectHome, records};
use super::launch::{connect, locked};
use super::mark::RunMark;
use super::messages::{Stopped, method};
use super::records::{State, remove};
use crate::contract::RuntimeError;
use crate::lane::FILES;
use crate::turn::Turn;
use msvc_machine::process_table::ProcessIdentity;
use msvc_machine::sweep::sweep;

/// A guardian whose supervisor has ended is gone within its own grace, the kernel's slowness
/// included.
const GUARDIAN: Duration = GRACE.saturating_add(Duration::from_secs(6));

const LOOK: Duration = Duration::from_millis(10);

/// What `down` came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Down {
    /// How many instances, or after a crash processes, were ended.
    pub stopped: usize,
    /// Whether its supervisor did it; else it was cleared after a crash.
    pub in_order: bool,
    /// What did not go well on the way: hooks that failed.
    pub told: Vec<Problem>,
}

/// Brings a project down: through its supervisor when that answers, else by the records and the
/// mark. Logs and data stay, unless `volumes`. Nothing of it runs when this returns without error;
/// with nothing to do it returns at once.
///
/// # Errors
/// When the records cannot be read, or something lives that cannot be ended.
pub async fn down(
    home: &ProjectHome,
    volumes: bool,
    clock: &dyn Clock,
) -> Result<Down, RuntimeError> {
    if !home.folder().exists() {
        return Ok(Down {
            in_order: true,
            ..Down::default()
        });
    }
    let _lock = locked(home).await?;
    end(home, volumes, clock).await
}

/// The same for who has the turn on the project already.
///
/// # Errors
/// As [`down`].
pub async fn down_in_turn(
    home: &ProjectHome,
    volumes: bool,
    clock: &dyn Clock,
    _turn: &Turn,
) -> Result<Down, RuntimeError> {
    end(home, volumes, clock).await
}

/// Returns once the supervisor hears nobody any more. Its services may take as long as their graces
/// to end, so only whether it answers at all tells.
async fn hangs(home: &ProjectHome, clock: &dyn Clock) {
    loop {
        clock.sleep(GRACE).await;
        let heard = connect(home, env!("CARGO_PKG_VERSION"), clock).await;
        if matches!(heard, Err(RuntimeError::Gone { .. })) {
            return;
        }
    }
}

async fn end(home: &ProjectHome, volumes: bool, clock: &dyn Clock) -> Result<Down, RuntimeError> {
    let answered = match connect(home, env!("CARGO_PKG_VERSION"), clock).await {
        Ok(Some(session)) => {
            let stopped = session.request::<Stopped>(method::DOWN, serde_json::Value::Null);
            tokio::select! {
                // Ended in the middle of it, by somebody else: then the rest is cleared.
                stopped = stopped => stopped.ok(),
                () = hangs(home, clock) => None,
            }
        }
        // One that hangs is ended like one that is gone.
        Ok(None) | Err(RuntimeError::Gone { .. }) => None,
        Err(error) => return Err(error),
    };
    let cleared = clear(home, clock, answered.is_some()).await?;
    for record in [
        home.state(),
        home.leases(),
        home.ended(),
        home.supervisor_log(),
    ] {
        remove(&record)?;
    }
    if volumes {
        remove_data(home)?;
    } else {
        remove_files(home)?;
    }
    Ok(Down {
        in_order: answered.is_some(),
        stopped: answered.as_ref().map_or(cleared, |it| it.stopped),
        told: answered.map(|it| it.told).unwrap_or_default(),
    })
}

/// Ends whatever the records and the run's mark tell of; how many processes that were. To be
/// called by who holds the lock. A supervisor that `ends` already is waited for, any other one is
/// killed.
pub(super) async fn clear(
    home: &ProjectHome,
    clock: &dyn Clock,
    ends: bool,
) -> Result<usize, RuntimeError> {
    let Some(state) = State::read(home)? else {
        remove(&home.socket())?;
        return Ok(0);
    };
    let mark = RunMark::new(home.project().clone(), state.run.clone());
    let recorded: Vec<ProcessIdentity> = state
        .instances
        .iter()
        .filter_map(|instance| instance.process.clone())
        .collect();
    let before = everything(&mark, &recorded).len();
    if ends {
        gone(&state.supervisor, clock, GRACE).await;
    }
    state.supervisor.signal(Signal::SIGKILL);
    if let Some(guardian) = &state.guardian {
        // It does the rest; killed itself, it leaves the rest to the sweep below.
        gone(guardian, clock, GUARDIAN).await;
        guardian.signal(Signal::SIGKILL);
    }
    let find = || everything(&mark, &recorded);
    let swept = sweep(find, clock, GRACE, &Shutdown::new()).await;
    if let Some(stuck) = swept.left.first() {
        let why = format!(
            "process {} of {} cannot be ended",
            stuck.pid,
            home.project()
        );
        return Err(RuntimeError::Refused(why));
    }
    remove(&state.socket)?;
    Ok(before)
}

/// Waits until a process is gone, for so long at most.
async fn gone(process: &ProcessIdentity, clock: &dyn Clock, patience: Duration) {
    let deadline = clock.now() + patience;
    while process.lives() && clock.now() < deadline {
        clock.sleep(LOOK).await;
    }
}

fn everything(mark: &RunMark, recorded: &[ProcessIdentity]) -> Vec<ProcessIdentity> {
    let mut all = mark.everything();
    for process in recorded.iter().filter(|process| process.lives()) {
        if !all.contains(process) {
            all.push(process.clone());
        }
    }
    all
}

/// Removes the project's folder, the lock in it last: who waits for that finds it gone and makes
/// a new one.
/// Removes what was written for the services of every lane: it may be secrets.
fn remove_files(home: &ProjectHome) -> Result<(), RuntimeError> {
    let folder = home.folder();
    for lane in fs::read_dir(&folder).map_err(records(&folder))?.flatten() {
        let files = lane.path().join(FILES);
        match fs::remove_dir_all(&files) {
            Err(e)
                if !matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(records(&files)(e));
            }
            _ => {}
        }
    }
    Ok(())
}

fn remove_data(home: &ProjectHome) -> Result<(), RuntimeError> {
    let folder = home.folder();
    for entry in fs::read_dir(&folder).map_err(records(&folder))?.flatten() {
        let path = entry.path();
        if path == home.lock() {
            continue;
        }
        let removed = if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(records(&path)(e)),
            _ => {}
        }
    }
    remove(&home.lock())?;
    match fs::remove_dir(&folder) {
        // Somebody who came for the lock has made one anew already: it is theirs now.
        Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(records(&folder)(e)),
        _ => Ok(()),
    }
}
