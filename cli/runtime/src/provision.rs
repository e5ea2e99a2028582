//! What instances need to find before they start: networks and volumes of the engine. Processes
//! need neither.

use std::fmt;

use msvc_system::id::LaneName;
use serde::{Deserialize, Serialize};

/// A thing that must be there before the instances that use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provision {
    /// What it is.
    pub kind: Kind,
    /// Its name in the engine.
    pub name: String,
    /// Over everything that, when changed, needs it made anew.
    pub hash: String,
    /// What it is made from, in the engine's own words.
    pub create: serde_json::Value,
}

/// Kinds of provisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A network. One that changed is made anew; the instances on it start anew too.
    Network,
    /// A volume. One that is there is never made anew: it holds data.
    Volume,
    /// The container that carries the edges of a lane. One that runs is never made anew.
    Mesh,
    /// A running mesh's place on one more network.
    Place,
    /// A container that opens one more port to the host. One that nobody wants goes.
    Door,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Mesh => "mesh",
            Self::Place => "place of",
            Self::Door => "door",
        })
    }
}

/// A provision that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedProvision {
    /// What it is.
    pub kind: Kind,
    /// Its name in the engine.
    pub name: String,
    /// The hash it was made with.
    pub hash: String,
    /// The lane that it is all of, where that matters.
    #[serde(default)]
    pub lane: Option<LaneName>,
}
