//! Bytes and ends pass an edge as they are, and it says what it saw of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use msvc_mesh::exchange::IncidentKind;
use msvc_mesh::record::From;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::rig::*;

#[tokio::test]
async fn a_million_bytes_pass_both_ways_exactly_and_are_counted() {
    const MILLION: usize = 1_000_000;
    let mesh = mesh();
    let id = edge_id("@client", "gateway", 8080);
    let backend = echo().await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut exchanges = Box::pin(mesh.exchanges(From::default()));
    let sent = noise(MILLION);
    let caller = TcpStream::connect(listen).await.unwrap();
    let (mut read, mut write) = caller.into_split();
    let bytes = sent.clone();
    tokio::spawn(async move {
        write.write_all(&bytes).await.unwrap();
        write.shutdown().await.unwrap();
    });
    let mut heard = Vec::new();
    read.read_to_end(&mut heard).await.unwrap();
    assert!(heard == sent);
    let exchange = exchanges.next().await.unwrap().item;
    assert_eq!(exchange.bytes_to_callee, MILLION as u64);
    assert_eq!(exchange.bytes_from_callee, MILLION as u64);
    assert_eq!(exchange.id.to_string(), "mesh-1/@client~gateway~8080/1/0");
    let counts = status(&mesh, &id).counts;
    assert_eq!(counts.bytes_to_callee, MILLION as u64);
    assert_eq!(counts.bytes_from_callee, MILLION as u64);
    assert_eq!((counts.connections, counts.open), (1, 0));
}

#[tokio::test]
async fn a_caller_that_ends_its_way_still_hears_the_answer() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let backend = callee(|mut stream| async move {
        let mut asked = Vec::new();
        // Answers only after it read the end.
        if stream.read_to_end(&mut asked).await.is_ok() && !asked.is_empty() {
            let _ = stream.write_all(b"answer").await;
        }
    })
    .await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut incidents = Box::pin(mesh.incidents(From::default()));
    let mut caller = TcpStream::connect(listen).await.unwrap();
    caller.write_all(b"question").await.unwrap();
    caller.shutdown().await.unwrap();
    let mut answer = Vec::new();
    caller.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"answer");
    let first = incidents.next().await.unwrap().item;
    assert_eq!(first.kind, IncidentKind::CallerEnded);
}

#[tokio::test]
async fn a_reset_passes_as_a_reset_either_way() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let (told, mut heard) = mpsc::unbounded_channel();
    let backend = callee(move |mut stream| {
        let told = told.clone();
        async move {
            let mut byte = [0; 1];
            match stream.read(&mut byte).await {
                Ok(1) if byte == *b"r" => {
                    SockRef::from(&stream)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap();
                }
                Ok(1) => {
                    let _ = stream.write_all(b"k").await;
                    let _ = told.send(stream.read(&mut byte).await);
                }
                _ => {}
            }
        }
    })
    .await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut incidents = Box::pin(mesh.incidents(From::default()));

    let mut caller = TcpStream::connect(listen).await.unwrap();
    caller.write_all(b"r").await.unwrap();
    assert!(was_reset(caller.read(&mut [0; 1]).await));
    let incident = incidents.next().await.unwrap().item;
    assert_eq!(incident.kind, IncidentKind::Reset);

    let mut caller = TcpStream::connect(listen).await.unwrap();
    assert_eq!(round_trip(&mut caller, b"x").await, b"k");
    SockRef::from(&caller)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(caller);
    assert!(was_reset(heard.recv().await.unwrap()));
    let incident = incidents.next().await.unwrap().item;
    assert_eq!(incident.kind, IncidentKind::CallerEnded);
}

#[tokio::test]
async fn a_callee_that_ends_first_is_told_so() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let backend = callee(|mut stream| async move {
        let _ = stream.read(&mut [0; 1]).await;
    })
    .await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut incidents = Box::pin(mesh.incidents(From::default()));
    let mut caller = TcpStream::connect(listen).await.unwrap();
    caller.write_all(b"x").await.unwrap();
    assert_eq!(caller.read(&mut [0; 1]).await.unwrap(), 0);
    let incident = incidents.next().await.unwrap().item;
    assert_eq!(incident.kind, IncidentKind::Ended);
    assert!(incident.unanswered, "the caller had asked");
    assert_eq!(status(&mesh, &id).counts.unanswered, 1);
}

#[tokio::test]
async fn a_request_is_in_hand_from_its_first_byte_to_that_of_its_answer() {
    let mesh = mesh();
    let id = edge_id("orders", "payments", 8080);
    let go = Arc::new(tokio::sync::Notify::new());
    let (asked, mut heard) = mpsc::unbounded_channel();
    let answer = Arc::clone(&go);
    let backend = callee(move |mut stream| {
        let (answer, asked) = (Arc::clone(&answer), asked.clone());
        async move {
            // The mesh looks whether anybody is there, and says nothing.
            if !matches!(stream.read(&mut [0; 1]).await, Ok(1)) {
                return;
            }
            let _ = asked.send(());
            answer.notified().await;
            let _ = stream.write_all(b"a").await;
            answer.notified().await;
        }
    })
    .await;
    let listen = edge_to(&mesh, &id, backend).await;
    let mut incidents = Box::pin(mesh.incidents(From::default()));
    let mut caller = TcpStream::connect(listen).await.unwrap();
    caller.write_all(b"x").await.unwrap();
    heard.recv().await.unwrap();
    let counts = status(&mesh, &id).counts;
    assert_eq!((counts.open, counts.waiting), (1, 1));
    go.notify_one();
    assert_eq!(caller.read(&mut [0; 1]).await.unwrap(), 1);
    go.notify_one();
    assert_eq!(caller.read(&mut [0; 1]).await.unwrap(), 0);
    let incident = incidents.next().await.unwrap().item;
    assert_eq!(incident.kind, IncidentKind::Ended);
    assert!(!incident.unanswered, "all was answered");
    let counts = status(&mesh, &id).counts;
    assert_eq!((counts.waiting, counts.unanswered), (0, 0));
}
