//! What a runtime says is there: the snapshot that planning starts from and `ps` shows.

use msvc_mesh::spec::EdgeStatus;
use msvc_system::id::InstanceId;
use serde::{Deserialize, Serialize};

use crate::instance::Listen;

/// Everything a runtime knows of one project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Which runtime, `process` or `docker`; recorded per instance as well.
    pub runtime: String,
    /// Its instances, those that ended included until they are removed.
    pub instances: Vec<ObservedInstance>,
    /// Its edges.
    pub edges: Vec<EdgeStatus>,
}

impl Observed {
    /// The latest incarnation of a replica.
    #[must_use]
    pub fn latest(&self, id: &InstanceId) -> Option<&ObservedInstance> {
        self.instances
            .iter()
            .filter(|there| there.id.same_replica(id))
            .max_by_key(|there| there.id.incarnation)
    }
}

/// One instance as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedInstance {
    /// Its key.
    pub id: InstanceId,
    /// Which runtime runs it.
    pub runtime: String,
    /// The hash of the spec it was started with.
    pub hash: String,
    /// What it does.
    pub phase: Phase,
    /// Its process id.
    pub pid: Option<u32>,
    /// Milliseconds since its start (since its end when it ended).
    pub since_ms: u64,
    /// Starts after the first one.
    pub restarts: u32,
    /// The last probe's words, when unhealthy or ended.
    pub detail: Option<String>,
    /// Its ports.
    pub listens: Vec<Listen>,
}

/// What an instance does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Phase {
    /// It runs and has not been ready yet.
    Starting,
    /// It runs, is healthy, and every edge into it accepts.
    Ready,
    /// It runs and its healthcheck failed as often as it may.
    Unhealthy,
    /// It ended and will be started again.
    Restarting,
    /// It ended and stays so.
    Exited {
        /// Its status, unless a signal ended it.
        status: Option<i32>,
        /// The name of the signal that ended it, for example `SIGKILL`.
        signal: Option<String>,
    },
    /// A fault keeps it down.
    HeldDown,
}

impl Phase {
    /// The word that `ps` shows.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::Restarting => "restarting",
            Self::Exited { .. } => "exited",
            Self::HeldDown => "held down",
        }
    }

    /// Whether a process is there.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self, Self::Starting | Self::Ready | Self::Unhealthy)
    }
}
