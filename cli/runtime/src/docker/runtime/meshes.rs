//! The sessions with a project's meshes: each opened once, over the engine's exec.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use msvc_mesh::client;
use msvc_mesh::protocol::{ProtocolError, Session};
use msvc_mesh::spec::{Admission, EdgeStatus};
use msvc_system::id::{InstanceId, LaneName};
use tokio::sync::Mutex;

use super::{DockerRuntime, wall_ns};
use crate::contract::RuntimeError;
use crate::docker::container::Found;
use crate::docker::want::{place_hash, place_name};
use crate::docker::{displaced, mesh_container, network, unmeshed};
use crate::observed::Published;
use crate::provision::{Kind, ObservedProvision};

/// How long the edges into a service that is healthy may take to see it.
const ACCEPTING: Duration = Duration::from_secs(5);
/// How much later than it is the engine may tell that a mesh has ended.
const TOLD: Duration = Duration::from_secs(5);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The sessions with the meshes of a project, each opened once.
#[derive(Debug, Clone, Default)]
pub(super) struct Meshes {
    /// By container.
    pub(super) open: Arc<Mutex<BTreeMap<String, Session>>>,
    /// By lane, as long as this process neither makes nor takes away a mesh: a plan opens many edges.
    pub(super) current: Arc<Mutex<BTreeMap<LaneName, Session>>>,
    /// The main lane's.
    pub(super) main: Arc<OnceLock<Session>>,
    /// How far its clock is ahead of the engine's, in nanoseconds: events are told by it, so that
    /// they compare with what the mesh saw.
    pub(super) ahead: Arc<OnceLock<i128>>,
}

/// What the meshes of a project and their doors do.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) edges: Vec<EdgeStatus>,
    /// Themselves, and where they stand.
    pub(super) provisions: Vec<ObservedProvision>,
    pub(super) published: Vec<Published>,
    /// Why they do not stand, or run, as they should.
    pub(super) displaced: Vec<String>,
}

impl DockerRuntime {
    /// A time of the engine on the mesh's clock; the engine's own where there is no mesh.
    pub(in crate::docker) fn stamp(&self, wall_ns: u64) -> u64 {
        let ahead = self.meshes.ahead.get().copied().unwrap_or_default();
        u64::try_from(i128::from(wall_ns) + ahead).unwrap_or_default()
    }

    /// A session with the mesh in a container.
    pub(super) async fn session(
        &self,
        mesh: &mesh_container::Found,
    ) -> Result<Session, RuntimeError> {
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

    /// The edges that a mesh carries, which was seen to run; none of one that was taken away since.
    pub(super) async fn edges_of(
        &self,
        mesh: &mesh_container::Found,
    ) -> Result<Option<Vec<EdgeStatus>>, RuntimeError> {
        let told = async { mesh_container::edges(&self.session(mesh).await?).await };
        self.unless_gone(mesh, told.await).await
    }

    /// What came of asking a mesh that was seen to run; nothing where it was taken away since.
    pub(super) async fn unless_gone<T>(
        &self,
        mesh: &mesh_container::Found,
        asked: Result<T, RuntimeError>,
    ) -> Result<Option<T>, RuntimeError> {
        let error = match asked {
            Ok(told) => return Ok(Some(told)),
            Err(error) => error,
        };
        // The engine tells of its end a little after it.
        let deadline = self.clock.now() + TOLD;
        while mesh_container::runs(&self.engine, &mesh.container).await? {
            if self.clock.now() >= deadline {
                return Err(error);
            }
            self.clock.sleep(LOOK).await;
        }
        Ok(None)
    }

    /// What `carriers` do for the containers of a project on its networks.
    pub(super) async fn carried(
        &self,
        found: &[Found],
        carriers: Vec<mesh_container::Found>,
        networks: &[network::Found],
    ) -> Result<Carried, RuntimeError> {
        let mut all = Carried {
            displaced: unmeshed::lanes(found, &carriers, networks),
            ..Carried::default()
        };
        let made: Vec<_> = networks.iter().map(|it| it.observed.clone()).collect();
        let mut running = Vec::new();
        for carrier in carriers.into_iter().filter(|it| it.is_running) {
            if carrier.observed.kind == Kind::Mesh {
                let Some(carried) = self.edges_of(&carrier).await? else {
                    continue;
                };
                let off = displaced::off_its_edges(&carrier, &carried, networks);
                all.displaced.extend(off);
                all.edges.extend(carried);
                all.provisions.extend(places_of(&carrier, &made));
            }
            running.push(carrier);
        }
        for carrier in running {
            all.published.extend(carrier.published(&all.edges));
            all.provisions.push(carrier.observed);
        }
        Ok(all)
    }

    /// The session with a lane's mesh.
    pub(super) async fn mesh_of(&self, lane: &LaneName) -> Result<Session, RuntimeError> {
        let session = self.carrying(lane).await?;
        session.ok_or_else(|| self.no_mesh())
    }

    /// The session with the mesh of a lane beside the main one: each lane has a mesh of its own.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn further_mesh(&self, lane: &LaneName) -> Result<Option<Session>, RuntimeError> {
        match *lane == LaneName::main() {
            true => Ok(None),
            false => self.carrying(lane).await,
        }
    }

    /// The same; none where no mesh runs.
    async fn carrying(&self, lane: &LaneName) -> Result<Option<Session>, RuntimeError> {
        let mut current = self.meshes.current.lock().await;
        if let Some(session) = current.get(lane) {
            return Ok(Some(session.clone()));
        }
        let meshes = self.found_meshes().await?;
        let Some(mesh) = meshes.iter().find(|it| it.lane == *lane && it.is_running) else {
            return Ok(None);
        };
        let session = self.session(mesh).await?;
        current.insert(lane.clone(), session.clone());
        Ok(Some(session))
    }

    /// What a mesh does not do.
    pub(super) fn of_mesh(&self, error: &ProtocolError) -> RuntimeError {
        RuntimeError::Refused(format!("the mesh of {} says: {error}", self.project))
    }

    pub(super) fn no_mesh(&self) -> RuntimeError {
        RuntimeError::Refused(format!(
            "{} runs without a mesh: its edges are neither seen nor broken (`msvc up` gives it one)",
            self.project
        ))
    }

    /// Waits until every edge into a service accepts, where a mesh carries them.
    pub(super) async fn edges_accept(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        let Some(session) = self.carrying(&id.lane).await? else {
            return Ok(());
        };
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
