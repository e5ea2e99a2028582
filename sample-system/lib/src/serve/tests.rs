//! Serving over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use super::*;
use crate::deadline::Deadline;
use crate::logs::Logged;

/// Longer than anything here takes; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

struct Running {
    root: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
    served: tokio::task::JoinHandle<Result<(), ServeError>>,
}

async fn start(routes: Router, serving: impl Into<Serving>, grace: Duration) -> Running {
    crate::entry::install_tls();
    let listener = listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let serving = serving.into();
    let served = tokio::spawn(http(listener, routes, serving, shutdown.clone(), grace));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running {
        root,
        client,
        shutdown,
        served,
    }
}

impl Running {
    async fn status(&self, path: &str) -> u16 {
        let url = format!("{}{path}", self.root);
        self.client.get(url).send().await.unwrap().status().as_u16()
    }
}

/// A route that waits until it is released, and tells that it was entered.
fn waiting() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, released) = (entered.clone(), release.clone());
    let route = get(move || async move {
        enter.notify_one();
        released.notified().await;
        "done"
    });
    (Router::new().route("/wait", route), entered, release)
}

#[tokio::test]
async fn it_is_ready_only_while_everything_it_needs_answers() {
    let works = Arc::new(AtomicBool::new(true));
    let asked = works.clone();
    let readiness = Readiness::new().and("the database", move || {
        let works = asked.load(Ordering::SeqCst);
        async move { works }
    });
    let running = start(Router::new(), readiness, DEADLINE).await;
    assert_eq!(running.status("/readyz").await, 200);
    works.store(false, Ordering::SeqCst);
    assert_eq!(running.status("/readyz").await, 503);
    assert_eq!(running.status("/healthz").await, 200);
}

#[tokio::test]
async fn a_request_in_hand_is_finished_after_the_shutdown_began() {
    let (routes, entered, release) = waiting();
    let running = start(routes, Readiness::new(), DEADLINE).await;
    let request = running.client.get(format!("{}/wait", running.root)).send();
    let request = tokio::spawn(request);
    entered.notified().await;
    running.shutdown.cancel();
    release.notify_one();
    assert_eq!(
        request.await.unwrap().unwrap().text().await.unwrap(),
        "done"
    );
    tokio::time::timeout(DEADLINE, running.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_left_when_the_grace_is_over() {
    let (routes, entered, _never) = waiting();
    let running = start(routes, Readiness::new(), Duration::from_millis(10)).await;
    let request = running.client.get(format!("{}/wait", running.root)).send();
    let request = tokio::spawn(request);
    entered.notified().await;
    running.shutdown.cancel();
    tokio::time::timeout(DEADLINE, running.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    request.abort();
}

#[tokio::test]
async fn a_handler_that_panics_is_a_problem_and_the_service_goes_on() {
    let routes = Router::new()
        .route(
            "/panic",
            get(async || -> &'static str { panic!("on purpose") }),
        )
        .route("/body", post(async |_: String| "read"));
    let running = start(routes, Readiness::new(), DEADLINE).await;
    assert_eq!(running.status("/panic").await, 500);
    assert_eq!(running.status("/nowhere").await, 404);
    assert_eq!(running.status("/body").await, 405);
    let large = running
        .client
        .post(format!("{}/body", running.root))
        .body("x".repeat(70_000));
    assert_eq!(large.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = listen("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let holder = listen(&taken).await.unwrap();
    let error = listen(&taken).await.unwrap_err().to_string();
    assert!(
        error.contains(&taken) && error.contains("LISTEN"),
        "{error}"
    );
    drop(holder);
}

#[tokio::test]
async fn its_figures_name_matched_routes_and_never_what_a_client_sent() {
    let routes = Router::new().route("/orders/{id}", get(async || "one"));
    let running = start(routes, Readiness::new(), DEADLINE).await;
    running.status("/orders/4711").await;
    running.status("/made/up").await;
    let url = format!("{}/metrics", running.root);
    let answer = running.client.get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], metrics::CONTENT_TYPE);
    let text = answer.text().await.unwrap();
    for series in [
        r#"http_requests_total{route="/orders/{id}",method="GET",status="200"} 1"#,
        r#"http_requests_total{route="unmatched",method="GET",status="404"} 1"#,
    ] {
        assert!(text.contains(series), "{text}");
    }
    assert!(!text.contains("4711") && !text.contains("made"), "{text}");
}

#[tokio::test]
async fn figures_that_must_be_asked_for_are_asked_for_at_each_reading() {
    let metrics = Metrics::new();
    let letters = metrics.counter("letters", "Letters that came");
    metrics.ask_at_scrape(move || {
        let letters = letters.clone();
        async move {
            letters.inc();
        }
    });
    let serving = Serving::new(Readiness::new(), metrics);
    let running = start(Router::new(), serving, DEADLINE).await;
    let url = format!("{}/metrics", running.root);
    for reading in 1..3 {
        let answer = running.client.get(&url).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(text.contains(&format!("letters_total {reading}")), "{text}");
    }
}

#[tokio::test]
async fn more_than_fits_is_refused_with_when_to_come_again_and_probes_still_answer() {
    let (routes, entered, release) = waiting();
    let limits = QueueLimits {
        at_once: 1,
        waiting: 0,
        ..QueueLimits::default()
    };
    let serving = Serving::new(Readiness::new(), Metrics::new()).within(limits);
    let running = start(routes, serving, DEADLINE).await;
    let url = format!("{}/wait", running.root);
    let first = tokio::spawn(running.client.get(&url).send());
    entered.notified().await;
    let refused = running.client.get(&url).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(running.status("/healthz").await, 200);
    assert_eq!(running.status("/readyz").await, 200);
    release.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn work_that_nobody_waits_for_is_not_begun() {
    let begun = Arc::new(AtomicBool::new(false));
    let noted = begun.clone();
    let route = get(move |deadline: Deadline| async move {
        noted.store(true, Ordering::SeqCst);
        let left = deadline.left().map(|left| left.as_millis() <= 60_000);
        format!("{left:?}")
    });
    let running = start(Router::new().route("/", route), Readiness::new(), DEADLINE).await;
    let ask = async |left: &str| {
        let request = running.client.get(&running.root);
        let answer = request.header("request-timeout-ms", left).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("0").await.0, 504);
    assert_eq!(ask("soon").await.0, 400);
    assert!(!begun.load(Ordering::SeqCst));
    assert_eq!(ask("60000").await, (200, "Some(true)".to_owned()));
}

#[tokio::test]
async fn a_request_without_a_trace_begins_one_which_its_log_line_has_wherever_it_went() {
    let logged = Logged::here();
    let route = get(async |trace: TraceContext| trace.traceparent.unwrap_or_default());
    let serving = Serving::new(Readiness::new(), Metrics::new()).drawing(Draw::from_fn(|| 7));
    let running = start(Router::new().route("/", route), serving, DEADLINE).await;
    let (trace, span) = ("00000000000000070000000000000007", "0000000000000007");
    let fresh = format!("00-{trace}-{span}-01");
    let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let wrong = own.replace("00-", "ff-");
    for (sent, wanted) in [(None, &*fresh), (Some(&*wrong), &fresh), (Some(own), own)] {
        let mut request = running.client.get(&running.root);
        if let Some(sent) = sent {
            request = request.header("traceparent", sent);
        }
        let seen = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(seen, wanted, "{sent:?}");
    }
    assert_eq!(running.status("/nowhere").await, 404);
    let lines = logged.with_message("answered");
    let traces: Vec<_> = lines.iter().map(|line| &line["trace_id"]).collect();
    let own = &own[3..35];
    assert_eq!(traces, [trace, trace, own, trace], "{lines:?}");
}

#[tokio::test]
async fn what_nobody_could_read_is_a_problem_too() {
    let logged = Logged::here();
    let running = start(Router::new(), Readiness::new(), DEADLINE).await;
    let address = running.root.strip_prefix("http://").unwrap();
    let many: String = (0..300).map(|n| format!("x{n}: x\r\n")).collect();
    for (request, wanted) in [
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"), 431),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)), 414),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {wanted} ")), "{head}");
        assert!(
            head.contains("content-type: application/problem+json"),
            "{head}"
        );
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], wanted);
    }
    let metrics = running.client.get(format!("{}/metrics", running.root));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    for status in [431, 414, 400] {
        let labels = format!(r#"route="unmatched",method="other",status="{status}""#);
        let series = format!("http_requests_total{{{labels}}} 1");
        assert!(metrics.contains(&series), "{metrics}");
    }
    let lines = logged.with_message("refused before it was read");
    assert_eq!(lines.len(), 3);
    assert!(
        lines.iter().all(|line| line["trace_id"].is_string()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn over_http_2_too_many_headers_are_a_problem_that_is_counted() {
    let running = start(Router::new(), Readiness::new(), DEADLINE).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let get = client.get(format!("{}/nowhere", running.root));
    let answer = get.header("x-long", "x".repeat(40_000)).send().await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.version(), answer.status().as_u16()),
        (Version::HTTP_2, 431)
    );
    assert_eq!(
        answer.headers()[header::CONTENT_TYPE],
        crate::problem::CONTENT_TYPE
    );
    let metrics = client.get(format!("{}/metrics", running.root));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let series = r#"http_requests_total{route="unmatched",method="GET",status="431"} 1"#;
    assert!(metrics.contains(series), "{metrics}");
}
