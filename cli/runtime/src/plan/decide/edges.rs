//! Which edges close and which open.

use std::collections::BTreeSet;

use msvc_mesh::spec::{Backend, EdgeSpec, EdgeStatus};
use msvc_system::id::Party;

use super::super::Deed;
use super::Deciding;
use crate::lane::{edge_key, published_keys};
use crate::observed::{ObservedInstance, Phase};

impl Deciding<'_> {
    pub(super) fn close_edges(&mut self) {
        // They go with it.
        if self.mesh_goes() {
            return;
        }
        let observed = self.observed;
        let edges = observed
            .edges
            .iter()
            .filter(|edge| edge.id.lane == self.wanted.lane);
        for edge in edges {
            let mut wanted = self.wanted.edges.iter();
            let cause = match wanted.find(|spec| is_same(spec, edge)) {
                Some(spec) if spec.listen == edge.listen => continue,
                Some(_) => "its address moved",
                None if self.was_wanted(edge) => "no longer wanted",
                None if self.is_anothers(edge) => "its port of the host is another's now",
                None => continue,
            };
            // All listeners of an edge close together.
            if self.closes.iter().any(|(_, closed)| closed.id == edge.id) {
                continue;
            }
            let after = self
                .stops
                .iter()
                .filter(|(_, id)| {
                    id.service == edge.id.callee || id.service.as_str() == edge.id.caller.key()
                })
                .map(|(place, _)| *place)
                .collect();
            let place = self
                .plan
                .push(Deed::CloseEdge(edge.id.clone()), cause, after);
            self.closes.push((place, edge));
        }
    }

    /// Whether a port of the host that leads over this edge is to lead over another.
    fn is_anothers(&self, edge: &EdgeStatus) -> bool {
        let mut wanted = self.wanted.edges.iter();
        edge.listen.ip().is_unspecified()
            && wanted.any(|spec| spec.listen == edge.listen && spec.id != edge.id)
    }

    /// Whether an earlier plan opened this edge, and it is for this one to close.
    fn was_wanted(&self, edge: &EdgeStatus) -> bool {
        let lane = self.wanted.lane.as_str();
        let (caller, callee, port) = (&edge.id.caller, edge.id.callee.as_str(), edge.id.port);
        let mut keys = vec![edge_key(lane, caller, edge.caller_replica, callee)];
        keys.extend(published_keys(lane, callee, port));
        let known = keys
            .iter()
            .any(|key| self.book.address(key, port).is_some());
        let owner = match caller {
            Party::Service(caller) => caller,
            Party::Client | Party::Verifier | Party::External => &edge.id.callee,
        };
        // A mesh that is told where its edges lead carries what it was told, and what callees
        // tell of themselves.
        let was_told = !edge.appeared && !edge.backends.is_empty();
        (known || was_told) && self.is_ours(owner)
    }

    pub(super) fn open_edges(&mut self) {
        let wanted = self.wanted;
        for spec in &wanted.edges {
            let there = self.observed.edges.iter().find(|edge| is_same(spec, edge));
            let Some(cause) = self.why_open(spec, there) else {
                continue;
            };
            let closes = self.closes.iter();
            // Its own address, and those that others leave to it.
            let in_the_way = |edge: &EdgeStatus| {
                let observed = self.observed.edges.iter();
                let mut all = observed.filter(|it| it.id == edge.id);
                edge.id == spec.id || all.any(|it| it.listen == spec.listen)
            };
            let after = closes
                .filter(|(_, edge)| in_the_way(edge))
                .map(|(place, _)| *place)
                .chain(self.all_provided())
                .collect();
            let deed = Deed::OpenEdge(Box::new(spec.clone()));
            let place = self.plan.push(deed, cause, after);
            self.opens.push((place, spec));
        }
    }

    fn why_open(&self, spec: &EdgeSpec, there: Option<&EdgeStatus>) -> Option<&'static str> {
        let Some(there) = there else {
            return Some("not there yet");
        };
        if let Some(cause) = self.mesh_changed {
            return Some(cause);
        }
        if there.listen == spec.listen && self.closes.iter().any(|(_, it)| it.id == spec.id) {
            return Some("it listened elsewhere too");
        }
        let callee: Vec<&ObservedInstance> = self
            .there()
            .filter(|instance| instance.id.service == spec.id.callee)
            .collect();
        let held = callee
            .iter()
            .any(|instance| instance.phase == Phase::HeldDown);
        let backends: BTreeSet<_> = callee
            .iter()
            .flat_map(|instance| &instance.listens)
            .filter(|listen| listen.port == spec.id.port)
            .map(|listen| Backend::Tcp(listen.backend))
            .map(|backend| format!("{backend:?}"))
            .collect();
        let wanted: BTreeSet<_> = spec.backends.iter().map(|b| format!("{b:?}")).collect();
        // In containers where an edge leads is planned, and observed at the mesh itself.
        let leads_elsewhere = match there.backends.is_empty() {
            true => backends != wanted && !spec.backends.is_empty(),
            false => there.backends != spec.backends,
        };
        if there.listen != spec.listen {
            Some("its address moved")
        } else if there.admission != spec.admission && !held {
            Some("who may pass changed")
        } else if there.transport != spec.transport {
            Some("what it carries changed")
        } else if there.reasons != spec.reasons {
            Some("its reasons changed")
        } else if leads_elsewhere {
            Some("where it leads changed")
        } else {
            None
        }
    }
}

fn is_same(spec: &EdgeSpec, edge: &EdgeStatus) -> bool {
    spec.id == edge.id && spec.caller_replica == edge.caller_replica
}
