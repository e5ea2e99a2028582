//! The door of a service: a listener that can be closed with nobody cut who has knocked.
//!
//! A kernel that closes a listener resets whoever waits in its queue, and a server that is told to
//! end closes connections that it has read nothing from yet, whatever is on its way there. So at
//! shutdown the queue is emptied first, then the listener closed, and connections are ended a
//! little later ([`Closing`]): a request that was on its way has come by then, and each answer from
//! the shutdown on says `Connection: close`.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// How long connections are kept once the door is closed. 2 s: what a caller sent before it could
/// know has crossed any network by then, a slow one too, and who asks once a second or more often has
/// been told by an answer to come no more. The shop's own callers use no connection again that was
/// idle for half a second, so none of theirs is left by then, and where none is left nothing is waited
/// for. Well within the grace of every service (5 s and more).
pub const LINGER: Duration = Duration::from_secs(2);

/// For so much longer those are waited for who came in and have not said a word: unlike a caller who
/// was answered, they cannot know that this is the end, and most have their first request on its way.
/// Seconds pass between the two where a machine is busy with more than it can do. Together with
/// [`LINGER`] within the least grace (5 s), with a second left for the answers.
const FIRST_WORD: Duration = Duration::from_secs(2);

/// As many are let in once the shutdown began: what the queue of a listener can hold (tokio's
/// backlog). More have come since, and callers that never end would keep the door open.
const QUEUE: usize = 1024;

/// How long accepting rests when the process has no descriptor left.
const REST: Duration = Duration::from_millis(100);

/// A listener that is closed by a shutdown, once its queue is empty.
#[derive(Debug)]
pub struct Door {
    state: State,
    address: SocketAddr,
    shutdown: CancellationToken,
    closed: CancellationToken,
    inside: Inside,
}

/// Who is inside.
#[derive(Debug, Clone, Default)]
struct Inside {
    all: Count,
    /// Those of them of whom no byte has come.
    silent: Count,
}

/// How many there are of something; clones count together.
#[derive(Debug, Clone, Default)]
struct Count(Arc<watch::Sender<usize>>);

#[derive(Debug)]
enum State {
    Open(TcpListener),
    /// So many more may come in.
    Emptying(std::net::TcpListener, usize),
    Closed,
}

/// Tells when a service's connections are to end.
#[derive(Debug, Clone)]
pub struct Closing {
    closed: CancellationToken,
    inside: Inside,
}

/// A connection that came through a door, which knows whether it is still there.
#[derive(Debug)]
pub struct Guest {
    stream: TcpStream,
    _inside: Counted,
    silent: Option<Counted>,
}

#[derive(Debug)]
struct Counted(Count);

impl Count {
    fn one(&self) -> Counted {
        self.0.send_modify(|count| *count += 1);
        Counted(self.clone())
    }

    /// Waits until there is none.
    async fn none(&self) {
        // The sender lives in `self`, so this ends by a count alone.
        let mut count = self.0.subscribe();
        let _none = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

impl Door {
    /// Lets in who connects to `listener` until `shutdown`.
    ///
    /// # Errors
    /// When the listener does not know its address.
    pub fn new(listener: TcpListener, shutdown: CancellationToken) -> io::Result<Self> {
        Ok(Self {
            address: listener.local_addr()?,
            state: State::Open(listener),
            shutdown,
            closed: CancellationToken::new(),
            inside: Inside::default(),
        })
    }

    /// When the connections of this door are to end.
    pub fn closing(&self) -> Closing {
        Closing {
            closed: self.closed.clone(),
            inside: self.inside.clone(),
        }
    }

    /// The next connection; waits for ever once the door is closed.
    async fn next(&mut self) -> (Guest, SocketAddr) {
        loop {
            let taken = match &mut self.state {
                State::Open(listener) => tokio::select! {
                    taken = TcpListener::accept(listener) => taken,
                    () = self.shutdown.cancelled() => {
                        self.state = emptying(std::mem::replace(&mut self.state, State::Closed));
                        continue;
                    }
                },
                State::Emptying(listener, left) => match take(listener, left) {
                    Some(taken) => taken,
                    None => {
                        self.state = State::Closed;
                        continue;
                    }
                },
                State::Closed => {
                    self.closed.cancel();
                    std::future::pending().await
                }
            };
            match taken {
                Ok((stream, from)) => return (self.admit(stream), from),
                Err(error) => self.refused(&error).await,
            }
        }
    }

    fn admit(&self, stream: TcpStream) -> Guest {
        // An answer is small and waited for: never hold it back to fill a packet.
        let _unsupported = stream.set_nodelay(true);
        Guest {
            stream,
            _inside: self.inside.all.one(),
            silent: Some(self.inside.silent.one()),
        }
    }

    async fn refused(&self, error: &io::Error) {
        // One that went away while it waited is no reason to rest.
        if error.kind() != io::ErrorKind::ConnectionAborted {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(REST).await;
        }
    }
}

/// The listener without the runtime, which may not have heard yet who is in the queue.
fn emptying(state: State) -> State {
    match state {
        State::Open(listener) => match listener.into_std() {
            Ok(listener) => State::Emptying(listener, QUEUE),
            Err(error) => {
                tracing::warn!(%error, "left who waited at the door");
                State::Closed
            }
        },
        other => other,
    }
}

/// Who waits in the queue, or none.
fn take(
    listener: &std::net::TcpListener,
    left: &mut usize,
) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    *left = left.checked_sub(1)?;
    match listener.accept() {
        Ok((stream, from)) => {
            let ready = stream.set_nonblocking(true);
            let stream = ready.and_then(|()| TcpStream::from_std(stream));
            Some(stream.map(|stream| (stream, from)))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => Some(Err(error)),
    }
}

impl Closing {
    /// Waits until the door is closed, and then until nobody is inside or has said nothing more for
    /// so long that nothing of theirs is on its way.
    pub async fn wait(self) {
        self.closed.cancelled().await;
        let quiet = async {
            tokio::time::sleep(LINGER).await;
            let _silent = tokio::time::timeout(FIRST_WORD, self.inside.silent.none()).await;
        };
        tokio::select! {
            () = quiet => {}
            () = self.inside.all.none() => {}
        }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    fn accept(&mut self) -> impl Future<Output = (Guest, SocketAddr)> + Send {
        self.next()
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected for Guest {
    type ConnectInfo = <TcpStream as Connected>::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.silent = None;
        }
        read
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
