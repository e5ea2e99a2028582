//! Who calls whom, and why that is known.

use serde::{Deserialize, Serialize};

use crate::id::{EdgeSelector, Party, ServiceName};
use crate::problem::Place;

/// An edge with why it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Who calls.
    pub caller: Party,
    /// Who is called.
    pub callee: ServiceName,
    /// Which port of the callee; none where nothing in the files tells of any that it listens on.
    pub port: Option<u16>,
    /// Why it exists, at least one reason.
    pub reasons: Vec<EdgeReason>,
}

impl std::fmt::Display for Edge {
    /// As a person names it: `orders->payments:8080`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let selector = EdgeSelector {
            caller: self.caller.clone(),
            callee: self.callee.clone(),
            port: self.port,
        };
        selector.fmt(f)
    }
}

/// Why an edge exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The healthcheck asks the callee.
    Healthcheck {
        /// Where.
        place: Place,
    },
    /// A config whose text stands in the Compose file names the callee.
    Config {
        /// The config.
        name: String,
        /// Where its text stands.
        place: Place,
    },
    /// `depends_on`, but not on what has ended by then; on every port that the callee has.
    DependsOn {
        /// Where.
        place: Place,
    },
    /// `links`, on every port that the callee has.
    Links {
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
            | Self::Healthcheck { place }
            | Self::Config { place, .. }
            | Self::DependsOn { place }
            | Self::Links { place }
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
            Self::Healthcheck { .. } => f.write_str("healthcheck"),
            Self::Config { name, .. } => write!(f, "config {name}"),
            Self::DependsOn { .. } => f.write_str("depends_on"),
            Self::Links { .. } => f.write_str("links"),
            Self::Published { .. } => f.write_str("ports"),
        }
    }
}
