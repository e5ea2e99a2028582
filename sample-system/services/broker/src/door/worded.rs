//! Connections on which the library's own refusals are problems. It answers what it cannot read by
//! itself, with a status and nothing else, and asks nobody; before it does so nobody was asked, since
//! there is one request on each connection. What is still on its way is read and dropped for a while
//! before a connection ends: a machine that closes one with bytes unread resets it, and whoever sends
//! all before they read would meet that in the place of the answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::problem;
use crate::figures::Figures;

/// For how long and how much of what comes behind an answer is dropped: what somebody sends by mistake.
const DROPPING: Duration = Duration::from_secs(2);
const DROPPED: usize = 1024 * 1024;

/// Whether a request was handed on, so that what is written answers it. Clones are of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Read(Arc<AtomicBool>);

impl Read {
    /// It was.
    pub(super) fn is_so(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection with one request on it.
#[derive(Debug)]
pub(super) struct Worded<S> {
    stream: S,
    read: Read,
    figures: Figures,
    /// What is written in the place of a refusal, and how much of it is out.
    instead: Option<(Vec<u8>, usize)>,
    end: Option<End>,
}

/// Nothing more is said.
#[derive(Debug)]
struct End {
    over: Pin<Box<Sleep>>,
    dropped: usize,
}

impl<S> Worded<S> {
    /// `stream`, on which a request that could be read is told by `read`; refusals are counted in
    /// `figures`.
    pub(super) fn new(stream: S, read: Read, figures: Figures) -> Self {
        Self {
            stream,
            read,
            figures,
            instead: None,
            end: None,
        }
    }

    /// What is written in the place of `bytes`, the library's own answer.
    fn worded(&self, bytes: &[u8]) -> Vec<u8> {
        let code = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|it| it.get(..3));
        let status = code.and_then(|code| StatusCode::from_bytes(code).ok());
        let status = status.unwrap_or(StatusCode::BAD_REQUEST);
        let detail = match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "give fewer headers, 100 at most",
            StatusCode::URI_TOO_LONG => "give a shorter URL",
            _ => "this is no HTTP request that can be read",
        };
        // Neither route nor method was read.
        let counted = self.figures.asked(super::UNMATCHED, "other");
        counted.answered(status.as_u16());
        tracing::debug!(%status, "refused before it was read");
        problem::behind(bytes, status, detail)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.read.0.load(Ordering::Relaxed) {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        }
        let mut instead = match this.instead.take() {
            Some(instead) => instead,
            None => (this.worded(bytes), 0),
        };
        while let Some(rest) = instead.0.get(instead.1..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut this.stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => instead.1 += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    this.instead = Some(instead);
                    return Poll::Pending;
                }
            }
        }
        // A refusal is written at once, and nothing after it.
        this.instead = Some(instead);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.end.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let end = this.end.get_or_insert_with(|| End {
            over: Box::pin(sleep(DROPPING)),
            dropped: 0,
        });
        let mut piece = [0; 4096];
        while end.dropped <= DROPPED {
            let mut buffer = ReadBuf::new(&mut piece);
            let read = Pin::new(&mut this.stream).poll_read(context, &mut buffer);
            match read {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    end.dropped += buffer.filled().len();
                }
                Poll::Ready(_) => break,
                Poll::Pending => return end.over.as_mut().poll(context).map(Ok),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
