//! Faults on the edges of a mesh: armed under a lease of a session, lifted with it at the latest.

use std::sync::Arc;

use msvc_system::id::EdgeId;
use tokio_util::sync::CancellationToken;

use super::Mesh;
use crate::error::MeshError;
use crate::fault::{Arm, FaultId};
use crate::fault_table::ArmedFault;
use crate::lease::{LeaseId, OpenLease};
use crate::protocol::SessionId;
use crate::receipt::Receipt;

impl Mesh {
    /// Opens a lease for a session.
    ///
    /// # Errors
    /// When its time to live is out of range.
    pub fn open_lease(&self, session: SessionId, open: OpenLease) -> Result<LeaseId, MeshError> {
        let id = self.shared.leases.open(session, open)?;
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(async move {
            tokio::select! {
                () = shared.leases.expired(id) => {}
                () = shared.ending.cancelled() => {}
            }
            shared.end_lease(id);
        });
        Ok(id)
    }

    /// Gives a lease its full time to live again.
    ///
    /// # Errors
    /// When the session has no such lease any more.
    pub fn renew_lease(&self, session: SessionId, lease: LeaseId) -> Result<(), MeshError> {
        self.shared.leases.renew(session, lease)
    }

    /// Ends a lease; its faults are lifted.
    ///
    /// # Errors
    /// When the session has no such lease any more.
    pub fn close_lease(&self, session: SessionId, lease: LeaseId) -> Result<(), MeshError> {
        self.shared.leases.check(session, lease)?;
        self.shared.end_lease(lease);
        Ok(())
    }

    /// What is cancelled when the lease ends, for who undoes other things with it.
    ///
    /// # Errors
    /// When the session has no such lease any more.
    pub fn lease_end(
        &self,
        session: SessionId,
        lease: LeaseId,
    ) -> Result<CancellationToken, MeshError> {
        self.shared.leases.check(session, lease)
    }

    /// Ends all leases of a session that is over.
    pub fn end_session(&self, session: SessionId) {
        for lease in self.shared.leases.of(session) {
            self.shared.end_lease(lease);
        }
    }

    /// Arms a fault under a lease of the session.
    ///
    /// # Errors
    /// When the session has no such lease, the fault selects no edge, has the name of another on
    /// one of them, or asks for what this mesh does not know.
    pub fn arm(&self, session: SessionId, arm: Arm) -> Result<FaultId, MeshError> {
        let Arm { lease, fault } = arm;
        self.shared.leases.check(session, lease)?;
        let selector = fault.selector.clone();
        let selects = |id: &EdgeId| selector.lane == id.lane && selector.edge.selects(id);
        let mut edges: Vec<_> = self.shared.edges_where(|e| selects(&e.id));
        edges.dedup_by(|a, b| a.id == b.id);
        if edges.is_empty() {
            return Err(self
                .shared
                .no_edge(&selector.lane, selector.edge.to_string()));
        }
        edges.retain(|e| e.transport.borrow().has_tcp());
        if edges.is_empty() {
            let edge = selector.edge.to_string();
            return Err(MeshError::Datagrams { edge });
        }
        let ids: Vec<_> = edges.iter().map(|e| e.id.clone()).collect();
        let id = self.shared.faults.add(lease, fault, &ids)?;
        self.shared.publish();
        // A lease that ended meanwhile had nothing to lift yet.
        if let Err(e) = self.shared.leases.check(session, lease) {
            let _ = self.lift(id);
            return Err(e);
        }
        Ok(id)
    }

    /// Lifts a fault: nothing is touched any more. One that is lifted already gives its last
    /// receipt again.
    ///
    /// # Errors
    /// When there never was such a fault, or its receipt is forgotten.
    pub fn lift(&self, fault: FaultId) -> Result<Receipt, MeshError> {
        let receipt = self.shared.faults.lift(fault)?;
        self.shared.publish();
        Ok(receipt)
    }

    /// What a fault touched so far, or touched in all.
    ///
    /// # Errors
    /// When there never was such a fault, or its receipt is forgotten.
    pub fn receipt(&self, fault: FaultId) -> Result<Receipt, MeshError> {
        self.shared.faults.receipt(fault)
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Vec<ArmedFault> {
        self.shared.faults.list()
    }
}
