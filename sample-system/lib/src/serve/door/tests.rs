//! Callers at a door that closes, over real sockets.

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::serve::{self, Readiness, ServeError};

/// Longer than anything here takes; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    served: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Running {
    fn serve(listener: TcpListener) -> Self {
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        Self {
            address,
            served: tokio::spawn(serve::http(
                listener,
                Router::new().route("/", get(async || "hello")),
                Readiness::new(),
                shutdown.clone(),
                DEADLINE,
            )),
            shutdown,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ends(self) {
        let ended = tokio::time::timeout(DEADLINE, self.served).await;
        ended.unwrap().unwrap().unwrap();
    }
}

/// All that comes until the other side ends the connection.
async fn heard(stream: &mut TcpStream) -> String {
    let mut heard = String::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut heard));
    read.await.unwrap().expect("ended, not reset");
    heard
}

async fn listener() -> TcpListener {
    serve::listen("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn whoever_waits_in_the_queue_at_the_shutdown_is_answered() {
    let listener = listener().await;
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        waiting.push(stream);
    }
    // None is accepted before the shutdown has begun.
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let routes = Router::new().route("/", get(async || "hello"));
    let served = serve::http(listener, routes, Readiness::new(), shutdown, DEADLINE);
    let served = tokio::spawn(served);
    for mut stream in waiting {
        let answer = heard(&mut stream).await;
        assert!(answer.ends_with("hello"), "{answer}");
    }
    served.await.unwrap().unwrap();
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_request_that_comes_just_after_the_shutdown_on_an_open_connection_is_answered() {
    let running = Running::serve(listener().await);
    let mut silent = running.connect().await;
    let mut used = running.connect().await;
    used.write_all(REQUEST).await.unwrap();
    let mut byte = [0; 512];
    let count = used.read(&mut byte).await.unwrap();
    let first = String::from_utf8_lossy(&byte[..count]).into_owned();
    assert!(!first.contains("connection: close"), "{first}");

    running.shutdown.cancel();
    silent.write_all(REQUEST).await.unwrap();
    used.write_all(REQUEST).await.unwrap();
    for stream in [&mut silent, &mut used] {
        let answer = heard(stream).await;
        assert!(answer.ends_with("hello"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    running.ends().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_up_no_end() {
    let running = Running::serve(listener().await);
    let mut silent = running.connect().await;
    running.shutdown.cancel();
    assert_eq!(heard(&mut silent).await, "");
    running.ends().await;
}

#[tokio::test(start_paused = true)]
async fn with_nobody_inside_nothing_is_waited_for() {
    let shutdown = CancellationToken::new();
    let mut door = Door::new(listener().await, shutdown.clone()).unwrap();
    let closing = door.closing();
    shutdown.cancel();
    let before = tokio::time::Instant::now();
    tokio::select! {
        () = closing.wait() => {}
        _ = door.accept() => unreachable!("nobody comes"),
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
}

/// How long a door is kept, from its shutdown, for one who came in and first says something `spoken`
/// after it, if ever.
async fn kept_for(spoken: Option<Duration>) -> Duration {
    let shutdown = CancellationToken::new();
    let mut door = Door::new(listener().await, shutdown.clone()).unwrap();
    let mut caller = TcpStream::connect(door.address).await.unwrap();
    let (mut guest, _) = door.accept().await;
    let closing = door.closing();
    // Its bytes are here before any time passes: real sockets know nothing of a clock that is stopped.
    caller.write_all(REQUEST).await.unwrap();
    guest.stream.readable().await.unwrap();
    let before = tokio::time::Instant::now();
    shutdown.cancel();
    let speaks = async {
        if let Some(after) = spoken {
            tokio::time::sleep(after).await;
            guest.read_exact(&mut [0; 1]).await.unwrap();
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = closing.wait() => {}
        _ = door.accept() => unreachable!("nobody else comes"),
        () = speaks => unreachable!("it stays"),
    }
    before.elapsed()
}

#[tokio::test(start_paused = true)]
async fn whoever_has_said_nothing_yet_is_waited_for_until_they_speak_and_not_for_ever() {
    assert_eq!(kept_for(Some(Duration::ZERO)).await, LINGER);
    let late = LINGER + FIRST_WORD / 2;
    assert_eq!(kept_for(Some(late)).await, late);
    assert_eq!(kept_for(None).await, LINGER + FIRST_WORD);
}
