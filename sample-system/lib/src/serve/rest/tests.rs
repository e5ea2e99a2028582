//! Refused, and heard out: over pipes under a clock that goes on when nobody has anything to do, and over
//! real sockets, where a machine resets what was closed too early.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::metrics::Metrics;
use crate::serve::door::LINGER;
use crate::serve::patience::Patience;
use crate::serve::patient::tests::{PIPE, start};
use crate::serve::{self, Readiness, Serving};

/// Longer than anything here takes; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A frame over HTTP/2 that sets nothing.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// The kind of the frame that ends a connection.
const GO_AWAY: u8 = 7;

/// The head of a request that says how long its body is.
fn with_body(bytes: usize) -> String {
    format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {bytes}\r\n\r\n")
}

/// What is answered until nothing more is said.
async fn answer(caller: &mut DuplexStream) -> String {
    let mut answer = String::new();
    caller.read_to_string(&mut answer).await.unwrap();
    answer
}

/// How many seconds, and bytes, what `caller` sends is taken for.
async fn taken(caller: &mut DuplexStream, piece: usize, pause: Duration) -> (u64, usize) {
    let (begun, mut bytes) = (Instant::now(), 0);
    while caller.write_all(&vec![b'x'; piece]).await.is_ok() {
        bytes += piece;
        tokio::time::sleep(pause).await;
    }
    (begun.elapsed().as_secs(), bytes)
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_a_refusal_is_dropped_for_as_long_as_a_body_may_take() {
    let running = start().await;
    let second = Duration::from_secs(1);
    for (request, status) in [
        (with_body(DROPPED * 2), 413),
        (with_body(9), 408),
        ("hello\r\n\r\nhello".to_owned(), 400),
    ] {
        let mut caller = running.connect().await;
        caller.write_all(request.as_bytes()).await.unwrap();
        let said = answer(&mut caller).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        assert!(said.contains("connection: close"), "{said}");
        let (seconds, _) = taken(&mut caller, 1, second).await;
        let within = Patience::default().body.as_secs();
        assert!(
            (within..within + 2).contains(&seconds),
            "{status}: {seconds}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_dropped_than_one_sends_by_mistake() {
    let running = start().await;
    let mut caller = running.connect().await;
    let request = with_body(DROPPED * 2);
    caller.write_all(request.as_bytes()).await.unwrap();
    answer(&mut caller).await;
    let (seconds, bytes) = taken(&mut caller, PIPE, Duration::ZERO).await;
    assert_eq!(seconds, 0);
    assert!((DROPPED..DROPPED + 4 * PIPE).contains(&bytes), "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn who_has_sent_all_that_they_began_is_not_waited_for() {
    let running = start().await;
    let mut caller = running.connect().await;
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    caller.write_all(request.as_bytes()).await.unwrap();
    let said = answer(&mut caller).await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    let (seconds, _) = taken(&mut caller, 1, Duration::from_secs(1)).await;
    assert!(seconds <= 1, "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn over_http_2_who_may_have_begun_something_new_is_heard_out_as_well() {
    /// What no connection may hold: data of no request.
    const WRONG: &[u8] = &[0; 9];
    let running = start().await;
    let mut caller = running.connect().await;
    let begun = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], SETTINGS, WRONG].concat();
    caller.write_all(&begun).await.unwrap();
    let mut said = Vec::new();
    caller.read_to_end(&mut said).await.unwrap();
    assert!(said.contains(&GO_AWAY), "{said:?}");
    let (seconds, _) = taken(&mut caller, 1, Duration::from_secs(1)).await;
    let within = LINGER.as_secs();
    assert!((within..within + 2).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn who_sends_all_of_what_is_too_large_before_they_read_is_answered_and_not_reset() {
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/echo", post(async |body: String| body));
    let serving = Serving::new(Readiness::new(), Metrics::new());
    let never = CancellationToken::new();
    tokio::spawn(serve::http(listener, routes, serving, never, DEADLINE));
    let chunks = format!(
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{DROPPED:x}\r\n"
    );
    for (head, status) in [
        (with_body(DROPPED), 413),
        (chunks, 413),
        ("GET / HTTP/1.1\r\nx-long: ".to_owned(), 431),
        ("hello\r\n".to_owned(), 400),
    ] {
        let mut caller = TcpStream::connect(address).await.unwrap();
        let all = async {
            caller.write_all(head.as_bytes()).await.unwrap();
            let body = vec![b'x'; DROPPED - 1024];
            caller.write_all(&body).await.unwrap();
            let mut answer = String::new();
            caller.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::time::timeout(DEADLINE, all).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
}
