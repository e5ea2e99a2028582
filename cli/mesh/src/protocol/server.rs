//! The answering side of one connection: a task per request and per subscription, one writer.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, poll_fn};
use msvc_machine::clock::{Clock as _, MachineClock};
use msvc_machine::shutdown::Shutdown;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::frame::{self, Frame};
use super::greeting::greet;
use super::{Handler, Hello, ProtocolError, SessionId};

/// Frames that wait for a slow client, over all its requests and subscriptions.
const QUEUE: usize = 64;

/// Requests and subscriptions that one session may have open.
const MAX_OPEN: usize = 1024;

/// How long a client is given to take the last frames before the connection is dropped.
const FAREWELL: Duration = Duration::from_secs(1);

/// Numbers are unique within the process, so that one handler can serve several listeners.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// Serves one connection until the client ends it, says something unreadable, or `shutdown` is
/// requested: then answers in flight are still given, subscriptions send what they have ready, and
/// the connection ends; when it is forced they are dropped. A long request should therefore watch
/// the same shutdown.
///
/// A token in `hello` is what clients must bring.
///
/// # Errors
/// When the client is refused or the connection does not end between two frames.
pub async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    hello: Hello,
    handler: Arc<dyn Handler>,
    shutdown: Shutdown,
) -> Result<(), ProtocolError> {
    let (mut read, write) = tokio::io::split(stream);
    let (out, mut queue) = mpsc::channel(QUEUE);
    let writer = tokio::spawn(frame::write(write, poll_fn(move |cx| queue.poll_recv(cx))));
    let writer = AbortOnDrop(writer.abort_handle(), writer);
    let outcome = tokio::select! {
        said = greet(&mut read, &out, hello) => match said {
            Ok(true) => converse(read, &out, handler, &shutdown).await,
            Ok(false) => Ok(()),
            Err(e) => Err(e),
        },
        () = shutdown.forced() => Ok(()),
    };
    if let Err(reason) = &outcome
        && let Ok(bytes) = frame::encode(&Frame::Closing {
            reason: reason.to_string(),
        })
    {
        // A client that takes nothing any more is not told why.
        let _ = out.try_send(bytes);
    }
    drop(out);
    writer.farewell(&shutdown).await;
    outcome
}

struct AbortOnDrop(AbortHandle, tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl AbortOnDrop {
    async fn farewell(mut self, shutdown: &Shutdown) {
        tokio::select! {
            _ = &mut self.1 => {}
            () = shutdown.forced() => {}
            () = MachineClock.sleep(FAREWELL) => {}
        }
    }
}

/// Tells the handler that its session ended, also when the serving future is dropped.
struct Ending {
    handler: Option<Arc<dyn Handler>>,
    session: SessionId,
}

impl Ending {
    async fn tell(mut self) {
        if let Some(handler) = self.handler.take() {
            handler.ended(self.session).await;
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let (Some(handler), Ok(runtime)) =
            (self.handler.take(), tokio::runtime::Handle::try_current())
        {
            let session = self.session;
            runtime.spawn(async move { handler.ended(session).await });
        }
    }
}

/// What one session has open.
struct Conversation {
    session: SessionId,
    handler: Arc<dyn Handler>,
    out: mpsc::Sender<Vec<u8>>,
    tasks: JoinSet<u64>,
    /// Subscriptions: the room their client has, and what ends them.
    subscriptions: HashMap<u64, (Arc<Semaphore>, CancellationToken)>,
    /// Ends all subscriptions, after what they have ready.
    closing: CancellationToken,
    last_id: u64,
}

async fn converse(
    mut read: impl AsyncRead + Send + Unpin + 'static,
    out: &mpsc::Sender<Vec<u8>>,
    handler: Arc<dyn Handler>,
    shutdown: &Shutdown,
) -> Result<(), ProtocolError> {
    let session = SESSIONS.fetch_add(1, Ordering::Relaxed);
    let ending = Ending {
        handler: Some(Arc::clone(&handler)),
        session,
    };
    let mut open = Conversation {
        session,
        handler,
        out: out.clone(),
        tasks: JoinSet::new(),
        subscriptions: HashMap::new(),
        closing: CancellationToken::new(),
        last_id: 0,
    };
    // A frame is read to its end whatever else happens meanwhile.
    let (frames, mut next) = mpsc::channel(1);
    let reader = tokio::spawn(async move {
        loop {
            let frame = frame::read(&mut read).await;
            let last = !matches!(frame, Ok(Some(_)));
            if frames.send(frame).await.is_err() || last {
                return;
            }
        }
    });
    let reader = AbortOnDrop(reader.abort_handle(), reader);
    let outcome = loop {
        tokio::select! {
            frame = next.recv() => match frame {
                Some(Ok(Some(bytes))) => {
                    let understood = frame::decode(&bytes).and_then(|frame| open.take(frame));
                    if let Err(e) = understood {
                        break Err(e);
                    }
                }
                Some(Ok(None)) | None => break Ok(()),
                Some(Err(e)) => break Err(e),
            },
            Some(done) = open.tasks.join_next() => open.forget(done.ok()),
            () = shutdown.requested() => {
                tokio::select! {
                    () = open.finish() => {}
                    () = client_gone(&mut next) => {}
                    () = shutdown.forced() => {}
                }
                break Ok(());
            }
        }
    };
    drop(reader);
    open.tasks.shutdown().await;
    drop(open);
    ending.tell().await;
    outcome
}

/// Returns when the client has ended the stream; what it says before is not heard any more.
async fn client_gone(next: &mut mpsc::Receiver<Result<Option<Vec<u8>>, ProtocolError>>) {
    while let Some(Ok(Some(_))) = next.recv().await {}
}

impl Conversation {
    fn take(&mut self, frame: Frame) -> Result<(), ProtocolError> {
        match frame {
            Frame::Request {
                id,
                method,
                parameters,
            } => {
                self.admit(id)?;
                let handler = Arc::clone(&self.handler);
                let answer = answer(handler, self.session, id, method, parameters);
                let out = self.out.clone();
                self.tasks.spawn(async move {
                    send(&out, id, answer.await).await;
                    id
                });
            }
            Frame::Subscribe {
                id,
                method,
                parameters,
                credit,
            } => {
                self.admit(id)?;
                self.subscribe(id, method, parameters, credit);
            }
            Frame::Credit { id, items } => {
                if let Some((room, _)) = self.subscriptions.get(&id) {
                    let items = items as usize;
                    if room.available_permits() + items > MAX_OPEN * 1024 {
                        return Err(ProtocolError::Frame("more credit than sense".to_owned()));
                    }
                    room.add_permits(items);
                }
            }
            Frame::Cancel { id } => {
                if let Some((_, end)) = self.subscriptions.remove(&id) {
                    end.cancel();
                }
            }
            Frame::Closing { reason } => return Err(ProtocolError::Closed(reason)),
            Frame::Answer { .. }
            | Frame::Refused { .. }
            | Frame::Subscribed { .. }
            | Frame::Item { .. }
            | Frame::End { .. } => {
                return Err(ProtocolError::Frame(
                    "the client answers where it should ask".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Whether there is room for one more, under a number not used before.
    fn admit(&mut self, id: u64) -> Result<(), ProtocolError> {
        if id <= self.last_id {
            return Err(ProtocolError::Frame(format!(
                "number {id} comes after {}; numbers ascend",
                self.last_id
            )));
        }
        self.last_id = id;
        // What is answered is open no more, also where nobody has looked at it since.
        while let Some(done) = self.tasks.try_join_next() {
            self.forget(done.ok());
        }
        if self.tasks.len() >= MAX_OPEN {
            return Err(ProtocolError::Frame(format!(
                "more than {MAX_OPEN} requests and subscriptions are open"
            )));
        }
        Ok(())
    }

    fn subscribe(&mut self, id: u64, method: String, parameters: Value, credit: u32) {
        let room = Arc::new(Semaphore::new((credit as usize).min(MAX_OPEN * 1024)));
        let end = CancellationToken::new();
        self.subscriptions
            .insert(id, (Arc::clone(&room), end.clone()));
        let (handler, session, out) = (Arc::clone(&self.handler), self.session, self.out.clone());
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            let items = async {
                let opened = AssertUnwindSafe(handler.subscribe(session, &method, parameters))
                    .catch_unwind()
                    .await
                    .unwrap_or_else(|_| Err(panicked(&method)));
                match opened {
                    Ok(items) => {
                        send(&out, id, Frame::Subscribed { id }).await;
                        pump(id, items, &room, &out, &closing).await;
                        send(&out, id, Frame::End { id }).await;
                    }
                    Err(e) => send(&out, id, refusal(id, e)).await,
                }
            };
            tokio::select! {
                () = items => {}
                () = end.cancelled() => {}
            }
            id
        });
    }

    fn forget(&mut self, done: Option<u64>) {
        if let Some(id) = done {
            self.subscriptions.remove(&id);
        }
    }

    /// Waits for the answers in flight and lets subscriptions send what they have ready.
    async fn finish(&mut self) {
        self.closing.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

fn panicked(method: &str) -> ProtocolError {
    ProtocolError::refused("panicked", format!("{method} failed by a bug of msvc"))
}

async fn answer(
    handler: Arc<dyn Handler>,
    session: SessionId,
    id: u64,
    method: String,
    parameters: Value,
) -> Frame {
    let answer = AssertUnwindSafe(handler.request(session, &method, parameters))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(panicked(&method)));
    match answer {
        Ok(value) => Frame::Answer { id, value },
        Err(e) => refusal(id, e),
    }
}

fn refusal(id: u64, error: ProtocolError) -> Frame {
    let message = error.to_string();
    let (kind, detail) = match error {
        ProtocolError::Refused { kind, detail, .. } => (kind, detail),
        ProtocolError::Closed(_) => ("closed".to_owned(), Value::Null),
        ProtocolError::Frame(_) => ("unreadable".to_owned(), Value::Null),
        ProtocolError::Hello(_) => ("hello".to_owned(), Value::Null),
    };
    Frame::Refused {
        id,
        kind,
        message,
        detail,
    }
}

/// Sends a frame; one that is too long is replaced by its refusal.
async fn send(out: &mpsc::Sender<Vec<u8>>, id: u64, frame: Frame) {
    let bytes = frame::encode(&frame).or_else(|e| {
        frame::encode(&refusal(
            id,
            ProtocolError::refused("too_long", e.to_string()),
        ))
    });
    if let Ok(bytes) = bytes {
        // A gone writer means a gone client; the reader sees that too.
        let _ = out.send(bytes).await;
    }
}

/// Sends items while the client has room, until there are no more. Once the connection closes,
/// only what is ready.
async fn pump(
    id: u64,
    mut items: BoxStream<'static, Value>,
    room: &Semaphore,
    out: &mpsc::Sender<Vec<u8>>,
    closing: &CancellationToken,
) {
    loop {
        let closed = closing.is_cancelled();
        let item = async {
            let permit = room.acquire().await.ok()?;
            let item = items.next().await;
            permit.forget();
            item
        };
        let item = if closed {
            item.now_or_never().flatten()
        } else {
            tokio::select! {
                biased;
                item = item => item,
                () = closing.cancelled() => continue,
            }
        };
        let Some(value) = item else { return };
        send(out, id, Frame::Item { id, value }).await;
    }
}
