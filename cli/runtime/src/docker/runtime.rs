//! The runtime of containers as the commands see it.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bollard::query_parameters::KillContainerOptionsBuilder;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use msvc_machine::clock::Clock;
use msvc_mesh::client;
use msvc_mesh::protocol::Session;
use msvc_report::event::{Event, Stamped};
use msvc_system::id::{InstanceId, LaneName, ProjectName, ServiceName};
use msvc_system::model::Condition;

use tokio_util::task::TaskTracker;

use super::container::{self, Found};
use super::engine::{Engine, EngineError};
use super::readiness::{self, Standing};
use super::{
    beside, displaced, endings, events, files, guests, keeper, labels, logs, mesh_container,
    network, published, volume,
};
use crate::contract::{ExecOutcome, LogLine, LogQuery, Runtime, RuntimeError};
use crate::instance::InstanceSpec;
use crate::observed::{Observed, Phase};
use crate::plan::{Deed, Step};
use crate::provision::{Kind, Provision};
use meshes::Meshes;
use seen_ready::SeenReady;

mod copy;
mod meshes;
mod seen_ready;

/// What instances of this runtime are recorded as.
pub const RUNTIME: &str = "docker";

/// Containers looked at at once.
const AT_ONCE: usize = 8;

/// One project in an engine.
#[derive(Debug, Clone)]
pub struct DockerRuntime {
    engine: Engine,
    project: ProjectName,
    /// The folder of the Compose file: another copy's containers are not this one's.
    root: PathBuf,
    clock: Arc<dyn Clock>,
    meshes: Meshes,
    /// Deeds that were begun.
    under_way: TaskTracker,
    /// Whom this process has just seen ready.
    seen_ready: SeenReady,
}

/// Nanoseconds since the Unix epoch: the clock that the engine's events are stamped by.
pub(super) fn wall_ns(clock: &dyn Clock) -> u64 {
    let since = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl DockerRuntime {
    /// The project whose Compose file stands in `root`.
    #[must_use]
    pub fn new(engine: Engine, project: ProjectName, root: &Path, clock: Arc<dyn Clock>) -> Self {
        Self {
            engine,
            project,
            root: root.to_owned(),
            clock,
            meshes: Meshes::default(),
            under_way: TaskTracker::new(),
            seen_ready: SeenReady::default(),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// The folder of the project's Compose file.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The clock that all its waits go by.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Whether anything of the project is there, ended containers included.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn is_there(&self) -> Result<bool, RuntimeError> {
        keeper::heal(self).await?;
        let meshes = self.found_meshes().await?;
        if let Some(mesh) = meshes
            .iter()
            .find(|it| it.lane == LaneName::main() && it.is_running)
        {
            self.unless_gone(mesh, self.session(mesh).await).await?;
        }
        Ok(!meshes.is_empty() || !self.found().await?.is_empty())
    }

    async fn start(&self, spec: &InstanceSpec) -> Result<Vec<Event>, RuntimeError> {
        let found = container::start(&self.engine, spec, &*self.clock).await?;
        let instance = spec.id.clone();
        let pid = found.pid();
        Ok(vec![Event::InstanceStarted { instance, pid }])
    }

    async fn wait(&self, id: &InstanceId, what: Condition) -> Result<Vec<Event>, RuntimeError> {
        let since = self.clock.now();
        let container = self.one(id).await?.container;
        let found =
            readiness::await_condition(&self.engine, id, &container, what, &*self.clock).await?;
        if what != Condition::ServiceHealthy {
            return Ok(Vec::new());
        }
        self.seen_ready.add(&found, self.clock.now());
        self.edges_accept(id).await?;
        Ok(vec![Event::InstanceReady {
            instance: id.clone(),
            seconds: self.clock.now().duration_since(since).as_secs_f64(),
        }])
    }

    async fn stop(&self, id: &InstanceId) -> Result<Vec<Event>, RuntimeError> {
        let mut events = Vec::new();
        for found in self.found().await? {
            if found.id.same_replica(id) {
                let told = container::stop(&self.engine, &found, &*self.clock).await?;
                events.extend(told.map(|problem| Event::Warned { problem }));
            }
        }
        let instance = id.clone();
        events.push(Event::InstanceStopped { instance });
        Ok(events)
    }

    async fn provide(&self, wanted: &Provision) -> Result<Vec<Event>, RuntimeError> {
        match wanted.kind {
            Kind::Network => network::provide(&self.engine, wanted).await?,
            Kind::Volume => volume::make(&self.engine, wanted).await?,
            Kind::Place => mesh_container::join(&self.engine, wanted).await?,
            Kind::Door => mesh_container::make(&self.engine, wanted).await?,
            Kind::Mesh => {
                self.meshes.current.lock().await.clear();
                mesh_container::make(&self.engine, wanted).await?;
                for mesh in self.found_meshes().await? {
                    if mesh.observed.name == wanted.name {
                        self.session(&mesh).await?;
                    }
                }
            }
        }
        Ok(Vec::new())
    }

    /// Does one step.
    async fn carry_out(&self, step: &Step) -> Result<Vec<Event>, RuntimeError> {
        match &step.deed {
            Deed::Provide(wanted) => self.provide(wanted).await,
            Deed::Withdraw(it) => {
                self.meshes.current.lock().await.clear();
                container::remove(&self.engine, &it.name).await?;
                Ok(Vec::new())
            }
            Deed::Start(spec) => self.start(spec).await,
            Deed::Await(id, condition) => self.wait(id, *condition).await,
            Deed::Stop(id) => self.stop(id).await,
            Deed::OpenEdge(spec) => {
                let session = self.mesh_of(&spec.id.lane).await?;
                let put = mesh_container::open(&session, spec, &*self.clock).await;
                put.map(|()| Vec::new()).map_err(|why| self.of_mesh(&why))
            }
            Deed::CloseEdge(id) => {
                let session = self.mesh_of(&id.lane).await?;
                let gone = client::remove_edge(&session, id).await;
                gone.map(|()| Vec::new()).map_err(|why| self.of_mesh(&why))
            }
        }
    }

    /// Reads a file of at most `limit` bytes as a service of `lane` has it, also one that has ended.
    ///
    /// # Errors
    /// When no container of it is there, the file is not, or it is larger.
    pub async fn read_file(
        &self,
        lane: &LaneName,
        service: &ServiceName,
        path: &str,
        limit: usize,
    ) -> Result<Vec<u8>, RuntimeError> {
        let found = self.found().await?.into_iter();
        let its = found.filter(|it| it.id.lane == *lane && it.id.service == *service);
        // One that runs before those that ended, then the first replica's latest.
        let best = its.max_by_key(|it| {
            let order = (Reverse(it.id.replica), it.id.incarnation);
            (it.phase().runs(), order)
        });
        let Some(found) = best else {
            return Err(RuntimeError::Refused(format!("{service} has no container")));
        };
        Ok(files::read(&self.engine, &found.container, path, limit).await?)
    }

    /// Returns once no deed is under way.
    pub async fn settled(&self) {
        self.under_way.close();
        self.under_way.wait().await;
        self.under_way.reopen();
    }

    /// A container whose healthcheck the engine has not run yet is asked at once.
    async fn looked_at(&self, found: &Found) -> Result<Phase, EngineError> {
        let phase = found.phase();
        let runs = matches!(phase, Phase::Starting | Phase::Ready | Phase::Unhealthy)
            && !found.never_ran();
        if !runs {
            return Ok(phase);
        }
        if phase == Phase::Starting && self.seen_ready.counts_still(found, self.clock.now()) {
            return Ok(Phase::Ready);
        }
        let healthy = Condition::ServiceHealthy;
        let standing = readiness::standing(&self.engine, found, healthy, &*self.clock).await?;
        Ok(match standing {
            Standing::Ready => Phase::Ready,
            Standing::Unhealthy(_) => Phase::Unhealthy,
            Standing::NotYet | Standing::Ended(_) => Phase::Starting,
        })
    }
}

#[async_trait::async_trait]
impl Runtime for DockerRuntime {
    async fn observe(&self) -> Result<Observed, RuntimeError> {
        let label = format!("{}={}", labels::PROJECT, self.project);
        let (found, carriers, networks, volumes) = tokio::try_join!(
            self.found(),
            self.found_carriers(),
            network::labelled(&self.engine, &label),
            volume::labelled(&self.engine, &label)
        )?;
        let now = self.clock.wall();
        let held = keeper::held(self);
        let stopped = endings::stopped(self, &found).await;
        let lenders = guests::lenders(&self.engine, &found).await?;
        let (held, stopped, all, lenders) = (&held, &stopped, &found, &lenders);
        let each = stream::iter(found.clone()).map(|found| async move {
            let mut observed = found.observed(now);
            observed.phase = self.looked_at(&found).await?;
            observed.was_stopped = stopped.contains(&found.container);
            displaced::mark(&mut observed, &found, all, lenders);
            if let (Some(by), false) = (held.get(&found.container), observed.phase.runs()) {
                observed.phase = Phase::HeldDown;
                observed.held_by.clone_from(by);
            } else if observed.phase == Phase::HeldDown {
                // Nothing of msvc's pauses a container.
                let name = found.name();
                observed.held_by = Some(format!("a pause (`docker unpause {name}` ends it)"));
            }
            Ok::<_, EngineError>(observed)
        });
        let instances = each.buffered(AT_ONCE).try_collect().await?;
        let mut carried = self.carried(&found, carriers, &networks).await?;
        let ours = networks.into_iter().map(|it| it.observed);
        let volumes = volumes.into_iter().map(|(it, _)| it);
        carried.provisions.extend(ours.chain(volumes));
        carried
            .published
            .extend(found.iter().flat_map(published::of));
        Ok(Observed {
            runtime: RUNTIME.to_owned(),
            instances,
            edges: carried.edges,
            provisions: carried.provisions,
            mesh_displaced: carried.displaced,
            published: carried.published,
            // An engine does not tell: who ends containers has the turn meanwhile.
            ending: false,
        })
    }

    async fn watch(&self, from: u64) -> Result<BoxStream<'static, Stamped>, RuntimeError> {
        let project = self.project.as_str();
        let (runtime, clock) = (self.clone(), &self.clock);
        let stamp = Arc::new(move |at| runtime.stamp(at));
        Ok(events::watch(&self.engine, project, from, clock, stamp))
    }

    async fn apply(&self, step: &Step) -> Result<Vec<Event>, RuntimeError> {
        if matches!(step.deed, Deed::Await(..)) {
            return self.carry_out(step).await;
        }
        // What was asked of the engine is done by it, whoever gives up waiting: who clears up
        // waits for its end first.
        let (runtime, step) = (self.clone(), step.clone());
        let deed = async move { runtime.carry_out(&step).await };
        let ended = self.under_way.spawn(deed).await;
        ended.unwrap_or(Err(RuntimeError::Interrupted))
    }

    async fn signal(&self, instance: &InstanceId, signal: &str) -> Result<(), RuntimeError> {
        let container = self.one(instance).await?.container;
        let options = KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        let sent = self.engine.docker.kill_container(&container, Some(options));
        let what = format!("sending {signal} to container {container}");
        Ok(self.engine.ask(what, sent).await?)
    }

    async fn pause(&self, instance: &InstanceId, paused: bool) -> Result<(), RuntimeError> {
        let container = self.one(instance).await?.container;
        let docker = &self.engine.docker;
        let done = match paused {
            true => docker.pause_container(&container).left_future(),
            false => docker.unpause_container(&container).right_future(),
        };
        let what = if paused { "pausing" } else { "resuming" };
        let what = format!("{what} container {container}");
        match self.engine.ask(what, done).await {
            Err(error) if !error.is_so_already() => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn exec(
        &self,
        instance: &InstanceId,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutcome, RuntimeError> {
        let container = self.one(instance).await?.container;
        let clock = &*self.clock;
        Ok(beside::run(&self.engine, &container, command, timeout, clock).await?)
    }

    async fn logs(&self, query: &LogQuery) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
        let found = self.found().await?;
        let project = self.project.as_str();
        Ok(logs::read(&self.engine, project, found, query).await?)
    }

    async fn reach(&self, instance: &InstanceId, port: u16) -> Result<SocketAddr, RuntimeError> {
        let found = self.one(instance).await?;
        match found.address() {
            Some(address) if self.engine.is_local().await? => Ok(SocketAddr::new(address, port)),
            _ => Err(RuntimeError::Refused(format!(
                "this host does not reach {} directly",
                instance.service
            ))),
        }
    }

    async fn keeper(&self) -> Result<Session, RuntimeError> {
        keeper::launch(self).await
    }

    fn mesh(&self) -> Result<&Session, RuntimeError> {
        self.meshes.main.get().ok_or_else(|| self.no_mesh())
    }
}
