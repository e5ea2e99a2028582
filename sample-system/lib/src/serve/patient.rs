//! A connection that is ended when nothing comes of it for too long: no head, half a head, no further
//! request, an answer that is not taken. The HTTP library has no such limits where it finds out by
//! itself what is spoken. How long a body may take is watched where it is read (`whole`).

mod heads;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use self::heads::Heads;
use super::crowd::{Pace, Place};
use super::door::LINGER;
use super::patience::Patience;
use super::rest::Rest;
use crate::metrics::Counters;

/// What every connection over HTTP/2 begins with; frames that are no request may come at any time
/// there.
const HTTP_2: &[u8] = b"PRI";

/// A connection with limits of time.
#[derive(Debug)]
pub struct Patient<S> {
    stream: S,
    place: Place,
    patience: Patience,
    ended: Counters,
    pushed: Pin<Box<WaitForCancellationFutureOwned>>,
    reading: Reading,
    /// Runs while something is written that is not taken.
    writing: Alarm,
    /// What still comes, once nothing more is said.
    rest: Option<Rest>,
    is_over: bool,
}

/// How far the next request has come.
#[derive(Debug)]
struct Reading {
    alarm: Alarm,
    heads: Heads,
    /// When its first byte came, while its head has not ended.
    first_byte: Option<Instant>,
    has_frames: Option<bool>,
}

/// Something that is to be waited for until a time.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether it is `at` or later; otherwise the task is woken then.
    pub(super) fn is_due(&mut self, at: Instant, context: &mut Context<'_>) -> bool {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(context).is_ready()
    }
}

impl<S> Patient<S> {
    /// `stream`, which has `place`; why it was ended is counted in `ended`.
    pub(super) fn new(stream: S, place: Place, patience: Patience, ended: Counters) -> Self {
        let pushed = place.pace.pushed().clone().cancelled_owned();
        Self {
            stream,
            place,
            patience,
            ended,
            pushed: Box::pin(pushed),
            reading: Reading {
                alarm: Alarm::default(),
                heads: Heads::default(),
                first_byte: None,
                has_frames: None,
            },
            writing: Alarm::default(),
            rest: None,
            is_over: false,
        }
    }

    /// What it is at.
    pub(super) fn pace(&self) -> &Pace {
        &self.place.pace
    }

    fn ended(&mut self, why: &str) {
        self.is_over = true;
        let labels = vec![("why", why.to_owned())];
        self.ended.get_or_create(&labels).inc();
        tracing::debug!(why, "ended a connection");
    }

    /// Notes that `bytes` came.
    fn came(&mut self, bytes: &[u8]) {
        let reading = &mut self.reading;
        let has_frames = *reading
            .has_frames
            .get_or_insert_with(|| HTTP_2.starts_with(&bytes[..bytes.len().min(HTTP_2.len())]));
        if has_frames {
            return;
        }
        let began = reading.heads.take(bytes);
        let now = began.then(Instant::now);
        reading.first_byte = now.or(reading.first_byte);
        if !reading.heads.is_within() {
            reading.first_byte = None;
        }
    }

    /// Why it is to end now, while nothing comes.
    fn is_late(&mut self, context: &mut Context<'_>) -> Option<&'static str> {
        let is_pushed = self.pushed.as_mut().poll(context).is_ready();
        let reading = &mut self.reading;
        let begun = self.place.pace.begun();
        let Some(quiet) = self.place.pace.quiet_since() else {
            // Whoever reads need not come again when the request is answered: look now and then.
            let look = later(Instant::now(), self.patience.idle);
            let _later = reading.alarm.is_due(look, context);
            return None;
        };
        if is_pushed {
            return Some("crowded");
        }
        let (since, limit, why) = match reading.first_byte {
            // One that came behind another request goes on once that is answered.
            Some(first) => (first.max(quiet), self.patience.head, "head"),
            None if begun == 0 => (quiet, self.patience.head, "head"),
            None => (quiet, self.patience.idle, "idle"),
        };
        reading
            .alarm
            .is_due(later(since, limit), context)
            .then_some(why)
    }

    /// What writing came to, or that nothing was taken for too long.
    fn taken<T>(
        &mut self,
        done: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.writing.0 = None;
            return done;
        }
        let until = match &self.writing.0 {
            Some(sleep) => sleep.deadline(),
            None => later(Instant::now(), self.patience.taken),
        };
        if self.writing.is_due(until, context) {
            self.ended("answer");
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

/// `span` after `since`, or what is as good as never.
fn later(since: Instant, span: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(24 * 3600);
    since.checked_add(span).unwrap_or(since + NEVER)
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_over {
            // As if the other end had hung up.
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            let bytes = &buffer.filled()[before..];
            if !bytes.is_empty() {
                this.came(bytes);
            }
            return read;
        }
        match this.is_late(context) {
            Some(why) => {
                this.ended(why);
                Poll::Ready(Ok(()))
            }
            None => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.taken(done, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.taken(done, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_flush(context);
        this.taken(done, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.rest.is_none() {
            let done = Pin::new(&mut this.stream).poll_shutdown(context);
            ready!(this.taken(done, context))?;
        }
        if this.is_over || this.pushed.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        // Over HTTP/2 a caller may have begun something new before it reads that this is the end: it
        // learns from what was said, were it not reset, that nobody looked at that.
        let has_frames = this.reading.has_frames == Some(true);
        let within = if has_frames {
            LINGER
        } else {
            this.patience.body
        };
        let until = later(Instant::now(), within);
        let rest = this.rest.get_or_insert_with(|| Rest::new(until));
        let is_owed = has_frames || !this.reading.heads.is_between();
        rest.poll(&mut this.stream, is_owed, context).map(Ok)
    }
}

/// A server that is not this room's finds what the connection is at in its requests.
impl<S> Connected for Patient<S> {
    type ConnectInfo = Pace;

    fn connect_info(&self) -> Pace {
        self.pace().clone()
    }
}

#[cfg(test)]
pub(crate) mod tests;
