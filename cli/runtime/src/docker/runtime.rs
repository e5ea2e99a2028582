//! The runtime of containers as the commands see it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use bollard::query_parameters::KillContainerOptionsBuilder;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use msvc_machine::clock::Clock;
use msvc_mesh::client;
use msvc_mesh::protocol::{ProtocolError, Session};
use msvc_mesh::spec::Admission;
use msvc_report::event::{Event, Stamped};
use msvc_system::id::{InstanceId, LaneName, ProjectName};
use msvc_system::model::{Condition, System};
use tokio::sync::Mutex;

use super::container::{self, Found};
use super::engine::{Engine, EngineError, asked};
use super::readiness::{self, Standing};
use super::want::{Names, place_hash, place_name};
use super::{beside, events, keeper, labels, logs, mesh_container, network, published, volume};
use crate::contract::{ExecOutcome, LogLine, LogQuery, Runtime, RuntimeError};
use crate::instance::InstanceSpec;
use crate::lane::LaneOptions;
use crate::observed::{Observed, Phase};
use crate::plan::{Deed, Step};
use crate::provision::{Kind, ObservedProvision, Provision};

/// What instances of this runtime are recorded as.
pub const RUNTIME: &str = "docker";

/// How long the edges into a service that is healthy may take to see it.
const ACCEPTING: Duration = Duration::from_secs(5);
/// The pause between two looks at them.
const LOOK: Duration = Duration::from_millis(20);

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
}

/// The sessions with the meshes of a project, each opened once.
#[derive(Debug, Clone, Default)]
struct Meshes {
    /// By container.
    open: Arc<Mutex<BTreeMap<String, Session>>>,
    /// The main lane's.
    main: Arc<OnceLock<Session>>,
    /// How far its clock is ahead of the engine's, in nanoseconds: events are told by it, so that
    /// they compare with what the mesh saw.
    ahead: Arc<OnceLock<i128>>,
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
            self.session(mesh).await?;
        }
        Ok(!meshes.is_empty() || !self.found().await?.is_empty())
    }

    /// Refuses when another copy of the project is in the engine: both would have the same names.
    ///
    /// # Errors
    /// As said, with where the other one is.
    pub async fn alone(&self) -> Result<(), RuntimeError> {
        let root = self.root.display().to_string();
        let mut foreign = BTreeSet::new();
        for found in self.all().await? {
            foreign.extend(found.folder().filter(|it| *it != root).map(str::to_owned));
        }
        // A folder that is gone was moved: what is left of it belongs to whoever comes.
        foreign.retain(|folder| Path::new(folder).exists());
        match foreign.into_iter().next() {
            None => Ok(()),
            Some(folder) => Err(RuntimeError::Refused(format!(
                "the engine runs another copy of {}, from {folder}: bring that one down, or give \
                 this one a name of its own (`-p NAME`)",
                self.project
            ))),
        }
    }

    /// Refuses when a network or volume that the file calls external is not there.
    ///
    /// # Errors
    /// As said.
    pub async fn externals(
        &self,
        system: &System,
        options: &LaneOptions,
    ) -> Result<(), RuntimeError> {
        let names = Names::of(system, options);
        let missing = |what: &str, name: &str, key: &str| {
            RuntimeError::Refused(format!(
                "the {what} {name} (`{key}`), which the file calls external, is not there: \
                 `docker {what} create {name}` makes it"
            ))
        };
        for (key, network) in &system.networks {
            let (name, _) = names.network(key);
            if network.external && !network::is_there(&self.engine, &name).await? {
                return Err(missing("network", &name, key));
            }
        }
        for (key, declared) in &system.volumes {
            let (name, _) = names.volume(key);
            if declared.external && !volume::is_there(&self.engine, &name).await? {
                return Err(missing("volume", &name, key));
            }
        }
        Ok(())
    }

    /// All containers of the project, other copies' included.
    async fn all(&self) -> Result<Vec<Found>, EngineError> {
        let own = format!("{}={}", labels::PROJECT, self.project);
        let compose = format!("{}={}", labels::compose::PROJECT, self.project);
        let (own, compose) = tokio::try_join!(
            container::labelled(&self.engine, &own),
            container::labelled(&self.engine, &compose)
        )?;
        let ids: BTreeSet<String> = own.into_iter().chain(compose).collect();
        let each =
            stream::iter(ids).map(|id| async move { container::inspect(&self.engine, &id).await });
        let found: Vec<Option<Found>> = each.buffered(AT_ONCE).try_collect().await?;
        let mut found: Vec<Found> = found
            .into_iter()
            .flatten()
            .filter(|found| found.id.project == self.project)
            .collect();
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    /// The containers of this copy.
    pub(super) async fn found(&self) -> Result<Vec<Found>, EngineError> {
        let root = self.root.display().to_string();
        let mut found = self.all().await?;
        found.retain(|found| {
            found
                .folder()
                .is_none_or(|folder| folder == root || !Path::new(folder).exists())
        });
        Ok(found)
    }

    /// A time of the engine on the mesh's clock; the engine's own where there is no mesh.
    pub(super) fn stamp(&self, wall_ns: u64) -> u64 {
        let ahead = self.meshes.ahead.get().copied().unwrap_or_default();
        u64::try_from(i128::from(wall_ns) + ahead).unwrap_or_default()
    }

    /// The containers that carry the project's edges: its meshes, and the doors to them.
    pub(super) async fn found_carriers(&self) -> Result<Vec<mesh_container::Found>, EngineError> {
        mesh_container::find(&self.engine, self.project.as_str(), &self.root).await
    }

    /// The project's meshes.
    pub(super) async fn found_meshes(&self) -> Result<Vec<mesh_container::Found>, EngineError> {
        let mut found = self.found_carriers().await?;
        found.retain(|it| it.observed.kind == Kind::Mesh);
        Ok(found)
    }

    /// A session with the mesh in a container.
    async fn session(&self, mesh: &mesh_container::Found) -> Result<Session, RuntimeError> {
        let mut open = self.meshes.open.lock().await;
        if let Some(session) = open.get(&mesh.container) {
            return Ok(session.clone());
        }
        let session = mesh_container::session(&self.engine, &mesh.container, &*self.clock).await?;
        open.insert(mesh.container.clone(), session.clone());
        if mesh.lane == LaneName::main() {
            // The first one stays: who replaces a mesh opens its edges and ends.
            let now = i128::from(wall_ns(&*self.clock));
            let _ = self
                .meshes
                .ahead
                .set(i128::from(session.peer().clock_ns) - now);
            let _ = self.meshes.main.set(session.clone());
        }
        Ok(session)
    }

    /// The session with a lane's mesh.
    async fn mesh_of(&self, lane: &LaneName) -> Result<Session, RuntimeError> {
        let meshes = self.found_meshes().await?;
        let mesh = meshes.iter().find(|it| it.lane == *lane && it.is_running);
        match mesh {
            Some(mesh) => self.session(mesh).await,
            None => Err(self.no_mesh()),
        }
    }

    fn no_mesh(&self) -> RuntimeError {
        RuntimeError::Refused(format!(
            "{} runs without a mesh: its edges are neither seen nor broken",
            self.project
        ))
    }

    /// Waits until every edge into a service accepts, where a mesh carries them.
    async fn edges_accept(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        let meshes = self.found_meshes().await?;
        let Some(mesh) = meshes.iter().find(|it| it.lane == id.lane && it.is_running) else {
            return Ok(());
        };
        let session = self.session(mesh).await?;
        let deadline = self.clock.now() + ACCEPTING;
        loop {
            let edges = mesh_container::edges(&session).await?;
            let refusing: Vec<_> = edges
                .into_iter()
                .filter(|edge| edge.id.callee == id.service && edge.id.lane == id.lane)
                .filter(|edge| edge.admission == Admission::Accept && !edge.accepting)
                .filter(|edge| !edge.reasons.is_empty())
                .collect();
            if refusing.is_empty() || self.clock.now() >= deadline {
                return Ok(());
            }
            for edge in refusing {
                // It looks at once; one that was closed meanwhile needs none.
                let told = client::set_backends(&session, &edge.id, &edge.backends, edge.admission);
                let _ = told.await;
            }
            self.clock.sleep(LOOK).await;
        }
    }

    /// The latest container of a replica.
    pub(super) async fn one(&self, id: &InstanceId) -> Result<Found, RuntimeError> {
        let found = self.found().await?.into_iter();
        found
            .filter(|found| found.id.same_replica(id))
            .max_by_key(|found| found.id.incarnation)
            .ok_or_else(|| RuntimeError::NoInstance(id.clone()))
    }

    async fn start(&self, spec: &InstanceSpec) -> Result<Vec<Event>, RuntimeError> {
        let found = container::start(&self.engine, spec).await?;
        let instance = spec.id.clone();
        let pid = found.pid();
        Ok(vec![Event::InstanceStarted { instance, pid }])
    }

    async fn wait(&self, id: &InstanceId, what: Condition) -> Result<Vec<Event>, RuntimeError> {
        let since = self.clock.now();
        let container = self.one(id).await?.container;
        readiness::await_condition(&self.engine, id, &container, what, &*self.clock).await?;
        if what != Condition::ServiceHealthy {
            return Ok(Vec::new());
        }
        self.edges_accept(id).await?;
        Ok(vec![Event::InstanceReady {
            instance: id.clone(),
            seconds: self.clock.now().duration_since(since).as_secs_f64(),
        }])
    }

    async fn stop(&self, id: &InstanceId) -> Result<Vec<Event>, RuntimeError> {
        for found in self.found().await? {
            if found.id.same_replica(id) {
                container::stop(&self.engine, &found).await?;
            }
        }
        let instance = id.clone();
        Ok(vec![Event::InstanceStopped { instance }])
    }

    async fn provide(&self, wanted: &Provision) -> Result<Vec<Event>, RuntimeError> {
        match wanted.kind {
            Kind::Network => network::make(&self.engine, wanted).await?,
            Kind::Volume => volume::make(&self.engine, wanted).await?,
            Kind::Place => mesh_container::join(&self.engine, wanted).await?,
            Kind::Door => mesh_container::make(&self.engine, wanted, &*self.clock).await?,
            Kind::Mesh => {
                mesh_container::make(&self.engine, wanted, &*self.clock).await?;
                for mesh in self.found_meshes().await? {
                    if mesh.observed.name == wanted.name {
                        self.session(&mesh).await?;
                    }
                }
            }
        }
        Ok(Vec::new())
    }

    /// A container whose healthcheck the engine has not run yet is asked at once.
    async fn looked_at(&self, found: &Found) -> Result<Phase, EngineError> {
        let phase = found.phase();
        let runs = matches!(phase, Phase::Starting | Phase::Ready | Phase::Unhealthy)
            && !found.never_ran();
        if !runs {
            return Ok(phase);
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
        let found = self.found().await?;
        let now = self.clock.wall();
        let each = stream::iter(found.clone()).map(|found| async move {
            let mut observed = found.observed(now);
            observed.phase = self.looked_at(&found).await?;
            Ok::<_, EngineError>(observed)
        });
        let instances = each.buffered(AT_ONCE).try_collect().await?;
        let label = format!("{}={}", labels::PROJECT, self.project);
        let (networks, volumes) = tokio::try_join!(
            network::labelled(&self.engine, &label),
            volume::labelled(&self.engine, &label)
        )?;
        let mut edges = Vec::new();
        let mut published: Vec<_> = found.iter().flat_map(published::of).collect();
        let mut provisions: Vec<ObservedProvision> = networks
            .into_iter()
            .chain(volumes)
            .map(|(it, _)| it)
            .collect();
        let carriers = self.found_carriers().await?.into_iter();
        let carriers: Vec<_> = carriers.filter(|it| it.is_running).collect();
        for mesh in carriers.iter().filter(|it| it.observed.kind == Kind::Mesh) {
            let session = self.session(mesh).await?;
            edges.extend(mesh_container::edges(&session).await?);
            let places = places_of(mesh, &provisions);
            provisions.extend(places);
        }
        for carrier in carriers {
            published.extend(carrier.published(&edges));
            provisions.push(carrier.observed);
        }
        Ok(Observed {
            runtime: RUNTIME.to_owned(),
            instances,
            edges,
            provisions,
            published,
        })
    }

    async fn watch(&self, from: u64) -> Result<BoxStream<'static, Stamped>, RuntimeError> {
        let project = self.project.as_str();
        let (runtime, clock) = (self.clone(), &self.clock);
        let stamp = Arc::new(move |at| runtime.stamp(at));
        Ok(events::watch(&self.engine, project, from, clock, stamp))
    }

    async fn apply(&self, step: &Step) -> Result<Vec<Event>, RuntimeError> {
        match &step.deed {
            Deed::Provide(wanted) => self.provide(wanted).await,
            Deed::Withdraw(it) => {
                container::remove(&self.engine, &it.name).await?;
                Ok(Vec::new())
            }
            Deed::Start(spec) => self.start(spec).await,
            Deed::Await(id, condition) => self.wait(id, *condition).await,
            Deed::Stop(id) => self.stop(id).await,
            Deed::OpenEdge(spec) => {
                let session = self.mesh_of(&spec.id.lane).await?;
                let put = client::put_edge(&session, spec).await;
                put.map(|_| Vec::new()).map_err(of_mesh)
            }
            Deed::CloseEdge(id) => {
                let session = self.mesh_of(&id.lane).await?;
                let removed = client::remove_edge(&session, id).await;
                removed.map(|()| Vec::new()).map_err(of_mesh)
            }
        }
    }

    async fn signal(&self, instance: &InstanceId, signal: &str) -> Result<(), RuntimeError> {
        let container = self.one(instance).await?.container;
        let options = KillContainerOptionsBuilder::default()
            .signal(signal)
            .build();
        let docker = &self.engine.docker;
        let killed = docker.kill_container(&container, Some(options)).await;
        Ok(killed.map_err(asked(format!("sending {signal} to {instance}")))?)
    }

    async fn pause(&self, instance: &InstanceId, paused: bool) -> Result<(), RuntimeError> {
        let container = self.one(instance).await?.container;
        let docker = &self.engine.docker;
        let done = match paused {
            true => docker.pause_container(&container).await,
            false => docker.unpause_container(&container).await,
        };
        match done.map_err(asked(format!("pausing {instance}"))) {
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
            Some(address) if self.engine.is_local => Ok(SocketAddr::new(address, port)),
            _ => Err(RuntimeError::Refused(format!(
                "this host does not reach {instance} directly"
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

/// Where a mesh stands, as planning compares it.
fn places_of(
    mesh: &mesh_container::Found,
    networks: &[ObservedProvision],
) -> Vec<ObservedProvision> {
    let places = mesh.places.iter();
    let places = places.map(|(network, address)| {
        let mut networks = networks.iter();
        let made = networks.find(|it| it.kind == Kind::Network && it.name == *network);
        let made = made.map(|it| it.hash.as_str()).unwrap_or_default();
        ObservedProvision {
            kind: Kind::Place,
            name: place_name(&mesh.observed.name, network),
            hash: place_hash(address, made),
            lane: Some(mesh.lane.clone()),
        }
    });
    places.collect()
}

fn of_mesh(error: ProtocolError) -> RuntimeError {
    RuntimeError::Refused(format!("the mesh says: {error}"))
}
