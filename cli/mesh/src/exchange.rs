//! What passed an edge, and what went wrong on it. Exchanges are not events: they come as a
//! bounded stream with a count of lost ones.

use msvc_system::id::EdgeId;
use serde::{Deserialize, Serialize};

/// A connection on an edge of one mesh.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConnectionId {
    /// The mesh.
    pub mesh: String,
    /// The edge.
    pub edge: EdgeId,
    /// Its number on that edge, from 1; 0 for one that the kernel refused, which never was one.
    pub connection: u64,
}

/// An exchange on a connection: a request with its answer where the protocol is understood, else
/// the whole connection (number 0).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExchangeId {
    /// The connection.
    #[serde(flatten)]
    pub connection: ConnectionId,
    /// Its number on the connection.
    pub exchange: u64,
}

impl std::fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ConnectionId {
            mesh,
            edge,
            connection,
        } = &self.connection;
        write!(
            f,
            "{mesh}/{}/{connection}/{}",
            edge.url_form(),
            self.exchange
        )
    }
}

/// How an exchange's parent is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParentKnownBy {
    /// `baggage: msvc=…` carried it.
    Baggage,
    /// The trace id matched.
    Trace,
    /// It was the only one in flight.
    Alone,
    /// It lies within the other's time.
    Nested,
    /// Nobody knows.
    #[default]
    None,
}

/// A finished exchange. Where the mesh does not look into the bytes, one per connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// `msvc.exchange/1`.
    pub schema: String,
    /// Which.
    pub id: ExchangeId,
    /// What caused it.
    pub parent: Option<ExchangeId>,
    /// How that is known.
    pub parent_known_by: ParentKnownBy,
    /// When it began, on the mesh's monotonic clock, in nanoseconds.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// Bytes to the callee.
    pub bytes_to_callee: u64,
    /// Bytes from the callee.
    pub bytes_from_callee: u64,
}

/// The schema name of an exchange.
pub const SCHEMA: &str = "msvc.exchange/1";

/// What went wrong on an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentKind {
    /// The kernel refused a caller, or a dial to the backend failed and the caller saw a reset.
    Refused,
    /// A connection was reset.
    Reset,
    /// A connection was ended by the backend's side.
    Ended,
    /// A connection was ended by the caller's side.
    CallerEnded,
}

/// Something that went wrong on an edge (item of the subscription `mesh.incidents`). `Ended` and
/// `CallerEnded` are told for every connection; whoever listens knows whether it was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// On which connection.
    pub connection: ConnectionId,
    /// What.
    pub kind: IncidentKind,
    /// Whether the caller had said something that the callee had answered nothing to yet: a request
    /// in hand was cut.
    #[serde(default)]
    pub unanswered: bool,
    /// When, on the mesh's monotonic clock, in nanoseconds.
    pub at_ns: u64,
}
