//! The trait that every runtime fulfils. The executor and the commands know nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::BoxStream;
use msvc_mesh::protocol::Session;
use msvc_report::event::{Event, Stamped, Stream};
use msvc_report::exit::Exit;
use msvc_system::id::{InstanceId, ServiceName};
use msvc_system::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::docker::EngineError;
use crate::observed::Observed;
use crate::plan::Step;

/// Whose fault it is that an engine does not take something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// What the files say is none.
    File,
    /// The service cannot be as it is said; it may be the machine that does not let it.
    Service,
    /// The engine's answer does not tell.
    Nobody,
}

impl Blame {
    /// How the command ends.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::File => Exit::Input,
            Self::Service => Exit::Failed,
            Self::Nobody => Exit::CouldNot,
        }
    }
}

/// A runtime could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A port or address that the system needs is taken.
    #[error("{address} is taken{}: {hint}", owner.as_deref().map(|o| format!(" by {o}")).unwrap_or_default())]
    PortTaken {
        /// The address.
        address: String,
        /// Who has it, when that can be told.
        owner: Option<String>,
        /// What to do.
        hint: String,
    },
    /// A service cannot be run as the file says.
    #[error("{} cannot be started: {why}", instance.service)]
    Start {
        /// Which.
        instance: InstanceId,
        /// Why and what to do.
        why: String,
    },
    /// An engine does not take what is asked of it for a service, which is not its program.
    #[error("{} cannot be started: the engine says: {why}", instance.service)]
    NotTaken {
        /// Which.
        instance: InstanceId,
        /// The engine's words.
        why: String,
        /// Whose fault it is, as far as the engine's answer tells.
        blame: Blame,
    },
    /// An engine does not make a network.
    #[error("the network `{network}` cannot be made: the engine says: {why}")]
    Network {
        /// Its key in the files.
        network: String,
        /// The engine's words.
        why: String,
        /// Whose fault it is, as far as the engine's answer tells.
        blame: Blame,
    },
    /// What a service's `post_start` runs did not end well.
    #[error("{} cannot be started: {why}", instance.service)]
    PostStart {
        /// Which.
        instance: InstanceId,
        /// Which of its hooks, from 0 on.
        number: usize,
        /// How it ended and what it wrote.
        why: String,
    },
    /// A service ended or failed its healthcheck before it was ready.
    #[error("{} never became ready: {why}", instance.service)]
    NeverReady {
        /// Which.
        instance: InstanceId,
        /// How it ended or what its probe said.
        why: String,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// What the files take for given is not there, or a name that they want is somebody else's.
    #[error("{}", .0.what)]
    Absent(Box<Problem>),
    /// There is no such instance.
    #[error("{} is not there", .0.service)]
    NoInstance(InstanceId),
    /// The supervisor, mesh or engine is gone or does not answer.
    #[error("the supervisor of {project} does not answer: {why}")]
    Gone {
        /// The project.
        project: String,
        /// What was seen.
        why: String,
    },
    /// Somebody else took it down while it was coming up.
    #[error("{project} was brought down while it came up")]
    BroughtDown {
        /// The project.
        project: String,
    },
    /// It answered with an error of its own.
    #[error("{0}")]
    Refused(String),
    /// A file of the runtime's records cannot be read or written.
    #[error("cannot keep or read the system's records at {path}: {source}")]
    Records {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The container engine is not there or could not.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The user wants to end.
    #[error("interrupted")]
    Interrupted,
}

impl From<Problem> for RuntimeError {
    fn from(problem: Problem) -> Self {
        Self::Absent(Box::new(problem))
    }
}

/// How a command run beside an instance ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecOutcome {
    /// Its status; `None` when a signal or the timeout ended it.
    pub status: Option<i32>,
    /// What it wrote, both streams together, at most 64 KiB.
    pub output: String,
}

/// Which log lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// Of which services; all when empty.
    pub services: Vec<ServiceName>,
    /// Whether to go on with lines to come.
    pub follow: bool,
    /// At most so many of the lines that are there already, per instance.
    pub tail: Option<usize>,
}

/// One line that a service wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Who wrote it.
    pub instance: InstanceId,
    /// Where.
    pub stream: Stream,
    /// When it was read, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Without its end.
    pub text: String,
}

/// What msvc needs of a runtime, one project at a time.
#[async_trait::async_trait]
pub trait Runtime: Send + Sync {
    /// What is there.
    async fn observe(&self) -> Result<Observed, RuntimeError>;

    /// What happens, from event number `from` on, for as long as the stream is held.
    async fn watch(&self, from: u64) -> Result<BoxStream<'static, Stamped>, RuntimeError>;

    /// Carries out one step; what happened to its instance since the last step on it is returned
    /// (and comes by [`Runtime::watch`] too, as everything does). `Await` returns when the
    /// instance is as needed, or with [`RuntimeError::NeverReady`].
    async fn apply(&self, step: &Step) -> Result<Vec<Event>, RuntimeError>;

    /// Sends a signal, for example `SIGKILL`, to an instance's own process.
    async fn signal(&self, instance: &InstanceId, signal: &str) -> Result<(), RuntimeError>;

    /// Pauses or resumes all of an instance's processes.
    async fn pause(&self, instance: &InstanceId, paused: bool) -> Result<(), RuntimeError>;

    /// Runs a command beside an instance, with its environment.
    async fn exec(
        &self,
        instance: &InstanceId,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutcome, RuntimeError>;

    /// Log lines, oldest first.
    async fn logs(&self, query: &LogQuery) -> Result<BoxStream<'static, LogLine>, RuntimeError>;

    /// Where the host reaches a port of an instance directly, past the mesh.
    async fn reach(&self, instance: &InstanceId, port: u16) -> Result<SocketAddr, RuntimeError>;

    /// A session under which services are killed and released, with leases of its own.
    async fn keeper(&self) -> Result<Session, RuntimeError>;

    /// The session to the mesh that carries the system's edges.
    ///
    /// # Errors
    /// When the system runs without one.
    fn mesh(&self) -> Result<&Session, RuntimeError>;
}
