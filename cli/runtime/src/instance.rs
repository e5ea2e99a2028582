//! What one instance is and runs, resolved to the last setting: a runtime adds nothing.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use msvc_system::id::InstanceId;
use msvc_system::model::RestartPolicy;
use serde::{Deserialize, Serialize};

use crate::contract::ExecOutcome;

/// The characters of a spec's hash that stand for its settings.
pub const HALF_HASH: usize = 32;

/// An instance to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Its key. The incarnation is the one to start.
    pub id: InstanceId,
    /// Hex over everything that, when changed, needs a new start: [`HALF_HASH`] characters for
    /// the settings, then as many for the program where it is known.
    pub hash: String,
    /// What runs.
    pub program: Program,
    /// Ports it listens on, with where each is reached directly.
    pub listens: Vec<Listen>,
    /// How health is told; without one it is ready once its ports accept, and without ports once
    /// it has run for a moment.
    pub health: Option<HealthSpec>,
    /// What happens when it ends.
    pub restart: RestartPolicy,
    /// Name of the signal that asks it to end, for example `SIGTERM`.
    pub stop_signal: String,
    /// Time between that signal and KILL.
    pub stop_grace: Duration,
    /// What is run beside it once it has started, and before it is asked to end.
    #[serde(default, skip_serializing_if = "Hooks::is_none")]
    pub hooks: Hooks,
}

/// Commands that are run beside an instance, at its start and its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// Once it has started, one after the other: it is started when all have ended well.
    pub post_start: Vec<Hook>,
    /// Before it is asked to end, one after the other.
    pub pre_stop: Vec<Hook>,
}

impl Hooks {
    /// Whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.post_start.is_empty() && self.pre_stop.is_empty()
    }
}

/// A command that is run beside an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Variables over the instance's own.
    pub environment: Vec<(String, String)>,
    /// Where it runs; where the instance does when not given.
    pub directory: Option<String>,
    /// Who runs it; who runs the instance when not given. Containers only.
    pub user: Option<String>,
    /// Whether it has all privileges. Containers only.
    pub privileged: bool,
}

impl Hook {
    /// A hook never takes longer: whoever waits for it must not wait for ever.
    pub(crate) const LONGEST: Duration = Duration::from_secs(300);

    /// As the file says it.
    pub(crate) fn of(hook: &msvc_system::model::Hook) -> Self {
        Self {
            command: hook.command.clone(),
            environment: hook.environment.clone().into_iter().collect(),
            directory: hook.working_dir.clone(),
            user: hook.user.clone(),
            privileged: hook.privileged,
        }
    }

    /// Why it did not end well, for people; nothing when it did.
    pub(crate) fn failure(&self, which: &str, outcome: &ExecOutcome) -> Option<String> {
        let how = match outcome.status {
            Some(0) => return None,
            Some(status) => format!("ended with {status}"),
            None => format!("did not end within {} s", Self::LONGEST.as_secs()),
        };
        let command = self.command.join(" ");
        let said = outcome.output.trim();
        let said = match said {
            "" => String::new(),
            said => format!(": {said}"),
        };
        Some(format!("its {which} `{command}` {how}{said}"))
    }
}

impl InstanceSpec {
    /// Whether anything tells that it is ready: a healthcheck, or a port that accepts.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        self.health.is_some() || !self.listens.is_empty()
    }

    /// Whether its container opens ports to the host itself that the file names: nobody else can have
    /// them while it runs.
    #[must_use]
    pub fn takes_ports_of_the_host(&self) -> bool {
        let Program::Container(program) = &self.program else {
            return false;
        };
        let bindings = program.create["HostConfig"]["PortBindings"].as_object();
        let mut all = bindings
            .into_iter()
            .flat_map(|it| it.values())
            .filter_map(serde_json::Value::as_array)
            .flatten();
        all.any(|it| it["HostPort"].as_str().is_some_and(|port| !port.is_empty()))
    }
}

impl InstanceSpec {
    /// The host process that it is.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn process(&self) -> std::io::Result<&ProcessProgram> {
        match &self.program {
            Program::Process(program) => Ok(program),
            Program::Container(_) => Err(std::io::Error::other("it is a container")),
        }
    }
}

/// What an instance runs. A runtime that cannot run a kind says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum Program {
    /// A host process.
    Process(ProcessProgram),
    /// A container of an engine: what is wanted and the plan have the same, of which there may be
    /// thousands.
    Container(Arc<ContainerProgram>),
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerProgram {
    /// Its name in the engine.
    pub name: String,
    /// What it is created from, in the engine's own words.
    pub create: serde_json::Value,
    /// Networks that it joins before it starts, besides the one it is created on, by name, with
    /// its settings there in the engine's own words.
    pub joins: Vec<(String, serde_json::Value)>,
    /// Files that are laid into it before it starts.
    #[serde(default)]
    pub files: Vec<ContainerFile>,
    /// For which machine it is to be, where the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

/// A file laid into a container.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFile {
    /// Where, absolute.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its permissions.
    pub mode: u32,
}

impl fmt::Debug for ContainerFile {
    /// What is in it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.text.len())
    }
}

/// A host process. Its environment is exactly what stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessProgram {
    /// Program and arguments; the program is looked up on the PATH in `environment`.
    pub command: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Its whole environment, sorted by name.
    pub environment: Vec<(String, String)>,
    /// Folders that must exist before it starts (its volumes).
    pub folders: Vec<PathBuf>,
    /// Files that are written before it starts (secrets and configs that are no files of the host),
    /// which nobody but the user reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ProcessFile>,
}

/// A file that a host process is given.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFile {
    /// Where, absolute.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

impl fmt::Debug for ProcessFile {
    /// What is in it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path.display(), self.text.len())
    }
}

/// A port an instance listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// The port as the Compose file knows it.
    pub port: u16,
    /// Where it is reached directly, past the mesh; reserved (bound without listening) until the
    /// service binds it itself.
    pub backend: SocketAddr,
}

/// How health is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthSpec {
    /// Program and arguments, run beside the instance with its environment.
    pub command: Vec<String>,
    /// Time between probes once it is healthy.
    pub interval: Duration,
    /// Time a probe may take.
    pub timeout: Duration,
    /// Failures in a row that make it unhealthy.
    pub retries: u32,
    /// Failures in this time from its start do not count.
    pub start_period: Duration,
}
