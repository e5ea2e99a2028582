//! The project's records on disk: what runs, which service faults are in place, how the last
//! supervisor ended. Each file is whole at any moment and begins with its schema.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use msvc_machine::atomic_write::atomic_write;
use msvc_machine::clock::Clock;
use msvc_system::id::InstanceId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;

use super::home::{ProjectHome, records};
use crate::contract::RuntimeError;
use msvc_machine::process_table::ProcessIdentity;

/// `state.json`: what runs. Written by the supervisor alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// `msvc.state/1`.
    pub schema: String,
    /// The run that everything started by this supervisor is marked with.
    pub run: String,
    /// The guardian, where there is one.
    pub guardian: Option<ProcessIdentity>,
    /// The supervisor.
    pub supervisor: ProcessIdentity,
    /// Where it answers.
    pub socket: PathBuf,
    /// What it started and has not cleared away.
    #[serde(default)]
    pub instances: Vec<InstanceRecord>,
}

/// One instance in `state.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// Its key.
    pub id: InstanceId,
    /// Hash of the spec it was started with.
    pub hash: String,
    /// Its process, while it runs.
    pub process: Option<ProcessIdentity>,
}

/// `leases.json`: service faults in place. Written before the deed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leases {
    /// `msvc.leases/1`.
    pub schema: String,
    /// The faults.
    pub faults: Vec<FaultRecord>,
}

/// One service fault with what undoes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The lease it lives under.
    pub lease: u64,
    /// Whom it keeps down.
    pub instance: InstanceId,
    /// What was done: `kill`.
    pub deed: String,
    /// What undoes it: `start`.
    pub undo: String,
}

/// `ended.json`: how the last supervisor ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRecord {
    /// `msvc.ended/1`.
    pub schema: String,
    /// When, in milliseconds since the Unix epoch; `None` when nobody was left to see it.
    pub at_ms: Option<u64>,
    /// By what, for people: `signal SIGKILL`, `msvc down`, `its guardian was killed`.
    pub how: String,
    /// Whether somebody asked for it.
    pub expected: bool,
}

/// A guardian that lives has written the end down within this time.
const GUARDIAN_SEES: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

const STATE: &str = "msvc.state/1";
const LEASES: &str = "msvc.leases/1";
const ENDED: &str = "msvc.ended/1";

impl State {
    /// What runs, as recorded; `None` when nothing is.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(home: &ProjectHome) -> Result<Option<Self>, RuntimeError> {
        read(&home.state())
    }

    /// A supervisor that has started nothing yet.
    #[must_use]
    pub fn new(
        run: &str,
        guardian: Option<ProcessIdentity>,
        supervisor: ProcessIdentity,
        socket: PathBuf,
    ) -> Self {
        Self {
            schema: STATE.to_owned(),
            run: run.to_owned(),
            guardian,
            supervisor,
            socket,
            instances: Vec::new(),
        }
    }
}

impl EndRecord {
    /// An end.
    #[must_use]
    pub fn new(at_ms: Option<u64>, how: impl Into<String>, expected: bool) -> Self {
        Self {
            schema: ENDED.to_owned(),
            at_ms,
            how: how.into(),
            expected,
        }
    }

    /// Writes it down.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, home: &ProjectHome) -> Result<(), RuntimeError> {
        write(&home.ended(), self)
    }

    /// The recorded end.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(home: &ProjectHome) -> Result<Option<Self>, RuntimeError> {
        read(&home.ended())
    }
}

/// When and by what the last supervisor of a project ended; `None` while one runs, and when none
/// ever did or it was brought down in order and cleared away.
///
/// # Errors
/// When the records are there and cannot be read.
pub fn last_end(home: &ProjectHome) -> Result<Option<EndRecord>, RuntimeError> {
    if let Some(end) = EndRecord::read(home)? {
        return Ok(Some(end));
    }
    let state = State::read(home)?;
    Ok(state.filter(|state| !state.supervisor.lives()).map(|_| {
        let how =
            "killed together with its guardian, or the machine went down, or its disk was full";
        EndRecord::new(None, how, false)
    }))
}

/// The same for who may come in the moment of the end: one that hears nobody any more is let die, and
/// a guardian that lives writes down what it has seen; both are given the time for it.
///
/// # Errors
/// As [`last_end`].
pub async fn seen_end(
    home: &ProjectHome,
    clock: &dyn Clock,
) -> Result<Option<EndRecord>, RuntimeError> {
    let deadline = clock.now() + GUARDIAN_SEES;
    loop {
        let Some(state) = State::read(home)? else {
            return last_end(home);
        };
        // Looked at before the record: one that has gone has written it.
        let comes_to_its_end = match state.supervisor.lives() {
            true => UnixStream::connect(&state.socket).await.is_err(),
            false => state.guardian.is_some_and(|guardian| guardian.lives()),
        };
        if !comes_to_its_end || clock.now() >= deadline || EndRecord::read(home)?.is_some() {
            return last_end(home);
        }
        clock.sleep(LOOK).await;
    }
}

/// The supervisor's own hand on its records.
#[derive(Debug)]
pub(super) struct Records {
    home: ProjectHome,
    state: Mutex<State>,
    leases: Mutex<Leases>,
}

impl Records {
    /// Writes the first records of a supervisor, and clears those of the one before.
    pub(super) fn begin(home: ProjectHome, state: State) -> Result<Self, RuntimeError> {
        let leases = Leases {
            schema: LEASES.to_owned(),
            faults: Vec::new(),
        };
        write(&home.leases(), &leases)?;
        write(&home.state(), &state)?;
        remove(&home.ended())?;
        Ok(Self {
            home,
            state: Mutex::new(state),
            leases: Mutex::new(leases),
        })
    }

    pub(super) fn home(&self) -> &ProjectHome {
        &self.home
    }

    /// Records an instance as it stands now.
    pub(super) fn instance(&self, record: InstanceRecord) -> Result<(), RuntimeError> {
        self.change_state(|state| {
            state
                .instances
                .retain(|known| !known.id.same_replica(&record.id));
            state.instances.push(record);
        })
    }

    /// Forgets an instance that was cleared away.
    pub(super) fn forget(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        self.change_state(|state| state.instances.retain(|known| !known.id.same_replica(id)))
    }

    fn change_state(&self, change: impl FnOnce(&mut State)) -> Result<(), RuntimeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        write(&self.home.state(), &*state)
    }

    /// Writes down how to undo a fault that is about to be done.
    pub(super) fn fault(&self, fault: FaultRecord) -> Result<(), RuntimeError> {
        self.change_leases(|leases| leases.faults.push(fault))
    }

    /// A fault was undone.
    pub(super) fn undone(&self, instance: &InstanceId) -> Result<(), RuntimeError> {
        self.change_leases(|leases| {
            leases
                .faults
                .retain(|fault| !fault.instance.same_replica(instance));
        })
    }

    fn change_leases(&self, change: impl FnOnce(&mut Leases)) -> Result<(), RuntimeError> {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut leases);
        write(&self.home.leases(), &*leases)
    }
}

fn write(path: &Path, record: &impl Serialize) -> Result<(), RuntimeError> {
    let mut bytes =
        serde_json::to_vec_pretty(record).map_err(|e| records(path)(io::Error::other(e)))?;
    bytes.push(b'\n');
    atomic_write(path, &bytes).map_err(records(path))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RuntimeError> {
    let bytes = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(records(path))?,
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|e| records(path)(io::Error::other(e)))
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), RuntimeError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(records(path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_that_nobody_saw_ending_is_told_of_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let home = ProjectHome::new(folder.path(), "shop".parse().unwrap(), None).unwrap();
        home.create().unwrap();
        assert_eq!(last_end(&home).unwrap(), None);
        let own = ProcessIdentity::own().unwrap();
        let state = State::new("r", None, own.clone(), home.socket());
        Records::begin(home.clone(), state.clone()).unwrap();
        assert_eq!(last_end(&home).unwrap(), None);
        let gone = ProcessIdentity {
            start_time: own.start_time + 1,
            ..own
        };
        write(
            &home.state(),
            &State {
                supervisor: gone,
                ..state
            },
        )
        .unwrap();
        assert!(!last_end(&home).unwrap().unwrap().expected);
    }
}
