//! An edge answers as its callee would: whom it lets in, whom it dials, where it listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use msvc_mesh::error::MeshError;
use msvc_mesh::exchange::IncidentKind;
use msvc_mesh::record::From;
use msvc_mesh::spec::{Admission, Backend};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use crate::rig::*;

#[tokio::test]
async fn an_edge_refuses_while_no_backend_accepts_and_opens_when_one_does() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let reserved = std::net::TcpListener::bind(loopback()).unwrap();
    let backend = reserved.local_addr().unwrap();
    drop(reserved);
    let listen = mesh.put_edge(&spec(id.clone(), &[backend])).unwrap();
    for _ in 0..3 {
        assert!(refused(TcpStream::connect(listen).await));
    }
    assert_eq!(status(&mesh, &id).counts.connections, 0);
    let callee = TcpListener::bind(backend).await.unwrap();
    accepting(&mesh, &id).await;
    let _caller = TcpStream::connect(listen).await.unwrap();
    drop(callee);
    mesh.close().await;
}

#[tokio::test]
async fn a_backend_that_is_gone_is_met_as_a_reset_once_and_as_a_refusal_from_then_on() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let callee = TcpListener::bind(loopback()).await.unwrap();
    let backend = callee.local_addr().unwrap();
    let listen = edge_to(&mesh, &id, backend).await;
    let mut incidents = Box::pin(mesh.incidents(From::default()));
    drop(callee);
    let mut caller = TcpStream::connect(listen).await.unwrap();
    let said = caller.write_all(b"hello").await;
    let heard = caller.read(&mut [0; 8]).await;
    assert!(
        was_reset(heard) || said.is_err(),
        "a clean end would hide it"
    );
    let incident = incidents.next().await.unwrap().item;
    assert_eq!(incident.kind, IncidentKind::Refused);
    assert_eq!(incident.connection.connection, 1);
    assert!(refused(TcpStream::connect(listen).await));
    let status = status(&mesh, &id);
    assert!(!status.accepting);
    assert_eq!(
        (status.counts.connections, status.counts.failed_dials),
        (1, 1)
    );
    let _callee = TcpListener::bind(backend).await.unwrap();
    accepting(&mesh, &id).await;
    TcpStream::connect(listen).await.unwrap();
}

#[tokio::test]
async fn a_pushed_refusal_holds_at_once_and_live_connections_stay() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let backend = echo().await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut live = TcpStream::connect(listen).await.unwrap();
    assert_eq!(round_trip(&mut live, b"before").await, b"before");
    for (backends, admission) in [
        (vec![], Admission::Accept),
        (vec![Backend::Tcp(backend)], Admission::Refuse),
    ] {
        mesh.set_backends(&id, &backends, admission).unwrap();
        assert!(refused(TcpStream::connect(listen).await));
        assert_eq!(round_trip(&mut live, b"during").await, b"during");
    }
    mesh.set_backends(&id, &[Backend::Tcp(backend)], Admission::Accept)
        .unwrap();
    accepting(&mesh, &id).await;
    let mut new = TcpStream::connect(listen).await.unwrap();
    assert_eq!(round_trip(&mut new, b"after").await, b"after");
}

#[tokio::test]
async fn a_held_caller_waits_with_its_bytes_until_the_policy_changes() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let backend = echo().await;
    let mut spec = spec(id.clone(), &[backend]);
    spec.admission = Admission::Hold;
    let listen = mesh.put_edge(&spec).unwrap();
    let mut caller = TcpStream::connect(listen).await.unwrap();
    caller.write_all(b"held").await.unwrap();
    let mut refused_later = TcpStream::connect(listen).await.unwrap();
    until("both are taken", || {
        (status(&mesh, &id).counts.open == 2).then_some(())
    })
    .await;
    assert_eq!(status(&mesh, &id).counts.bytes_to_callee, 0);
    mesh.set_backends(&id, &[Backend::Tcp(backend)], Admission::Accept)
        .unwrap();
    let mut back = [0; 4];
    caller.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"held");
    assert_eq!(round_trip(&mut refused_later, b"too").await, b"too");

    mesh.set_backends(&id, &[Backend::Tcp(backend)], Admission::Hold)
        .unwrap();
    let mut caller = TcpStream::connect(listen).await.unwrap();
    until("it is taken", || {
        (status(&mesh, &id).counts.connections == 3).then_some(())
    })
    .await;
    mesh.set_backends(&id, &[Backend::Tcp(backend)], Admission::Refuse)
        .unwrap();
    assert!(was_reset(caller.read(&mut [0; 1]).await));
}

#[tokio::test]
async fn the_least_busy_backend_is_dialled_and_one_that_is_gone_is_passed_over() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let served: Arc<[AtomicUsize; 2]> = Arc::default();
    let mut backends = Vec::new();
    for which in 0..2 {
        let served = Arc::clone(&served);
        let serve = move |mut stream: TcpStream| {
            let served = Arc::clone(&served);
            async move {
                let mut byte = [0; 1];
                while let Ok(1) = stream.read(&mut byte).await {
                    served[which].fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(&byte).await;
                }
            }
        };
        backends.push(callee(serve).await);
    }
    let listen = mesh.put_edge(&spec(id.clone(), &backends)).unwrap();
    accepting(&mesh, &id).await;
    let mut callers = Vec::new();
    for _ in 0..6 {
        let mut caller = TcpStream::connect(listen).await.unwrap();
        round_trip(&mut caller, b"x").await;
        callers.push(caller);
    }
    let counts = [&served[0], &served[1]].map(|n| n.load(Ordering::SeqCst));
    assert_eq!(counts, [3, 3]);
    // While nobody is busy everybody has a turn.
    for caller in callers {
        drop(caller);
    }
    until("all to be gone", || {
        (status(&mesh, &id).counts.open == 0).then_some(())
    })
    .await;
    for _ in 0..4 {
        let mut caller = TcpStream::connect(listen).await.unwrap();
        round_trip(&mut caller, b"x").await;
        drop(caller);
        until("it to be gone", || {
            (status(&mesh, &id).counts.open == 0).then_some(())
        })
        .await;
    }
    let counts = [&served[0], &served[1]].map(|n| n.load(Ordering::SeqCst));
    assert_eq!(counts, [5, 5]);

    let gone: SocketAddr = {
        let reserved = std::net::TcpListener::bind(loopback()).unwrap();
        reserved.local_addr().unwrap()
    };
    let with_gone = [Backend::Tcp(gone), Backend::Tcp(backends[0])];
    mesh.set_backends(&id, &with_gone, Admission::Accept)
        .unwrap();
    let mut caller = TcpStream::connect(listen).await.unwrap();
    assert_eq!(round_trip(&mut caller, b"y").await, b"y");
    assert_eq!(status(&mesh, &id).counts.failed_dials, 0);
}

#[tokio::test]
async fn a_backend_can_be_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callee");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut read, mut write) = stream.split();
            let _ = tokio::io::copy(&mut read, &mut write).await;
        }
    });
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let mut spec = spec(id.clone(), &[]);
    spec.backends = vec![Backend::Unix(path)];
    let listen = mesh.put_edge(&spec).unwrap();
    accepting(&mesh, &id).await;
    let mut caller = TcpStream::connect(listen).await.unwrap();
    assert_eq!(round_trip(&mut caller, b"through").await, b"through");
}

#[tokio::test]
async fn a_taken_address_is_named_and_an_edge_can_move_with_its_counts_and_connections() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let backend = echo().await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut other = spec(edge_id("gateway", "payments", 8080), &[backend]);
    other.listen = listen;
    let error = mesh.put_edge(&other).unwrap_err();
    assert!(
        matches!(&error, MeshError::Taken { edge, listen: l } if edge == "gateway->payments:8080" && *l == listen),
        "{error}"
    );
    let mut live = TcpStream::connect(listen).await.unwrap();
    round_trip(&mut live, b"x").await;
    let again = mesh.put_edge(&spec(id.clone(), &[backend])).unwrap();
    assert_eq!(again, listen, "port 0 asks for no other port than it has");
    let mut moved = spec(id.clone(), &[backend]);
    moved.listen = SocketAddr::from(([127, 0, 0, 9], 0));
    let elsewhere = mesh.put_edge(&moved).unwrap();
    accepting(&mesh, &id).await;
    assert!(refused(TcpStream::connect(listen).await));
    round_trip(&mut live, b"y").await;
    let mut new = TcpStream::connect(elsewhere).await.unwrap();
    round_trip(&mut new, b"z").await;
    assert_eq!(status(&mesh, &id).counts.connections, 2);
    assert_eq!(status(&mesh, &id).counts.bytes_to_callee, 3);

    mesh.remove_edge(&id).unwrap();
    assert!(was_reset(live.read(&mut [0; 1]).await));
    assert!(was_reset(new.read(&mut [0; 1]).await));
    assert!(refused(TcpStream::connect(elsewhere).await));
    assert!(matches!(
        mesh.remove_edge(&id),
        Err(MeshError::NoEdge { .. })
    ));
}

#[tokio::test]
async fn listeners_per_caller_replica_share_one_row_of_connection_numbers() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let backend = echo().await;
    let mut incidents = Box::pin(mesh.incidents(From::default()));
    for replica in 1..=2 {
        let mut spec = spec(id.clone(), &[backend]);
        spec.caller_replica = Some(replica);
        let listen = mesh.put_edge(&spec).unwrap();
        until("it accepts", || {
            let edges = mesh.edges();
            let edge = edges.iter().find(|e| e.listen == listen).unwrap();
            edge.accepting.then_some(())
        })
        .await;
        let mut caller = TcpStream::connect(listen).await.unwrap();
        round_trip(&mut caller, b"x").await;
        drop(caller);
        let incident = incidents.next().await.unwrap().item;
        assert_eq!(incident.connection.connection, u64::from(replica));
    }
}
