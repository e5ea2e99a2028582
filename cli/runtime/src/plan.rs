//! The steps from what is observed to what is wanted, as data with a text form. Deciding does no
//! I/O; `--dry-run` prints a plan and tests compare it as text.
//!
//! A plan is a graph: each step names those that must have ended before it begins, so that a
//! service starts as soon as its own dependencies are ready. Its text form numbers the steps by
//! how many steps lie before them: those of one number may run at once.

use std::fmt;
use std::time::Duration;

use msvc_mesh::spec::EdgeSpec;
use msvc_system::id::InstanceId;
use msvc_system::model::Condition;
use serde::{Deserialize, Serialize};

use crate::instance::InstanceSpec;
use crate::provision::{Kind, ObservedProvision, Provision};

mod await_steps;
mod decide;

pub use decide::{decide, look_again};

/// What to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps; each stands behind all those it comes after.
    pub steps: Vec<Planned>,
}

/// A step within a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What to do.
    pub step: Step,
    /// The steps, by their place in the plan, that must have ended before.
    pub after: Vec<usize>,
    /// How long it may take; no bound when not given.
    pub within: Option<Duration>,
    /// Whether the plan goes on with a warning when it fails (`required: false`).
    pub optional: bool,
    /// Of a wait without a healthcheck: the ports that have to accept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether carrying it out changes anything; waiting alone does not.
    #[must_use]
    pub fn changes(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|planned| !matches!(planned.step.deed, Deed::Await(..)))
    }

    /// The part that stands on nothing that is built: networks, volumes, and the mesh on them, as
    /// far as nothing else comes before them. Once it is carried out the rest is what [`decide`]
    /// finds to do.
    #[must_use]
    pub fn ahead(&self) -> Self {
        let mut ahead = Self::default();
        // Where each step of this plan stands in that one.
        let mut places: Vec<Option<usize>> = Vec::with_capacity(self.steps.len());
        for planned in &self.steps {
            let after: Option<Vec<usize>> = planned
                .after
                .iter()
                .map(|place| places.get(*place).copied().flatten())
                .collect();
            let place = after
                .filter(|_| planned.step.deed.needs_no_image())
                .map(|after| {
                    let planned = planned.clone();
                    ahead.steps.push(Planned { after, ..planned });
                    ahead.steps.len() - 1
                });
            places.push(place);
        }
        ahead
    }

    /// Adds a step and tells its place.
    fn push(&mut self, deed: Deed, cause: impl Into<String>, mut after: Vec<usize>) -> usize {
        after.sort_unstable();
        after.dedup();
        self.steps.push(Planned {
            step: Step {
                deed,
                cause: cause.into(),
            },
            after,
            within: None,
            optional: false,
            ports: Vec::new(),
        });
        self.steps.len() - 1
    }

    /// For each step the length of the longest way to it, from 1.
    fn stages(&self) -> Vec<usize> {
        let mut stages: Vec<usize> = Vec::with_capacity(self.steps.len());
        for planned in &self.steps {
            let before = planned.after.iter().filter_map(|place| stages.get(*place));
            stages.push(1 + before.max().copied().unwrap_or_default());
        }
        stages
    }
}

/// One step with why it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What to do.
    pub deed: Deed,
    /// Why, for people: `not there yet`, `its settings changed`, `no longer wanted`.
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
    /// Make a network or volume; one of the same name whose settings differ goes first.
    Provide(Box<Provision>),
    /// Clear a provision away that nobody needs any more.
    Withdraw(ObservedProvision),
    /// Start an instance.
    Start(Box<InstanceSpec>),
    /// Wait until an instance is as a dependent needs it.
    Await(InstanceId, Condition),
    /// Stop an instance and clear it away; its volumes stay.
    Stop(InstanceId),
}

impl Deed {
    fn needs_no_image(&self) -> bool {
        let Self::Provide(it) = self else {
            return false;
        };
        matches!(it.kind, Kind::Network | Kind::Volume | Kind::Mesh)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenEdge(spec) => write!(f, "open {} at {}", spec.id, spec.listen),
            Self::CloseEdge(id) => write!(f, "close {id}"),
            Self::Provide(it) => write!(f, "make {} {}", it.kind, it.name),
            Self::Withdraw(it) => write!(f, "remove {} {}", it.kind, it.name),
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
        let mut lines: Vec<_> = self.stages().into_iter().zip(&self.steps).collect();
        lines.sort_by_key(|(stage, _)| *stage);
        for (stage, Planned { step, .. }) in lines {
            writeln!(f, "{stage:>3}  {}  ({})", step.deed, step.cause)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
