//! Who calls whom, and why that is known.

use serde::{Deserialize, Serialize};

use crate::id::{Party, ServiceName};
use crate::problem::Place;

/// An edge with why it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Who calls.
    pub caller: Party,
    /// Who is called.
    pub callee: ServiceName,
    /// Which port of the callee.
    pub port: u16,
    /// Why it exists, at least one reason.
    pub reasons: Vec<EdgeReason>,
}

/// Why an edge exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum EdgeReason {
    /// `x-msvc.calls` names it.
    Calls {
        /// Where.
        place: Place,
    },
    /// An environment value names the callee.
    Environment {
        /// The variable.
        key: String,
        /// Where.
        place: Place,
    },
    /// The command or entrypoint names the callee.
    Command {
        /// Where.
        place: Place,
    },
    /// `depends_on` or `links`, and the callee has exactly the ports it has.
    DependsOn {
        /// Where.
        place: Place,
    },
    /// A published port: the host's own calls.
    Published {
        /// Where.
        place: Place,
    },
}

impl EdgeReason {
    /// Where the user wrote what made the edge.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Calls { place }
            | Self::Environment { place, .. }
            | Self::Command { place }
            | Self::DependsOn { place }
            | Self::Published { place } => place,
        }
    }
}

impl std::fmt::Display for EdgeReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Calls { .. } => f.write_str("x-msvc.calls"),
            Self::Environment { key, .. } => f.write_str(key),
            Self::Command { .. } => f.write_str("command"),
            Self::DependsOn { .. } => f.write_str("depends_on"),
            Self::Published { .. } => f.write_str("ports"),
        }
    }
}
