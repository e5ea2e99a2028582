//! Serving over pipes, under a clock that goes on when nobody has anything to do.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};
use axum::serve::Listener;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::metrics::Metrics;
use crate::serve::door::Door;
use crate::serve::queue::QueueLimits;
use crate::serve::{self, HeaderLimits, Readiness, Serving};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Bytes that wait in a pipe.
pub(in crate::serve) const PIPE: usize = 1024;

/// Longer than anything may take before or after a request.
const SLOW: Duration = Duration::from_secs(200);

/// A listener to whom pipes are handed.
pub(crate) struct Pipes(pub(crate) mpsc::Receiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.0.recv().await {
            Some(pipe) => (pipe, self.local_addr().unwrap()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(([127, 0, 0, 1], 1).into())
    }
}

pub(in crate::serve) struct Running {
    callers: mpsc::Sender<DuplexStream>,
    metrics: Metrics,
}

/// Serves with one turn and a few connections.
pub(in crate::serve) async fn start() -> Running {
    let metrics = Metrics::new();
    let (callers, pipes) = mpsc::channel(1);
    let patience = Patience {
        per_address: 2,
        ..Patience::default()
    };
    let turns = QueueLimits {
        at_once: 1,
        waiting: 0,
        ..QueueLimits::default()
    };
    let serving = Serving::new(Readiness::new(), metrics.clone())
        .patient(patience)
        .headers_within(HeaderLimits::AT_THE_DOOR)
        .within(turns);
    let routes = Router::new()
        .route("/", get(async || "ok"))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(SLOW).await;
                "ok"
            }),
        )
        .route("/much", get(async || "x".repeat(PIPE * 64)))
        .route("/echo", post(async |body: String| body));
    let never = CancellationToken::new();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let closing = Door::new(listener, never.clone()).unwrap().closing();
    let served = serve::on(
        Pipes(pipes),
        closing,
        routes,
        serving,
        never,
        Duration::ZERO,
    );
    tokio::spawn(served);
    Running { callers, metrics }
}

impl Running {
    pub(in crate::serve) async fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        self.callers.send(theirs).await.unwrap();
        ours
    }

    /// Sends `request` and reads until there is nothing more; what came, and how long that took.
    async fn ask(&self, request: &str) -> (String, Duration) {
        let mut caller = self.connect().await;
        let begun = Instant::now();
        caller.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        caller.read_to_string(&mut answer).await.unwrap();
        (answer, begun.elapsed())
    }

    async fn counts(&self, series: &str) -> bool {
        let text = self.metrics.read().await;
        text.lines().any(|line| line == series)
    }

    async fn ended(&self, why: &str) -> bool {
        let series = format!("connections_ended_total{{why=\"{why}\"}} 1");
        self.counts(&series).await
    }
}

/// Within a little of the timer's steps.
fn is(took: Duration, wanted: Duration) -> bool {
    (wanted..wanted + Duration::from_millis(10)).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_which_nothing_or_half_a_head_comes_is_ended() {
    let head = Patience::default().head;
    for request in [
        "",
        "GET / HTTP/1.1\r\nhost:",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let running = start().await;
        let mut caller = running.connect().await;
        let begun = Instant::now();
        caller.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        caller.read_to_end(&mut answer).await.unwrap();
        let took = begun.elapsed();
        assert!(is(took, head), "{request:?}: {took:?}");
        assert!(running.ended("head").await, "{request:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_has_no_more_time_than_any_other() {
    let running = start().await;
    let mut caller = running.connect().await;
    let begun = Instant::now();
    for byte in GET.bytes().cycle().filter(|byte| *byte != b'\n') {
        if caller.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let took = begun.elapsed();
    assert!(
        took <= Patience::default().head + Duration::from_secs(2),
        "{took:?}"
    );
    assert!(running.ended("head").await);
}

#[tokio::test(start_paused = true)]
async fn a_connection_between_two_requests_is_kept_for_longer_and_then_ended() {
    let running = start().await;
    let mut caller = running.connect().await;
    let mut answer = [0; PIPE];
    for _ in 0..2 {
        caller.write_all(GET.as_bytes()).await.unwrap();
        let read = caller.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(Patience::default().idle - Duration::from_secs(1)).await;
    }
    let begun = Instant::now();
    assert_eq!(caller.read(&mut answer).await.unwrap(), 0);
    let took = begun.elapsed();
    assert!(is(took, Duration::from_secs(1)), "{took:?}");
    assert!(running.ended("idle").await);
}

#[tokio::test(start_paused = true)]
async fn half_a_head_after_an_answer_has_a_heads_time() {
    let running = start().await;
    let mut caller = running.connect().await;
    caller.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = [0; PIPE];
    assert!(caller.read(&mut answer).await.unwrap() > 0);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let begun = Instant::now();
    caller.write_all(b"GET / HT").await.unwrap();
    assert_eq!(caller.read(&mut answer).await.unwrap(), 0);
    let took = begun.elapsed();
    assert!(is(took, Patience::default().head), "{took:?}");
    assert!(running.ended("head").await);
}

#[tokio::test(start_paused = true)]
async fn half_a_head_in_one_packet_with_whole_requests_has_a_heads_time_after_their_answers() {
    let post = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";
    let slow = GET.replace(" / ", " /slow ");
    for (whole, answers, until) in [
        (GET.to_owned(), 1, Duration::ZERO),
        (format!("{GET}{post}"), 2, Duration::ZERO),
        (slow, 1, SLOW),
    ] {
        let running = start().await;
        let request = format!("{whole}GET /home HTTP/1.1\r\nhost: a\r\n");
        let (answered, took) = running.ask(&request).await;
        assert_eq!(
            answered.matches("HTTP/1.1 200").count(),
            answers,
            "{answered}"
        );
        assert!(
            is(took, until + Patience::default().head),
            "{whole}: {took:?}"
        );
        assert!(running.ended("head").await, "{whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_long_is_waited_for_and_the_connection_kept_after_it() {
    let running = start().await;
    let mut caller = running.connect().await;
    let slow = GET.replace(" / ", " /slow ");
    caller.write_all(slow.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let mut answer = [0; PIPE];
    let read = caller.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
    assert_eq!(caller.read(&mut answer).await.unwrap(), 0);
    let took = begun.elapsed();
    assert!(is(took, SLOW + Patience::default().idle), "{took:?}");
    assert!(running.ended("idle").await);
}

#[tokio::test(start_paused = true)]
async fn half_a_body_takes_no_turn_from_others_and_is_a_408_that_is_counted() {
    let running = start().await;
    let half = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf";
    let mut slow = running.connect().await;
    slow.write_all(half.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut other = running.connect().await;
    other.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = [0; PIPE];
    let read = other.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
    let begun = Instant::now();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    let took = begun.elapsed() + Duration::from_secs(1);
    assert!(is(took, Patience::default().body), "{took:?}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    assert!(head.contains("application/problem+json"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(body).unwrap()["status"],
        408
    );
    let series = r#"http_requests_total{route="/echo",method="POST",status="408"} 1"#;
    assert!(running.counts(series).await);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_waits_less_than_a_body_may_take_is_answered_by_then() {
    let running = start().await;
    let half = "POST /echo HTTP/1.1\r\nhost: a\r\nrequest-timeout-ms: 500\r\n\
                content-length: 9\r\n\r\nhalf";
    let (answer, took) = running.ask(half).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(is(took, Duration::from_millis(500)), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_is_given_up() {
    let running = start().await;
    let mut caller = running.connect().await;
    let request = GET.replace(" / ", " /much ");
    caller.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Patience::default().taken + Duration::from_secs(1)).await;
    assert!(running.ended("answer").await);
}

#[tokio::test(start_paused = true)]
async fn who_was_silent_for_longest_makes_room_for_the_next() {
    let running = start().await;
    let mut silent = running.connect().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _second = running.connect().await;
    let (answer, _) = running
        .ask(&GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"))
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert!(running.ended("crowded").await);
    let begun = Instant::now();
    let third = running.connect().await;
    drop(third);
    assert!(is(begun.elapsed(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn headers_that_not_every_hop_can_carry_are_a_431() {
    let running = start().await;
    let with = |header: &str| {
        GET.replace(
            "\r\n\r\n",
            &format!("\r\nconnection: close\r\n{header}\r\n\r\n"),
        )
    };
    let most = HeaderLimits::AT_THE_DOOR.carried;
    for name in ["baggage", "tracestate"] {
        let of = |length: usize| with(&format!("{name}: {}", "x".repeat(length)));
        assert!(
            running.ask(&of(most)).await.0.starts_with("HTTP/1.1 200 "),
            "{name}"
        );
        let (answer, _) = running.ask(&of(most + 1)).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    let halves = format!("baggage: {}\r\n", "x".repeat(most / 2)).repeat(2);
    let (answer, _) = running.ask(&with(halves.trim_end())).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let all = format!("x-more: {}", "x".repeat(HeaderLimits::AT_THE_DOOR.all));
    let (answer, _) = running.ask(&with(&all)).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}
