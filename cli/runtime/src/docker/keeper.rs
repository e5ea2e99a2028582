//! Who keeps a killed service down, and brings it back whatever becomes of the command that asked
//! for it: this very program, in a session of its own, started first.
//!
//! It speaks the mesh's protocol over its standard streams: leases, kills, releases. When the
//! stream ends, or a lease is not renewed, it releases all that it holds and ends. What it holds
//! stands on disk before the deed, so that a later command can finish what a killed keeper left.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::models::RestartPolicyNameEnum;
use bollard::query_parameters::KillContainerOptionsBuilder;
use futures_util::stream::BoxStream;
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_machine::this_program::this_program;
use msvc_machine::ward::unmarked;
use msvc_mesh::Mesh;
use msvc_mesh::control::MeshControl;
use msvc_mesh::protocol::{Handler, Hello, ProtocolError, Session, SessionId, serve_connection};
use msvc_system::id::InstanceId;
use process_wrap::tokio::{CommandWrap, ProcessSession};
use serde::Serialize;
use serde_json::Value;

use super::container::{self, Found};
use super::engine::{Engine, EngineError};
use super::guests;
use super::runtime::DockerRuntime;
use crate::contract::RuntimeError;
use crate::process::messages::{Kill, Killed, Release, Released, method};
use record::records;
pub(super) use record::{heal, held};

mod record;
mod taken;

/// Starts a keeper for a project and a session with it. It ends with the session.
pub(super) async fn launch(runtime: &DockerRuntime) -> Result<Session, RuntimeError> {
    let program = this_program().map_err(records(Path::new("msvc")))?;
    let mut command = CommandWrap::with_new(&program, |command| {
        unmarked(command.as_std_mut());
        command
            .arg("internal-keeper")
            .arg(runtime.project().as_str())
            .arg(runtime.root())
            // The engine that the project is in, whatever is chosen now.
            .envs(runtime.engine().place.variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
    });
    command.wrap(ProcessSession);
    let mut keeper = command.spawn().map_err(records(&program))?;
    let gone = || RuntimeError::Refused("the keeper has no streams".to_owned());
    let input = keeper.stdin().take().ok_or_else(gone)?;
    let output = keeper.stdout().take().ok_or_else(gone)?;
    // Whoever waits for it is the session's end; a zombie is reaped with this process.
    tokio::spawn(async move { keeper.wait().await });
    let stream = tokio::io::join(output, input);
    let hello = Hello::client(env!("CARGO_PKG_VERSION"), 0);
    Session::connect(stream, hello)
        .await
        .map_err(|why| RuntimeError::Refused(format!("the keeper does not answer: {why}")))
}

/// The keeper's main: `PROJECT ROOT`.
///
/// # Errors
/// When the arguments are none, or the engine is not there.
pub async fn keeper_main(
    given: &[OsString],
    engine: Engine,
    mesh: Mesh,
    clock: Arc<dyn Clock>,
) -> Result<(), RuntimeError> {
    let wrong = || RuntimeError::Refused("a keeper is PROJECT ROOT".to_owned());
    let [project, root] = given else {
        return Err(wrong());
    };
    let project = project
        .to_str()
        .and_then(|it| it.parse().ok())
        .ok_or_else(wrong)?;
    let runtime = DockerRuntime::new(engine, project, Path::new(root), Arc::clone(&clock));
    // Opens the session with the mesh, whose clock the answers are told by.
    runtime.is_there().await?;
    let hello = mesh.hello(env!("CARGO_PKG_VERSION"));
    let keeper = Keeper {
        runtime,
        control: MeshControl::new(mesh.clone()),
        mesh,
        clock,
        held: Arc::default(),
        lost: Arc::default(),
        releasing: Arc::default(),
        writing: Arc::default(),
    };
    let handler: Arc<dyn Handler> = Arc::new(keeper.clone());
    let stream = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
    // However the stream ends, what is held is released.
    let _ = serve_connection(stream, hello, handler, Shutdown::new()).await;
    keeper.release_all().await;
    Ok(())
}

/// Whether the restart policy brings a killed container back.
fn comes_back(found: &Found) -> bool {
    let host = found.seen.host_config.as_ref();
    let policy = host.and_then(|host| host.restart_policy.as_ref());
    !matches!(
        policy.and_then(|policy| policy.name),
        None | Some(RestartPolicyNameEnum::NO | RestartPolicyNameEnum::EMPTY)
    )
}

/// One that is held down.
#[derive(Debug, Clone)]
struct Kept {
    container: String,
    /// Whether its restart policy brings it back.
    comes_back: bool,
    /// By which command.
    by: Option<String>,
    /// Whether somebody brings it back already. It is held until it runs.
    goes: bool,
}

/// Cheap to clone: all clones hold the same.
#[derive(Clone)]
struct Keeper {
    runtime: DockerRuntime,
    control: MeshControl,
    mesh: Mesh,
    clock: Arc<dyn Clock>,
    held: Arc<Mutex<HashMap<InstanceId, Kept>>>,
    /// Why what was held is so no more, where that was somebody else.
    lost: Arc<Mutex<HashMap<InstanceId, String>>>,
    /// Shared while one is brought back, so that nobody ends meanwhile.
    releasing: Arc<tokio::sync::RwLock<()>>,
    /// Taken while the record is written: the last one to write knows all.
    writing: Arc<Mutex<()>>,
}

impl Keeper {
    fn held(&self) -> MutexGuard<'_, HashMap<InstanceId, Kept>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self) -> MutexGuard<'_, HashMap<InstanceId, String>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_down(&self) -> Result<(), RuntimeError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held().values().cloned().collect();
        record::write(&self.runtime, held)
    }

    async fn kill(
        &self,
        instance: &InstanceId,
        by: Option<String>,
    ) -> Result<Killed, RuntimeError> {
        let found = self.runtime.one(instance).await?;
        if !found.phase().runs() {
            return Err(RuntimeError::NoInstance(instance.clone()));
        }
        let kept = Kept {
            container: found.container.clone(),
            comes_back: comes_back(&found),
            by,
            goes: false,
        };
        self.lost().remove(instance);
        self.held().insert(instance.clone(), kept);
        self.write_down()?;
        let event = super::runtime::wall_ns(&*self.clock);
        let options = KillContainerOptionsBuilder::default()
            .signal("SIGKILL")
            .build();
        let docker = &self.runtime.engine().docker;
        let killed = docker.kill_container(&found.container, Some(options));
        let what = format!("killing container {}", found.container);
        if let Err(error) = self.runtime.engine().ask(what, killed).await {
            self.held().remove(instance);
            self.write_down()?;
            return Err(error.into());
        }
        let gone = self.gone(&found.container, event).await;
        let now = super::runtime::wall_ns(&*self.clock);
        Ok(Killed {
            at_ns: self.runtime.stamp(event),
            event,
            gone_at_ns: self.runtime.stamp(gone),
            gone_for_ns: now.saturating_sub(gone),
        })
    }

    /// When a container that was killed ended: the engine answers some time later. By this host's
    /// clock, which the engine's may differ from; what cannot be is taken for now.
    async fn gone(&self, container: &str, asked: u64) -> u64 {
        let now = super::runtime::wall_ns(&*self.clock);
        let found = container::inspect(self.runtime.engine(), container).await;
        let ended = found.ok().flatten().and_then(|found| found.ended_at_ns());
        ended.filter(|at| (asked..=now).contains(at)).unwrap_or(now)
    }

    /// Brings one back; several at the same time, so that the last of many replicas is not down
    /// for longer than was asked.
    async fn release(&self, instance: &InstanceId) -> Result<Released, RuntimeError> {
        let _releasing = self.releasing.read().await;
        let kept = self.goes(instance).ok_or_else(|| {
            let why = self.lost().get(instance).cloned();
            RuntimeError::Refused(
                why.unwrap_or_else(|| format!("nothing holds {} down any more", instance.service)),
            )
        })?;
        let released = self.bring_back(&kept).await;
        self.held().remove(instance);
        let comes_back = released?;
        self.write_down()?;
        Ok(Released { comes_back })
    }

    /// One that is held and that nobody brings back yet.
    fn goes(&self, instance: &InstanceId) -> Option<Kept> {
        let mut held = self.held();
        let kept = held.get_mut(instance).filter(|kept| !kept.goes)?;
        kept.goes = true;
        Some(kept.clone())
    }

    /// Whether it comes back; one whose container was taken away meanwhile does not.
    async fn bring_back(&self, kept: &Kept) -> Result<bool, RuntimeError> {
        if !kept.comes_back {
            return Ok(false);
        }
        Ok(guests::bring_back(&self.runtime, &kept.container).await?)
    }

    async fn release_all(&self) {
        let all: Vec<InstanceId> = self.held().keys().cloned().collect();
        for instance in all {
            // One that was taken away meanwhile is held no more.
            let _ = self.release(&instance).await;
        }
        // One that the lease's end releases may still be under way.
        drop(self.releasing.write().await);
    }

    /// Kills under a lease: with its end, or after its time, the instance is released.
    async fn strike(&self, session: SessionId, kill: Kill) -> Result<Killed, ProtocolError> {
        let Kill {
            lease,
            instance,
            hold,
            down_ms,
            by,
        } = kill;
        let over = self
            .mesh
            .lease_end(session, lease)
            .map_err(|why| ProtocolError::refused("no_lease", why.to_string()))?;
        let killed = self
            .kill(&instance, by)
            .await
            .map_err(|why| refused(&why))?;
        let container = self.held().get(&instance).map(|it| it.container.clone());
        let keeper = self.clone();
        tokio::spawn(async move {
            let down = Duration::from_millis(down_ms);
            let container = container.unwrap_or_default();
            tokio::select! {
                () = over.cancelled() => {}
                () = keeper.clock.sleep(down), if !hold => {}
                why = keeper.taken(&instance, &container) => {
                    keeper.lose(&instance, why);
                    // Its end is what the holder hears of.
                    let _ = keeper.mesh.close_lease(session, lease);
                }
            }
            // Released by its client before, or taken away: then nothing is held.
            let _ = keeper.release(&instance).await;
        });
        Ok(killed)
    }
}

/// Whoever is told shows one sentence: what to do stands in it. Where the engine does not answer, it
/// must also be told from a refusal, since nobody knows then what was done.
fn refused(error: &RuntimeError) -> ProtocolError {
    let advised = match error {
        RuntimeError::Engine(EngineError::Lost { .. } | EngineError::Silent { .. }) => None,
        RuntimeError::Engine(engine) => engine.hint().map(|hint| format!("{engine} ({hint})")),
        _ => None,
    };
    match advised {
        Some(text) => crate::process::messages::refusal(&RuntimeError::Refused(text)),
        None => crate::process::messages::refusal(error),
    }
}

fn read<T: serde::de::DeserializeOwned>(parameters: Value) -> Result<T, ProtocolError> {
    serde_json::from_value(parameters)
        .map_err(|why| ProtocolError::refused("invalid_parameters", why.to_string()))
}

fn tell(answer: impl Serialize) -> Result<Value, ProtocolError> {
    serde_json::to_value(answer).map_err(|why| ProtocolError::Frame(why.to_string()))
}

#[async_trait::async_trait]
impl Handler for Keeper {
    async fn request(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        match method {
            method::KILL => tell(self.strike(session, read(parameters)?).await?),
            method::RELEASE => {
                let Release { instance } = read(parameters)?;
                tell(self.release(&instance).await.map_err(|why| refused(&why))?)
            }
            _ => self.control.request(session, method, parameters).await,
        }
    }

    async fn subscribe(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<BoxStream<'static, Value>, ProtocolError> {
        self.control.subscribe(session, method, parameters).await
    }

    async fn ended(&self, session: SessionId) {
        self.control.ended(session).await;
    }
}
