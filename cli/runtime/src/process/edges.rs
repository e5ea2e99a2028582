//! The edges as the supervisor knows them: it tells the mesh at once which backends are there, so
//! that an edge refuses the moment its callee has ended and accepts the moment it is back.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use msvc_mesh::protocol::{Handler, ProtocolError};
use msvc_mesh::spec::{Admission, Backend, EdgeSpec, EdgeStatus};
use msvc_system::id::{EdgeId, LaneName, ServiceName};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::instance::Listen;

/// The supervisor's requests are those of no session: nothing of it ends before the mesh does.
const OWN: u64 = 0;

/// The edges of all lanes.
pub(super) struct Edges {
    mesh: Arc<dyn Handler>,
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
    pub(super) fn new(mesh: Arc<dyn Handler>) -> Self {
        Self {
            mesh,
            known: Mutex::default(),
        }
    }

    /// Opens or updates an edge.
    pub(super) async fn open(&self, spec: &EdgeSpec) -> Result<(), ProtocolError> {
        let mut known = self.known.lock().await;
        let told = EdgeSpec {
            backends: known.backends(spec),
            ..spec.clone()
        };
        self.ask("mesh.put_edge", json!(told)).await?;
        let key = (spec.id.clone(), spec.caller_replica);
        known.wanted.insert(key, spec.clone());
        Ok(())
    }

    /// Closes all listeners of an edge.
    pub(super) async fn close(&self, id: &EdgeId) -> Result<(), ProtocolError> {
        let mut known = self.known.lock().await;
        self.ask("mesh.remove_edge", json!({ "edge": id })).await?;
        known.wanted.retain(|(edge, _), _| edge != id);
        Ok(())
    }

    /// An instance with these backends was started (`true`) or has ended.
    pub(super) async fn present(&self, listens: &[Listen], there: bool) {
        let mut known = self.known.lock().await;
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
            self.push(&known, spec).await;
        }
    }

    /// Has the mesh look now whether the backends of a callee accept.
    pub(super) async fn look_again(&self, lane: &LaneName, callee: &ServiceName) {
        let known = self.known.lock().await;
        let into = |spec: &&EdgeSpec| spec.id.lane == *lane && spec.id.callee == *callee;
        for spec in known.wanted.values().filter(into) {
            self.push(&known, spec).await;
        }
    }

    async fn push(&self, known: &Known, spec: &EdgeSpec) {
        let parameters = json!({
            "edge": spec.id,
            "backends": known.backends(spec),
            "admission": spec.admission,
        });
        // An edge that the mesh has lost meanwhile is shown by its status.
        let _ = self.ask("mesh.set_backends", parameters).await;
    }

    /// An edge into `callee` that refuses although its policy says accept.
    pub(super) async fn refusing(
        &self,
        lane: &LaneName,
        callee: &ServiceName,
    ) -> Result<Option<EdgeId>, String> {
        let edges = self.status().await.map_err(|e| e.to_string())?;
        let refusing = edges.into_iter().find(|edge| {
            edge.id.lane == *lane
                && edge.id.callee == *callee
                && edge.admission == Admission::Accept
                && !edge.accepting
        });
        Ok(refusing.map(|edge| edge.id))
    }

    /// All edges as they stand.
    pub(super) async fn status(&self) -> Result<Vec<EdgeStatus>, ProtocolError> {
        let answer = self.ask("mesh.edges", Value::Null).await?;
        serde_json::from_value(answer).map_err(|e| ProtocolError::Frame(e.to_string()))
    }

    async fn ask(&self, method: &str, parameters: Value) -> Result<Value, ProtocolError> {
        self.mesh.request(OWN, method, parameters).await
    }
}
