//! What the mesh refuses, and the stable word for each over the protocol.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::fault::FaultId;
use crate::lease::LeaseId;
use crate::protocol::ProtocolError;

/// What went wrong at the mesh.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// Somebody else has the address.
    #[error("edge {edge}: {listen} is taken; free it, or give the edge another address")]
    Taken {
        /// The edge, in its form for people.
        edge: String,
        /// Where it was to listen.
        listen: SocketAddr,
    },
    /// The address cannot be bound.
    #[error("edge {edge}: cannot listen on {listen}: {source}")]
    Bind {
        /// The edge, in its form for people.
        edge: String,
        /// Where it was to listen.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No edge is meant by what was given.
    #[error("no edge {wanted}{}", hint(nearest))]
    NoEdge {
        /// What was given, in its form for people.
        wanted: String,
        /// Edges that there are, the likeliest first.
        nearest: Vec<String>,
    },
    /// An edge that is meant carries a fault of that name already.
    #[error("edge {edge} has a fault `{name}` already; lift it, or name this one otherwise")]
    FaultExists {
        /// The edge, in its form for people.
        edge: String,
        /// The name.
        name: String,
    },
    /// No fault has this number.
    #[error("no fault has number {}", .0.0)]
    NoFault(FaultId),
    /// The session has no lease of this number; it may have run out.
    #[error("this session has no lease {}; it may have run out", .0.0)]
    NoLease(LeaseId),
    /// A part of the fault that this mesh does not know.
    #[error("the fault `{fault}` uses {what}, which this mesh does not know")]
    Unsupported {
        /// The fault's name.
        fault: String,
        /// The part.
        what: &'static str,
    },
    /// The edge carries datagrams only.
    #[error(
        "edge {edge} carries UDP datagrams, which are relayed and counted; no fault reaches them"
    )]
    Datagrams {
        /// The edge, in its form for people.
        edge: String,
    },
    /// A value outside its range.
    #[error("{what} is {given}; it must be {must}")]
    OutOfRange {
        /// Which value.
        what: &'static str,
        /// What was given.
        given: String,
        /// What it must be.
        must: &'static str,
    },
    /// The mesh is ending.
    #[error("the mesh is ending")]
    Ending,
}

fn hint(nearest: &[String]) -> String {
    match nearest.first() {
        Some(name) => format!("; did you mean {name}?"),
        None => String::new(),
    }
}

impl From<MeshError> for ProtocolError {
    fn from(error: MeshError) -> Self {
        let (kind, detail) = match &error {
            MeshError::Taken { listen, .. } => ("port_taken", json!({ "listen": listen })),
            MeshError::Bind { listen, .. } => ("bind", json!({ "listen": listen })),
            MeshError::NoEdge { nearest, .. } => ("no_edge", json!({ "nearest": nearest })),
            MeshError::FaultExists { edge, name } => {
                ("fault_exists", json!({ "edge": edge, "name": name }))
            }
            MeshError::NoFault(id) => ("no_fault", json!({ "fault": id })),
            MeshError::NoLease(id) => ("no_lease", json!({ "lease": id })),
            MeshError::Unsupported { what, .. } => ("unsupported", json!({ "what": what })),
            MeshError::OutOfRange { what, .. } => ("out_of_range", json!({ "what": what })),
            MeshError::Datagrams { edge } => ("datagrams", json!({ "edge": edge })),
            MeshError::Ending => ("ending", Value::Null),
        };
        Self::refused_with(kind, error.to_string(), detail)
    }
}
