//! The mesh's methods from the asking side, typed: one function each, and the keeper of a lease.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use msvc_machine::clock::Clock;
use msvc_system::id::EdgeId;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::control::{OfEdge, OfFault, OfLease, SetBackends, method};
use crate::exchange::{Exchange, Incident};
use crate::fault::{Arm, FaultId};
use crate::fault_table::ArmedFault;
use crate::lease::{LeaseId, OpenLease};
use crate::protocol::{ProtocolError, Session};
use crate::receipt::Receipt;
use crate::record::{From, Numbered};
use crate::spec::{Admission, Backend, EdgeSpec, EdgeStatus};

/// All edges as they stand.
///
/// # Errors
/// When the stream ends.
pub async fn edges(session: &Session) -> Result<Vec<EdgeStatus>, ProtocolError> {
    session.request(method::EDGES, ()).await
}

/// Carries an edge from now on; where it listens.
///
/// # Errors
/// `port_taken` or `bind` when the address cannot be had.
pub async fn put_edge(session: &Session, spec: &EdgeSpec) -> Result<SocketAddr, ProtocolError> {
    session.request(method::PUT_EDGE, spec).await
}

/// Carries an edge no longer.
///
/// # Errors
/// `no_edge` when there is none such.
pub async fn remove_edge(session: &Session, edge: &EdgeId) -> Result<(), ProtocolError> {
    let edge = edge.clone();
    session.request(method::REMOVE_EDGE, OfEdge { edge }).await
}

/// Says where the callee accepts and what callers meet.
///
/// # Errors
/// `no_edge` when there is none such.
pub async fn set_backends(
    session: &Session,
    edge: &EdgeId,
    backends: &[Backend],
    admission: Admission,
) -> Result<(), ProtocolError> {
    let to = SetBackends {
        edge: edge.clone(),
        backends: backends.to_vec(),
        admission,
    };
    session.request(method::SET_BACKENDS, to).await
}

/// Opens a lease of this session. [`LeaseKeeper`] also renews it.
///
/// # Errors
/// `out_of_range` when the time to live is.
pub async fn open_lease(session: &Session, open: OpenLease) -> Result<LeaseId, ProtocolError> {
    session.request(method::OPEN_LEASE, open).await
}

/// Gives a lease its full time to live again.
///
/// # Errors
/// `no_lease` when it ended.
pub async fn renew_lease(session: &Session, lease: LeaseId) -> Result<(), ProtocolError> {
    session
        .request(method::RENEW_LEASE, OfLease { lease })
        .await
}

/// Ends a lease; its faults are lifted.
///
/// # Errors
/// `no_lease` when it ended before.
pub async fn close_lease(session: &Session, lease: LeaseId) -> Result<(), ProtocolError> {
    session
        .request(method::CLOSE_LEASE, OfLease { lease })
        .await
}

/// Arms a fault under a lease of this session.
///
/// # Errors
/// `no_lease`, `no_edge` (detail `nearest`), `fault_exists`, `unsupported`, `unknown_action`,
/// `invalid_parameters`, `out_of_range`.
pub async fn arm(session: &Session, arm: &Arm) -> Result<FaultId, ProtocolError> {
    session.request(method::ARM, arm).await
}

/// Lifts a fault; its last receipt.
///
/// # Errors
/// `no_fault` when there never was one.
pub async fn lift(session: &Session, fault: FaultId) -> Result<Receipt, ProtocolError> {
    session.request(method::LIFT, OfFault { fault }).await
}

/// What a fault touched so far, or in all when it is lifted.
///
/// # Errors
/// `no_fault` when there never was one.
pub async fn receipt(session: &Session, fault: FaultId) -> Result<Receipt, ProtocolError> {
    session.request(method::RECEIPT, OfFault { fault }).await
}

/// The faults in force.
///
/// # Errors
/// When the stream ends.
pub async fn faults(session: &Session) -> Result<Vec<ArmedFault>, ProtocolError> {
    session.request(method::FAULTS, ()).await
}

/// What goes wrong on the edges, and each connection's end.
///
/// # Errors
/// When the stream ends.
pub async fn incidents(
    session: &Session,
    from: From,
) -> Result<BoxStream<'static, Numbered<Incident>>, ProtocolError> {
    session.subscribe(method::INCIDENTS, from).await
}

/// What passed the edges.
///
/// # Errors
/// When the stream ends.
pub async fn exchanges(
    session: &Session,
    from: From,
) -> Result<BoxStream<'static, Numbered<Exchange>>, ProtocolError> {
    session.subscribe(method::EXCHANGES, from).await
}

/// Edges that appear by what callees say of themselves.
///
/// # Errors
/// When the stream ends.
pub async fn appeared(
    session: &Session,
    from: From,
) -> Result<BoxStream<'static, Numbered<EdgeStatus>>, ProtocolError> {
    session.subscribe(method::APPEARED, from).await
}

/// A lease that is renewed until it is closed or dropped.
#[derive(Debug)]
pub struct LeaseKeeper {
    session: Session,
    lease: LeaseId,
    lost: watch::Receiver<Option<ProtocolError>>,
    beat: AbortHandle,
    closed: bool,
}

impl LeaseKeeper {
    /// Opens a lease and renews it three times in its time to live.
    ///
    /// # Errors
    /// As [`open_lease`].
    pub async fn open(
        session: &Session,
        clock: Arc<dyn Clock>,
        ttl: Duration,
    ) -> Result<Self, ProtocolError> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let lease = open_lease(session, OpenLease { ttl_ms }).await?;
        let (tell, lost) = watch::channel(None);
        let renewing = session.clone();
        let beat = tokio::spawn(async move {
            loop {
                clock.sleep(ttl / 3).await;
                if let Err(e) = renew_lease(&renewing, lease).await {
                    tell.send_replace(Some(e));
                    return;
                }
            }
        });
        Ok(Self {
            session: session.clone(),
            lease,
            lost,
            beat: beat.abort_handle(),
            closed: false,
        })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> LeaseId {
        self.lease
    }

    /// Returns once the lease could not be renewed: what it held is undone by then, or soon.
    pub async fn lost(&self) -> ProtocolError {
        let mut lost = self.lost.clone();
        match lost.wait_for(Option::is_some).await {
            Ok(error) => error.clone(),
            Err(_) => None,
        }
        .unwrap_or_else(|| ProtocolError::Closed("the lease is renewed no more".to_owned()))
    }

    /// Ends the lease and waits until what it held is undone.
    ///
    /// # Errors
    /// `no_lease` when it ended before.
    pub async fn close(mut self) -> Result<(), ProtocolError> {
        self.beat.abort();
        self.closed = true;
        close_lease(&self.session, self.lease).await
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.beat.abort();
        if self.closed {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (session, lease) = (self.session.clone(), self.lease);
            runtime.spawn(async move {
                // One that ended before needs no closing; one that this does not reach runs out.
                let _ = close_lease(&session, lease).await;
            });
        }
    }
}
