//! The edges as the supervisor knows them: it tells the mesh at once which backends are there, so
//! that an edge refuses the moment its callee has ended and accepts the moment it is back.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use msvc_mesh::Mesh;
use msvc_mesh::error::MeshError;
use msvc_mesh::spec::{Admission, Backend, EdgeSpec, EdgeStatus};
use msvc_system::id::{EdgeId, LaneName, ServiceName};

use crate::contract::RuntimeError;
use crate::instance::Listen;

/// The edges of all lanes.
pub(super) struct Edges {
    mesh: Mesh,
    /// Held while the mesh is told, so that it hears changes in their order.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    wanted: HashMap<(EdgeId, Option<u32>), EdgeSpec>,
    /// Backends whose instance is known to have ended.
    down: HashSet<SocketAddr>,
}

impl Known {
    fn backends(&self, spec: &EdgeSpec) -> Vec<Backend> {
        let there = |backend: &&Backend| match backend {
            Backend::Tcp(address) => !self.down.contains(address),
            _ => true,
        };
        spec.backends.iter().filter(there).cloned().collect()
    }
}

impl Edges {
    pub(super) fn new(mesh: Mesh) -> Self {
        Self {
            mesh,
            known: Mutex::default(),
        }
    }

    pub(super) fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens or updates an edge.
    pub(super) fn open(&self, spec: &EdgeSpec) -> Result<(), RuntimeError> {
        let mut known = self.known();
        let told = EdgeSpec {
            backends: known.backends(spec),
            ..spec.clone()
        };
        self.mesh.put_edge(&told).map_err(of_mesh)?;
        let key = (spec.id.clone(), spec.caller_replica);
        known.wanted.insert(key, spec.clone());
        Ok(())
    }

    /// Closes all listeners of an edge.
    pub(super) fn close(&self, id: &EdgeId) -> Result<(), RuntimeError> {
        let mut known = self.known();
        self.mesh.remove_edge(id).map_err(of_mesh)?;
        known.wanted.retain(|(edge, _), _| edge != id);
        Ok(())
    }

    /// An instance with these backends was started (`true`) or has ended.
    pub(super) fn present(&self, listens: &[Listen], there: bool) {
        let mut known = self.known();
        for listen in listens {
            if there {
                known.down.remove(&listen.backend);
            } else {
                known.down.insert(listen.backend);
            }
        }
        let concerned = |spec: &&EdgeSpec| {
            spec.backends.iter().any(|backend| match backend {
                Backend::Tcp(address) => listens.iter().any(|listen| listen.backend == *address),
                _ => false,
            })
        };
        for spec in known.wanted.values().filter(concerned) {
            self.push(&known, spec);
        }
    }

    /// Has the mesh look now whether the backends of a callee accept.
    pub(super) fn look_again(&self, lane: &LaneName, callee: &ServiceName) {
        let known = self.known();
        let into = |spec: &&EdgeSpec| spec.id.lane == *lane && spec.id.callee == *callee;
        for spec in known.wanted.values().filter(into) {
            self.push(&known, spec);
        }
    }

    fn push(&self, known: &Known, spec: &EdgeSpec) {
        let backends = known.backends(spec);
        // An edge that was removed at the mesh itself needs none.
        let _ = self.mesh.set_backends(&spec.id, &backends, spec.admission);
    }

    /// An edge into `callee` that refuses although its policy says accept.
    pub(super) fn refusing(&self, lane: &LaneName, callee: &ServiceName) -> Option<EdgeId> {
        let refusing = self.status().into_iter().find(|edge| {
            edge.id.lane == *lane
                && edge.id.callee == *callee
                && edge.admission == Admission::Accept
                && !edge.accepting
        });
        refusing.map(|edge| edge.id)
    }

    /// All edges as they stand.
    pub(super) fn status(&self) -> Vec<EdgeStatus> {
        let mut edges = self.mesh.edges();
        for edge in &mut edges {
            // Those of processes come and go.
            edge.backends.clear();
        }
        edges
    }
}

/// What the mesh refuses, as the runtime says it.
pub(super) fn of_mesh(error: MeshError) -> RuntimeError {
    match error {
        MeshError::Taken { edge, listen } => RuntimeError::PortTaken {
            address: listen.to_string(),
            owner: None,
            hint: format!("the edge {edge} is to listen there; end who has it"),
        },
        other => RuntimeError::Refused(other.to_string()),
    }
}
