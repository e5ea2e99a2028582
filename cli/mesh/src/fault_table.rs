//! The faults that are armed, and the receipts of those that were.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use msvc_machine::draw;
use msvc_system::id::EdgeId;
use serde::{Deserialize, Serialize};

use crate::error::MeshError;
use crate::fault::{Action, Fault, FaultId};
use crate::lease::LeaseId;
use crate::ledger::Ledger;
use crate::mesh_clock::MeshClock;
use crate::receipt::Receipt;

/// Receipts of lifted faults that are kept for who asks late.
const KEPT_RECEIPTS: usize = 100;

/// The longest delay that can be asked for: a day, in milliseconds. Longer is a slip.
const MAX_DELAY_MS: u64 = 86_400_000;

/// A fault in force.
#[derive(Debug)]
pub(crate) struct Armed {
    pub(crate) id: FaultId,
    pub(crate) lease: LeaseId,
    pub(crate) fault: Fault,
    pub(crate) ledger: Ledger,
}

impl Armed {
    pub(crate) fn selects(&self, edge: &EdgeId) -> bool {
        let selector = &self.fault.selector;
        selector.lane == edge.lane && selector.edge.selects(edge)
    }

    /// Whether connection `number` of the edge is among those that its budget lets it touch.
    pub(crate) fn draws(&self, url_form: &str, number: u64) -> bool {
        let parts = [&self.fault.name, url_form, &number.to_string()];
        draw::unit(self.fault.seed, &parts) < self.fault.budget.probability
    }
}

/// A fault in force, as `fault.list` tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmedFault {
    /// Its number.
    pub id: FaultId,
    /// The lease it lives under.
    pub lease: LeaseId,
    /// The fault.
    pub fault: Fault,
}

/// All faults of a mesh.
#[derive(Debug)]
pub(crate) struct FaultTable {
    mesh: String,
    clock: MeshClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    armed: BTreeMap<FaultId, Arc<Armed>>,
    receipts: VecDeque<Receipt>,
}

impl FaultTable {
    pub(crate) fn new(mesh: String, clock: MeshClock) -> Self {
        Self {
            mesh,
            clock,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault that was found to select `edges`. The caller publishes.
    pub(crate) fn add(
        &self,
        lease: LeaseId,
        fault: Fault,
        edges: &[EdgeId],
    ) -> Result<FaultId, MeshError> {
        check(&fault)?;
        let mut state = self.state();
        let clash = edges.iter().find(|edge| {
            let same = |a: &Arc<Armed>| a.fault.name == fault.name && a.selects(edge);
            state.armed.values().any(same)
        });
        if let Some(edge) = clash {
            return Err(MeshError::FaultExists {
                edge: edge.to_string(),
                name: fault.name,
            });
        }
        state.last += 1;
        let id = FaultId(state.last);
        let ledger = Ledger::new(id, &fault.name, &self.mesh, self.clock.clone());
        let armed = Armed {
            id,
            lease,
            fault,
            ledger,
        };
        state.armed.insert(id, Arc::new(armed));
        Ok(id)
    }

    /// What is armed on an edge, in the order of arming.
    pub(crate) fn on(&self, edge: &EdgeId) -> Arc<[Arc<Armed>]> {
        let state = self.state();
        let armed = state.armed.values().filter(|a| a.selects(edge));
        armed.cloned().collect()
    }

    /// Lifts a fault; nothing is touched any more. One that is lifted already answers its receipt
    /// again. The caller publishes.
    pub(crate) fn lift(&self, id: FaultId) -> Result<Receipt, MeshError> {
        let mut state = self.state();
        let Some(armed) = state.armed.remove(&id) else {
            drop(state);
            return self.receipt(id);
        };
        let receipt = armed.ledger.lift();
        if state.receipts.len() == KEPT_RECEIPTS {
            state.receipts.pop_front();
        }
        state.receipts.push_back(receipt.clone());
        Ok(receipt)
    }

    /// Lifts all faults of a lease; whether there were any.
    pub(crate) fn lift_all_of(&self, lease: LeaseId) -> bool {
        let of_lease = |a: &&Arc<Armed>| a.lease == lease;
        let ids: Vec<_> = {
            let state = self.state();
            state
                .armed
                .values()
                .filter(of_lease)
                .map(|a| a.id)
                .collect()
        };
        for id in &ids {
            // Another may have lifted it meanwhile.
            let _ = self.lift(*id);
        }
        !ids.is_empty()
    }

    /// The receipt so far, or the last one of a lifted fault.
    pub(crate) fn receipt(&self, id: FaultId) -> Result<Receipt, MeshError> {
        let state = self.state();
        if let Some(armed) = state.armed.get(&id) {
            return Ok(armed.ledger.receipt());
        }
        let kept = state.receipts.iter().find(|r| r.fault == id);
        kept.cloned().ok_or(MeshError::NoFault(id))
    }

    pub(crate) fn list(&self) -> Vec<ArmedFault> {
        let listed = |a: &Arc<Armed>| ArmedFault {
            id: a.id,
            lease: a.lease,
            fault: a.fault.clone(),
        };
        self.state().armed.values().map(listed).collect()
    }
}

fn check(fault: &Fault) -> Result<(), MeshError> {
    if fault.selector.request.is_some() {
        return Err(MeshError::Unsupported {
            fault: fault.name.clone(),
            what: "a request selector",
        });
    }
    let probability = fault.budget.probability;
    if !(0.0..=1.0).contains(&probability) {
        return Err(MeshError::OutOfRange {
            what: "probability",
            given: probability.to_string(),
            must: "from 0 to 1",
        });
    }
    match fault.action {
        Action::Latency {
            latency_ms,
            jitter_ms,
        } => {
            for (what, given) in [("latency_ms", latency_ms), ("jitter_ms", jitter_ms)] {
                if given > MAX_DELAY_MS {
                    return Err(MeshError::OutOfRange {
                        what,
                        given: given.to_string(),
                        must: "a day (86400000) at most",
                    });
                }
            }
        }
    }
    Ok(())
}
