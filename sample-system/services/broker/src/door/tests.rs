use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;
use crate::measured::Measured;

/// What is told of a store that keeps nothing.
async fn asked() -> Arc<Asked> {
    let figures = Figures::default();
    let store = tansu_storage::StorageContainer::builder()
        .cluster_id("shop")
        .node_id(1)
        .advertised_listener(url::Url::parse("tcp://broker:9092").unwrap())
        .storage(url::Url::parse("null://").unwrap())
        .silent(true)
        .build()
        .await
        .unwrap();
    let store = Measured::new(store, figures.storage());
    Arc::new(Asked {
        ready: Ready::new(store.clone(), &[]),
        figures,
        partitions: Partitions::of(&[]),
        groups: Groups::new(store).unwrap(),
        stopping: CancellationToken::new(),
    })
}

/// Somebody at the other end of a connection.
fn come(asked: &Arc<Asked>) -> DuplexStream {
    let (theirs, ours) = duplex(256);
    tokio::spawn(connection(ours, Arc::clone(asked)));
    theirs
}

/// How long it took until a connection ended, in seconds, and what was said there.
async fn ended(mut stream: DuplexStream) -> (u64, String) {
    let begun = Instant::now();
    let mut said = String::new();
    // One that was ended with bytes unread may say so.
    drop(stream.read_to_string(&mut said).await);
    (begun.elapsed().as_secs(), said)
}

#[tokio::test]
async fn who_begins_and_does_not_go_on_is_ended_after_ten_seconds() {
    let asked = asked().await;
    tokio::time::pause();

    assert_eq!(ended(come(&asked)).await, (10, String::new()));

    let mut half = come(&asked);
    half.write_all(b"GET /healthz HTTP/1.1\r\nho")
        .await
        .unwrap();
    assert_eq!(ended(half).await, (10, String::new()));

    // A byte a second is no progress.
    let (mut writing, ours) = duplex(256);
    tokio::spawn(connection(ours, Arc::clone(&asked)));
    let begun = Instant::now();
    while writing.write_all(b"G").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        assert!(begun.elapsed() < Duration::from_secs(12));
    }
}

#[tokio::test]
async fn who_takes_no_answer_is_ended() {
    let asked = asked().await;
    let (mut theirs, ours) = duplex(64);
    let served = tokio::spawn(connection(ours, Arc::clone(&asked)));
    theirs
        .write_all(b"GET /healthz HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    tokio::time::pause();
    let begun = Instant::now();
    served.await.unwrap();
    assert!(begun.elapsed() <= ALL_WITHIN + Duration::from_secs(1));
    drop(theirs);
}

#[tokio::test]
async fn each_answer_is_the_last_of_its_connection_and_headers_have_a_bound() {
    let asked = asked().await;
    let ask = async |request: String| {
        let mut stream = come(&asked);
        // One that is too long may be refused before its end.
        drop(stream.write_all(request.as_bytes()).await);
        ended(stream).await.1
    };
    let twice = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
    let said = ask(twice).await;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 1, "{said}");
    assert!(said.contains("connection: close"), "{said}");

    let with = |bytes: usize| {
        let long = "x".repeat(bytes);
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: {long}\r\n\r\n")
    };
    let taken = ask(with(HEADERS - 200)).await;
    assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
    let refused = ask(with(HEADERS)).await;
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
    assert!(refused.contains("application/problem+json"), "{refused}");
}

#[tokio::test]
async fn what_nobody_could_read_is_a_problem_that_is_counted_and_heard_out() {
    let hello = "GET / HTTP/1.1\r\n".to_owned();
    let many: String = (0..200)
        .map(|number| format!("x-{number}: x\r\n"))
        .collect();
    for (request, status) in [
        ("hello\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\u{0}not a request".to_owned(), 400),
        ("GET /healthz HTTP/7\r\n\r\n".to_owned(), 400),
        (format!("{hello}{many}\r\n"), 431),
        (format!("{hello}x-long: {}", "x".repeat(HEAD * 2)), 431),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(70_000)), 431),
    ] {
        let asked = asked().await;
        let stream = come(&asked);
        // The pipe is shorter than most: whoever was cut off could not write all of it.
        let beginning = request.chars().take(20).collect::<String>();
        let (mut reading, mut writing) = tokio::io::split(stream);
        let mut said = String::new();
        let (written, read) = tokio::join!(
            writing.write_all(request.as_bytes()),
            reading.read_to_string(&mut said)
        );
        assert!(written.is_ok() && read.is_ok(), "{beginning}: {said}");
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("application/problem+json"), "{head}");
        assert!(head.contains("connection: close"), "{head}");
        let length = format!("content-length: {}", body.len());
        assert!(head.ends_with(&length), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status);
        let told = asked
            .figures
            .text(&asked.partitions.now().await, &asked.groups.told());
        let series = format!(
            "http_requests_total{{route=\"unmatched\",method=\"other\",status=\"{status}\"}} 1"
        );
        assert!(told.contains(&series), "{told}");
    }
}

#[tokio::test]
async fn who_does_not_hang_up_behind_an_answer_is_hung_up_on() {
    let asked = asked().await;
    tokio::time::pause();
    for request in ["hello\r\n\r\n", "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let (mut theirs, ours) = duplex(256);
        let served = tokio::spawn(connection(ours, Arc::clone(&asked)));
        theirs.write_all(request.as_bytes()).await.unwrap();
        let begun = Instant::now();
        served.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 2);
        drop(theirs);
    }
}

#[tokio::test]
async fn one_that_stops_says_that_it_is_not_ready_and_lives() {
    let asked = asked().await;
    asked.stopping.cancel();
    for (path, status) in [("/readyz", "503"), ("/healthz", "200")] {
        let mut stream = come(&asked);
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let (_, said) = ended(stream).await;
        let begins = format!("HTTP/1.1 {status}");
        assert!(said.starts_with(&begins), "{said}");
    }
}
