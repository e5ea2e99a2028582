//! UDP beside TCP, and backends that a resolver knows by name.

use std::net::SocketAddr;
use std::time::Duration;

use msvc_mesh::error::MeshError;
use msvc_mesh::fault::{Arm, Stream};
use msvc_mesh::lease::OpenLease;
use msvc_mesh::spec::{Admission, Backend, EdgeSpec, Transport};
use tokio::net::{TcpStream, UdpSocket};

use crate::faults::latency;
use crate::rig::{accepting, echo, edge_id, loopback, mesh, refused, spec, status, until};

/// Answers each datagram with its bytes twice.
async fn doubling() -> SocketAddr {
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let answer = [&buffer[..length], &buffer[..length]].concat();
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

/// What comes back; a relay that does not listen yet loses what is sent, as networks may.
async fn asked(socket: &UdpSocket, relay: SocketAddr, datagram: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 4096];
    socket.send_to(datagram, relay).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(30), socket.recv_from(&mut buffer));
    let (length, from) = answer.await.unwrap().unwrap();
    assert_eq!(from, relay);
    buffer[..length].to_vec()
}

fn udp(callee: SocketAddr) -> EdgeSpec {
    EdgeSpec {
        transport: Transport::Udp,
        ..spec(edge_id("a", "b", 53), &[callee])
    }
}

/// Until the relay has its address: nothing is sent to it before.
async fn has_udp(listen: SocketAddr) {
    loop {
        match UdpSocket::bind(listen).await {
            Err(_) => return,
            Ok(probe) => drop(probe),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn datagrams_reach_the_callee_answers_find_back_and_both_are_counted() {
    let mesh = mesh();
    let spec = udp(doubling().await);
    let listen = mesh.put_edge(&spec).unwrap();
    has_udp(listen).await;
    let one = UdpSocket::bind(loopback()).await.unwrap();
    let two = UdpSocket::bind(loopback()).await.unwrap();
    assert_eq!(asked(&one, listen, b"abc").await, b"abcabc");
    assert_eq!(asked(&two, listen, b"xy").await, b"xyxy");
    assert_eq!(asked(&one, listen, &[7; 1400]).await.len(), 2800);
    let status = status(&mesh, &spec.id);
    assert_eq!(status.counts.bytes_to_callee, 1405);
    assert_eq!(status.counts.bytes_from_callee, 2810);
    assert_eq!(status.counts.connections, 2, "one for each caller");
    assert!(status.accepting && status.speaks == "udp");
    assert!(refused(TcpStream::connect(listen).await), "TCP is none");
}

#[tokio::test]
async fn an_edge_begins_and_ends_to_carry_datagrams_while_it_lives() {
    let mesh = mesh();
    let mut spec = spec(edge_id("a", "b", 53), &[echo().await]);
    let listen = mesh.put_edge(&spec).unwrap();
    accepting(&mesh, &spec.id).await;
    spec.listen = listen;
    spec.transport = Transport::TcpAndUdp;
    mesh.put_edge(&spec).unwrap();
    has_udp(listen).await;
    TcpStream::connect(listen).await.unwrap();
    spec.transport = Transport::Tcp;
    mesh.put_edge(&spec).unwrap();
    let free = || std::net::UdpSocket::bind(listen).ok();
    until("the relay gave its address up", free).await;
    TcpStream::connect(listen).await.unwrap();
}

#[tokio::test]
async fn an_edge_that_refuses_passes_no_datagram() {
    let mesh = mesh();
    let mut spec = udp(doubling().await);
    let listen = mesh.put_edge(&spec).unwrap();
    has_udp(listen).await;
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    asked(&socket, listen, b"abc").await;
    spec.listen = listen;
    mesh.set_backends(&spec.id, &spec.backends, Admission::Refuse)
        .unwrap();
    socket.send_to(b"lost", listen).await.unwrap();
    let dropped = || (status(&mesh, &spec.id).counts.failed_dials == 1).then_some(());
    until("the datagram was dropped", dropped).await;
    mesh.set_backends(&spec.id, &spec.backends, Admission::Accept)
        .unwrap();
    assert_eq!(asked(&socket, listen, b"z").await, b"zz");
}

#[tokio::test]
async fn a_fault_on_datagrams_is_refused() {
    let mesh = mesh();
    mesh.put_edge(&udp(loopback())).unwrap();
    let fault = latency("a->b", Stream::Downstream, 80);
    let lease = mesh.open_lease(7, OpenLease { ttl_ms: 60_000 }).unwrap();
    let error = mesh.arm(7, Arm { lease, fault }).unwrap_err();
    assert!(matches!(error, MeshError::Datagrams { .. }), "{error}");
}

#[tokio::test]
async fn a_backend_whose_name_is_gone_is_refused_before_anybody_dials_it() {
    let mesh = mesh();
    let listener = std::net::TcpListener::bind(loopback()).unwrap();
    let address = listener.local_addr().unwrap();
    let named = Backend::Named {
        name: "b-1".to_owned(),
        address,
    };
    let spec = EdgeSpec {
        backends: vec![named],
        ..spec(edge_id("a", "b", 80), &[])
    };
    let listen = mesh.put_edge(&spec).unwrap();
    accepting(&mesh, &spec.id).await;
    mesh.lost("somebody else");
    assert!(status(&mesh, &spec.id).accepting);
    drop(listener);
    mesh.lost("b-1");
    assert!(!status(&mesh, &spec.id).accepting);
    assert!(refused(TcpStream::connect(listen).await));
    assert_eq!(status(&mesh, &spec.id).counts.connections, 0);
    let _back = std::net::TcpListener::bind(address).unwrap();
    accepting(&mesh, &spec.id).await;
}
