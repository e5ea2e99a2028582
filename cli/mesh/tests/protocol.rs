//! The protocol between two ends of one in-memory stream.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what helps the tests may fail as loudly as they"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::protocol::{
    Handler, Hello, MAX_FRAME, ProtocolError, Session, SessionId, serve_connection,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// Answers `echo`, holds `hold` until released, counts endlessly on `count`.
struct Desk {
    release: Notify,
    ended: AtomicUsize,
    ended_told: Notify,
    produced: Arc<AtomicUsize>,
    dropped: Arc<Semaphore>,
}

impl Desk {
    fn shared() -> Arc<Self> {
        Arc::new(Self {
            release: Notify::new(),
            ended: AtomicUsize::new(0),
            ended_told: Notify::new(),
            produced: Arc::default(),
            dropped: Arc::new(Semaphore::new(0)),
        })
    }
}

struct TellDrop(Arc<Semaphore>);

impl Drop for TellDrop {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

#[async_trait::async_trait]
impl Handler for Desk {
    async fn request(
        &self,
        _session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        match method {
            "echo" => Ok(parameters),
            "hold" => {
                self.release.notified().await;
                Ok(json!("held"))
            }
            "panic" => panic!("on purpose"),
            "long" => Ok(Value::String("x".repeat(MAX_FRAME))),
            other => Err(ProtocolError::refused_with(
                "unknown_method",
                format!("no method `{other}`"),
                json!(["echo"]),
            )),
        }
    }

    async fn subscribe(
        &self,
        _session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<BoxStream<'static, Value>, ProtocolError> {
        if method != "count" {
            return Err(ProtocolError::refused("unknown_method", "no"));
        }
        let until = parameters.as_u64().unwrap_or(u64::MAX);
        let told = TellDrop(Arc::clone(&self.dropped));
        let produced = Arc::clone(&self.produced);
        Ok(stream::iter(0..until)
            .map(move |n| {
                let _ = &told;
                produced.fetch_add(1, Ordering::SeqCst);
                json!(n)
            })
            .boxed())
    }

    async fn ended(&self, _session: SessionId) {
        self.ended.fetch_add(1, Ordering::SeqCst);
        self.ended_told.notify_one();
    }
}

type Served = JoinHandle<Result<(), ProtocolError>>;

fn serve(desk: &Arc<Desk>, hello: Hello, shutdown: &Shutdown) -> (DuplexStream, Served) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let desk: Arc<dyn Handler> = desk.clone();
    let served = tokio::spawn(serve_connection(far, hello, desk, shutdown.clone()));
    (near, served)
}

async fn connected(desk: &Arc<Desk>) -> (Session, Served, Shutdown) {
    let shutdown = Shutdown::new();
    let (near, served) = serve(desk, Hello::mesh("m1", "0.1.0", 5), &shutdown);
    let session = Session::connect(near, Hello::client("0.1.0", 7))
        .await
        .unwrap();
    (session, served, shutdown)
}

#[tokio::test]
async fn a_request_held_up_holds_up_no_other() {
    let desk = Desk::shared();
    let (session, _served, _shutdown) = connected(&desk).await;
    assert_eq!(session.peer().mesh, "m1");
    let asking = session.clone();
    let held = tokio::spawn(async move { asking.request::<String>("hold", ()).await });
    let echo: Vec<u8> = session.request("echo", [1, 2, 3]).await.unwrap();
    assert_eq!(echo, [1, 2, 3]);
    assert!(!held.is_finished());
    desk.release.notify_one();
    assert_eq!(held.await.unwrap().unwrap(), "held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_ask_from_many_threads_at_once_are_all_answered() {
    let (session, _served, _shutdown) = connected(&Desk::shared()).await;
    // As many at once as one session may ask.
    for first in (0..4000).step_by(1000) {
        let asked = (first..first + 1000).map(|number| {
            let session = session.clone();
            tokio::spawn(async move { session.request::<u64>("echo", number).await })
        });
        for (number, answer) in (first..).zip(asked.collect::<Vec<_>>()) {
            assert_eq!(answer.await.unwrap().unwrap(), number);
        }
    }
}

#[tokio::test]
async fn a_refusal_arrives_with_its_kind_and_detail() {
    let desk = Desk::shared();
    let (session, _served, _shutdown) = connected(&desk).await;
    let error = session.request::<Value>("nope", ()).await.unwrap_err();
    let ProtocolError::Refused {
        kind,
        message,
        detail,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((kind.as_str(), detail), ("unknown_method", json!(["echo"])));
    assert_eq!(message, "no method `nope`");
    let error = session.subscribe::<u64>("nope", ()).await.err().unwrap();
    assert_eq!(error.kind(), Some("unknown_method"));
}

#[tokio::test]
async fn a_handler_that_panics_or_says_too_much_refuses_that_request_only() {
    let desk = Desk::shared();
    let (session, _served, _shutdown) = connected(&desk).await;
    let error = session.request::<Value>("panic", ()).await.unwrap_err();
    assert_eq!(error.kind(), Some("panicked"));
    let error = session.request::<Value>("long", ()).await.unwrap_err();
    assert_eq!(error.kind(), Some("too_long"));
    assert_eq!(session.request::<u8>("echo", 1).await.unwrap(), 1);
}

#[tokio::test]
async fn a_subscriber_that_reads_nothing_blocks_no_answer_and_loses_no_item() {
    let desk = Desk::shared();
    let (session, _served, _shutdown) = connected(&desk).await;
    let mut slow = session.subscribe::<u64>("count", 5000).await.unwrap();
    for n in 0..100_u8 {
        assert_eq!(session.request::<u8>("echo", n).await.unwrap(), n);
    }
    assert!(desk.produced.load(Ordering::SeqCst) < 1000);
    for n in 0..5000 {
        assert_eq!(slow.next().await, Some(n));
    }
    assert_eq!(slow.next().await, None);
}

#[tokio::test]
async fn dropping_a_subscription_ends_it_at_the_server() {
    let desk = Desk::shared();
    let (session, _served, _shutdown) = connected(&desk).await;
    let items = session.subscribe::<u64>("count", ()).await.unwrap();
    drop(items);
    desk.dropped.acquire().await.unwrap().forget();
    assert_eq!(session.request::<u8>("echo", 1).await.unwrap(), 1);
}

#[tokio::test]
async fn the_end_of_a_session_is_told_once_however_it_comes() {
    let desk = Desk::shared();
    let (session, served, _shutdown) = connected(&desk).await;
    let asking = session.clone();
    let held = tokio::spawn(async move { asking.request::<Value>("hold", ()).await });
    let items = session.subscribe::<u64>("count", ()).await.unwrap();
    held.abort();
    let _ = held.await;
    drop((session, items));
    served.await.unwrap().unwrap();
    assert_eq!(desk.ended.load(Ordering::SeqCst), 1);

    let (session, served, _shutdown) = connected(&desk).await;
    desk.ended_told.notified().await;
    served.abort();
    desk.ended_told.notified().await;
    assert_eq!(desk.ended.load(Ordering::SeqCst), 2);
    assert!(matches!(session.ended().await, ProtocolError::Closed(_)));
    assert!(session.request::<Value>("echo", ()).await.is_err());
}

#[tokio::test]
async fn an_unreadable_frame_ends_the_connection_and_says_why() {
    for (bytes, why) in [
        (b"\xff\xff\xff\xff".to_vec(), "longer than"),
        (b"\0\0\0\x02{}".to_vec(), "unreadable frame"),
        (b"\0\0\0\x02".to_vec(), "middle of a frame"),
    ] {
        let desk = Desk::shared();
        let (mut near, served) = serve(&desk, Hello::mesh("m", "0", 0), &Shutdown::new());
        let hello = serde_json::to_vec(&Hello::client("0", 0)).unwrap();
        near.write_u32(u32::try_from(hello.len()).unwrap())
            .await
            .unwrap();
        near.write_all(&hello).await.unwrap();
        near.write_all(&bytes).await.unwrap();
        near.shutdown().await.unwrap();
        let mut said = Vec::new();
        near.read_to_end(&mut said).await.unwrap();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("closing") && said.contains(why), "{said}");
        assert!(served.await.unwrap().is_err());
        assert_eq!(desk.ended.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_client_learns_of_a_frame_that_it_cannot_read() {
    let (near, mut far) = tokio::io::duplex(1024);
    let hello = serde_json::to_vec(&Hello::mesh("m", "0", 0)).unwrap();
    far.write_u32(u32::try_from(hello.len()).unwrap())
        .await
        .unwrap();
    far.write_all(&hello).await.unwrap();
    far.write_all(b"\x7f\xff\xff\xff").await.unwrap();
    let session = Session::connect(near, Hello::client("0", 0)).await.unwrap();
    assert!(matches!(session.ended().await, ProtocolError::Frame(_)));
}

#[tokio::test]
async fn a_stranger_or_a_wrong_token_is_refused_with_the_reason() {
    let mut hello = Hello::mesh("m", "0", 0);
    hello.token = Some("right".to_owned());
    for token in [None, Some("wrong".to_owned()), Some("righ".to_owned())] {
        let desk = Desk::shared();
        let (near, served) = serve(&desk, hello.clone(), &Shutdown::new());
        let mut client = Hello::client("0", 0);
        client.token = token;
        let error = Session::connect(near, client).await.unwrap_err();
        assert!(error.to_string().contains("token is wrong"), "{error}");
        assert!(served.await.unwrap().is_err());
        assert_eq!(desk.ended.load(Ordering::SeqCst), 0);
    }
    let desk = Desk::shared();
    let (near, _served) = serve(&desk, hello.clone(), &Shutdown::new());
    let mut client = Hello::client("0", 0);
    client.token = hello.token.clone();
    let session = Session::connect(near, client).await.unwrap();
    assert_eq!(session.peer().token, None);

    let (near, _served) = serve(&desk, hello, &Shutdown::new());
    let mut stranger = Hello::client("0", 0);
    stranger.schema = "else".to_owned();
    let error = Session::connect(near, stranger).await.unwrap_err();
    assert!(matches!(error, ProtocolError::Hello(_)), "{error:?}");
}

#[tokio::test]
async fn a_shutdown_lets_answers_in_flight_out_and_a_forced_one_does_not() {
    let desk = Desk::shared();
    let (session, served, shutdown) = connected(&desk).await;
    let asking = session.clone();
    let held = tokio::spawn(async move { asking.request::<String>("hold", ()).await });
    // Its frame is behind the held one: once it is answered, that one is being handled.
    assert_eq!(session.request::<u8>("echo", 1).await.unwrap(), 1);
    shutdown.request();
    desk.release.notify_one();
    assert_eq!(held.await.unwrap().unwrap(), "held");
    served.await.unwrap().unwrap();
    assert!(matches!(session.ended().await, ProtocolError::Closed(_)));

    let (session, served, shutdown) = connected(&desk).await;
    let asking = session.clone();
    let held = tokio::spawn(async move { asking.request::<String>("hold", ()).await });
    assert_eq!(session.request::<u8>("echo", 1).await.unwrap(), 1);
    shutdown.request();
    shutdown.request();
    assert!(held.await.unwrap().is_err());
    served.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_does_not_hold_the_server() {
    let desk = Desk::shared();
    let shutdown = Shutdown::new();
    let (near, far) = tokio::io::duplex(256);
    let handler: Arc<dyn Handler> = desk.clone();
    let served = tokio::spawn(serve_connection(
        far,
        Hello::mesh("m", "0", 0),
        handler,
        shutdown.clone(),
    ));
    let (mut read, mut write) = tokio::io::split(near);
    let hello = serde_json::to_vec(&Hello::client("0", 0)).unwrap();
    write
        .write_u32(u32::try_from(hello.len()).unwrap())
        .await
        .unwrap();
    write.write_all(&hello).await.unwrap();
    let mut peer = vec![0; 4];
    read.read_exact(&mut peer).await.unwrap();
    shutdown.request();
    tokio::time::timeout(Duration::from_secs(60), served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(desk.ended.load(Ordering::SeqCst), 1);
}
