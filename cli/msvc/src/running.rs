//! The runtime of a system: which one is taken, and the one that a running system has. A system
//! that runs stays with its runtime; every later command finds it there.

use std::sync::Arc;

use futures_util::StreamExt as _;
use msvc_mesh::protocol::Session;
use msvc_report::exit::Exit;
use msvc_runtime::contract::{LogQuery, Runtime};
use msvc_runtime::docker::{self, DockerRuntime, Engine, EngineError};
use msvc_runtime::process::{self, ProcessRuntime, ProjectHome, read_logs};

use crate::cli::RuntimeChoice;
use crate::context::{BUILD, Context};
use crate::failure::Failure;

/// The variable that chooses where no flag does.
pub const VARIABLE: &str = "MSVC_RUNTIME";

/// A runtime with a project of its own.
#[derive(Debug, Clone)]
pub enum AnyRuntime {
    /// Host processes under a supervisor.
    Process(ProcessRuntime),
    /// Containers of an engine.
    Docker(Box<DockerRuntime>),
}

/// Where a new system is to run.
#[derive(Debug, Clone)]
pub enum Where {
    /// As host processes.
    Process,
    /// In this engine.
    Docker(Box<Engine>),
}

impl AnyRuntime {
    /// As every runtime.
    #[must_use]
    pub fn get(&self) -> &dyn Runtime {
        match self {
            Self::Process(runtime) => runtime,
            Self::Docker(runtime) => runtime.as_ref(),
        }
    }

    /// The session to the mesh; none where the system runs without one.
    #[must_use]
    pub fn mesh(&self) -> Option<&Session> {
        self.get().mesh().ok()
    }

    /// The same to keep.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Runtime> {
        match self {
            Self::Process(runtime) => Arc::new(runtime.clone()),
            Self::Docker(runtime) => Arc::new(runtime.as_ref().clone()),
        }
    }

    /// Whether the system ends with this command. Containers do not, however it ends, as with
    /// Compose: whoever starts them ends them.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn attach(&self, owner: bool) -> Result<(), Failure> {
        match self {
            Self::Process(runtime) => Ok(runtime.attach(owner).await?),
            Self::Docker(_) => Ok(()),
        }
    }
}

impl Context {
    /// The runtime that flag or environment choose.
    ///
    /// # Errors
    /// When the variable's value is none.
    pub fn runtime_choice(&self) -> Result<RuntimeChoice, Failure> {
        if let Some(choice) = self.asked_runtime {
            return Ok(choice);
        }
        match self.environment.get(VARIABLE).map(String::as_str) {
            None | Some("" | "auto") => Ok(RuntimeChoice::Auto),
            Some("docker") => Ok(RuntimeChoice::Docker),
            Some("process") => Ok(RuntimeChoice::Process),
            Some(other) => Err(Failure::new(
                Exit::Usage,
                format!("{VARIABLE} is `{other}`, which is no runtime"),
            )
            .hint("docker, process or auto")),
        }
    }

    /// The engine, where one may be used and answers.
    ///
    /// # Errors
    /// When one is asked for and none answers, or the one that was named does not.
    pub async fn engine(&self) -> Result<Option<Engine>, Failure> {
        let choice = self.runtime_choice()?;
        if choice == RuntimeChoice::Process {
            return Ok(None);
        }
        match Engine::find(&self.environment).await {
            Ok(engine) => Ok(Some(engine)),
            Err(error) if choice == RuntimeChoice::Docker => Err(of_engine(error)),
            Err(EngineError::None { .. } | EngineError::NoAnswer { .. }) => Ok(None),
            // One that is there and cannot be used is worth a word, and no reason to fail.
            Err(error) => {
                self.terminal.note(&format!("no engine is used: {error}"));
                Ok(None)
            }
        }
    }

    /// Where a system that does not run yet is to run; says so where it was left open.
    ///
    /// # Errors
    /// As [`Context::engine`].
    pub async fn place(&self) -> Result<Where, Failure> {
        let choice = self.runtime_choice()?;
        match self.engine().await? {
            None => {
                if choice == RuntimeChoice::Auto {
                    self.terminal
                        .note("no container engine answers: running as host processes");
                }
                Ok(Where::Process)
            }
            Some(engine) => {
                if choice == RuntimeChoice::Auto {
                    self.terminal.note(&format!(
                        "running in containers: engine {} at {}",
                        engine.version, engine.place
                    ));
                }
                Ok(Where::Docker(Box::new(engine)))
            }
        }
    }

    /// A project in an engine.
    #[must_use]
    pub fn in_engine(&self, engine: Engine, home: &ProjectHome) -> DockerRuntime {
        let project = home.project().clone();
        let clock = Arc::clone(&self.clock);
        DockerRuntime::new(engine, project, &self.system.root, clock)
    }

    /// The running system, or `None`.
    ///
    /// # Errors
    /// When its supervisor or engine does not answer.
    pub async fn connect(&self, home: &ProjectHome) -> Result<Option<AnyRuntime>, Failure> {
        if self.runtime_choice()? != RuntimeChoice::Docker
            && let Some(runtime) = ProcessRuntime::connect(home, BUILD, &*self.clock).await?
        {
            return Ok(Some(AnyRuntime::Process(runtime)));
        }
        let Some(engine) = self.engine().await? else {
            return Ok(None);
        };
        let runtime = self.in_engine(engine, home);
        let is_there = runtime.is_there().await?;
        Ok(is_there.then(|| AnyRuntime::Docker(Box::new(runtime))))
    }

    /// Where a running system is.
    #[must_use]
    pub fn place_of(&self, runtime: &AnyRuntime) -> Where {
        match runtime {
            AnyRuntime::Process(_) => Where::Process,
            AnyRuntime::Docker(runtime) => Where::Docker(Box::new(runtime.engine().clone())),
        }
    }

    /// A runtime for a project that does not run yet.
    ///
    /// # Errors
    /// When its supervisor cannot be launched.
    pub async fn launch(&self, home: &ProjectHome, place: Where) -> Result<AnyRuntime, Failure> {
        match place {
            Where::Docker(engine) => {
                Ok(AnyRuntime::Docker(Box::new(self.in_engine(*engine, home))))
            }
            Where::Process => {
                let (launcher, clock) = (self.launcher()?, Arc::clone(&self.clock));
                let runtime = ProcessRuntime::launch(home, &launcher, clock).await?;
                Ok(AnyRuntime::Process(runtime))
            }
        }
    }

    /// Brings a project down wherever it runs, also after any crash; what was ended.
    ///
    /// # Errors
    /// When something lives that cannot be ended.
    pub async fn down(&self, home: &ProjectHome, volumes: bool) -> Result<process::Down, Failure> {
        let mut down = process::down(home, volumes, &*self.clock).await?;
        if let Some(engine) = self.engine().await? {
            let runtime = self.in_engine(engine, home);
            let in_order = down.in_order || down.stopped == 0;
            down.stopped += docker::down(&runtime, volumes).await?.stopped;
            down.in_order = in_order;
        }
        Ok(down)
    }
}

/// All lines that the services of a project wrote, as far as they are kept.
///
/// # Errors
/// When they cannot be read.
pub async fn all_lines(
    runtime: &AnyRuntime,
    home: &ProjectHome,
) -> Result<Vec<msvc_runtime::contract::LogLine>, Failure> {
    let query = LogQuery::default();
    let lines = match runtime {
        AnyRuntime::Process(_) => read_logs(home, &query)?,
        AnyRuntime::Docker(runtime) => runtime.logs(&query).await?,
    };
    Ok(lines.collect().await)
}

fn of_engine(error: EngineError) -> Failure {
    Failure::new(error.exit(), error.to_string())
}
