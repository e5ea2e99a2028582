//! How long a fault may live without its owner. A lease belongs to a session; it ends when it is
//! closed, when a heartbeat is missed, or when the session's stream ends, whichever is first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::MeshError;
use crate::mesh_clock::MeshClock;
use crate::protocol::SessionId;

/// The number of a lease at one mesh or supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub u64);

/// Parameters of `lease.open`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLease {
    /// It ends this many milliseconds after the last `lease.renew`.
    pub ttl_ms: u64,
}

/// The times to live that can be asked for, in milliseconds: shorter is missed by accident, longer
/// is no lease.
pub const TTL_MS: std::ops::RangeInclusive<u64> = 100..=3_600_000;

/// All leases of a mesh.
#[derive(Debug)]
pub(crate) struct Leases {
    clock: MeshClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    open: HashMap<LeaseId, Lease>,
}

#[derive(Debug)]
struct Lease {
    session: SessionId,
    ttl: Duration,
    deadline: watch::Sender<Instant>,
    ended: CancellationToken,
}

impl Leases {
    pub(crate) fn new(clock: MeshClock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a lease; whoever opened it has [`Leases::expired`] waited for.
    pub(crate) fn open(
        &self,
        session: SessionId,
        OpenLease { ttl_ms }: OpenLease,
    ) -> Result<LeaseId, MeshError> {
        if !TTL_MS.contains(&ttl_ms) {
            return Err(MeshError::OutOfRange {
                what: "ttl_ms",
                given: ttl_ms.to_string(),
                must: "from 100 to 3600000",
            });
        }
        let ttl = Duration::from_millis(ttl_ms);
        let mut state = self.state();
        state.last += 1;
        let id = LeaseId(state.last);
        state.open.insert(
            id,
            Lease {
                session,
                ttl,
                deadline: watch::Sender::new(self.clock.now() + ttl),
                ended: CancellationToken::new(),
            },
        );
        Ok(id)
    }

    /// Returns when a beat of the lease is missed or it ended otherwise.
    pub(crate) async fn expired(&self, id: LeaseId) {
        let (mut deadline, ended) = match self.state().open.get(&id) {
            Some(lease) => (lease.deadline.subscribe(), lease.ended.clone()),
            None => return,
        };
        loop {
            let due = *deadline.borrow_and_update();
            tokio::select! {
                () = self.clock.until(Some(due)) => {
                    // A renewal at the last moment counts.
                    if *deadline.borrow() <= self.clock.now() {
                        return;
                    }
                }
                changed = deadline.changed() => if changed.is_err() { return },
                () = ended.cancelled() => return,
            }
        }
    }

    pub(crate) fn renew(&self, session: SessionId, id: LeaseId) -> Result<(), MeshError> {
        let state = self.state();
        let lease = held(&state, session, id)?;
        lease.deadline.send_replace(self.clock.now() + lease.ttl);
        Ok(())
    }

    /// Fails unless the session holds the lease; else what tells its end.
    pub(crate) fn check(
        &self,
        session: SessionId,
        id: LeaseId,
    ) -> Result<CancellationToken, MeshError> {
        held(&self.state(), session, id).map(|lease| lease.ended.clone())
    }

    /// Ends a lease; whether it was open. Who undoes what it held does so after this, so that
    /// nothing can come under it any more.
    pub(crate) fn end(&self, id: LeaseId) -> bool {
        let lease = self.state().open.remove(&id);
        if let Some(lease) = &lease {
            lease.ended.cancel();
        }
        lease.is_some()
    }

    /// The leases of a session.
    pub(crate) fn of(&self, session: SessionId) -> Vec<LeaseId> {
        let state = self.state();
        let open = state.open.iter();
        open.filter(|(_, lease)| lease.session == session)
            .map(|(id, _)| *id)
            .collect()
    }
}

fn held(state: &State, session: SessionId, id: LeaseId) -> Result<&Lease, MeshError> {
    let lease = state.open.get(&id).filter(|l| l.session == session);
    lease.ok_or(MeshError::NoLease(id))
}
