//! Latency: once, in order, counted where it bites, and gone with its lease.

use std::net::SocketAddr;
use std::time::Duration;

use msvc_mesh::Mesh;
use msvc_mesh::error::MeshError;
use msvc_mesh::fault::{Action, Arm, Budget, Fault, RequestSelector, Selector, Stream};
use msvc_mesh::lease::{LeaseId, OpenLease};
use msvc_system::id::{EdgeId, LaneName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::rig::*;

const SESSION: u64 = 7;

pub(crate) fn latency(edge: &str, stream: Stream, latency_ms: u64) -> Fault {
    Fault {
        name: "latency".to_owned(),
        selector: Selector {
            lane: LaneName::main(),
            edge: edge.parse().unwrap(),
            stream,
            request: None,
        },
        action: Action::Latency {
            latency_ms,
            jitter_ms: 0,
        },
        budget: Budget::default(),
        seed: 42,
    }
}

fn lease(mesh: &Mesh) -> LeaseId {
    let open = OpenLease { ttl_ms: 60_000 };
    mesh.open_lease(SESSION, open).unwrap()
}

async fn echo_edge() -> (Mesh, EdgeId, SocketAddr) {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let listen = edge_to(&mesh, &id, echo().await).await;
    (mesh, id, listen)
}

#[tokio::test]
async fn the_answers_of_a_live_connection_are_delayed_once_and_the_receipt_is_exact() {
    let (mesh, id, listen) = echo_edge().await;
    let mut live = TcpStream::connect(listen).await.unwrap();
    round_trip(&mut live, b"before").await;
    let fault = latency("orders->payments", Stream::Downstream, 80);
    let lease = lease(&mesh);
    let fault = mesh.arm(SESSION, Arm { lease, fault }).unwrap();
    assert_eq!(mesh.receipt(fault).unwrap().total, 0);

    let began = Instant::now();
    assert_eq!(round_trip(&mut live, b"slow").await, b"slow");
    assert!(began.elapsed() >= Duration::from_millis(80));
    let mut new = TcpStream::connect(listen).await.unwrap();
    assert_eq!(round_trip(&mut new, b"slower").await, b"slower");

    let live_receipt = mesh.receipt(fault).unwrap();
    let receipt = mesh.lift(fault).unwrap();
    assert_eq!(live_receipt, receipt);
    assert_eq!(
        (receipt.total, receipt.connections, receipt.bytes),
        (2, 2, 10)
    );
    assert_eq!(receipt.edges, ["orders->payments:8080"]);
    assert_eq!(
        (receipt.mesh.as_str(), receipt.name.as_str()),
        ("mesh-1", "latency")
    );
    let touched: Vec<_> = receipt
        .touches
        .iter()
        .map(|t| (t.connection.edge.clone(), t.connection.connection, t.bytes))
        .collect();
    assert_eq!(touched, [(id.clone(), 1, 4), (id, 2, 6)]);
    for touch in &receipt.touches {
        assert!(touch.held_ns >= 80_000_000, "{touch:?}");
        assert!(touch.held_ns < 10_000_000_000, "{touch:?}");
    }

    round_trip(&mut live, b"after").await;
    assert_eq!(mesh.lift(fault).unwrap(), receipt, "nothing bites any more");
}

#[tokio::test]
async fn the_other_way_only_the_requests_are_delayed() {
    let (mesh, _, listen) = echo_edge().await;
    let fault = latency("orders->payments", Stream::Upstream, 60);
    let lease = lease(&mesh);
    let fault = mesh.arm(SESSION, Arm { lease, fault }).unwrap();
    let mut caller = TcpStream::connect(listen).await.unwrap();
    let began = Instant::now();
    round_trip(&mut caller, b"question").await;
    assert!(began.elapsed() >= Duration::from_millis(60));
    let receipt = mesh.lift(fault).unwrap();
    assert_eq!((receipt.total, receipt.bytes), (1, 8));
}

#[tokio::test]
async fn chunks_wait_side_by_side_and_come_in_order_to_the_last_byte_and_the_end() {
    let (mesh, _, listen) = echo_edge().await;
    let mut fault = latency("orders->payments", Stream::Downstream, 100);
    fault.action = Action::Latency {
        latency_ms: 100,
        jitter_ms: 90,
    };
    let lease = lease(&mesh);
    let fault = mesh.arm(SESSION, Arm { lease, fault }).unwrap();
    let sent = noise(1_000_000);
    let (mut read, mut write) = TcpStream::connect(listen).await.unwrap().into_split();
    let bytes = sent.clone();
    tokio::spawn(async move {
        for piece in bytes.chunks(10_000) {
            write.write_all(piece).await.unwrap();
        }
        write.shutdown().await.unwrap();
    });
    let mut heard = Vec::new();
    read.read_to_end(&mut heard).await.unwrap();
    assert!(heard == sent);
    let receipt = mesh.lift(fault).unwrap();
    assert_eq!((receipt.connections, receipt.bytes), (1, 1_000_000));
    // One after the other they would have been held for their sum.
    let first = receipt.touches.iter().map(|t| t.at_ns).min().unwrap();
    let last = receipt.touches.iter().map(|t| t.at_ns + t.held_ns).max();
    let sum: u64 = receipt.touches.iter().map(|t| t.held_ns).sum();
    assert!(receipt.total < 4 || last.unwrap() - first < sum);
}

#[tokio::test]
async fn lifting_lets_go_at_once_of_what_is_held() {
    let (mesh, id, listen) = echo_edge().await;
    // An hour: the answer comes only because of the lift.
    let fault = latency("orders->payments", Stream::Downstream, 3_600_000);
    let lease = lease(&mesh);
    let fault = mesh.arm(SESSION, Arm { lease, fault }).unwrap();
    let mut caller = TcpStream::connect(listen).await.unwrap();
    caller.write_all(b"one").await.unwrap();
    until("it bites", || {
        (mesh.receipt(fault).unwrap().total == 1).then_some(())
    })
    .await;
    assert_eq!(status(&mesh, &id).counts.bytes_from_callee, 0);
    let receipt = mesh.lift(fault).unwrap();
    assert!(receipt.touches[0].held_ns < 3_600_000_000_000);
    let mut back = [0; 3];
    caller.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"one");
    round_trip(&mut caller, b"two").await;
}

#[tokio::test]
async fn two_faults_add_up_and_each_has_its_receipt() {
    let (mesh, _, listen) = echo_edge().await;
    let lease = lease(&mesh);
    let first = latency("orders->payments", Stream::Downstream, 40);
    let mut second = first.clone();
    second.name = "more".to_owned();
    let clash = first.clone();
    let arm = |fault| mesh.arm(SESSION, Arm { lease, fault });
    let (first, second) = (arm(first).unwrap(), arm(second).unwrap());
    assert!(matches!(arm(clash), Err(MeshError::FaultExists { .. })));
    let mut caller = TcpStream::connect(listen).await.unwrap();
    let began = Instant::now();
    round_trip(&mut caller, b"both").await;
    assert!(began.elapsed() >= Duration::from_millis(80));
    mesh.lift(first).unwrap();
    let began = Instant::now();
    round_trip(&mut caller, b"one").await;
    assert!(began.elapsed() >= Duration::from_millis(40));
    assert_eq!(mesh.receipt(first).unwrap().bytes, 4);
    assert_eq!(mesh.receipt(second).unwrap().bytes, 7);
    assert_eq!(mesh.faults().len(), 1);
}

#[tokio::test]
async fn a_fault_on_an_edge_that_appears_later_holds_there_too() {
    let (mesh, _, _) = echo_edge().await;
    let lease = lease(&mesh);
    let fault = latency("orders->payments", Stream::Downstream, 1);
    let fault = mesh.arm(SESSION, Arm { lease, fault }).unwrap();
    let later = edge_id("orders", "payments", 9090);
    let listen = edge_to(&mesh, &later, echo().await).await;
    let mut caller = TcpStream::connect(listen).await.unwrap();
    round_trip(&mut caller, b"x").await;
    assert_eq!(mesh.lift(fault).unwrap().edges, ["orders->payments:9090"]);
}

#[tokio::test]
async fn the_share_of_connections_is_a_draw_that_repeats() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (mesh, _, listen) = echo_edge().await;
        let lease = lease(&mesh);
        let mut fault = latency("orders->payments", Stream::Downstream, 1);
        fault.budget.probability = 0.5;
        let fault = mesh.arm(SESSION, Arm { lease, fault }).unwrap();
        for _ in 0..20 {
            let mut caller = TcpStream::connect(listen).await.unwrap();
            round_trip(&mut caller, b"x").await;
        }
        let receipt = mesh.lift(fault).unwrap();
        let touches = receipt.touches.iter();
        runs.push(touches.map(|t| t.connection.connection).collect::<Vec<_>>());
    }
    assert_eq!(runs[0], runs[1]);
    assert!((1..20).contains(&runs[0].len()), "{runs:?}");
}

#[tokio::test]
async fn what_selects_no_edge_or_asks_for_the_unknown_is_refused_by_name() {
    let (mesh, _, _) = echo_edge().await;
    let lease = lease(&mesh);
    let arm = |fault| mesh.arm(SESSION, Arm { lease, fault }).unwrap_err();
    let error = arm(latency("orders->paymnets", Stream::Downstream, 1));
    let MeshError::NoEdge { nearest, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(nearest[0], "orders->payments:8080");
    let mut fault = latency("orders->payments", Stream::Downstream, 1);
    fault.selector.request = Some(RequestSelector {});
    assert!(arm(fault).to_string().contains("request selector"));
    let mut fault = latency("orders->payments", Stream::Downstream, 1);
    fault.budget.probability = f64::NAN;
    assert!(matches!(arm(fault), MeshError::OutOfRange { .. }));
    let fault = latency("orders->payments", Stream::Downstream, u64::MAX);
    assert!(matches!(arm(fault), MeshError::OutOfRange { .. }));
    let fault = latency("orders->payments", Stream::Downstream, 1);
    let other = mesh.arm(SESSION + 1, Arm { lease, fault });
    assert!(matches!(other, Err(MeshError::NoLease(_))));
    assert!(mesh.faults().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missed_beat_lifts_the_faults_and_a_renewal_keeps_them() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    mesh.put_edge(&spec(id, &[])).unwrap();
    let open = OpenLease { ttl_ms: 1000 };
    let lease = mesh.open_lease(SESSION, open).unwrap();
    let fault = latency("orders->payments", Stream::Downstream, 1);
    let fault = mesh.arm(SESSION, Arm { lease, fault }).unwrap();
    let ended = mesh.lease_end(SESSION, lease).unwrap();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        mesh.renew_lease(SESSION, lease).unwrap();
    }
    assert_eq!(mesh.faults().len(), 1);
    tokio::time::sleep(Duration::from_millis(1001)).await;
    assert!(mesh.faults().is_empty() && ended.is_cancelled());
    assert!(matches!(
        mesh.renew_lease(SESSION, lease),
        Err(MeshError::NoLease(_))
    ));
    assert_eq!(mesh.receipt(fault).unwrap().total, 0, "it is kept");
    for ttl_ms in [0, u64::MAX] {
        let error = mesh.open_lease(SESSION, OpenLease { ttl_ms });
        assert!(matches!(error, Err(MeshError::OutOfRange { .. })));
    }
}
