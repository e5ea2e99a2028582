//! What a session adds to a system that runs already. Until the session says that all of it is up, its
//! end takes that away again, however it ends.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use msvc_mesh::protocol::SessionId;
use msvc_system::id::{EdgeId, InstanceId, LaneName};

use super::supervisor::{Key, Supervisor, key};

/// How often is looked again for what was being started when the session ended.
const LOOKS: usize = 5;

/// Sessions that add, each with what was there before.
#[derive(Default)]
pub(super) struct Additions(Mutex<HashMap<SessionId, Before>>);

/// What was there of the system itself; its copies are others' affair.
struct Before {
    replicas: HashSet<Key>,
    edges: HashSet<EdgeId>,
}

impl Additions {
    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Before>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session is about to add to what is there now.
    pub(super) fn begin(&self, session: SessionId, supervisor: &Supervisor) {
        let (instances, edges) = of_the_system(supervisor);
        let before = Before {
            replicas: instances.iter().map(key).collect(),
            edges: edges.into_iter().collect(),
        };
        self.sessions().insert(session, before);
    }

    /// What it added stays.
    pub(super) fn keep(&self, session: SessionId) {
        self.sessions().remove(&session);
    }

    /// The session has ended: what it added goes, unless it was to stay.
    pub(super) async fn end(&self, session: SessionId, supervisor: &Supervisor) {
        let Some(before) = self.sessions().remove(&session) else {
            return;
        };
        for _ in 0..LOOKS {
            let (mut instances, mut edges) = of_the_system(supervisor);
            instances.retain(|id| !before.replicas.contains(&key(id)));
            edges.retain(|id| !before.edges.contains(id));
            if instances.is_empty() && edges.is_empty() {
                return;
            }
            // What is gone by now is what is wanted.
            let stops = instances.iter().map(|id| supervisor.stop(id));
            let _ = futures_util::future::join_all(stops).await;
            for edge in &edges {
                let _ = supervisor.shared.edges.close(edge);
            }
        }
    }
}

fn of_the_system(supervisor: &Supervisor) -> (Vec<InstanceId>, Vec<EdgeId>) {
    let main = LaneName::main();
    let observed = supervisor.observe();
    let instances = observed.instances.into_iter().map(|it| it.id);
    let edges = observed.edges.into_iter().map(|it| it.id);
    (
        instances.filter(|id| id.lane == main).collect(),
        edges.filter(|id| id.lane == main).collect(),
    )
}
