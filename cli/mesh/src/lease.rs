//! How long a fault may live without its owner. A lease belongs to a session; it ends when it is
//! closed, when a heartbeat is missed, or when the session's stream ends, whichever is first.

use serde::{Deserialize, Serialize};

/// The number of a lease at one mesh or supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub u64);

/// Parameters of `lease.open`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLease {
    /// It ends this many milliseconds after the last `lease.renew`.
    pub ttl_ms: u64,
}
