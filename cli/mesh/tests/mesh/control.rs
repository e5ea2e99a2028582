//! The mesh as its clients meet it, over the protocol.

use std::time::Duration;

use futures_util::StreamExt as _;
use msvc_machine::clock::MachineClock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::Mesh;
use msvc_mesh::client::{self, LeaseKeeper};
use msvc_mesh::control::{MeshControl, method};
use msvc_mesh::fault::{Arm, Stream};
use msvc_mesh::protocol::{Handler as _, Hello, ProtocolError, Session, serve_connection};
use msvc_mesh::record::From;
use msvc_mesh::spec::Admission;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::faults::latency;
use crate::rig::*;

/// A stream to a mesh, and the wire that it hangs on.
fn wire_to(mesh: &Mesh) -> (DuplexStream, JoinHandle<()>) {
    let (near, mut left) = tokio::io::duplex(64 * 1024);
    let (mut right, far) = tokio::io::duplex(64 * 1024);
    tokio::spawn(serve_connection(
        far,
        mesh.hello("0.1.0"),
        MeshControl::shared(mesh.clone()),
        Shutdown::new(),
    ));
    let wire = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut left, &mut right).await;
    });
    (near, wire)
}

async fn session_to(mesh: &Mesh) -> Session {
    let (near, _wire) = wire_to(mesh);
    let hello = Hello::client("0.1.0", 0);
    Session::connect(near, hello).await.unwrap()
}

#[tokio::test]
async fn an_edge_is_put_watched_changed_and_removed_over_the_protocol() {
    let mesh = mesh();
    let session = session_to(&mesh).await;
    assert_eq!(session.peer().mesh, "mesh-1");
    let id = edge_id("orders", "payments", 8080);
    let backend = echo().await;
    let listen = client::put_edge(&session, &spec(id.clone(), &[backend]))
        .await
        .unwrap();
    accepting(&mesh, &id).await;
    let mut incidents = client::incidents(&session, From::default()).await.unwrap();
    let mut exchanges = client::exchanges(&session, From::default()).await.unwrap();
    let mut caller = TcpStream::connect(listen).await.unwrap();
    round_trip(&mut caller, b"x").await;
    drop(caller);
    let incident = incidents.next().await.unwrap();
    assert_eq!((incident.number, incident.lost), (0, 0));
    let exchange = exchanges.next().await.unwrap().item;
    assert_eq!(exchange.id.connection.edge, id);
    // From its number on it can be read again.
    let mut again = client::exchanges(&session, From { from: Some(0) })
        .await
        .unwrap();
    assert_eq!(again.next().await.unwrap().item, exchange);

    let edges = client::edges(&session).await.unwrap();
    assert_eq!((edges.len(), edges[0].counts.connections), (1, 1));
    client::set_backends(&session, &id, &[], Admission::Accept)
        .await
        .unwrap();
    assert!(refused(TcpStream::connect(listen).await));
    client::remove_edge(&session, &id).await.unwrap();
    let error = client::remove_edge(&session, &id).await.unwrap_err();
    assert_eq!(error.kind(), Some("no_edge"));
}

#[tokio::test]
async fn a_fault_is_lifted_when_its_session_dies() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let listen = edge_to(&mesh, &id, echo().await).await;
    let (near, wire) = wire_to(&mesh);
    let hello = Hello::client("0.1.0", 0);
    let session = Session::connect(near, hello).await.unwrap();
    // Longer than a busy machine pauses: its end is not what lifts the fault.
    let ttl = Duration::from_secs(6);
    let keeper = LeaseKeeper::open(&session, MachineClock::shared(), ttl)
        .await
        .unwrap();
    let arm = Arm {
        lease: keeper.id(),
        fault: latency("orders->payments", Stream::Downstream, 3_600_000),
    };
    let fault = client::arm(&session, &arm).await.unwrap();
    assert_eq!(client::faults(&session).await.unwrap()[0].id, fault);
    let mut caller = TcpStream::connect(listen).await.unwrap();
    let asking = tokio::spawn(async move { round_trip(&mut caller, b"hurry").await });
    until("it bites", || {
        (mesh.receipt(fault).unwrap().total == 1).then_some(())
    })
    .await;
    let receipt = client::receipt(&session, fault).await.unwrap();
    assert_eq!((receipt.bytes, receipt.connections), (5, 1));
    // As when the process is killed: nothing is closed in order, the stream just ends.
    wire.abort();
    assert_eq!(asking.await.unwrap(), b"hurry");
    assert!(mesh.faults().is_empty());
    assert!(matches!(keeper.lost().await, ProtocolError::Closed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_kept_until_it_is_closed_or_dropped() {
    let mesh = mesh();
    mesh.put_edge(&spec(edge_id("orders", "payments", 8080), &[]))
        .unwrap();
    let session = session_to(&mesh).await;
    let open = || LeaseKeeper::open(&session, MachineClock::shared(), Duration::from_millis(150));
    let keeper = open().await.unwrap();
    let fault = latency("orders->payments", Stream::Downstream, 1);
    let arm = Arm {
        lease: keeper.id(),
        fault: fault.clone(),
    };
    client::arm(&session, &arm).await.unwrap();
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(400)) => {}
        e = keeper.lost() => panic!("{e}"),
    }
    assert_eq!(mesh.faults().len(), 1);
    keeper.close().await.unwrap();
    assert!(mesh.faults().is_empty());

    let keeper = open().await.unwrap();
    let arm = Arm {
        lease: keeper.id(),
        fault,
    };
    client::arm(&session, &arm).await.unwrap();
    drop(keeper);
    until("it is lifted", || mesh.faults().is_empty().then_some(())).await;
}

#[tokio::test]
async fn refusals_carry_stable_words_and_names() {
    let mesh = mesh();
    let listen = mesh
        .put_edge(&spec(edge_id("orders", "payments", 8080), &[]))
        .unwrap();
    let session = session_to(&mesh).await;
    let refusal = async |method: &str, parameters: Value| {
        let error = session.request::<Value>(method, parameters).await;
        let Err(ProtocolError::Refused {
            kind,
            message,
            detail,
        }) = error
        else {
            panic!("{error:?}");
        };
        (kind, message, detail)
    };
    let (kind, message, _) = refusal("fault.amr", json!({})).await;
    assert_eq!(kind, "unknown_method");
    assert!(message.contains("fault.arm"), "{message}");
    let (kind, ..) = refusal(method::ARM, json!({})).await;
    assert_eq!(kind, "invalid_parameters");

    let mut taken = spec(edge_id("gateway", "payments", 8080), &[]);
    taken.listen = listen;
    let error = client::put_edge(&session, &taken).await.unwrap_err();
    assert_eq!(error.kind(), Some("port_taken"));

    let keeper = LeaseKeeper::open(&session, MachineClock::shared(), Duration::from_secs(60))
        .await
        .unwrap();
    let arm = Arm {
        lease: keeper.id(),
        fault: latency("order->payments", Stream::Downstream, 1),
    };
    let mut arm = serde_json::to_value(arm).unwrap();
    let (kind, _, detail) = refusal(method::ARM, arm.clone()).await;
    assert_eq!(kind, "no_edge");
    assert_eq!(detail["nearest"][0], "orders->payments:8080");
    arm["fault"]["action"]["type"] = json!("bandwidth");
    let (kind, message, _) = refusal(method::ARM, arm.clone()).await;
    assert_eq!(kind, "unknown_action");
    assert!(message.contains("bandwidth"), "{message}");
    arm["fault"]["action"]["type"] = json!("latency");
    arm["fault"]["selector"]["request"] = json!({"path": "/charges"});
    let (kind, message, _) = refusal(method::ARM, arm).await;
    assert_eq!(kind, "invalid_parameters");
    assert!(message.contains("path"), "{message}");
}

#[test]
fn the_mesh_knows_its_own_methods_only() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _guard = runtime.enter();
    let control = MeshControl::new(mesh());
    assert!(method::ALL.iter().all(|m| control.knows(m)));
    assert!(!control.knows("system.up"));
    runtime.block_on(control.ended(1));
}
