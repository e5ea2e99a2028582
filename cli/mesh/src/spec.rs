//! What an edge is, as handed in.

use std::net::SocketAddr;
use std::path::PathBuf;

use msvc_system::id::EdgeId;
use serde::{Deserialize, Serialize};

/// An edge to carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeSpec {
    /// Its key.
    pub id: EdgeId,
    /// The caller's replica this listener serves, where callers have listeners of their own.
    pub caller_replica: Option<u32>,
    /// Where it listens; port 0 lets the system choose, and the answer tells.
    pub listen: SocketAddr,
    /// Where the callee's replicas accept.
    pub backends: Vec<Backend>,
    /// What callers meet.
    pub admission: Admission,
    /// Other addresses under which the callee may name itself in what it answers (Kafka).
    pub also_known_as: Vec<HostPort>,
    /// Why it exists, for people, in the order found.
    pub reasons: Vec<String>,
    /// What it carries.
    #[serde(default)]
    pub transport: Transport,
}

/// What an edge carries. Datagrams are relayed and counted; no fault reaches them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP connections.
    #[default]
    Tcp,
    /// UDP datagrams.
    Udp,
    /// Both, on one port.
    TcpAndUdp,
}

impl Transport {
    /// Whether TCP connections pass.
    #[must_use]
    pub fn has_tcp(self) -> bool {
        self != Self::Udp
    }

    /// Whether UDP datagrams pass.
    #[must_use]
    pub fn has_udp(self) -> bool {
        self != Self::Tcp
    }
}

/// A host (name or address) with a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostPort {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Where a callee's replica is dialled. The mesh watches each: while none accepts, the edge
/// refuses as the callee would.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Backend {
    /// By TCP.
    Tcp(SocketAddr),
    /// By Unix socket.
    Unix(PathBuf),
    /// By TCP, as long as a resolver knows it by this name: whoever asks the resolver tells the
    /// mesh when the name is gone ([`Mesh::lost`](crate::Mesh::lost)).
    Named {
        /// Its name.
        name: String,
        /// Where it accepts.
        address: SocketAddr,
    },
}

impl Backend {
    /// Its internet address, if it has one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::Named { address, .. } => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

/// What callers of an edge meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// They are connected to a backend while one accepts, else refused.
    Accept,
    /// They are refused whatever the backends do.
    Refuse,
    /// They wait until the policy changes.
    Hold,
}

/// An edge as it stands: the answer to `mesh.edges`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeStatus {
    /// Its key.
    pub id: EdgeId,
    /// The caller's replica it serves, if it serves one only.
    pub caller_replica: Option<u32>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Why it exists.
    pub reasons: Vec<String>,
    /// What callers meet by policy.
    pub admission: Admission,
    /// Whether it accepts right now: policy says accept and a backend does.
    pub accepting: bool,
    /// What it speaks, once recognised: `kafka`, `kafka-unread` (some answer could not be
    /// understood, so addresses in it may lead off the mesh), `tls`, else `tcp`.
    pub speaks: String,
    /// Counts since the edge came to be.
    pub counts: EdgeCounts,
    /// Where it leads, as planned; empty where its backends come and go.
    #[serde(default)]
    pub backends: Vec<Backend>,
    /// What it carries.
    #[serde(default)]
    pub transport: Transport,
    /// Whether it came to be by what a callee says of itself.
    #[serde(default)]
    pub appeared: bool,
}

/// Counts of an edge. Bytes are counted as they are passed on, live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeCounts {
    /// Connections accepted from callers.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Accepted ones whose dial failed, passed on as a reset.
    pub failed_dials: u64,
    /// Callers that the kernel refused while the edge took no connection, as far as the system tells
    /// of them.
    #[serde(default)]
    pub refused: u64,
    /// Connections whose caller has the last word now: requests in hand, where callers ask and
    /// callees answer.
    #[serde(default)]
    pub waiting: u64,
    /// Connections that the callee ended, or that broke on its side, while the caller had the last
    /// word.
    #[serde(default)]
    pub unanswered: u64,
    /// Bytes passed to the callee.
    pub bytes_to_callee: u64,
    /// Bytes passed back to the caller.
    pub bytes_from_callee: u64,
}

impl std::ops::AddAssign for EdgeCounts {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.open += other.open;
        self.failed_dials += other.failed_dials;
        self.refused += other.refused;
        self.waiting += other.waiting;
        self.unanswered += other.unanswered;
        self.bytes_to_callee += other.bytes_to_callee;
        self.bytes_from_callee += other.bytes_from_callee;
    }
}
