//! Faults on services: a kill, under a lease, held for as long as wanted; and what became of it,
//! told by the supervisor's own events and clock, which is the mesh's.

use std::time::Duration;

use futures_util::StreamExt;
use msvc_machine::clock::Clock;
use msvc_mesh::lease::LeaseId;
use msvc_mesh::protocol::Session;
use msvc_report::event::{Event, Stamped};
use msvc_system::id::InstanceId;
use serde::{Deserialize, Serialize};

use crate::contract::{Runtime, RuntimeError};
use crate::observed::Phase;
use crate::process::messages::{Kill, Killed, Release, Released, error_of, method};

/// How long a killed service stays down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StayDown {
    /// Until [`ServiceKill::release`], or the end of the lease.
    Held,
    /// For this long, or until the end of the lease.
    For(Duration),
}

/// What became of a kill. Times are nanoseconds on the supervisor's monotonic clock, so that they
/// compare with the mesh's incidents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillReport {
    /// Whom it killed.
    pub instance: InstanceId,
    /// When.
    pub killed_at_ns: u64,
    /// When its next incarnation was started.
    pub up_at_ns: Option<u64>,
    /// When that was healthy, and every edge into it accepted.
    pub healthy_at_ns: Option<u64>,
    /// Whether its restart policy brought it back.
    pub came_back: bool,
}

/// A kill that was done.
#[derive(Debug, Clone)]
pub struct ServiceKill {
    session: Session,
    instance: InstanceId,
    killed: Killed,
}

/// How often an instance that may never come back is looked at.
const LOOK: Duration = Duration::from_millis(50);

impl ServiceKill {
    /// Kills an instance: its own process and its group. The edges into it refuse from then on.
    /// The lease is one of this very session; how to undo the fault is on disk before it is done.
    ///
    /// # Errors
    /// When the instance is not there or does not run, or the lease is not open.
    pub async fn strike(
        session: &Session,
        lease: LeaseId,
        instance: &InstanceId,
        stay_down: StayDown,
    ) -> Result<Self, RuntimeError> {
        Self::strike_by(session, lease, instance, stay_down, None).await
    }

    /// The same for a command that others are to be told of while it holds the instance down.
    ///
    /// # Errors
    /// As [`ServiceKill::strike`].
    pub async fn strike_by(
        session: &Session,
        lease: LeaseId,
        instance: &InstanceId,
        stay_down: StayDown,
        by: Option<&str>,
    ) -> Result<Self, RuntimeError> {
        let down = match stay_down {
            StayDown::Held => Duration::ZERO,
            StayDown::For(down) => down,
        };
        let kill = Kill {
            lease,
            instance: instance.clone(),
            hold: stay_down == StayDown::Held,
            down_ms: u64::try_from(down.as_millis()).unwrap_or(u64::MAX),
            by: by.map(str::to_owned),
        };
        let killed = session.request(method::KILL, kill).await;
        Ok(Self {
            session: session.clone(),
            instance: instance.clone(),
            killed: killed.map_err(|error| error_of(error, instance.project.as_str()))?,
        })
    }

    /// When it was killed, on the supervisor's clock.
    #[must_use]
    pub const fn killed_at_ns(&self) -> u64 {
        self.killed.at_ns
    }

    /// When it was gone, on the supervisor's clock: an engine takes its time over a kill.
    #[must_use]
    pub fn gone_at_ns(&self) -> u64 {
        self.killed.gone_at_ns.max(self.killed.at_ns)
    }

    /// For how long it had been gone when the kill was answered.
    #[must_use]
    pub const fn gone_for(&self) -> Duration {
        Duration::from_nanos(self.killed.gone_for_ns)
    }

    /// Lets the restart policy decide; whether it brings the service back.
    ///
    /// # Errors
    /// When nothing holds it down any more.
    pub async fn release(&self) -> Result<bool, RuntimeError> {
        let instance = self.instance.clone();
        let released = self
            .session
            .request(method::RELEASE, Release { instance })
            .await;
        let Released { comes_back } =
            released.map_err(|error| error_of(error, self.instance.project.as_str()))?;
        Ok(comes_back)
    }

    /// Follows the service until it is healthy again, stays down for good, or `patience` is over,
    /// and tells what became of it.
    ///
    /// # Errors
    /// When the runtime is gone.
    pub async fn report(
        &self,
        runtime: &dyn Runtime,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Result<KillReport, RuntimeError> {
        let mut events = runtime.watch(self.killed.event + 1).await?;
        let deadline = clock.now() + patience;
        let mut report = KillReport {
            instance: self.instance.clone(),
            killed_at_ns: self.killed.at_ns,
            up_at_ns: None,
            healthy_at_ns: None,
            came_back: false,
        };
        while report.healthy_at_ns.is_none() && clock.now() < deadline {
            let look_at = (clock.now() + LOOK).min(deadline);
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => report.take(&event),
                    None => break,
                },
                () = clock.sleep_until(look_at) => {
                    if self.stays_down(runtime).await? {
                        break;
                    }
                }
            }
        }
        report.came_back = report.up_at_ns.is_some();
        Ok(report)
    }

    async fn stays_down(&self, runtime: &dyn Runtime) -> Result<bool, RuntimeError> {
        let observed = runtime.observe().await?;
        let found = observed
            .instances
            .iter()
            .find(|seen| seen.id.same_replica(&self.instance));
        Ok(found.is_none_or(|seen| matches!(seen.phase, Phase::Exited { .. })))
    }
}

impl KillReport {
    /// Takes note of what concerns a later incarnation.
    fn take(&mut self, stamped: &Stamped) {
        let killed = &self.instance;
        // A container that is started again is the same incarnation.
        let is_later = stamped.monotonic_ns > self.killed_at_ns;
        let later = |id: &InstanceId| {
            id.same_replica(killed) && (id.incarnation > killed.incarnation || is_later)
        };
        match &stamped.event {
            Event::InstanceStarted { instance, .. } if later(instance) => {
                self.up_at_ns.get_or_insert(stamped.monotonic_ns);
            }
            Event::InstanceReady { instance, .. } if later(instance) => {
                self.healthy_at_ns.get_or_insert(stamped.monotonic_ns);
            }
            _ => {}
        }
    }
}
