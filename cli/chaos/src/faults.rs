//! What the runs need of the mesh and the runtime, as traits, so that they can be tested without
//! either.

use std::time::Duration;

use msvc_mesh::receipt::Receipt;
use msvc_report::exit::Exit;
use msvc_system::id::ServiceName;
use tokio::time::Instant;

use crate::order::Latency;
use crate::recovery::Recovery;

/// A fault could not be put in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmError {
    /// The system has no such edge.
    #[error("there is no edge {edge}{}", hint(near))]
    NoEdge {
        /// As asked for.
        edge: String,
        /// The nearest that there are.
        near: Vec<String>,
    },
    /// The system has no such service, or it does not run.
    #[error("there is no running service `{service}`{}", hint(near))]
    NoService {
        /// As asked for.
        service: ServiceName,
        /// The nearest that there are.
        near: Vec<String>,
    },
    /// The service is there and does not run.
    #[error("{service} is not running: it is {phase}")]
    NotRunning {
        /// Which.
        service: ServiceName,
        /// What it does instead, as `ps` shows it.
        phase: String,
    },
    /// The service was a job, and is done.
    #[error("{service} is not running: it ended by itself with status 0, as a job does")]
    Done {
        /// Which.
        service: ServiceName,
    },
    /// Somebody holds the service down already.
    #[error("{service} is held down already, {}", held_by(by.as_deref()))]
    HeldDown {
        /// Which.
        service: ServiceName,
        /// The command that does, as far as it is known.
        by: Option<String>,
    },
    /// The mesh or the supervisor refused, or does not answer.
    #[error("{0}")]
    Refused(String),
}

fn hint(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!(" (there is: {})", near.join(", "))
    }
}

fn held_by(by: Option<&str>) -> String {
    by.map_or_else(|| "by another command".to_owned(), |by| format!("by {by}"))
}

impl ArmError {
    /// The code that this alone ends with.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NoEdge { .. } | Self::NoService { .. } => Exit::Usage,
            Self::NotRunning { .. } | Self::Done { .. } | Self::HeldDown { .. } => {
                Exit::Inconclusive
            }
            Self::Refused(_) => Exit::CouldNot,
        }
    }

    /// Whether the call itself was amiss: there was nothing to break, and so no case.
    #[must_use]
    pub const fn is_of_the_call(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// What became of a fault that was in place when it was to be lifted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiftError {
    /// It had ended by itself before: its lease was missed, or its mesh is gone. Nothing is left
    /// to undo, and nobody knows all that it touched.
    #[error("the fault ended before its time: {0}")]
    EndedBefore(String),
    /// It may still be in place.
    #[error("the fault could not be undone: {0}")]
    NotUndone(String),
}

/// Puts faults in place.
#[async_trait::async_trait]
pub trait Faults: Send + Sync {
    /// Makes an edge answer late, until it is lifted or its lease ends. `name` is part of every
    /// draw, as is `seed`.
    async fn latency(
        &self,
        name: &str,
        order: &Latency,
        seed: u64,
    ) -> Result<Box<dyn Late>, ArmError>;

    /// Kills a service and keeps it down until it is released or its lease ends.
    async fn kill(&self, service: &ServiceName) -> Result<Box<dyn Killed>, ArmError>;
}

/// A latency in place.
#[async_trait::async_trait]
pub trait Late: Send + Sync {
    /// Returns when the fault has ended by itself, with why. Never returns otherwise.
    async fn lost(&self) -> String;

    /// Lifts it.
    async fn lift(self: Box<Self>) -> Result<Receipt, LiftError>;
}

/// A service that is kept down.
#[async_trait::async_trait]
pub trait Killed: Send + Sync {
    /// Returns when the hold has ended by itself, with why. Never returns otherwise.
    async fn lost(&self) -> String;

    /// Since when it is down, all of it. An engine takes its time over a kill: what was asked for
    /// counts from here.
    fn since(&self) -> Instant;

    /// Lets its restart policy decide. A second call does nothing.
    async fn release(&self) -> Result<(), LiftError>;

    /// Waits until it is healthy again, at most for `limit`, and tells the times. Only after
    /// [`Killed::release`].
    async fn recovered(self: Box<Self>, limit: Duration) -> Result<Recovery, LiftError>;
}
