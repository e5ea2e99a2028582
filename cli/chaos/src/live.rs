//! Faults and journeys on a system that runs: over its runtime's session, which is its mesh's, and
//! over the journeys that it names.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use msvc_journey::{Entry, Journey};
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::client::{self, LeaseKeeper};
use msvc_mesh::fault::{Arm, FaultId};
use msvc_mesh::protocol::{ProtocolError, Session};
use msvc_mesh::receipt::Receipt;
use msvc_report::exit::Exit;
use msvc_runtime::contract::Runtime;
use msvc_system::id::{LaneName, ServiceName};
use std::time::Duration;

use crate::faults::{ArmError, Faults, Killed, Late, LiftError};
use crate::order::Latency;
use crate::probe::{Journeys, Played, Sink};

mod kill;

/// A fault is lifted this long after the last sign of life of the msvc that holds it. Its
/// stream's end lifts it at once; this is for one that is stopped or cut off.
const LEASE: Duration = Duration::from_secs(5);

/// Faults on a running system.
#[derive(Clone)]
pub struct LiveFaults {
    /// The system's runtime.
    pub runtime: Arc<dyn Runtime>,
    /// In which copy of it.
    pub lane: LaneName,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Which command breaks, for those that meet what it holds down.
    pub by: String,
}

/// A latency in place on a mesh.
struct LiveLate {
    session: Session,
    fault: FaultId,
    lease: LeaseKeeper,
}

#[async_trait::async_trait]
impl Faults for LiveFaults {
    async fn latency(
        &self,
        name: &str,
        order: &Latency,
        seed: u64,
    ) -> Result<Box<dyn Late>, ArmError> {
        let mesh = self.runtime.mesh();
        let session = mesh
            .map_err(|error| ArmError::Refused(error.to_string()))?
            .clone();
        let refused = |error: ProtocolError| refused(error, order);
        let lease = LeaseKeeper::open(&session, Arc::clone(&self.clock), LEASE)
            .await
            .map_err(refused)?;
        let arm = Arm {
            lease: lease.id(),
            fault: order.fault(name, &self.lane, seed),
        };
        let fault = client::arm(&session, &arm).await.map_err(refused)?;
        Ok(Box::new(LiveLate {
            session,
            fault,
            lease,
        }))
    }

    async fn kill(&self, service: &ServiceName) -> Result<Box<dyn Killed>, ArmError> {
        kill::strike(self, service)
            .await
            .map(|killed| Box::new(killed) as Box<dyn Killed>)
    }
}

fn refused(error: ProtocolError, order: &Latency) -> ArmError {
    match error {
        ProtocolError::Refused { kind, detail, .. } if kind == "no_edge" => ArmError::NoEdge {
            edge: order.edge.to_string(),
            near: detail
                .get("nearest")
                .and_then(|nearest| nearest.as_array())
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
        },
        other => ArmError::Refused(other.to_string()),
    }
}

#[async_trait::async_trait]
impl Late for LiveLate {
    async fn lost(&self) -> String {
        lost(&self.session, &self.lease).await
    }

    async fn lift(self: Box<Self>) -> Result<Receipt, LiftError> {
        let before = self.lease.lost().now_or_never();
        let receipt = client::lift(&self.session, self.fault)
            .await
            .map_err(not_lifted)?;
        // What it held is lifted by now; a lease that ended before held nothing any more.
        let closed = self.lease.close().await.map_err(not_lifted);
        match (before, closed) {
            (Some(error), _) => Err(LiftError::EndedBefore(error.to_string())),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Ok(receipt),
        }
    }
}

/// Returns why the fault ended by itself, once it has.
async fn lost(session: &Session, lease: &LeaseKeeper) -> String {
    tokio::select! {
        error = lease.lost() => error.to_string(),
        error = session.ended() => error.to_string(),
    }
}

/// What an error at the undo says of the fault: with its session or its lease it has ended.
fn not_lifted(error: ProtocolError) -> LiftError {
    match &error {
        ProtocolError::Closed(_) => LiftError::EndedBefore(error.to_string()),
        ProtocolError::Refused { kind, .. } if kind == "no_lease" || kind == "no_fault" => {
            LiftError::EndedBefore(error.to_string())
        }
        ProtocolError::Refused { .. } | ProtocolError::Frame(_) | ProtocolError::Hello(_) => {
            LiftError::NotUndone(error.to_string())
        }
    }
}

/// The journeys of a system, each play of them a run of its own.
pub struct LiveJourneys<'a> {
    /// Those that there are.
    pub journeys: &'a [Journey],
    /// How to call the system; `run` in it is made unlike any other by a number behind it.
    pub entry: Entry,
    /// The line that plays one again, for its name.
    pub again: &'a (dyn Fn(&str) -> String + Sync),
    /// Plays so far.
    pub plays: AtomicU64,
}

#[async_trait::async_trait]
impl Journeys for LiveJourneys<'_> {
    async fn play(&self, journey: &str, sink: Sink<'_>, shutdown: &Shutdown) -> Played {
        let Some(found) = self.journeys.iter().find(|j| j.name() == journey) else {
            return Played::CouldNot(format!("there is no journey `{journey}`"));
        };
        let number = self.plays.fetch_add(1, Ordering::Relaxed) + 1;
        let mut entry = self.entry.clone();
        entry.run = format!("{}x{number}", entry.run);
        let outcome = msvc_journey::play(found, &entry, sink, shutdown).await;
        let case = outcome.case(Some((self.again)(journey)));
        match case.exit {
            Exit::Interrupted => Played::Interrupted,
            Exit::CouldNot => Played::CouldNot(crate::probe::first_words(&case)),
            _ => Played::Ended(case),
        }
    }
}
