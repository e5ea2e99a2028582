//! One edge: its gate, its backends, its counts and what is armed on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use msvc_system::id::EdgeId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::backends::Backends;
use crate::fault_table::Armed;
use crate::gate::Gate;
use crate::spec::{Admission, EdgeCounts, EdgeSpec, EdgeStatus, HostPort, Transport};

/// Which listener: an edge has one, or one per replica of its caller.
pub(crate) type Key = (EdgeId, Option<u32>);

/// One listener of an edge.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) id: EdgeId,
    pub(crate) caller_replica: Option<u32>,
    pub(crate) gate: Gate,
    pub(crate) backends: Backends,
    pub(crate) carried: Arc<Carried>,
    /// Ends listening and probing; connections live on.
    pub(crate) closed: CancellationToken,
    pub(crate) transport: watch::Sender<Transport>,
    about: Mutex<About>,
    refreshing: Mutex<()>,
}

/// What stays when an edge moves to another address.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) counts: Counts,
    /// Numbers the edge's connections, those of all its listeners.
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) armed: watch::Sender<Arc<[Arc<Armed>]>>,
    pub(crate) speaks: Mutex<Option<&'static str>>,
    /// Whether it came to be by what a callee says of itself.
    pub(crate) appeared: bool,
    /// The edge is gone: its connections are reset.
    pub(crate) removed: CancellationToken,
}

/// Counts, live.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) failed_dials: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) waiting: AtomicU64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) to_callee: AtomicU64,
    pub(crate) from_callee: AtomicU64,
}

#[derive(Debug)]
struct About {
    also_known_as: Vec<HostPort>,
    reasons: Vec<String>,
}

impl Edge {
    pub(crate) fn new(spec: &EdgeSpec, gate: Gate, carried: Arc<Carried>) -> Self {
        Self {
            id: spec.id.clone(),
            caller_replica: spec.caller_replica,
            gate,
            backends: Backends::new(&spec.backends, spec.admission),
            carried,
            closed: CancellationToken::new(),
            transport: watch::Sender::new(spec.transport),
            about: Mutex::new(About {
                also_known_as: spec.also_known_as.clone(),
                reasons: spec.reasons.clone(),
            }),
            refreshing: Mutex::new(()),
        }
    }

    pub(crate) fn key(&self) -> Key {
        (self.id.clone(), self.caller_replica)
    }

    fn about(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over all of `spec` but its address.
    pub(crate) fn update(&self, spec: &EdgeSpec) {
        *self.about() = About {
            also_known_as: spec.also_known_as.clone(),
            reasons: spec.reasons.clone(),
        };
        self.transport.send_if_modified(|it| {
            let same = *it == spec.transport;
            *it = spec.transport;
            !same
        });
        self.backends.set(&spec.backends, spec.admission);
        self.refresh();
    }

    pub(crate) fn is_known_as(&self, name: &HostPort) -> bool {
        self.about().also_known_as.contains(name)
    }

    /// Opens or closes the gate, as the backends are now.
    pub(crate) fn refresh(&self) {
        let _one_at_a_time = self
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let open = self.backends.open()
            && self.transport.borrow().has_tcp()
            && !self.closed.is_cancelled();
        // A gate that cannot be opened stays closed, and `accepting` says so; the next change of a
        // backend tries again.
        let _ = self.gate.set(open);
    }

    /// Takes over what is armed on the edge now.
    pub(crate) fn arm(&self, armed: Arc<[Arc<Armed>]>) {
        self.carried.armed.send_if_modified(|current| {
            let same = current.len() == armed.len()
                && current.iter().zip(&*armed).all(|(a, b)| a.id == b.id);
            if !same {
                *current = armed;
            }
            !same
        });
    }

    /// Says what the edge speaks, from now on; that something could not be read stays said.
    pub(crate) fn recognise(&self, speaks: &'static str) {
        let said = self.carried.speaks.lock();
        let mut said = said.unwrap_or_else(PoisonError::into_inner);
        if *said != Some("kafka-unread") {
            *said = Some(speaks);
        }
    }

    pub(crate) fn status(&self) -> EdgeStatus {
        let Carried { counts, speaks, .. } = &*self.carried;
        let speaks = *speaks.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let transport = *self.transport.borrow();
        let admission = self.backends.admission();
        // Nobody can tell whether datagrams are taken.
        let accepting = match transport.has_tcp() {
            true => self.backends.accepting() && self.gate.is_open(),
            false => admission == Admission::Accept,
        };
        let unread = if transport.has_tcp() { "tcp" } else { "udp" };
        EdgeStatus {
            id: self.id.clone(),
            caller_replica: self.caller_replica,
            listen: self.gate.local(),
            reasons: self.about().reasons.clone(),
            admission,
            accepting,
            speaks: speaks.unwrap_or(unread).to_owned(),
            counts: EdgeCounts {
                connections: read(&counts.connections),
                open: read(&counts.open),
                failed_dials: read(&counts.failed_dials),
                refused: read(&counts.refused),
                waiting: read(&counts.waiting),
                unanswered: read(&counts.unanswered),
                bytes_to_callee: read(&counts.to_callee),
                bytes_from_callee: read(&counts.from_callee),
            },
            backends: self.backends.all(),
            transport,
            appeared: self.carried.appeared,
        }
    }
}

impl Carried {
    pub(crate) fn new(numbers: Arc<AtomicU64>, armed: Arc<[Arc<Armed>]>, appeared: bool) -> Self {
        Self {
            counts: Counts::default(),
            numbers,
            armed: watch::Sender::new(armed),
            speaks: Mutex::new(None),
            appeared,
            removed: CancellationToken::new(),
        }
    }
}
