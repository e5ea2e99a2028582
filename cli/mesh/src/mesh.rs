//! The mesh: its edges, and what all its tasks share. [`faults`]: the faults on the edges, and the
//! leases that keep those alive.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::Stream;
use msvc_machine::clock::Clock;
use msvc_system::id::{EdgeId, LaneName};
use msvc_system::problem::nearest;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::edge::{Carried, Edge, Key};
use crate::error::MeshError;
use crate::exchange::{Exchange, Incident};
use crate::fault_table::FaultTable;
use crate::gate::Gate;
use crate::lease::{LeaseId, Leases};
use crate::listener;
use crate::mesh_clock::MeshClock;
use crate::protocol::Hello;
use crate::record::{From, Numbered, Record};
use crate::spec::{Admission, Backend, EdgeSpec, EdgeStatus};

mod faults;

/// Names of other edges that an unknown one is answered with, at most.
const NEAREST: usize = 5;

/// Chooses the address of an edge that appears while the system runs. Port 0 lets the machine
/// choose the port.
pub type Allocator = Arc<dyn Fn(&EdgeId) -> SocketAddr + Send + Sync>;

/// A mesh. Clones share it. Its methods are to be called within a tokio runtime.
#[derive(Debug, Clone)]
pub struct Mesh {
    pub(crate) shared: Arc<Shared>,
}

/// What all tasks of a mesh share.
pub(crate) struct Shared {
    pub(crate) id: String,
    pub(crate) clock: MeshClock,
    pub(crate) incidents: Record<Incident>,
    pub(crate) exchanges: Record<Exchange>,
    pub(crate) tasks: TaskTracker,
    pub(crate) appeared: Record<EdgeStatus>,
    /// Held while an edge appears.
    pub(crate) appearing: tokio::sync::Mutex<()>,
    edges: Mutex<BTreeMap<Key, Arc<Edge>>>,
    faults: FaultTable,
    leases: Leases,
    pub(crate) allocate: Allocator,
    pub(crate) ending: CancellationToken,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edges: Vec<_> = self.edges().keys().map(|key| key.0.to_string()).collect();
        f.debug_struct("Shared")
            .field("id", &self.id)
            .field("edges", &edges)
            .finish_non_exhaustive()
    }
}

impl Mesh {
    /// A mesh without edges. `id` is new at each start; `allocate` gives addresses to edges that
    /// appear by what callees say of themselves.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, id: impl Into<String>, allocate: Allocator) -> Self {
        let id = id.into();
        let clock = MeshClock::new(clock);
        Self {
            shared: Arc::new(Shared {
                incidents: Record::new(),
                exchanges: Record::new(),
                appeared: Record::new(),
                appearing: tokio::sync::Mutex::new(()),
                tasks: TaskTracker::new(),
                edges: Mutex::default(),
                faults: FaultTable::new(id.clone(), clock.clone()),
                leases: Leases::new(clock.clone()),
                allocate,
                ending: CancellationToken::new(),
                id,
                clock,
            }),
        }
    }

    /// What the mesh says first to its clients.
    #[must_use]
    pub fn hello(&self, build: impl Into<String>) -> Hello {
        Hello::mesh(&*self.shared.id, build, self.shared.clock.now_ns())
    }

    /// Carries an edge from now on; where it listens. One that is carried already is changed:
    /// its counts and live connections stay, also when its address moves.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn put_edge(&self, spec: &EdgeSpec) -> Result<SocketAddr, MeshError> {
        self.shared.put_edge(spec, false)
    }

    /// Carries an edge no longer: its address is given up and its connections are reset.
    ///
    /// # Errors
    /// When there is no such edge.
    pub fn remove_edge(&self, edge: &EdgeId) -> Result<(), MeshError> {
        let removed: Vec<_> = {
            let mut edges = self.shared.edges();
            let keys: Vec<_> = edges.keys().filter(|k| k.0 == *edge).cloned().collect();
            keys.iter().filter_map(|key| edges.remove(key)).collect()
        };
        if removed.is_empty() {
            return Err(self.shared.no_edge(&edge.lane, edge.to_string()));
        }
        for edge in removed {
            edge.carried.removed.cancel();
            edge.closed.cancel();
            edge.refresh();
        }
        Ok(())
    }

    /// Says where the callee accepts and what callers meet. Live connections stay. Once this
    /// returns, an edge that is to refuse does.
    ///
    /// # Errors
    /// When there is no such edge.
    pub fn set_backends(
        &self,
        edge: &EdgeId,
        backends: &[Backend],
        admission: Admission,
    ) -> Result<(), MeshError> {
        let meant = self.shared.edges_where(|e| e.id == *edge);
        if meant.is_empty() {
            return Err(self.shared.no_edge(&edge.lane, edge.to_string()));
        }
        for edge in meant {
            edge.backends.set(backends, admission);
            edge.refresh();
        }
        Ok(())
    }

    /// What is known by this name is there no more: edges that lead nowhere else refuse, until it
    /// accepts again.
    pub fn lost(&self, name: &str) {
        for edge in self.shared.edges_where(|_| true) {
            edge.backends.lost(name);
            edge.refresh();
        }
    }

    /// All edges as they stand.
    #[must_use]
    pub fn edges(&self) -> Vec<EdgeStatus> {
        self.shared.edges().values().map(|e| e.status()).collect()
    }

    /// What goes wrong on the edges, and each connection's end.
    pub fn incidents(&self, from: From) -> impl Stream<Item = Numbered<Incident>> + Send + use<> {
        self.shared.incidents.read(from)
    }

    /// What passed the edges.
    pub fn exchanges(&self, from: From) -> impl Stream<Item = Numbered<Exchange>> + Send + use<> {
        self.shared.exchanges.read(from)
    }

    /// Edges that appear by what callees say of themselves.
    pub fn appeared(&self, from: From) -> impl Stream<Item = Numbered<EdgeStatus>> + Send + use<> {
        self.shared.appeared.read(from)
    }

    /// Ends the mesh: no edge listens any more, connections are reset, faults are lifted. Returns
    /// when all of its tasks have ended.
    pub async fn close(&self) {
        self.shared.ending.cancel();
        let edges = std::mem::take(&mut *self.shared.edges());
        for edge in edges.into_values() {
            edge.carried.removed.cancel();
            edge.closed.cancel();
            edge.refresh();
        }
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    fn edges(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Edge>>> {
        self.edges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn edges_where(&self, wanted: impl Fn(&Edge) -> bool) -> Vec<Arc<Edge>> {
        let edges = self.edges();
        edges.values().filter(|e| wanted(e)).cloned().collect()
    }

    pub(crate) fn put_edge(
        self: &Arc<Self>,
        spec: &EdgeSpec,
        appeared: bool,
    ) -> Result<SocketAddr, MeshError> {
        let mut edges = self.edges();
        if self.ending.is_cancelled() {
            return Err(MeshError::Ending);
        }
        let key = (spec.id.clone(), spec.caller_replica);
        let old = edges.get(&key);
        if let Some(edge) = old.filter(|e| serves(e.gate.local(), spec.listen)) {
            edge.update(spec);
            return Ok(edge.gate.local());
        }
        let gate = Gate::bind(spec.listen).map_err(|source| {
            let (edge, listen) = (spec.id.to_string(), spec.listen);
            match source.kind() {
                std::io::ErrorKind::AddrInUse => MeshError::Taken { edge, listen },
                _ => MeshError::Bind {
                    edge,
                    listen,
                    source,
                },
            }
        })?;
        let carried = match old {
            Some(old) => Arc::clone(&old.carried),
            None => {
                let sibling = edges.values().find(|e| e.id == spec.id);
                let numbers = sibling.map_or_else(
                    || Arc::new(AtomicU64::new(0)),
                    |e| Arc::clone(&e.carried.numbers),
                );
                Arc::new(Carried::new(numbers, self.faults.on(&spec.id), appeared))
            }
        };
        let edge = Arc::new(Edge::new(spec, gate, carried));
        let listen = edge.gate.local();
        edge.refresh();
        self.tasks
            .spawn(listener::serve(Arc::clone(self), Arc::clone(&edge)));
        if let Some(moved) = edges.insert(edge.key(), edge) {
            moved.closed.cancel();
            moved.refresh();
        }
        Ok(listen)
    }

    /// Gives every edge its snapshot of what is armed now.
    fn publish(&self) {
        let edges = self.edges();
        for edge in edges.values() {
            edge.arm(self.faults.on(&edge.id));
        }
    }

    fn end_lease(&self, lease: LeaseId) {
        if self.leases.end(lease) && self.faults.lift_all_of(lease) {
            self.publish();
        }
    }

    /// No such edge; with those that may be meant.
    fn no_edge(&self, lane: &LaneName, wanted: String) -> MeshError {
        let mut names: Vec<_> = self
            .edges_where(|e| e.id.lane == *lane)
            .iter()
            .map(|e| e.id.to_string())
            .collect();
        names.dedup();
        let likeliest = nearest(&wanted, names.iter().map(String::as_str)).map(str::to_owned);
        let parties: Vec<_> = wanted.split("->").collect();
        // Those that share a party come before the others.
        names.sort_by_key(|name| {
            let shared = parties.iter().any(|party| name.contains(party));
            (Some(name) != likeliest.as_ref(), !shared)
        });
        names.truncate(NEAREST);
        MeshError::NoEdge {
            wanted,
            nearest: names,
        }
    }
}

/// Whether a listener at `local` is what `wanted` asks for.
fn serves(local: SocketAddr, wanted: SocketAddr) -> bool {
    local.ip() == wanted.ip() && (wanted.port() == 0 || local.port() == wanted.port())
}
