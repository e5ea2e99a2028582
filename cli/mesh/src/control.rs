//! The mesh's methods over the protocol: what a supervisor composes into its own handler.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Stream};
use msvc_system::id::EdgeId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Action, FaultId};
use crate::lease::LeaseId;
use crate::mesh::Mesh;
use crate::protocol::{Handler, ProtocolError, SessionId};
use crate::spec::{Admission, Backend};

/// The names of the mesh's methods and subscriptions.
pub mod method {
    /// All edges: `Vec<EdgeStatus>`.
    pub const EDGES: &str = "mesh.edges";
    /// `EdgeSpec` to where it listens.
    pub const PUT_EDGE: &str = "mesh.put_edge";
    /// [`OfEdge`](super::OfEdge).
    pub const REMOVE_EDGE: &str = "mesh.remove_edge";
    /// [`SetBackends`](super::SetBackends).
    pub const SET_BACKENDS: &str = "mesh.set_backends";
    /// `OpenLease` to `LeaseId`.
    pub const OPEN_LEASE: &str = "lease.open";
    /// [`OfLease`](super::OfLease).
    pub const RENEW_LEASE: &str = "lease.renew";
    /// [`OfLease`](super::OfLease).
    pub const CLOSE_LEASE: &str = "lease.close";
    /// `Arm` to `FaultId`.
    pub const ARM: &str = "fault.arm";
    /// [`OfFault`](super::OfFault) to the last `Receipt`.
    pub const LIFT: &str = "fault.lift";
    /// [`OfFault`](super::OfFault) to the `Receipt` so far.
    pub const RECEIPT: &str = "fault.receipt";
    /// All faults in force: `Vec<ArmedFault>`.
    pub const FAULTS: &str = "fault.list";
    /// Subscription: `Numbered<Incident>`.
    pub const INCIDENTS: &str = "mesh.incidents";
    /// Subscription: `Numbered<Exchange>`.
    pub const EXCHANGES: &str = "mesh.exchanges";
    /// Subscription: `Numbered<EdgeStatus>`.
    pub const APPEARED: &str = "mesh.appeared";

    /// All of them.
    pub const ALL: [&str; 14] = [
        EDGES,
        PUT_EDGE,
        REMOVE_EDGE,
        SET_BACKENDS,
        OPEN_LEASE,
        RENEW_LEASE,
        CLOSE_LEASE,
        ARM,
        LIFT,
        RECEIPT,
        FAULTS,
        INCIDENTS,
        EXCHANGES,
        APPEARED,
    ];
}

/// Parameters that name an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfEdge {
    /// The edge.
    pub edge: EdgeId,
}

/// Parameters of [`method::SET_BACKENDS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBackends {
    /// The edge.
    pub edge: EdgeId,
    /// Where the callee's replicas accept.
    pub backends: Vec<Backend>,
    /// What callers meet.
    pub admission: Admission,
}

/// Parameters that name a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfLease {
    /// The lease.
    pub lease: LeaseId,
}

/// Parameters that name a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfFault {
    /// The fault.
    pub fault: FaultId,
}

/// A mesh as a [`Handler`].
#[derive(Debug, Clone)]
pub struct MeshControl {
    mesh: Mesh,
}

impl MeshControl {
    /// Serves `mesh`.
    #[must_use]
    pub fn new(mesh: Mesh) -> Self {
        Self { mesh }
    }

    /// For [`serve_connection`](crate::protocol::serve_connection).
    #[must_use]
    pub fn shared(mesh: Mesh) -> Arc<dyn Handler> {
        Arc::new(Self::new(mesh))
    }

    /// Whether a method or subscription is the mesh's.
    #[must_use]
    pub fn knows(&self, method: &str) -> bool {
        method::ALL.contains(&method)
    }
}

fn unknown(method: &str) -> ProtocolError {
    let nearest = msvc_system::problem::nearest(method, method::ALL);
    let hint = nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"));
    ProtocolError::refused_with(
        "unknown_method",
        format!("no method {method}{hint}"),
        serde_json::json!({ "nearest": nearest }),
    )
}

fn read<T: DeserializeOwned>(method: &str, parameters: Value) -> Result<T, ProtocolError> {
    serde_json::from_value(parameters).map_err(|e| {
        ProtocolError::refused("invalid_parameters", format!("parameters of {method}: {e}"))
    })
}

fn tell(answer: impl Serialize) -> Result<Value, ProtocolError> {
    serde_json::to_value(answer)
        .map_err(|e| ProtocolError::Frame(format!("not to be written as JSON: {e}")))
}

/// Refuses by name an action that this mesh does not know, before all else is read.
fn check_action(parameters: &Value) -> Result<(), ProtocolError> {
    let Some(action) = parameters.pointer("/fault/action") else {
        return Ok(());
    };
    let name = action.get("type").and_then(Value::as_str);
    match serde_json::from_value::<Action>(action.clone()) {
        Err(e) => Err(ProtocolError::refused_with(
            "unknown_action",
            format!(
                "the fault's action {}: {e}",
                name.unwrap_or("without a type")
            ),
            serde_json::json!({ "action": name }),
        )),
        Ok(_) => Ok(()),
    }
}

/// Items as a subscription sends them. None of the mesh's fails to become JSON.
fn items<T>(items: impl Stream<Item = T> + Send + 'static) -> BoxStream<'static, Value>
where
    T: Serialize + 'static,
{
    items
        .filter_map(|item| std::future::ready(serde_json::to_value(item).ok()))
        .boxed()
}

#[async_trait::async_trait]
impl Handler for MeshControl {
    async fn request(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        let mesh = &self.mesh;
        match method {
            method::EDGES => tell(mesh.edges()),
            method::PUT_EDGE => tell(mesh.put_edge(&read(method, parameters)?)?),
            method::REMOVE_EDGE => {
                let OfEdge { edge } = read(method, parameters)?;
                tell(mesh.remove_edge(&edge)?)
            }
            method::SET_BACKENDS => {
                let to: SetBackends = read(method, parameters)?;
                tell(mesh.set_backends(&to.edge, &to.backends, to.admission)?)
            }
            method::OPEN_LEASE => tell(mesh.open_lease(session, read(method, parameters)?)?),
            method::RENEW_LEASE => {
                let OfLease { lease } = read(method, parameters)?;
                tell(mesh.renew_lease(session, lease)?)
            }
            method::CLOSE_LEASE => {
                let OfLease { lease } = read(method, parameters)?;
                tell(mesh.close_lease(session, lease)?)
            }
            method::ARM => {
                check_action(&parameters)?;
                tell(mesh.arm(session, read(method, parameters)?)?)
            }
            method::LIFT => {
                let OfFault { fault } = read(method, parameters)?;
                tell(mesh.lift(fault)?)
            }
            method::RECEIPT => {
                let OfFault { fault } = read(method, parameters)?;
                tell(mesh.receipt(fault)?)
            }
            method::FAULTS => tell(mesh.faults()),
            other => Err(unknown(other)),
        }
    }

    async fn subscribe(
        &self,
        _session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<BoxStream<'static, Value>, ProtocolError> {
        let from = match parameters {
            Value::Null => crate::record::From::default(),
            given => read(method, given)?,
        };
        match method {
            method::INCIDENTS => Ok(items(self.mesh.incidents(from))),
            method::EXCHANGES => Ok(items(self.mesh.exchanges(from))),
            method::APPEARED => Ok(items(self.mesh.appeared(from))),
            other => Err(unknown(other)),
        }
    }

    async fn ended(&self, session: SessionId) {
        self.mesh.end_session(session);
    }
}
