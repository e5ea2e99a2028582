//! The runtime of a running system. A system that runs stays with its runtime; every later command
//! finds it there, whatever is chosen or answers now.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::protocol::Session;
use msvc_report::exit::Exit;
use msvc_runtime::contract::{LogQuery, Runtime};
use msvc_runtime::docker::{self, DockerRuntime, Engine, Remembered};
use msvc_runtime::process::{self, ProcessRuntime, ProjectHome, read_logs};
use msvc_runtime::turn::{Holder, Turn};
use msvc_system::id::LaneName;

use crate::cli::RuntimeChoice;
use crate::context::{BUILD, Context};
use crate::failure::Failure;
use crate::place::{VARIABLE, Where, of_engine};

/// Longer than the engine takes for one thing, a service's grace to end included.
const SETTLED: Duration = Duration::from_secs(60);

/// A runtime with a project of its own.
#[derive(Debug, Clone)]
pub enum AnyRuntime {
    /// Host processes under a supervisor.
    Process(ProcessRuntime),
    /// Containers of an engine.
    Docker(Box<DockerRuntime>),
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

    /// The session to a mesh that carries a lane alone; none where the system's mesh carries it too.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn further_mesh(&self, lane: &LaneName) -> Result<Option<Session>, Failure> {
        match self {
            Self::Process(_) => Ok(None),
            Self::Docker(runtime) => Ok(runtime.further_mesh(lane).await?),
        }
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

    /// The same of what this command adds to a system that runs already.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn adds(&self) -> Result<(), Failure> {
        match self {
            Self::Process(runtime) => Ok(runtime.adds().await?),
            Self::Docker(_) => Ok(()),
        }
    }
}

impl AnyRuntime {
    /// Why nothing can be asked of it any more: its engine is gone. A supervisor that is gone says
    /// so itself.
    pub async fn lost(&self) -> Option<Failure> {
        let Self::Docker(runtime) = self else {
            return None;
        };
        let gone = runtime.engine().answers().await.err()?;
        Some(of_engine(&gone))
    }

    /// Whether it still runs after its streams have ended.
    pub async fn outlives_its_engine(&self) -> bool {
        match self {
            Self::Process(_) => false,
            Self::Docker(runtime) => {
                let observed = runtime.observe().await;
                observed.is_ok_and(|it| it.instances.iter().any(|one| one.phase.runs()))
            }
        }
    }

    /// Waits until what was begun has ended, also what nobody waits for any more: only then is all
    /// of it seen. An engine that stays silent is not waited for.
    pub async fn settled(&self, context: &Context) {
        if let Self::Docker(runtime) = self {
            tokio::select! {
                () = runtime.settled() => {}
                () = context.silence() => {}
                () = context.clock.sleep(SETTLED) => {}
            }
        }
    }
}

impl Context {
    /// A project in an engine.
    #[must_use]
    pub fn in_engine(&self, engine: Engine, home: &ProjectHome) -> DockerRuntime {
        let project = home.project().clone();
        let clock = Arc::clone(&self.clock);
        let engine = engine.known_to(&self.questions);
        DockerRuntime::new(engine, project, &self.system.root, clock)
    }

    /// The right to change a project, so that two commands at once do not; who waits says so.
    ///
    /// # Errors
    /// When the user wants to end while it waits.
    pub async fn turn(&self, home: &ProjectHome, what: &str) -> Result<Turn, Failure> {
        // What cleans up after an interrupt is not given up by it.
        let shutdown = match self.shutdown.is_requested() {
            true => Shutdown::new(),
            false => self.shutdown.clone(),
        };
        let waiting = |holder| self.waits(home, holder);
        Ok(Turn::take(home, what, &*self.clock, &shutdown, &waiting).await?)
    }

    /// The right to bring a project up as host processes; who waits says so.
    ///
    /// # Errors
    /// When the user wants to end while it waits.
    pub async fn turn_to_boot(&self, home: &ProjectHome) -> Result<Turn, Failure> {
        let waiting = |holder| self.waits(home, holder);
        Ok(Turn::to_boot(home, "up", &*self.clock, &self.shutdown, &waiting).await?)
    }

    /// Says for whom this command waits.
    fn waits(&self, home: &ProjectHome, holder: Option<Holder>) {
        let by = holder.map_or_else(
            || "another msvc".to_owned(),
            |holder| format!("`msvc {}` (process {})", holder.what, holder.process.pid),
        );
        let project = home.project();
        self.terminal
            .note(&format!("{by} is at work on {project}: waiting for it"));
    }

    /// The engine that a project runs in, as far as msvc remembers one.
    ///
    /// # Errors
    /// When there is one and it does not answer.
    pub async fn remembered(&self, home: &ProjectHome) -> Result<Option<Engine>, Failure> {
        let Some(remembered) = Remembered::read(home)? else {
            return Ok(None);
        };
        match remembered.engine().await {
            Ok(engine) => Ok(Some(engine)),
            Err(error) => {
                let what = format!("{} runs in containers, and {error}", home.project());
                let record = self.here.path(&home.runtime());
                Err(Failure::new(error.exit(), what).hint(format!(
                    "start that engine again; is it gone for good, remove {}",
                    record.display()
                )))
            }
        }
    }

    /// The running system, or `None`.
    ///
    /// # Errors
    /// When its supervisor or engine does not answer.
    pub async fn connect(&self, home: &ProjectHome) -> Result<Option<AnyRuntime>, Failure> {
        if let Some(runtime) = ProcessRuntime::connect(home, BUILD, &*self.clock).await? {
            return Ok(Some(AnyRuntime::Process(runtime)));
        }
        let engine = match self.remembered(home).await? {
            Some(engine) => engine,
            None => match self.engine().await? {
                Some(engine) => engine,
                None => return Ok(None),
            },
        };
        let runtime = self.in_engine(engine, home);
        let is_there = runtime.is_there().await?;
        Ok(is_there.then(|| AnyRuntime::Docker(Box::new(runtime))))
    }

    /// Refuses to change a running system when another runtime than its own was asked for.
    ///
    /// # Errors
    /// As said.
    pub fn stays(&self, runtime: &AnyRuntime) -> Result<(), Failure> {
        let (runs, asked) = match (runtime, self.runtime_choice()?) {
            (AnyRuntime::Process(_), RuntimeChoice::Docker) => ("as host processes", "docker"),
            (AnyRuntime::Docker(_), RuntimeChoice::Process) => ("in containers", "process"),
            _ => return Ok(()),
        };
        let by = match self.asked_runtime {
            Some(_) => format!("`--runtime {asked}`"),
            None => format!("{VARIABLE}={asked}"),
        };
        let name = &self.system.name;
        let down = self.repeat(&["down"]);
        Err(Failure::new(
            Exit::Usage,
            format!("{name} runs {runs}, and {by} asks for another runtime"),
        )
        .hint(format!(
            "bring it down first (`{down}`), or leave the runtime open"
        )))
    }

    /// Where a running system is.
    #[must_use]
    pub fn place_of(&self, runtime: &AnyRuntime) -> Where {
        match runtime {
            AnyRuntime::Process(_) => Where::Process,
            AnyRuntime::Docker(runtime) => Where::Docker(Box::new(runtime.engine().clone())),
        }
    }

    /// A runtime for a project that does not run yet. From now on it is remembered.
    ///
    /// # Errors
    /// When its supervisor cannot be launched.
    pub async fn launch(&self, home: &ProjectHome, place: Where) -> Result<AnyRuntime, Failure> {
        match place {
            Where::Docker(engine) => {
                Remembered::write(home, &engine)?;
                Ok(AnyRuntime::Docker(Box::new(self.in_engine(*engine, home))))
            }
            Where::Process => {
                let (launcher, clock) = (self.launcher()?, Arc::clone(&self.clock));
                let runtime = ProcessRuntime::launch(home, &launcher, clock).await?;
                // Somebody may have brought it up in containers meanwhile: no system runs twice.
                if let Some(engine) = self.remembered(home).await? {
                    let containers = self.in_engine(engine, home);
                    if containers.is_there().await? {
                        runtime.stop_everything().await?;
                        self.stays(&AnyRuntime::Docker(Box::new(containers)))?;
                        let what = format!("{} has come up in containers", home.project());
                        return Err(Failure::new(Exit::CouldNot, what).hint("try again"));
                    }
                    Remembered::forget(home)?;
                }
                Ok(AnyRuntime::Process(runtime))
            }
        }
    }

    /// Takes down what an `up` that failed has made in an engine, and the data that was not there
    /// before. To be called by who has the turn.
    ///
    /// # Errors
    /// When something of it cannot be ended.
    pub async fn undo(
        &self,
        home: &ProjectHome,
        runtime: &DockerRuntime,
        data: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        self.watched(home, docker::undo(runtime, data)).await?;
        Ok(Remembered::forget(home)?)
    }

    /// Removes the images that were made for the system and that newer ones have replaced. Nothing
    /// hangs on it, so nothing is said of it.
    pub async fn forget_images(&self, engine: &Engine) {
        let _ = docker::image::forget_unused(engine, self.system.name.as_str()).await;
    }

    /// Brings a project down wherever it runs, also after any crash; what was ended.
    ///
    /// # Errors
    /// When something lives that cannot be ended.
    pub async fn down(&self, home: &ProjectHome, volumes: bool) -> Result<process::Down, Failure> {
        self.watched(home, self.brought_down(home, volumes)).await
    }

    async fn brought_down(
        &self,
        home: &ProjectHome,
        volumes: bool,
    ) -> Result<process::Down, Failure> {
        // A project without records has no lock that anybody could hold.
        let turn = match home.folder().exists() {
            true => Some(self.turn(home, "down").await?),
            false => None,
        };
        let (mut stopped, mut told) = (0, Vec::new());
        let engine = match self.remembered(home).await? {
            Some(engine) => Some(engine),
            None => self.engine().await?,
        };
        if let Some(engine) = engine {
            let runtime = self.in_engine(engine, home);
            stopped = match docker::down(&runtime, volumes).await {
                Ok(cleared) => {
                    told = cleared.told;
                    cleared.stopped
                }
                Err(error) => {
                    let gone = runtime.engine().answers().await.err();
                    return Err(gone.map_or_else(
                        || error.into(),
                        |gone| {
                            let hint = "`msvc down` clears the rest once it answers again";
                            of_engine(&gone).hint(hint)
                        },
                    ));
                }
            };
            Remembered::forget(home)?;
            self.forget_images(runtime.engine()).await;
        }
        let mut down = match turn {
            Some(turn) => process::down_in_turn(home, volumes, &*self.clock, &turn).await?,
            None => process::down(home, volumes, &*self.clock).await?,
        };
        down.in_order |= down.stopped == 0;
        down.stopped += stopped;
        down.told.extend(told);
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
