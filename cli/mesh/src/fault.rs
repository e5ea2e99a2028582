//! A fault: which traffic, what to do to it, how often, and the seed of its draws. An L4 fault is
//! one whose selector has no request fields.

use msvc_system::id::{EdgeSelector, LaneName};
use serde::{Deserialize, Serialize};

use crate::lease::LeaseId;

/// The number of a fault at one mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

/// A fault to arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Its name, unique per edge; part of every draw.
    pub name: String,
    /// Which traffic.
    pub selector: Selector,
    /// What happens to it.
    pub action: Action,
    /// How often.
    pub budget: Budget,
    /// Seed of its draws.
    pub seed: u64,
}

/// Which traffic a fault touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// In which copy of the system.
    pub lane: LaneName,
    /// On which edge or edges.
    pub edge: EdgeSelector,
    /// Which way.
    pub stream: Stream,
    /// Which requests; `None` touches the connection as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestSelector>,
}

/// Request fields of a selector. Reserved: a mesh that does not know a field refuses the fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSelector {}

/// Which way traffic flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// From callee to caller: the answers. Toxiproxy's `downstream`.
    Downstream,
    /// From caller to callee: the requests. Toxiproxy's `upstream`.
    Upstream,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
#[non_exhaustive]
pub enum Action {
    /// Holds each chunk back for `latency_ms`, give or take `jitter_ms`, counted from the moment
    /// it arrived.
    Latency {
        /// Milliseconds.
        latency_ms: u64,
        /// Milliseconds either way.
        jitter_ms: u64,
    },
}

/// How often a fault bites.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Share of connections it touches, 0 to 1.
    pub probability: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { probability: 1.0 }
    }
}

/// Arms a fault: the parameters of `fault.arm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Under which lease it lives.
    pub lease: LeaseId,
    /// The fault.
    pub fault: Fault,
}
