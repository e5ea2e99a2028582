//! The steps from what is observed to what is wanted, as data with a text form. Deciding does no
//! I/O; `--dry-run` prints a plan and tests compare it as text.

use std::fmt;

use msvc_mesh::spec::EdgeSpec;
use msvc_system::id::InstanceId;
use msvc_system::model::Condition;
use serde::{Deserialize, Serialize};

use crate::instance::InstanceSpec;

/// What to do, in order. Steps of one stage may run at once; a stage begins when the one before
/// it has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The stages.
    pub stages: Vec<Vec<Step>>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stages.iter().all(Vec::is_empty)
    }
}

/// One step with why it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What to do.
    pub deed: Deed,
    /// Why, for people: `not there yet`, `its settings changed`, `no longer in the file`.
    pub cause: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Deed {
    /// Open or update an edge.
    OpenEdge(Box<EdgeSpec>),
    /// Close an edge that nobody needs any more.
    CloseEdge(msvc_system::id::EdgeId),
    /// Start an instance.
    Start(Box<InstanceSpec>),
    /// Wait until an instance is as a dependent needs it.
    Await(InstanceId, Condition),
    /// Stop an instance and clear it away; its volumes stay.
    Stop(InstanceId),
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenEdge(spec) => write!(f, "open {} at {}", spec.id, spec.listen),
            Self::CloseEdge(id) => write!(f, "close {id}"),
            Self::Start(spec) => write!(f, "start {}", spec.id),
            Self::Await(id, Condition::ServiceStarted) => write!(f, "await {id} started"),
            Self::Await(id, Condition::ServiceHealthy) => write!(f, "await {id} healthy"),
            Self::Await(id, Condition::ServiceCompletedSuccessfully) => {
                write!(f, "await {id} completed")
            }
            Self::Stop(id) => write!(f, "stop {id}"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "nothing to do");
        }
        let stages = self.stages.iter().filter(|stage| !stage.is_empty());
        for (number, stage) in stages.enumerate() {
            for step in stage {
                writeln!(f, "{:>3}  {}  ({})", number + 1, step.deed, step.cause)?;
            }
        }
        Ok(())
    }
}
