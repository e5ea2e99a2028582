//! Strangers who begin a request and do not end it, and those who send more than can be passed on.

use shop::serve::patience::Patience;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// As long as no test waits.
const NEVER: &str = "3600s";

/// Sends `text` over a connection of its own.
async fn send(running: &Running, text: &str) -> TcpStream {
    let address = running.root.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// All that is answered until the gateway ends the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// A request whose body does not end, and how far it may have come.
const HALF: &str = "POST /tokens HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                    content-length: 500\r\n\r\n{\"em";

fn patient(settings: &'static [(&'static str, &'static str)]) -> Given<'static> {
    Given {
        settings,
        ..Given::default()
    }
}

#[tokio::test]
async fn strangers_who_never_end_their_requests_keep_nobody_out() {
    let running = start(patient(&[
        ("REQUESTS_AT_ONCE", "1"),
        ("REQUESTS_WAITING", "0"),
        ("HEAD_WITHIN", NEVER),
        ("BODY_WITHIN", NEVER),
    ]))
    .await;
    let mut silent = Vec::new();
    for text in [HALF, HALF, "GET /home HTTP/1.1\r\nhos", ""] {
        silent.push(send(&running, text).await);
    }
    let whole = "POST /tokens HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 connection: close\r\ncontent-length: 2\r\n\r\n{}";
    let answer = rest(send(&running, whole).await).await;
    // As those behind answer here.
    assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
}

#[tokio::test]
async fn half_a_body_is_a_408_and_half_a_head_the_end_of_its_connection() {
    let limits = [("HEAD_WITHIN", "20ms"), ("BODY_WITHIN", "20ms")];
    let running = start(Given {
        settings: &limits,
        ..Given::default()
    })
    .await;
    let answer = rest(send(&running, HALF).await).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_eq!(rest(send(&running, "GET /home HTT").await).await, "");
    let metrics = running.client.get(format!("{}/metrics", running.root));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    for series in [
        r#"http_requests_total{route="/tokens",method="POST",status="408"} 1"#,
        "http_requests_in_flight 0",
    ] {
        assert!(metrics.contains(series), "{metrics}");
    }
    let ended = metrics
        .lines()
        .find(|it| it.starts_with("connections_ended_total{why=\"head\"}"));
    assert!(ended.is_some(), "{metrics}");
}

#[tokio::test]
async fn an_address_that_holds_all_its_places_is_let_in_for_the_one_that_was_silent_longest() {
    let running = start(patient(&[
        ("CONNECTIONS_PER_ADDRESS", "1"),
        ("HEAD_WITHIN", NEVER),
    ]))
    .await;
    let mut busy = send(&running, "").await;
    // Until it has been silent for long enough to make room.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let health = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    loop {
        let mut text = String::new();
        let read = send(&running, health).await.read_to_string(&mut text).await;
        if read.is_ok() && text.starts_with("HTTP/1.1 200 ") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{text}");
    }
    assert_eq!(busy.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn baggage_of_the_bound_goes_to_every_service_and_one_byte_more_is_a_431() {
    let running = start(Given::default()).await;
    let most = HeaderLimits::AT_THE_DOOR.carried;
    for (method, path) in [
        ("GET", "/v1/items/lamp"),
        ("GET", "/items/lamp/stock"),
        ("GET", "/home"),
        ("POST", "/orders"),
    ] {
        for (length, wanted) in [(most, false), (most + 1, true)] {
            let method = method.parse::<http::Method>().unwrap();
            let answer = running
                .client
                .request(method.clone(), format!("{}{path}", running.root))
                .header("authorization", &running.customer)
                .header("idempotency-key", "k")
                .header("content-type", "application/json")
                .header("baggage", format!("k={}", "v".repeat(length - 2)))
                .body(if method == http::Method::POST {
                    "{}"
                } else {
                    ""
                })
                .send()
                .await
                .unwrap();
            let refused = answer.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            assert_eq!(refused, wanted, "{path} {length}: {}", answer.status());
            if refused {
                let kind = &answer.headers()["content-type"];
                assert_eq!(kind, "application/problem+json");
            } else {
                // As those behind answer here.
                assert!(
                    matches!(answer.status().as_u16(), 418 | 200 | 404),
                    "{path}: {answer:?}"
                );
            }
        }
    }
}

#[test]
fn the_patience_as_shipped_is_the_default_one_with_a_bound_on_connections() {
    let config = read("http://a", "http://b", &Given::default());
    let default = Patience::default();
    let wanted = Patience {
        per_address: config.queue.at_once + config.queue.waiting,
        ..default
    };
    assert_eq!(config.patience, wanted);
}
