//! Calls to real servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use axum::Router;
use http::header;

use super::*;
use crate::calls::State;

/// A wait that passes at once, as a retry's is drawn.
fn no_wait() -> Draw {
    Draw::from_fn(|| 0)
}

fn peer(address: std::net::SocketAddr, timeout: Duration) -> Peer {
    crate::entry::install_tls();
    Peer::new("catalog", format!("http://{address}"), timeout).unwrap()
}

/// A peer that answers the status it is told to, and counts what reached it.
struct Catalog {
    address: std::net::SocketAddr,
    status: Arc<AtomicU16>,
    seen: Arc<AtomicUsize>,
    told: Arc<std::sync::Mutex<Option<u64>>>,
}

impl Catalog {
    async fn start(status: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let catalog = Self {
            address: listener.local_addr().unwrap(),
            status: Arc::new(AtomicU16::new(status)),
            seen: Arc::default(),
            told: Arc::default(),
        };
        let (status, seen) = (catalog.status.clone(), catalog.seen.clone());
        let told = catalog.told.clone();
        let answer = move |headers: HeaderMap| async move {
            seen.fetch_add(1, Ordering::SeqCst);
            let left = headers.get(REQUEST_TIMEOUT_MS);
            *told.lock().unwrap() = left.and_then(|left| left.to_str().ok()?.parse().ok());
            // A connection of its own for each, so that a test with paused time closes them all.
            let close = [(header::CONNECTION, "close")];
            (
                StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap(),
                close,
            )
        };
        let app = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        catalog
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    fn peer(&self, limits: Limits, metrics: &Metrics) -> Peer {
        peer(self.address, Duration::from_secs(20)).guarded(limits, metrics, &no_wait())
    }
}

async fn call(peer: &Peer, method: Method) -> Result<Answer, CallError> {
    let trace = TraceContext::default();
    peer.request(method, "/", &trace).send().await
}

#[tokio::test]
async fn a_peer_that_never_answers_is_a_timeout_that_may_have_happened() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = peer(silent.local_addr().unwrap(), Duration::from_millis(200));
    let error = call(&peer, Method::GET).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    assert!(error.may_have_happened());
}

#[tokio::test]
async fn a_peer_that_refuses_the_connection_never_saw_the_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = peer(listener.local_addr().unwrap(), Duration::from_secs(20));
    drop(listener);
    let error = call(&peer, Method::POST).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { .. }), "{error}");
    assert!(!error.may_have_happened());
}

#[tokio::test]
async fn a_peer_is_told_how_long_it_is_waited_for_and_never_more_than_the_caller_waits() {
    let catalog = Catalog::start(200).await;
    let peer = catalog.peer(Limits::default(), &Metrics::new());
    let trace = TraceContext::default();
    let told = || catalog.told.lock().unwrap().take().unwrap();
    peer.request(Method::GET, "/", &trace).send().await.unwrap();
    assert!((10_000..=20_000).contains(&told()));
    let soon = Deadline::within(Duration::from_secs(5));
    let request = peer.request(Method::GET, "/", &trace).before(soon);
    request.send().await.unwrap();
    assert!(told() <= 5_000);
}

#[tokio::test]
async fn nothing_is_sent_for_someone_who_has_stopped_waiting() {
    let catalog = Catalog::start(200).await;
    let peer = catalog.peer(Limits::default(), &Metrics::new());
    let passed = Deadline::within(Duration::ZERO);
    let trace = TraceContext::default();
    let request = peer.request(Method::GET, "/", &trace).before(passed);
    let error = request.send().await.unwrap_err();
    assert!(
        matches!(error, CallError::NotSent(NotSent::Late(_))),
        "{error}"
    );
    assert!(!error.may_have_happened());
    assert_eq!(catalog.seen(), 0);
}

#[tokio::test]
async fn only_reading_is_retried_and_at_most_a_tenth_of_it() {
    let catalog = Catalog::start(200).await;
    // A breaker that never opens: what is looked at here is the budget.
    let limits = Limits {
        breaker_least: 10_000,
        breaker_calls: 10_000,
        ..Limits::default()
    };
    let metrics = Metrics::new();
    let peer = catalog.peer(limits, &metrics);
    for _ in 0..100 {
        call(&peer, Method::GET).await.unwrap();
    }
    catalog.status.store(503, Ordering::SeqCst);
    call(&peer, Method::POST).await.unwrap();
    assert_eq!(catalog.seen(), 101, "a POST is sent once");
    assert_eq!(call(&peer, Method::GET).await.unwrap().status, 503);
    assert_eq!(catalog.seen(), 104, "a GET is sent again twice");
    for _ in 0..98 {
        call(&peer, Method::GET).await.unwrap();
    }
    let (calls, sent) = (200, catalog.seen());
    assert!(sent - calls <= calls / 10, "{sent} sent for {calls} calls");
    let text = metrics.text();
    assert!(
        text.contains(r#"retries_total{peer="catalog"} 20"#),
        "{text}"
    );
}

#[tokio::test]
async fn the_breaker_opens_rests_asks_and_closes_and_nothing_leaves_while_it_is_open() {
    let catalog = Catalog::start(500).await;
    let rest = Duration::from_secs(3600);
    let limits = Limits {
        breaker_rest: rest,
        ..Limits::default()
    };
    let metrics = Metrics::new();
    let peer = catalog.peer(limits, &metrics);
    let shown = |state| format!("circuit_breaker_state{{peer=\"catalog\"}} {state}\n");
    assert!(metrics.text().contains(&shown(0)));
    for _ in 0..limits.breaker_least {
        call(&peer, Method::POST).await.unwrap();
    }
    assert!(metrics.text().contains(&shown(2)), "{}", metrics.text());
    let before = catalog.seen();
    for _ in 0..50 {
        let error = call(&peer, Method::POST).await.unwrap_err();
        assert!(
            matches!(error, CallError::NotSent(NotSent::Open(_))),
            "{error}"
        );
    }
    assert_eq!(catalog.seen(), before, "nothing leaves while it is open");

    catalog.status.store(200, Ordering::SeqCst);
    tokio::time::pause();
    tokio::time::advance(rest).await;
    tokio::time::resume();
    assert!(metrics.text().contains(&shown(1)), "{}", metrics.text());
    call(&peer, Method::POST).await.unwrap();
    assert_eq!(peer.guard().breaker(), State::Closed);
    let text = metrics.text();
    assert!(text.contains(&shown(0)), "{text}");
    let open = r#"calls_total{peer="catalog",outcome="open"} 50"#;
    assert!(text.contains(open), "{text}");
}

#[tokio::test]
async fn a_request_that_insists_is_sent_each_time_and_opens_no_breaker_and_another_does() {
    let catalog = Catalog::start(500).await;
    let metrics = Metrics::new();
    let peer = catalog.peer(Limits::default(), &metrics);
    let least = Limits::default().breaker_least;
    let trace = TraceContext::default();
    let insists = || peer.request(Method::POST, "/", &trace).insisting();
    for _ in 0..2 * least {
        assert_eq!(insists().send().await.unwrap().status, 500);
    }
    assert_eq!(catalog.seen(), 2 * least);
    assert_eq!(peer.guard().breaker(), State::Closed);
    // They are failures all the same to whoever reads the figures.
    let failed = format!(
        r#"calls_total{{peer="catalog",outcome="failed"}} {}"#,
        2 * least
    );
    assert!(metrics.text().contains(&failed), "{}", metrics.text());
    for count in 0..least {
        assert_eq!(peer.guard().breaker(), State::Closed, "after {count}");
        assert_eq!(call(&peer, Method::POST).await.unwrap().status, 500);
    }
    assert_eq!(peer.guard().breaker(), State::Open);
}

#[tokio::test]
async fn a_peer_that_says_it_cannot_do_this_now_is_asked_for_other_things() {
    let catalog = Catalog::start(503).await;
    let metrics = Metrics::new();
    let peer = catalog.peer(Limits::default(), &metrics);
    for _ in 0..50 {
        assert_eq!(call(&peer, Method::POST).await.unwrap().status, 503);
    }
    assert_eq!(peer.guard().breaker(), State::Closed);
    let unavailable = r#"calls_total{peer="catalog",outcome="unavailable"} 50"#;
    assert!(metrics.text().contains(unavailable), "{}", metrics.text());
}

#[tokio::test]
async fn a_bulkhead_that_is_full_refuses_at_once_and_has_room_again_after() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits {
        at_once: 2,
        ..Limits::default()
    };
    let address = silent.local_addr().unwrap();
    let metrics = Metrics::new();
    let peer = peer(address, Duration::from_secs(600)).guarded(limits, &metrics, &no_wait());
    let hung: Vec<_> = (0..2)
        .map(|_| {
            let peer = peer.clone();
            tokio::spawn(async move { call(&peer, Method::POST).await })
        })
        .collect();
    // Each has its place once its connection is there.
    let mut connections = Vec::new();
    for _ in 0..2 {
        connections.push(silent.accept().await.unwrap());
    }
    let error = call(&peer, Method::POST).await.unwrap_err();
    assert!(
        matches!(error, CallError::NotSent(NotSent::Full(_))),
        "{error}"
    );
    for call in hung {
        call.abort();
        let _aborted = call.await;
    }
    drop((connections, silent));
    let error = call(&peer, Method::POST).await.unwrap_err();
    assert!(!matches!(error, CallError::NotSent(_)), "{error}");
    let full = r#"bulkhead_full_total{peer="catalog"} 1"#;
    assert!(metrics.text().contains(full), "{}", metrics.text());
}

#[tokio::test]
async fn a_connection_that_was_idle_is_given_up_before_its_peer_would_end_it() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = peer(listener.local_addr().unwrap(), Duration::from_secs(60));
    let calling = tokio::spawn(async move {
        call(&peer, Method::GET).await.unwrap();
        peer
    });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = [0; 1024];
    assert!(stream.read(&mut request).await.unwrap() > 0);
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(answer).await.unwrap();
    let _peer = calling.await.unwrap();
    // It ends on this side first: nobody here ends it.
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut request));
    assert_eq!(ended.await.unwrap().unwrap(), 0);
}
