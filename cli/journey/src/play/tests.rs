use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use msvc_machine::http_client::choose_tls_provider;
use msvc_machine::shutdown::Shutdown;
use msvc_report::case::Verdict;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_system::problem::{Place, Problem};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{document_of, entry};
use crate::journey::{Journey, Kind};
use crate::{Authority, Bases, Entry, Masked, Trusted, play};

/// A server that reads one request from each connection and answers with what `answer` writes.
async fn server(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move { serve(stream, answer.as_ref()).await });
        }
    });
    url
}

async fn serve(mut stream: TcpStream, answer: impl Fn(&str) -> String) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !complete(&request) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => request.extend_from_slice(&buffer[..n]),
        }
    }
    let text = answer(&String::from_utf8_lossy(&request));
    let _ = stream.write_all(text.as_bytes()).await;
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    body.len() >= length.unwrap_or(0)
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn journey(text: &str) -> Journey {
    let document = Arc::new(document_of(text).unwrap());
    let workflow = &document.workflows[0];
    Journey {
        name: workflow.id.clone(),
        place: workflow.place.clone(),
        kind: Kind::Workflow(Arc::clone(&document), 0),
    }
}

fn entry_to(url: &str, run: &str) -> Entry {
    Entry {
        bases: Bases::only(url),
        run: run.into(),
        ..entry(json!({}))
    }
}

const ORDER: &str = "
workflows:
  - workflowId: checkout
    summary: an order is placed
    inputs: {type: object, properties: {run: {type: string}}}
    steps:
      - stepId: order
        operationId: placeOrder
        requestBody: {payload: {key: 'k-{$inputs.run}'}}
        successCriteria:
          - condition: $statusCode == 201
          - condition: $response.body#/key == $request.body#/key
";

#[tokio::test]
async fn a_journey_is_played_over_http_and_its_events_are_told() {
    choose_tls_provider();
    let seen = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&seen);
    let url = server(move |request| {
        *keep.lock().unwrap() = request.to_owned();
        http("201 Created", request.split("\r\n\r\n").nth(1).unwrap())
    })
    .await;
    let events = Mutex::new(Vec::new());
    let sink = |event| events.lock().unwrap().push(event);
    let outcome = play(
        &journey(ORDER),
        &entry_to(&url, "r7"),
        &sink,
        &Shutdown::new(),
    )
    .await;
    assert_eq!(outcome.verdict, Verdict::Held, "{outcome:?}");
    let request = seen.lock().unwrap().to_lowercase();
    assert!(
        request.starts_with("post /orders http/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("baggage: msvc=r7.checkout.1\r\n"),
        "{request}"
    );
    assert!(request.contains("traceparent: 00-"), "{request}");
    assert!(request.ends_with("{\"key\":\"k-r7\"}"), "{request}");
    let events = events.into_inner().unwrap();
    assert!(matches!(&events[0], Event::JourneyBegan { journey } if journey == "checkout"));
    assert!(matches!(
        &events[1],
        Event::JourneyStep { step, attempt: 1, held: true, .. } if step == "order"
    ));
    let case = outcome.case(Some("msvc journey run checkout".into()));
    assert_eq!(case.id, "journey/checkout");
    assert_eq!(case.title, "checkout: an order is placed");
}

#[tokio::test]
async fn many_plays_of_one_journey_interleave_and_keep_to_their_own() {
    choose_tls_provider();
    let url =
        server(|request| http("201 Created", request.split("\r\n\r\n").nth(1).unwrap())).await;
    let journey = Arc::new(journey(ORDER));
    let plays = (0..20).map(|number| {
        let (journey, entry) = (Arc::clone(&journey), entry_to(&url, &format!("r{number}")));
        tokio::spawn(async move { play(&journey, &entry, &|_| {}, &Shutdown::new()).await })
    });
    for outcome in futures_util::future::join_all(plays).await {
        assert_eq!(outcome.unwrap().verdict, Verdict::Held);
    }
}

#[tokio::test]
async fn a_refused_connection_a_reset_and_an_answer_that_never_comes_say_what_happened() {
    choose_tls_provider();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let ended = server(|_| String::new()).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let never = format!("http://{}", silent.local_addr().unwrap());
    // Only who never gets an answer is to run out of time.
    let (long, short) = (Duration::from_secs(60), Duration::from_millis(200));
    for (url, request_timeout, why) in [
        (refused, long, "no connection: Connection refused"),
        (ended, long, "the connection ended before the answer"),
        (never, short, "no answer within 0.2 s"),
    ] {
        let entry = Entry {
            request_timeout,
            ..entry_to(&url, "r1")
        };
        let outcome = play(&journey(ORDER), &entry, &|_| {}, &Shutdown::new()).await;
        assert_eq!(outcome.verdict, Verdict::Failed);
        let what = &outcome.evidence[0].what;
        assert!(what.contains(why), "{what}");
    }
}

#[tokio::test]
async fn a_shutdown_ends_a_play_that_waits_for_an_answer() {
    choose_tls_provider();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let shutdown = Shutdown::new();
    let stop = shutdown.clone();
    let accepted = tokio::spawn(async move {
        let held = silent.accept().await;
        stop.request();
        held
    });
    let outcome = play(&journey(ORDER), &entry_to(&url, "r1"), &|_| {}, &shutdown).await;
    assert_eq!(
        (outcome.verdict, outcome.exit),
        (Verdict::Inconclusive, Exit::Interrupted)
    );
    accepted.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_ca_that_is_no_certificate_could_not_be_used() {
    choose_tls_provider();
    for (pem, part) in [
        (
            "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n",
            "",
        ),
        ("no certificate at all", "the CA file holds no certificate"),
    ] {
        let entry = trusting("https://127.0.0.1:1", 1, Ok(pem));
        let outcome = play(&journey(ORDER), &entry, &|_| {}, &Shutdown::new()).await;
        assert_eq!(outcome.exit, Exit::CouldNot, "{outcome:?}");
        let why = &outcome.evidence[0].what;
        assert!(why.contains(part), "{why}");
    }
}

/// What a test says of a certificate.
#[derive(Debug)]
struct Told(Result<&'static str, &'static str>, AtomicUsize);

#[async_trait::async_trait]
impl Authority for Told {
    async fn certificates(&self) -> Result<Vec<u8>, Problem> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let at = Place {
            file: "compose.yaml".into(),
            line: 7,
            column: 11,
        };
        let problem = |why: &str| Problem::error(why).at(at).hint("mend it");
        self.0.map(|pem| pem.as_bytes().to_vec()).map_err(problem)
    }
}

fn trusting(url: &str, port: u16, told: Result<&'static str, &'static str>) -> Entry {
    Entry {
        trust: vec![Trusted {
            address: ([127, 0, 0, 1], port).into(),
            authority: Arc::new(Told(told, AtomicUsize::new(0))),
        }],
        ..entry_to(url, "r1")
    }
}

#[tokio::test]
async fn a_ca_that_cannot_be_read_is_told_with_its_line_and_only_where_it_is_needed() {
    choose_tls_provider();
    let entry = trusting("https://localhost:1", 1, Err("there is no CA file"));
    let outcome = play(&journey(ORDER), &entry, &|_| {}, &Shutdown::new()).await;
    assert_eq!(outcome.exit, Exit::CouldNot);
    let evidence = &outcome.evidence[0];
    assert_eq!(evidence.what, "there is no CA file (mend it)");
    assert_eq!(evidence.place.as_ref().unwrap().line, 7);
    // Plain HTTP needs none.
    let url = server(|_| http("200 OK", "{}")).await;
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let entry = trusting(&url, port, Err("there is no CA file"));
    let outcome = play(&journey(ORDER), &entry, &|_| {}, &Shutdown::new()).await;
    assert_ne!(outcome.exit, Exit::CouldNot, "{outcome:?}");
}

const SIGN_IN: &str = "
workflows:
  - workflowId: sign-in
    inputs: {type: object, properties: {password: {type: string}}}
    steps:
      - stepId: try
        operationId: placeOrder
        requestBody: {payload: {key: '{$inputs.password}'}}
        successCriteria:
          - condition: $statusCode == 200
          - condition: $response.body#/key == 'other'
          - condition: $inputs.password == 'other'
        outputs: {key: $response.body#/key}
    outputs: {key: $steps.try.outputs.key}
";

#[tokio::test]
async fn a_secret_input_is_in_nothing_that_a_play_says() {
    choose_tls_provider();
    // A service that answers what it was sent.
    let body = |request: &str| request.split("\r\n\r\n").nth(1).unwrap().to_owned();
    let url = server(move |request| http("200 OK", &body(request))).await;
    let secret = "open\"sesame";
    let entry = Entry {
        inputs: json!({"password": secret}).as_object().unwrap().clone(),
        masked: Masked::of([secret]),
        ..entry_to(&url, "r1")
    };
    let outcome = play(&journey(SIGN_IN), &entry, &|_| {}, &Shutdown::new()).await;
    assert_eq!(outcome.verdict, Verdict::Failed);
    let all = format!("{outcome:?}");
    assert_eq!(outcome.evidence.len(), 2, "{all}");
    assert!(all.contains("***") && !all.contains("sesame"), "{all}");
}
