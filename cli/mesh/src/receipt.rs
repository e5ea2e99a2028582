//! Proof of what a fault touched, counted where it bites, while it bites.

use serde::{Deserialize, Serialize};

use crate::exchange::ConnectionId;
use crate::fault::FaultId;

/// Touches kept per fault; what comes after is only counted.
pub const MAX_TOUCHES: usize = 1000;

/// One effect of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// On which connection.
    pub connection: ConnectionId,
    /// Bytes it held, changed or dropped.
    pub bytes: u64,
    /// When it began, on the mesh's monotonic clock, in nanoseconds.
    pub at_ns: u64,
    /// How long it held them back, in nanoseconds.
    pub held_ns: u64,
}

/// What a fault touched so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `msvc.receipt/1`.
    pub schema: String,
    /// Which fault.
    pub fault: FaultId,
    /// Its name.
    pub name: String,
    /// The mesh that kept it; another id after a restart makes a run inconclusive.
    pub mesh: String,
    /// The first [`MAX_TOUCHES`] touches.
    pub touches: Vec<Touch>,
    /// All touches, exactly.
    pub total: u64,
    /// Connections touched, exactly.
    pub connections: u64,
    /// Bytes touched, exactly.
    pub bytes: u64,
    /// Edges touched, in their `caller->callee:port` form.
    pub edges: Vec<String>,
}

/// The schema name of a receipt.
pub const SCHEMA: &str = "msvc.receipt/1";
