//! Finds the edge behind an address that a callee tells of itself; one that is no edge yet becomes
//! one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use msvc_system::id::{EdgeId, ServiceName};

use crate::edge::Edge;
use crate::mesh::Shared;
use crate::spec::{Admission, Backend, EdgeSpec, HostPort, Transport};
use crate::speech::reachable;

/// How long a new edge is given to find its callee accepting before callers are sent there.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where callers of `edge` reach `address` on the mesh; they came by `local`. `None` when no edge
/// can be made. What is no address (no host, port 0) stays as it is.
pub(crate) async fn on_edge(
    shared: &Arc<Shared>,
    edge: &Arc<Edge>,
    local: SocketAddr,
    address: &HostPort,
) -> Option<HostPort> {
    if address.host.is_empty() || address.port == 0 {
        return Some(address.clone());
    }
    if means(edge, address) {
        return Some(host_port(local));
    }
    // One at a time: two connections that hear of one address make one edge.
    let _appearing = shared.appearing.lock().await;
    let listen = match known(shared, edge, address) {
        Some(listen) => listen,
        None => appear(shared, edge, address).await?,
    };
    Some(host_port(reachable(listen, local.ip())))
}

fn host_port(address: SocketAddr) -> HostPort {
    HostPort {
        host: address.ip().to_string(),
        port: address.port(),
    }
}

/// Whether `address` is one of the callee's names, its own door, or the edge itself.
fn means(edge: &Edge, address: &HostPort) -> bool {
    let HostPort { host, port } = address;
    let at = |ip: IpAddr| host.parse() == Ok(ip) || host == "localhost" && ip.is_loopback();
    let listen = edge.gate.local();
    edge.is_known_as(address)
        || edge.id.callee == *host.as_str() && edge.id.port == *port
        || listen.port() == *port && at(listen.ip())
        || edge
            .backends
            .all()
            .iter()
            .filter_map(Backend::address)
            .any(|door| door.port() == *port && at(door.ip()))
}

/// Where another edge of the same caller leads to `address`.
fn known(shared: &Shared, edge: &Edge, address: &HostPort) -> Option<SocketAddr> {
    let of_caller = |e: &Edge| {
        e.id.lane == edge.id.lane
            && e.id.caller == edge.id.caller
            && e.caller_replica == edge.caller_replica
    };
    let own = shared.edges_where(|e| of_caller(e) && means(e, address));
    let found = own.first().cloned().or_else(|| {
        // Another caller's edge to it: this caller has its own to the same callee.
        let other = shared.edges_where(|e| e.id.lane == edge.id.lane && means(e, address));
        let callee = &other.first()?.id;
        let same = |e: &Edge| e.id.callee == callee.callee && e.id.port == callee.port;
        let own = shared.edges_where(|e| of_caller(e) && same(e));
        own.first().cloned()
    });
    found.map(|e| e.gate.local())
}

async fn appear(shared: &Arc<Shared>, edge: &Edge, address: &HostPort) -> Option<SocketAddr> {
    let elsewhere = shared.edges_where(|e| e.id.lane == edge.id.lane && means(e, address));
    let (callee, port, backends) = match elsewhere.first() {
        Some(known) => (known.id.callee.clone(), known.id.port, known.backends.all()),
        None => {
            let callee = named(&address.host).unwrap_or_else(|| edge.id.callee.clone());
            (callee, address.port, resolve(address).await)
        }
    };
    let id = EdgeId {
        callee,
        port,
        ..edge.id.clone()
    };
    if !shared.edges_where(|e| e.id == id).is_empty() {
        return None;
    }
    let spec = EdgeSpec {
        listen: (shared.allocate)(&id),
        caller_replica: edge.caller_replica,
        backends,
        admission: Admission::Accept,
        also_known_as: vec![address.clone()],
        reasons: vec![format!("{} told {address} of itself", edge.id.callee)],
        transport: Transport::Tcp,
        id,
    };
    let listen = shared.put_edge(&spec, true).ok()?;
    let made = shared.edges_where(|e| e.id == spec.id && e.caller_replica == spec.caller_replica);
    if let Some(made) = made.first() {
        let mut changed = made.backends.watch();
        tokio::select! {
            _ = changed.wait_for(|_| made.backends.accepting()) => {}
            () = shared.clock.sleep(PATIENCE) => {}
        }
        shared.appeared.add(made.status());
    }
    Some(listen)
}

/// What stands for a host in an edge's name.
fn named(host: &str) -> Option<ServiceName> {
    ServiceName::new(host.replace(':', "-")).ok()
}

/// Where a callee of this address is dialled: nowhere, while its name leads nowhere; the edge then
/// refuses, as the address does.
async fn resolve(address: &HostPort) -> Vec<Backend> {
    let HostPort { host, port } = address;
    match tokio::net::lookup_host((host.as_str(), *port)).await {
        Ok(mut found) => found.next().map(Backend::Tcp).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}
