//! Client and server over a real connection, with the standard health service to talk about.

mod unprocessed;

use std::time::Duration;

use tokio::net::TcpListener;
use tonic::transport::Endpoint;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer as _, ServiceExt as _};

use super::client::{Guarded, before, never_arrived};
use super::server::Admission;
use crate::calls::{Guard, Limits, State};
use crate::deadline::Deadline;
use crate::draw::Draw;
use crate::metrics::Metrics;
use crate::serve::queue::QueueLimits;
use crate::trace_context::TraceContext;

mod patience;

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    url: String,
    metrics: Metrics,
}

async fn serve(limits: QueueLimits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let metrics = Metrics::new();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let server = tonic::transport::Server::builder()
        .layer(Admission::new(&metrics, limits))
        .add_service(health);
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
    Running { url, metrics }
}

fn client(url: &str, timeout: Duration) -> (HealthClient<Guarded>, Guard, Metrics) {
    let metrics = Metrics::new();
    let limits = Limits {
        breaker_least: 1,
        ..Limits::default()
    };
    let guard = Guard::new("inventory", limits, &metrics, Draw::from_fn(|| 0));
    let channel = Endpoint::from_shared(url.to_owned())
        .unwrap()
        .connect_lazy();
    let guarded = Guarded::new(channel, guard.clone(), timeout);
    (HealthClient::new(guarded), guard, metrics)
}

fn ask(service: &str) -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest {
        service: service.to_owned(),
    })
}

#[tokio::test]
async fn calls_are_counted_on_both_sides_and_a_refusal_blames_nobody() {
    let running = serve(QueueLimits::default()).await;
    let (mut client, guard, metrics) = client(&running.url, PATIENCE);
    client.check(ask("")).await.unwrap();
    let unknown = client.check(ask("nobody")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert_eq!(guard.breaker(), State::Closed);
    let called = metrics.text();
    let answered = r#"calls_total{peer="inventory",outcome="answered"} 2"#;
    assert!(called.contains(answered), "{called}");
    let served = running.metrics.text();
    for status in [0, 5] {
        let route = r#"route="/grpc.health.v1.Health/Check",method="RPC""#;
        let series = format!("grpc_requests_total{{{route},status=\"{status}\"}} 1");
        assert!(served.contains(&series), "{served}");
    }
}

#[tokio::test]
async fn a_method_that_nobody_serves_makes_no_series_of_its_own() {
    crate::entry::install_tls();
    let running = serve(QueueLimits::default()).await;
    let url = format!("{}/made.up/Method", running.url);
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build();
    let post = client.unwrap().post(url);
    let answer = post.header("content-type", "application/grpc").send().await;
    assert_eq!(answer.unwrap().headers()["grpc-status"], "12");
    let served = running.metrics.text();
    assert!(served.contains(r#"route="unmatched""#), "{served}");
    assert!(!served.contains("made.up"), "{served}");
}

#[tokio::test]
async fn a_silent_peer_times_out_and_opens_the_breaker_and_then_nothing_leaves() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    // Long enough for the call to leave, however busy the machine.
    let (mut client, guard, _) = client(&url, Duration::from_secs(2));
    let status = client.check(ask("")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(!never_arrived(&status));
    assert_eq!(guard.breaker(), State::Open);
    let status = client.check(ask("")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(never_arrived(&status));
}

#[tokio::test]
async fn a_caller_that_waits_less_ends_the_call_and_does_not_blame_the_peer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (mut client, guard, _) = client(&url, PATIENCE);
    let soon = Deadline::within(Duration::from_millis(100));
    let status = client.check(before(ask(""), soon)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(guard.breaker(), State::Closed);
    let passed = Deadline::within(Duration::ZERO);
    let status = client.check(before(ask(""), passed)).await.unwrap_err();
    assert!(never_arrived(&status), "{status}");
}

#[tokio::test]
async fn a_peer_that_is_gone_never_saw_the_call() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let (mut client, ..) = client(&url, PATIENCE);
    let status = client.check(ask("")).await.unwrap_err();
    assert!(never_arrived(&status), "{status}");
}

#[test]
fn a_connection_that_was_reset_while_it_was_made_carried_nothing_and_one_that_broke_may_have() {
    let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let made = tonic::ConnectError(Box::new(reset()));
    assert!(never_arrived(&tonic::Status::from_error(Box::new(made))));
    assert!(!never_arrived(&tonic::Status::from_error(
        Box::new(reset())
    )));
}

#[tokio::test]
async fn a_server_takes_on_no_more_than_it_can_and_nothing_that_is_late() {
    let none = QueueLimits {
        at_once: 0,
        waiting: 0,
        ..QueueLimits::default()
    };
    let running = serve(none).await;
    let (mut client, ..) = client(&running.url, PATIENCE);
    let status = client.check(ask("")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let served = running.metrics.text();
    assert!(served.contains("grpc_requests_shed_total 1"), "{served}");
}

#[tokio::test]
async fn a_request_without_a_trace_begins_one() {
    let admission = Admission::new(&Metrics::new(), QueueLimits::default());
    let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for sent in [None, Some("00-ab-cd-01"), Some(own)] {
        let inner = tower::service_fn(move |request: http::Request<()>| async move {
            let seen = TraceContext::from_headers(request.headers()).traceparent;
            assert!(seen.is_some() && (sent != Some(own) || seen.as_deref() == sent));
            Ok::<_, std::convert::Infallible>(http::Response::new(()))
        });
        let mut request = http::Request::new(());
        if let Some(sent) = sent {
            let value = http::HeaderValue::from_static(sent);
            request.headers_mut().insert("traceparent", value);
        }
        admission.layer(inner).oneshot(request).await.unwrap();
    }
}
