//! Connections that the kernel refuses are recorded though they never reach the mesh.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use msvc_mesh::Mesh;
use msvc_mesh::exchange::{Incident, IncidentKind};
use msvc_mesh::record::From;
use msvc_mesh::spec::EdgeSpec;
use msvc_system::id::EdgeId;
use tokio::net::TcpStream;

use crate::rig::*;

/// A closed edge at an address that nobody else in these tests listens at.
fn closed(mesh: &Mesh, id: &EdgeId, last: u8) -> SocketAddr {
    let listen = SocketAddr::from(([127, 61, 7, last], 0));
    let spec = spec(id.clone(), &[]);
    mesh.put_edge(&EdgeSpec { listen, ..spec }).unwrap()
}

/// A refusal behind all others.
async fn marker(mesh: &Mesh) -> EdgeId {
    let id = edge_id("marker", "marker", 1);
    let listen = mesh.put_edge(&spec(id.clone(), &[])).unwrap();
    assert!(refused(TcpStream::connect(listen).await));
    id
}

/// What was recorded until now, and so many at least: the system tells in an order of its own.
async fn recorded(mesh: &Mesh, at_least: usize) -> Vec<Incident> {
    let marker = marker(mesh).await;
    let mut all = Box::pin(mesh.incidents(From { from: Some(0) }));
    let (mut found, mut marked) = (Vec::new(), false);
    while !marked || found.len() < at_least {
        let incident = all.next().await.unwrap().item;
        if incident.connection.edge == marker {
            marked = true;
        } else {
            found.push(incident);
        }
    }
    found
}

#[tokio::test]
async fn a_connection_that_the_kernel_refused_is_recorded_on_its_edge() {
    let mesh = mesh();
    mesh.hear_refusals().unwrap();
    let id = edge_id("orders", "payments", 8080);
    let listen = closed(&mesh, &id, 1);
    closed(&mesh, &edge_id("gateway", "orders", 8080), 2);
    for _ in 0..3 {
        assert!(refused(TcpStream::connect(listen).await));
    }
    let all = recorded(&mesh, 3).await;
    assert_eq!(all.len(), 3);
    for incident in &all {
        assert_eq!(incident.connection.edge, id);
        assert_eq!(incident.connection.connection, 0);
        assert_eq!(incident.kind, IncidentKind::Refused);
    }
    let counts = status(&mesh, &id).counts;
    assert_eq!((counts.connections, counts.refused), (0, 3));
    mesh.close().await;
}

#[tokio::test]
async fn a_caller_that_waits_in_connect_is_heard_of_where_the_address_is_one_pairs_alone() {
    let mesh = mesh();
    mesh.hear_refusals().unwrap();
    let id = edge_id("orders", "payments", 8080);
    let alone = closed(&mesh, &id, 3);
    // Anybody's refusal on 127.0.0.1 could be of this one. Who may see first segments knows.
    let of_all = edge_id("@client", "gateway", 80);
    let shared = mesh.put_edge(&spec(of_all.clone(), &[])).unwrap();
    let sees_knocks = super::rig::mesh().hear_knocks().is_ok();
    let nobodys = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = nobodys.local_addr().unwrap();
    drop(nobodys);
    for listen in [elsewhere, shared, alone] {
        let waited = tokio::task::spawn_blocking(move || std::net::TcpStream::connect(listen));
        assert!(waited.await.unwrap().is_err());
    }
    let all = recorded(&mesh, 1 + usize::from(sees_knocks)).await;
    let mut edges: Vec<_> = all.iter().map(|it| &it.connection.edge).collect();
    edges.sort_by_key(|edge| edge.to_string());
    match sees_knocks {
        true => assert_eq!(edges, [&of_all, &id]),
        false => assert_eq!(edges, [&id]),
    }
    mesh.close().await;
}

#[tokio::test]
async fn connections_that_came_about_are_no_refusals_however_they_end() {
    let mesh = mesh();
    mesh.hear_refusals().unwrap();
    let id = edge_id("orders", "payments", 8080);
    let backend = echo().await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut ended = TcpStream::connect(listen).await.unwrap();
    assert_eq!(round_trip(&mut ended, b"hello").await, b"hello");
    let aborted = TcpStream::connect(listen).await.unwrap();
    socket2::SockRef::from(&aborted)
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
    drop((ended, aborted));
    until("both ended", || {
        (status(&mesh, &id).counts.open == 0).then_some(())
    })
    .await;
    let all = recorded(&mesh, 0).await;
    let refused = |it: &&Incident| it.kind == IncidentKind::Refused;
    assert_eq!(all.iter().find(refused), None);
    mesh.close().await;
}

/// Needs CAP_NET_RAW, as a container of the mesh's has it.
#[tokio::test]
async fn a_first_segment_at_a_closed_gate_is_a_refusal_and_at_an_open_one_is_none() {
    let mesh = mesh();
    if mesh.hear_knocks().is_err() {
        return;
    }
    let id = edge_id("orders", "payments", 8080);
    let shut = closed(&mesh, &id, 4);
    let backend = echo().await;
    let open = edge_to(&mesh, &edge_id("gateway", "orders", 8080), backend).await;
    let mut live = TcpStream::connect(open).await.unwrap();
    assert_eq!(round_trip(&mut live, b"hello").await, b"hello");
    let waited = tokio::task::spawn_blocking(move || std::net::TcpStream::connect(shut));
    assert!(waited.await.unwrap().is_err());
    let all = recorded(&mesh, 1).await;
    let edges: Vec<_> = all.iter().map(|it| &it.connection.edge).collect();
    assert_eq!(edges, [&id]);
    mesh.close().await;
}

/// A published port listens at every address of its mesh. Needs CAP_NET_RAW.
#[tokio::test]
async fn a_knock_at_a_gate_of_every_address_is_that_edges_unless_another_has_the_address() {
    let mesh = mesh();
    if mesh.hear_knocks().is_err() {
        return;
    }
    let id = edge_id("@client", "web", 8080);
    let listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let published = EdgeSpec {
        listen,
        ..spec(id.clone(), &[])
    };
    let port = mesh.put_edge(&published).unwrap().port();
    let own = edge_id("orders", "web", 8080);
    let other = closed(&mesh, &own, 5);
    for at in [SocketAddr::from(([127, 61, 7, 6], port)), other] {
        assert!(refused(TcpStream::connect(at).await));
    }
    let all = recorded(&mesh, 2).await;
    let edges: Vec<_> = all.iter().map(|it| &it.connection.edge).collect();
    assert_eq!(edges, [&id, &own]);
    assert_eq!(status(&mesh, &id).counts.refused, 1);
    mesh.close().await;
}
