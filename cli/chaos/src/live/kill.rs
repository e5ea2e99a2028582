//! A kill on a system that runs: every replica of the service, under one lease, watched on its
//! edges from before the deed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use futures_util::{FutureExt, StreamExt};
use msvc_machine::clock::Clock;
use msvc_mesh::client::{self, LeaseKeeper};
use msvc_mesh::exchange::Incident;
use msvc_mesh::protocol::{ProtocolError, Session};
use msvc_mesh::record::{From, Numbered};
use msvc_runtime::contract::{Runtime, RuntimeError};
use msvc_runtime::observed::Phase;
use msvc_runtime::service_fault::{KillReport, ServiceKill, StayDown};
use msvc_system::id::ServiceName;
use msvc_system::problem::nearest;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::{LEASE, LiveFaults, lost};
use crate::faults::{ArmError, Killed, LiftError};
use crate::recovery::{Recovery, StayedDown, first_sign, in_hand, shows};

/// Signs that are kept; the first of them is what counts.
const MAX_SIGNS: usize = 1000;

/// A service that is kept down.
pub(super) struct LiveKilled {
    service: ServiceName,
    runtime: Arc<dyn Runtime>,
    clock: Arc<dyn Clock>,
    session: Session,
    lease: LeaseKeeper,
    kills: Vec<ServiceKill>,
    signs: Signs,
    since: Instant,
    released: tokio::sync::Mutex<Option<Released>>,
}

/// When it was let go, and whether its restart policy brings it back.
#[derive(Debug, Clone, Copy)]
struct Released {
    at: Instant,
    comes_back: bool,
}

/// What the edges of the service show, gathered from before the kill on.
struct Signs {
    seen: Arc<Mutex<Vec<Incident>>>,
    gathering: AbortHandle,
}

impl Drop for Signs {
    fn drop(&mut self) {
        self.gathering.abort();
    }
}

/// Kills every running replica of `service`.
pub(super) async fn strike(
    faults: &LiveFaults,
    service: &ServiceName,
) -> Result<LiveKilled, ArmError> {
    let refused = |error: ProtocolError| ArmError::Refused(error.to_string());
    let observed = faults
        .runtime
        .observe()
        .await
        .map_err(|error| ArmError::Refused(error.to_string()))?;
    let here = observed.instances.iter();
    let here = here.filter(|seen| seen.id.lane == faults.lane);
    let (mine, others): (Vec<_>, Vec<_>) = here.partition(|seen| seen.id.service == *service);
    if let Some(held) = mine.iter().find(|seen| seen.phase == Phase::HeldDown) {
        return Err(ArmError::HeldDown {
            service: service.clone(),
            by: held.held_by.clone(),
        });
    }
    let running = mine.iter().filter(|seen| seen.phase.runs());
    let running: Vec<_> = running.map(|seen| &seen.id).collect();
    if running.is_empty()
        && let Some(seen) = mine.first()
    {
        if seen.is_done() {
            let service = service.clone();
            return Err(ArmError::Done { service });
        }
        return Err(ArmError::NotRunning {
            service: service.clone(),
            phase: seen.phase.word().to_owned(),
        });
    }
    if running.is_empty() {
        let others = others.iter().map(|seen| &seen.id);
        let names = others.map(|id| id.service.as_str());
        let near = nearest(service.as_str(), names).map(str::to_owned);
        return Err(ArmError::NoService {
            service: service.clone(),
            near: near.into_iter().collect(),
        });
    }
    let refused_by = |error: RuntimeError| ArmError::Refused(error.to_string());
    let mesh = faults.runtime.mesh().map_err(refused_by)?.clone();
    let session = faults.runtime.keeper().await.map_err(refused_by)?;
    let incidents = client::incidents(&mesh, From::default())
        .await
        .map_err(refused)?;
    let signs = Signs::gather(service.clone(), incidents);
    let lease = LeaseKeeper::open(&session, Arc::clone(&faults.clock), LEASE)
        .await
        .map_err(refused)?;
    // All at once: none is to be down for longer than was asked. Should one not be killed, dropping
    // the lease lets the others go.
    let (keeper, id) = (&session, lease.id());
    let strikes = running.into_iter().map(|instance| async move {
        let (stay, by) = (StayDown::Held, Some(faults.by.as_str()));
        let kill = ServiceKill::strike_by(keeper, id, instance, stay, by).await?;
        let now = faults.clock.now();
        Ok((now.checked_sub(kill.gone_for()).unwrap_or(now), kill))
    });
    let struck = try_join_all(strikes).await.map_err(refused_by)?;
    let since = struck.iter().map(|(gone, _)| *gone).max();
    let kills = struck.into_iter().map(|(_, kill)| kill).collect();
    Ok(LiveKilled {
        service: service.clone(),
        runtime: Arc::clone(&faults.runtime),
        clock: Arc::clone(&faults.clock),
        session,
        lease,
        kills,
        signs,
        since: since.unwrap_or_else(|| faults.clock.now()),
        released: tokio::sync::Mutex::new(None),
    })
}

impl Signs {
    fn gather(
        service: ServiceName,
        mut incidents: futures_util::stream::BoxStream<'static, Numbered<Incident>>,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Some(Numbered { item, .. }) = incidents.next().await {
                if shows(&service, &item) {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    if kept.len() < MAX_SIGNS {
                        kept.push(item);
                    }
                }
            }
        });
        Self {
            seen,
            gathering: task.abort_handle(),
        }
    }
}

#[async_trait::async_trait]
impl Killed for LiveKilled {
    async fn lost(&self) -> String {
        let why = lost(&self.session, &self.lease).await;
        // Who held it may still be there, and know more than that the lease is over.
        if self.session.ended().now_or_never().is_none()
            && let Err(LiftError::EndedBefore(known)) = self.release().await
        {
            return known;
        }
        why
    }

    fn since(&self) -> Instant {
        self.since
    }

    async fn release(&self) -> Result<(), LiftError> {
        let mut released = self.released.lock().await;
        if released.is_some() {
            return Ok(());
        }
        // From here on it is the engine's time, and no longer what was asked for.
        let at = self.clock.now();
        let back = join_all(self.kills.iter().map(ServiceKill::release)).await;
        let back: Result<Vec<bool>, RuntimeError> = back.into_iter().collect();
        let comes_back = back.map_err(not_released)?.into_iter().all(|it| it);
        *released = Some(Released { at, comes_back });
        Ok(())
    }

    async fn recovered(self: Box<Self>, limit: Duration) -> Result<Recovery, LiftError> {
        let released = *self.released.lock().await;
        let deadline = self.clock.now() + limit;
        let mut reports = Vec::new();
        for kill in &self.kills {
            let patience = deadline.saturating_duration_since(self.clock.now());
            let report = kill
                .report(&*self.runtime, &*self.clock, patience)
                .await
                .map_err(not_released)?;
            reports.push(report);
        }
        let killed_at_ns = self.kills.iter().map(ServiceKill::killed_at_ns).min();
        let killed_at_ns = killed_at_ns.unwrap_or_default();
        let gone_at_ns = self.kills.iter().map(ServiceKill::gone_at_ns).max();
        let last = |at: fn(&KillReport) -> Option<u64>| {
            let all: Option<Vec<u64>> = reports.iter().map(at).collect();
            all.and_then(|all| all.into_iter().max())
        };
        let healthy_at_ns = last(|report| report.healthy_at_ns);
        let first_up = reports.iter().filter_map(|report| report.up_at_ns).min();
        let (detected, cut) = {
            let seen = &self.signs.seen;
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            (
                first_sign(&self.service, killed_at_ns, first_up, seen.iter()),
                in_hand(&self.service, killed_at_ns, first_up, seen.iter()),
            )
        };
        let stayed_down = match (healthy_at_ns, released) {
            (Some(_), _) => None,
            (None, Some(released)) if !released.comes_back => Some(StayedDown::Policy),
            (None, _) => Some(StayedDown::NotInTime),
        };
        let recovery = Recovery {
            service: self.service.clone(),
            killed_at_ns,
            detected,
            cut,
            // Our clock's distance from when it was down; both clocks are this machine's.
            released_at_ns: released.zip(gone_at_ns).map(|(released, gone_at_ns)| {
                let down = released.at.duration_since(self.since).as_nanos();
                gone_at_ns.saturating_add(u64::try_from(down).unwrap_or(u64::MAX))
            }),
            up_at_ns: last(|report| report.up_at_ns),
            healthy_at_ns,
            stayed_down,
        };
        // Nothing is held under it any more; one that ended by itself needs no closing.
        let _ = self.lease.close().await;
        Ok(recovery)
    }
}

/// With its session the supervisor lets the service go by itself; so it did where it refuses.
fn not_released(error: RuntimeError) -> LiftError {
    match &error {
        RuntimeError::Gone { .. }
        | RuntimeError::BroughtDown { .. }
        | RuntimeError::Refused(_)
        | RuntimeError::NoInstance(_) => LiftError::EndedBefore(error.to_string()),
        RuntimeError::PortTaken { .. }
        | RuntimeError::Absent(_)
        | RuntimeError::Start { .. }
        | RuntimeError::NotTaken { .. }
        | RuntimeError::Network { .. }
        | RuntimeError::PostStart { .. }
        | RuntimeError::NeverReady { .. }
        | RuntimeError::Records { .. }
        | RuntimeError::Engine(_)
        | RuntimeError::Interrupted => LiftError::NotUndone(error.to_string()),
    }
}
