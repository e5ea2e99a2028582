//! Where an edge's callee accepts, which of it does right now, and which is least busy.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::mesh_clock::MeshClock;
use crate::spec::{Admission, Backend};
use crate::wire::Wire;

/// Between probes at first.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Between probes in the end.
const LAST_PAUSE: Duration = Duration::from_millis(250);

/// A probe that takes longer counts as failed.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// One replica's door.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) backend: Backend,
    /// Whether it accepted when it was last tried.
    up: AtomicBool,
    busy: AtomicUsize,
}

impl Target {
    fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }
}

/// Keeps a target counted as busy while it lives.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Target>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone)]
struct Policy {
    admission: Admission,
    targets: Vec<Arc<Target>>,
}

/// The backends of one edge.
#[derive(Debug)]
pub(crate) struct Backends {
    policy: Mutex<Policy>,
    /// Changes with the policy and with every target that goes up or down.
    changed: watch::Sender<u64>,
    /// Who comes first among the equally busy: everybody in turn.
    turn: AtomicUsize,
}

impl Backends {
    pub(crate) fn new(backends: &[Backend], admission: Admission) -> Self {
        let this = Self {
            policy: Mutex::new(Policy {
                admission,
                targets: Vec::new(),
            }),
            changed: watch::Sender::new(0),
            turn: AtomicUsize::new(0),
        };
        this.set(backends, admission);
        this
    }

    fn policy(&self) -> Policy {
        self.policy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces them. Those that stay keep what is known of them.
    pub(crate) fn set(&self, backends: &[Backend], admission: Admission) {
        {
            let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
            let targets = backends
                .iter()
                .map(|backend| {
                    let known = policy.targets.iter().find(|t| t.backend == *backend);
                    known.cloned().unwrap_or_else(|| {
                        Arc::new(Target {
                            backend: backend.clone(),
                            up: AtomicBool::new(false),
                            busy: AtomicUsize::new(0),
                        })
                    })
                })
                .collect();
            *policy = Policy { admission, targets };
        }
        self.tell();
    }

    pub(crate) fn admission(&self) -> Admission {
        self.policy().admission
    }

    pub(crate) fn all(&self) -> Vec<Backend> {
        let policy = self.policy();
        policy.targets.iter().map(|t| t.backend.clone()).collect()
    }

    /// Whether callers are connected right now.
    pub(crate) fn accepting(&self) -> bool {
        let policy = self.policy();
        policy.admission == Admission::Accept && policy.targets.iter().any(|t| t.is_up())
    }

    /// Whether the edge is to take connections at all.
    pub(crate) fn open(&self) -> bool {
        match self.admission() {
            Admission::Hold => true,
            Admission::Refuse => false,
            Admission::Accept => self.accepting(),
        }
    }

    fn tell(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Connects to the least busy target that accepts; to any that does, where none is known to.
    /// A target that does not accept is known as down at once; `tried` hears of it.
    pub(crate) async fn dial(&self, mut tried: impl FnMut()) -> Option<(Wire, Busy)> {
        let mut targets = self.policy().targets;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let places = targets.len().max(1);
        targets.rotate_left(turn % places);
        targets.sort_by_key(|t| (!t.is_up(), t.busy.load(Ordering::Relaxed)));
        for target in targets {
            target.busy.fetch_add(1, Ordering::Relaxed);
            let busy = Busy(Arc::clone(&target));
            if let Ok(wire) = Wire::dial(&target.backend).await {
                self.mark(&target, true);
                return Some((wire, busy));
            }
            self.mark(&target, false);
            tried();
        }
        None
    }

    fn mark(&self, target: &Target, up: bool) {
        if target.up.swap(up, Ordering::Relaxed) != up {
            self.tell();
        }
    }

    /// What has this name is there no more, until it accepts again.
    pub(crate) fn lost(&self, lost: &str) {
        for target in self.policy().targets {
            if matches!(&target.backend, Backend::Named { name, .. } if name == lost) {
                self.mark(&target, false);
            }
        }
    }

    /// Where the least busy target takes datagrams, while callers are let in.
    pub(crate) fn datagrams(&self) -> Option<(SocketAddr, Busy)> {
        let policy = self.policy();
        let open = policy.admission == Admission::Accept;
        let targets = policy.targets.into_iter().filter(|_| open);
        let least = targets.min_by_key(|t| (!t.is_up(), t.busy.load(Ordering::Relaxed)))?;
        let address = least.backend.address()?;
        least.busy.fetch_add(1, Ordering::Relaxed);
        Some((address, Busy(least)))
    }

    /// Tries what is not known to accept, until it does: soon after every change, then ever less
    /// often. `told` hears of every change.
    pub(crate) async fn probe(&self, clock: &MeshClock, told: impl Fn()) {
        let mut changed = self.watch();
        let mut pause = FIRST_PAUSE;
        loop {
            changed.mark_unchanged();
            told();
            let policy = self.policy();
            let down: Vec<_> = policy.targets.iter().filter(|t| !t.is_up()).collect();
            if policy.admission == Admission::Refuse || down.is_empty() {
                if changed.changed().await.is_err() {
                    return;
                }
                pause = FIRST_PAUSE;
                continue;
            }
            let tries = down.iter().map(|target| async {
                tokio::select! {
                    wire = Wire::dial(&target.backend) => wire.is_ok(),
                    () = clock.sleep(PROBE_LIMIT) => false,
                }
            });
            let outcomes = futures_util::future::join_all(tries).await;
            for (target, up) in down.iter().zip(outcomes) {
                self.mark(target, up);
            }
            tokio::select! {
                _ = changed.changed() => pause = FIRST_PAUSE,
                () = clock.sleep(pause) => pause = (pause * 3 / 2).min(LAST_PAUSE),
            }
        }
    }
}
