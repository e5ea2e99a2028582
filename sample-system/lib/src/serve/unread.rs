//! Requests that are refused before anybody could read them: more headers than the HTTP library
//! takes, a URL that is too long, bytes that are no HTTP. The library answers those by itself, with a
//! status and nothing else, and asks nobody; here its answer gets the body that every other error of
//! the shop has, on its way out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::draw::Draw;
use crate::metrics::{Served, UNMATCHED};
use crate::problem::{CONTENT_TYPE, Problem};
use crate::trace_context::TraceContext;

/// A connection on which bare refusals become problems.
#[derive(Debug)]
pub(super) struct Worded<S> {
    stream: S,
    draw: Draw,
    served: Served,
    /// What is written in place of a refusal, as far as it is not out.
    instead: Option<Instead>,
}

#[derive(Debug)]
struct Instead {
    bytes: Vec<u8>,
    written: usize,
    /// Bytes of the refusal that it stands for.
    of: usize,
}

impl<S> Worded<S> {
    /// `stream`, with ids of `draw` for the traces of what is refused, which is counted in `served`.
    pub(super) fn new(stream: S, draw: Draw, served: Served) -> Self {
        let instead = None;
        Self {
            stream,
            draw,
            served,
            instead,
        }
    }

    /// What it is made of.
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Begins to write something else in place of `bytes`, where they are a bare refusal.
    fn look_at(&mut self, bytes: &[u8]) {
        if self.instead.is_some() {
            return;
        }
        let Some((status, problem)) = worded(bytes) else {
            return;
        };
        // Neither route nor method was read.
        let refused = self.served.began(UNMATCHED, "");
        refused.answered(status.as_u16());
        let trace = TraceContext::default().or_drawn(&self.draw);
        trace.span().in_scope(|| {
            tracing::info!(status = status.as_u16(), "refused before it was read");
        });
        self.instead = Some(Instead {
            bytes: problem,
            written: 0,
            of: bytes.len(),
        });
    }
}

/// The answer in place of `bytes`, where these are a refusal without a body.
fn worded(bytes: &[u8]) -> Option<(StatusCode, Vec<u8>)> {
    let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    if status[0] != b'4' {
        return None;
    }
    let status = StatusCode::from_bytes(status).ok()?;
    let head = std::str::from_utf8(bytes.strip_suffix(b"\r\n\r\n")?).ok()?;
    let (mut kept, mut is_empty) = (Vec::new(), false);
    for line in head.split("\r\n") {
        let name = line.split(':').next().unwrap_or_default();
        if name.eq_ignore_ascii_case("content-type") {
            return None;
        }
        if line.eq_ignore_ascii_case("content-length: 0") {
            is_empty = true;
        } else {
            kept.push(line);
        }
    }
    let detail = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "give fewer headers, 100 at most",
        StatusCode::URI_TOO_LONG => "give a shorter URL",
        StatusCode::BAD_REQUEST => "this is no HTTP request that can be read",
        _ => return None,
    };
    let body = Problem::new(status, detail).json();
    let (head, length) = (kept.join("\r\n"), body.len());
    let head =
        format!("{head}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {length}\r\n\r\n");
    is_empty.then(|| (status, [head, body].concat().into_bytes()))
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.look_at(bytes);
        let Some(instead) = &mut this.instead else {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        };
        while instead.written < instead.bytes.len() {
            let rest = &instead.bytes[instead.written..];
            match ready!(Pin::new(&mut this.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => instead.written += written,
            }
        }
        let of = instead.of;
        this.instead = None;
        Poll::Ready(Ok(of))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // A refusal is a head and nothing after it.
        let first = slices.iter().find(|slice| !slice.is_empty());
        if let Some(first) = first {
            this.look_at(first);
            if this.instead.is_some() {
                return Pin::new(this).poll_write(context, first);
            }
        }
        Pin::new(&mut this.stream).poll_write_vectored(context, slices)
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

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::metrics::{Metrics, Protocol};

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                        content-length: 0\r\ndate: now\r\n\r\n";

    /// What arrives of `parts`, each written by itself, over a pipe of a few bytes.
    async fn arrives(parts: &[&str]) -> String {
        let (ours, mut theirs) = tokio::io::duplex(7);
        let mut ours = Worded::new(
            ours,
            Draw::from_fn(|| 1),
            Metrics::new().served(Protocol::Http),
        );
        let write = async {
            for part in parts {
                ours.write_all(part.as_bytes()).await.unwrap();
            }
            ours.shutdown().await.unwrap();
            drop(ours);
        };
        let mut arrived = String::new();
        let (_, read) = tokio::join!(write, theirs.read_to_string(&mut arrived));
        read.unwrap();
        arrived
    }

    #[tokio::test]
    async fn a_bare_refusal_becomes_a_problem_however_slowly_it_leaves() {
        let before = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let arrived = arrives(&[before, BARE]).await;
        let problem = arrived.strip_prefix(before).unwrap();
        let (head, body) = problem.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request"), "{head}");
        assert!(head.contains("connection: close\r\ndate: now"), "{head}");
        let length = format!("content-length: {}", body.len());
        assert!(
            head.ends_with(&length) && !head.contains("length: 0"),
            "{head}"
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["status"], 431);
    }

    #[tokio::test]
    async fn everything_else_leaves_as_it_is() {
        for other in [
            BARE.replace("431", "200"),
            BARE.replace("431", "418"),
            BARE.replace("date: now", "content-type: text/plain"),
            BARE.replace("content-length: 0", "content-length: 2"),
            BARE.trim_end().to_owned(),
            "HTTP/1.1 4".to_owned(),
        ] {
            assert_eq!(arrives(&[&other]).await, other);
        }
    }
}
