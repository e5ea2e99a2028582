//! The asking side: one reader and one writer task per connection, any number of askers.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, poll_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::frame::{self, Frame};
use super::{HELLO, Hello, ProtocolError};

/// Items of one subscription that may wait on the client's side.
const CREDIT: u32 = 256;

/// The asking side of a connection. Clones share it, and so do the streams of its subscriptions;
/// it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    peer: Hello,
    /// Unbounded, but every asker waits for its answer: it holds at most a frame or two for each.
    out: mpsc::UnboundedSender<Vec<u8>>,
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What the reader task and the askers share.
#[derive(Debug)]
struct Shared {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
    ended: watch::Sender<Option<ProtocolError>>,
}

#[derive(Debug)]
enum Waiting {
    Answer(oneshot::Sender<Result<Value, ProtocolError>>),
    Items {
        opened: Option<oneshot::Sender<Result<Value, ProtocolError>>>,
        items: mpsc::Sender<Value>,
    },
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends everything that waits; the first reason stays.
    fn end(&self, reason: ProtocolError) {
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(reason);
            first
        });
        self.waiting().clear();
    }

    fn reason(&self) -> ProtocolError {
        self.ended
            .borrow()
            .clone()
            .unwrap_or_else(|| ProtocolError::Closed("it was given up".to_owned()))
    }
}

impl Session {
    /// Says hello and waits for the other side's.
    ///
    /// # Errors
    /// When the stream ends, or the other side refuses or is no msvc.
    pub async fn connect(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        hello: Hello,
    ) -> Result<Self, ProtocolError> {
        let (mut read, mut write) = tokio::io::split(stream);
        let said = frame::encode(&hello)?;
        let sent = async {
            write.write_all(&said).await?;
            write.flush().await
        }
        .await;
        // A server that refuses at once may have closed before all was sent: its reason is what
        // the user needs, so it is read first.
        let peer = match (frame::read(&mut read).await, sent) {
            (Ok(Some(bytes)), _) => heard(&bytes)?,
            (_, Err(e)) => return Err(ProtocolError::Closed(e.to_string())),
            (Ok(None), _) => {
                return Err(ProtocolError::Closed(
                    "before the other side said hello".to_owned(),
                ));
            }
            (Err(e), _) => return Err(e),
        };
        let (out, mut queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            ended: watch::Sender::new(None),
        });
        let writer = tokio::spawn(frame::write(write, poll_fn(move |cx| queue.poll_recv(cx))));
        let reader = tokio::spawn(listen(read, Arc::clone(&shared)));
        Ok(Self {
            inner: Arc::new(Inner {
                peer,
                out,
                shared,
                tasks: [writer.abort_handle(), reader.abort_handle()],
            }),
        })
    }

    /// Who answered.
    #[must_use]
    pub fn peer(&self) -> &Hello {
        &self.inner.peer
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// When the request is refused or the stream ends.
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        parameters: impl Serialize,
    ) -> Result<T, ProtocolError> {
        let (answer, answered) = oneshot::channel();
        let (method_name, parameters) = (method.to_owned(), value_of(parameters)?);
        let asked = |id| Frame::Request {
            id,
            method: method_name,
            parameters,
        };
        let id = self.ask(asked, Waiting::Answer(answer))?;
        let _forget = Forget(&self.inner.shared, id);
        let value = self.answer(answered).await?;
        serde_json::from_value(value)
            .map_err(|e| ProtocolError::Frame(format!("the answer to {method}: {e}")))
    }

    /// Subscribes; dropping the stream ends the subscription. The stream ends when the other side
    /// has no more items, or with the session ([`Session::ended`] says why).
    ///
    /// # Errors
    /// When it is refused or the stream ends.
    pub async fn subscribe<T: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        parameters: impl Serialize,
    ) -> Result<BoxStream<'static, T>, ProtocolError> {
        let (opened, answered) = oneshot::channel();
        let (items, waiting) = mpsc::channel(CREDIT as usize);
        let (method_name, parameters) = (method.to_owned(), value_of(parameters)?);
        let asked = |id| Frame::Subscribe {
            id,
            method: method_name,
            parameters,
            credit: CREDIT,
        };
        let opened = Some(opened);
        let id = self.ask(asked, Waiting::Items { opened, items })?;
        let stream = Items {
            session: self.clone(),
            id,
            waiting,
            taken: 0,
        };
        self.answer(answered).await?;
        let method = method.to_owned();
        Ok(stream
            .scan((), move |(), (session, value)| {
                let item = serde_json::from_value(value).map_err(|e| {
                    let reason = ProtocolError::Frame(format!("an item of {method}: {e}"));
                    session.inner.shared.end(reason);
                });
                std::future::ready(item.ok())
            })
            .boxed())
    }

    /// Returns why the session ended, once it has.
    pub async fn ended(&self) -> ProtocolError {
        let mut ended = self.inner.shared.ended.subscribe();
        // The sender lives as long as `self`: the wait cannot fail.
        let _ = ended.wait_for(Option::is_some).await;
        self.inner.shared.reason()
    }

    /// Sends a frame under the next number, which is returned. Numbers ascend on the wire whoever
    /// asks at once: one is drawn and sent under one lock.
    fn ask(
        &self,
        asked: impl FnOnce(u64) -> Frame,
        waiting: Waiting,
    ) -> Result<u64, ProtocolError> {
        let shared = &self.inner.shared;
        // `end` takes the lock too, after it set the reason: one of the two sees the other.
        let mut all = shared.waiting();
        if shared.ended.borrow().is_some() {
            return Err(shared.reason());
        }
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let asked = frame::encode(&asked(id))?;
        all.insert(id, waiting);
        if self.inner.out.send(asked).is_err() {
            all.remove(&id);
        }
        Ok(id)
    }

    async fn answer(
        &self,
        answered: oneshot::Receiver<Result<Value, ProtocolError>>,
    ) -> Result<Value, ProtocolError> {
        let ended = |_| Err(self.inner.shared.reason());
        answered.await.unwrap_or_else(ended)
    }
}

fn value_of(parameters: impl Serialize) -> Result<Value, ProtocolError> {
    serde_json::to_value(parameters)
        .map_err(|e| ProtocolError::Frame(format!("parameters not to be written as JSON: {e}")))
}

/// The other side's first frame: its hello, or why it refuses.
fn heard(bytes: &[u8]) -> Result<Hello, ProtocolError> {
    if let Ok(Frame::Closing { reason }) = frame::decode(bytes) {
        return Err(ProtocolError::Hello(reason));
    }
    let hello: Hello = frame::decode(bytes)
        .map_err(|e| ProtocolError::Hello(format!("the other side is no msvc ({e})")))?;
    if hello.schema != HELLO || hello.protocol == 0 {
        return Err(ProtocolError::Hello(format!(
            "the other side says {} with protocol {}",
            hello.schema, hello.protocol
        )));
    }
    Ok(hello)
}

/// Forgets an asker that gave up waiting.
struct Forget<'a>(&'a Shared, u64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.waiting().remove(&self.1);
    }
}

/// Reads until the stream ends and hands each frame to who waits for it.
async fn listen(mut read: impl AsyncRead + Unpin, shared: Arc<Shared>) {
    let reason = loop {
        let bytes = match frame::read(&mut read).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break ProtocolError::Closed("by the other side".to_owned()),
            Err(e) => break e,
        };
        let outcome = frame::decode(&bytes).and_then(|frame| hand_out(&shared, frame));
        if let Err(reason) = outcome {
            break reason;
        }
    };
    shared.end(reason);
}

fn hand_out(shared: &Shared, frame: Frame) -> Result<(), ProtocolError> {
    let mut waiting = shared.waiting();
    match frame {
        Frame::Answer { id, value } => {
            if let Some(Waiting::Answer(answer)) = waiting.remove(&id) {
                // Who asked may have given up just now.
                let _ = answer.send(Ok(value));
            }
        }
        Frame::Refused {
            id,
            kind,
            message,
            detail,
        } => {
            let refused = ProtocolError::Refused {
                kind,
                message,
                detail,
            };
            if let Some(
                Waiting::Answer(answer)
                | Waiting::Items {
                    opened: Some(answer),
                    ..
                },
            ) = waiting.remove(&id)
            {
                let _ = answer.send(Err(refused));
            }
        }
        Frame::Subscribed { id } => {
            if let Some(Waiting::Items { opened, .. }) = waiting.get_mut(&id)
                && let Some(opened) = opened.take()
            {
                let _ = opened.send(Ok(Value::Null));
            }
        }
        Frame::Item { id, value } => {
            if let Some(Waiting::Items { items, .. }) = waiting.get(&id)
                && let Err(mpsc::error::TrySendError::Full(_)) = items.try_send(value)
            {
                return Err(ProtocolError::Frame(
                    "the other side sends more items than it was granted".to_owned(),
                ));
            }
        }
        Frame::End { id } => {
            waiting.remove(&id);
        }
        Frame::Closing { reason } => return Err(ProtocolError::Closed(reason)),
        Frame::Request { .. }
        | Frame::Subscribe { .. }
        | Frame::Credit { .. }
        | Frame::Cancel { .. } => {
            return Err(ProtocolError::Frame(
                "the other side asks where it should answer".to_owned(),
            ));
        }
    }
    Ok(())
}

/// The items of one subscription.
struct Items {
    session: Session,
    id: u64,
    waiting: mpsc::Receiver<Value>,
    taken: u32,
}

impl Stream for Items {
    type Item = (Session, Value);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.waiting.poll_recv(cx);
        if let Poll::Ready(Some(_)) = next {
            self.taken += 1;
            if self.taken == CREDIT / 2 {
                let credit = Frame::Credit {
                    id: self.id,
                    items: self.taken,
                };
                self.tell(&credit);
                self.taken = 0;
            }
        }
        next.map(|item| item.map(|value| (self.session.clone(), value)))
    }
}

impl Items {
    fn tell(&self, frame: &Frame) {
        if let Ok(bytes) = frame::encode(frame) {
            // A broken connection is told by the stream's end.
            let _ = self.session.inner.out.send(bytes);
        }
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        let id = self.id;
        if self.session.inner.shared.waiting().remove(&id).is_some() {
            self.tell(&Frame::Cancel { id });
        }
    }
}
