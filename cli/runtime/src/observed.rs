//! What a runtime says is there: the snapshot that planning starts from and `ps` shows.

use msvc_mesh::spec::EdgeStatus;
use msvc_report::event::Entry;
use msvc_system::id::{InstanceId, LaneName, Party, ServiceName};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

use crate::instance::Listen;
use crate::provision::ObservedProvision;

/// Everything a runtime knows of one project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Which runtime, `process` or `docker`; recorded per instance as well.
    pub runtime: String,
    /// Its instances, those that ended included until they are removed.
    pub instances: Vec<ObservedInstance>,
    /// Its edges.
    pub edges: Vec<EdgeStatus>,
    /// Networks and volumes.
    #[serde(default)]
    pub provisions: Vec<ObservedProvision>,
    /// Whether all of it is being ended: what runs still is not to be counted on.
    #[serde(default)]
    pub ending: bool,
    /// Why a mesh does not stand where its edges are, in an engine that others use too.
    #[serde(default)]
    pub mesh_displaced: Vec<String>,
    /// Ports that the host reaches with no edge between: nothing there is counted or broken.
    #[serde(default)]
    pub published: Vec<Published>,
}

/// A port of a service that the host reaches with no edge between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// In which copy.
    pub lane: LaneName,
    /// For whom it was opened.
    pub caller: Party,
    /// Whose port.
    pub service: ServiceName,
    /// Which.
    pub port: u16,
    /// Where the host reaches it.
    pub address: SocketAddr,
}

impl Observed {
    /// Where `caller`, who is no service, reaches the services of a lane: over edges, or directly
    /// where there is none.
    #[must_use]
    pub fn ways_in(&self, lane: &LaneName, caller: &Party) -> Vec<WayIn> {
        let edges = self.edges.iter().map(|edge| {
            (
                &edge.id.lane,
                &edge.id.caller,
                &edge.id.callee,
                edge.id.port,
                edge.listen,
            )
        });
        let published = self
            .published
            .iter()
            .map(|p| (&p.lane, &p.caller, &p.service, p.port, p.address));
        edges
            .chain(published)
            // An edge that listens everywhere does so inside a container: the host has its own way.
            .filter(|(_, _, _, _, address)| !address.ip().is_unspecified())
            .filter(|(of, by, ..)| *of == lane && *by == caller)
            .map(|(_, _, service, port, address)| WayIn {
                service: service.clone(),
                port,
                address,
            })
            .collect()
    }
}

/// Where the host reaches a port of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayIn {
    /// Whose port.
    pub service: ServiceName,
    /// Which.
    pub port: u16,
    /// Where.
    pub address: SocketAddr,
}

impl WayIn {
    /// As people and journeys take it.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            service: self.service.clone(),
            port: self.port,
            url: crate::lane::url_of(self.port, self.address),
        }
    }
}

impl Observed {
    /// Its edges, each once: what came in by several ports of the host is counted together. Those of
    /// a caller's replicas stay apart.
    #[must_use]
    pub fn edges_as_one(&self) -> Vec<EdgeStatus> {
        let mut edges: Vec<EdgeStatus> = Vec::new();
        for edge in &self.edges {
            let comes_in = edge.listen.ip().is_unspecified();
            let mut before = edges.iter_mut();
            match before.find(|it| comes_in && it.id == edge.id && it.listen.ip().is_unspecified())
            {
                Some(there) => {
                    there.counts += edge.counts;
                    there.accepting &= edge.accepting;
                }
                None => edges.push(edge.clone()),
            }
        }
        edges
    }

    /// The latest incarnation of a replica.
    #[must_use]
    pub fn latest(&self, id: &InstanceId) -> Option<&ObservedInstance> {
        self.instances
            .iter()
            .filter(|there| there.id.same_replica(id))
            .max_by_key(|there| there.id.incarnation)
    }

    /// How many instances somebody else made under the project's name, as `docker compose` does.
    #[must_use]
    pub fn made_elsewhere(&self) -> usize {
        let instances = self.instances.iter();
        instances.filter(|there| there.is_made_elsewhere()).count()
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
    /// Which command holds it down, as far as it said so.
    #[serde(default)]
    pub held_by: Option<String>,
    /// Whether it ended with 0 because somebody stopped it, as far as anybody can tell: what was
    /// stopped is to run, what ended by itself is done. Among host processes nobody can, so what
    /// had been ready counts as stopped.
    #[serde(default)]
    pub was_stopped: bool,
    /// Why it does not stand where it was put, in an engine that others use too.
    #[serde(default)]
    pub displaced: Option<String>,
    /// Its ports.
    pub listens: Vec<Listen>,
}

impl ObservedInstance {
    /// Whether it ended by itself and well, as a job does.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase == Phase::ended_well() && !self.was_stopped
    }

    /// Whether it was not msvc that made it: what it was made with is not known, and no edge of a
    /// mesh leads to it.
    #[must_use]
    pub const fn is_made_elsewhere(&self) -> bool {
        self.id.incarnation == MADE_ELSEWHERE
    }
}

/// The incarnation of what msvc did not make; its own begin at 1.
pub(crate) const MADE_ELSEWHERE: u32 = 0;

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
    /// It ended with status 0.
    #[must_use]
    pub const fn ended_well() -> Self {
        Self::Exited {
            status: Some(0),
            signal: None,
        }
    }

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
