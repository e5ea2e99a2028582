//! The HTTP door, for whoever watches: `/healthz` (the process lives), `/readyz` (the store answers
//! and the topics are there) and `/metrics`. What Kafka's clients ask does not pass here.
//!
//! Nothing here holds up the other side. Connections are bounded in number and in time, one request
//! each; the storage engine is asked one question at a time, whoever asks ([`ready`]); figures are
//! counted elsewhere and only read here.

mod problem;
mod ready;
mod worded;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::problem::problem;
use self::ready::Ready;
use self::worded::{Read, Worded};
use crate::config::Config;
use crate::figures::{Figures, text};
use crate::groups::Groups;
use crate::partitions::Partitions;
use crate::store::Store;

/// Connections at once. Who asks are a few that watch; more wait in the listener's queue, and take
/// no descriptor from Kafka's clients.
const PLACES: usize = 64;

/// From a connection's beginning to the end of a request's head, as at the other services.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// From a connection's beginning to the last byte of its answer: the head, what is asked of the
/// store and of its file (2 s each), and 30 s in which the answer is taken, as at the other services.
const ALL_WITHIN: Duration = Duration::from_secs(44);

/// Bytes that a head's names and values may have, with 32 for each, as HTTP/2 counts them: the
/// other services' bound behind the gateway.
const HEADERS: usize = 20 * 1024;

/// Bytes of a head that are read at all; who sends more is refused by the library.
const HEAD: usize = 64 * 1024;

/// How long accepting rests when the process has no descriptor left.
const REST: Duration = Duration::from_millis(100);

/// How long connections are kept at a stop, as at the other services.
const LINGER: Duration = Duration::from_secs(2);

/// As many are let in once the stop began: what the queue of a listener can hold.
const QUEUE: usize = 1024;

/// Where every request belongs that asks for nothing that is there.
const UNMATCHED: &str = "unmatched";

/// What is asked for here.
#[derive(Debug)]
pub(crate) struct Asked {
    ready: Ready,
    figures: Figures,
    partitions: Partitions,
    groups: Groups,
    stopping: CancellationToken,
}

impl Asked {
    /// What is told of `store`, with the topics that it was told to make.
    pub(crate) fn new(store: &Store, config: &Config, stopping: CancellationToken) -> Self {
        Self {
            ready: Ready::new(store.data.clone(), &config.topics),
            figures: store.figures.clone(),
            partitions: store.partitions.clone(),
            groups: store.groups.clone(),
            stopping,
        }
    }
}

/// Answers whoever comes to `listener` until the broker stops, and then those who came before.
pub(crate) async fn serve(listener: TcpListener, asked: Asked) {
    let asked = Arc::new(asked);
    let places = Arc::new(Semaphore::new(PLACES));
    let mut tasks = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = asked.stopping.cancelled() => break,
            (place, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let asked = Arc::clone(&asked);
                    tasks.spawn(async move {
                        connection(stream, asked).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection by HTTP");
                    sleep(REST).await;
                }
            },
            Some(_) = tasks.join_next() => {}
        }
    }
    for stream in waiting(listener) {
        tasks.spawn(connection(stream, Arc::clone(&asked)));
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    drop(timeout(LINGER, all).await);
    tasks.shutdown().await;
}

/// Who waits in the listener's queue; it is closed then.
fn waiting(listener: TcpListener) -> Vec<TcpStream> {
    // Without the runtime, which may not have heard yet of who is there.
    let take = |listener: &std::net::TcpListener| -> io::Result<TcpStream> {
        let (stream, _) = listener.accept()?;
        stream.set_nonblocking(true)?;
        TcpStream::from_std(stream)
    };
    let Ok(listener) = listener.into_std() else {
        return Vec::new();
    };
    let next = std::iter::from_fn(|| take(&listener).ok());
    next.take(QUEUE).collect()
}

/// One request and its answer, within bounds.
async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    asked: Arc<Asked>,
) {
    let read = Read::default();
    let stream = Worded::new(stream, read.clone(), asked.figures.clone());
    let service = service_fn(move |request| {
        read.is_so();
        let asked = Arc::clone(&asked);
        async move { Ok::<_, Infallible>(counted(&asked, &request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(ALL_WITHIN, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection by HTTP ended with an error"),
        Err(_) => tracing::debug!("a connection by HTTP took too long"),
    }
}

type Answer = Response<Full<Bytes>>;

async fn counted<B>(asked: &Asked, request: &Request<B>) -> Answer {
    let route = ["/healthz", "/readyz", "/metrics"]
        .into_iter()
        .find(|route| *route == request.uri().path());
    let method = known(request.method());
    let counted = asked.figures.asked(route.unwrap_or(UNMATCHED), method);
    let answer = answer(asked, route, request).await;
    let status = answer.status().as_u16();
    tracing::debug!(method, route, status, "answered");
    counted.answered(status);
    answer
}

async fn answer<B>(asked: &Asked, route: Option<&str>, request: &Request<B>) -> Answer {
    if length(request.headers()) > HEADERS {
        let detail = "the headers of the request are longer than 20480 bytes together";
        return problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail);
    }
    let Some(route) = route else {
        return problem(StatusCode::NOT_FOUND, "no such route");
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = "this route does not take this method";
        return problem(StatusCode::METHOD_NOT_ALLOWED, detail);
    }
    match route {
        "/healthz" => plain("alive\n"),
        "/readyz" if asked.stopping.is_cancelled() => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "shutting down")
        }
        "/readyz" => match asked.ready.ask().await {
            Ok(()) => plain("ready\n"),
            Err(why) => problem(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
        },
        _ => {
            let partitions = asked.partitions.now().await;
            let told = asked.figures.text(&partitions, &asked.groups.told());
            of_type(text::CONTENT_TYPE, told)
        }
    }
}

fn plain(text: &'static str) -> Answer {
    of_type("text/plain; charset=utf-8", text)
}

fn of_type(kind: &'static str, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    let kind = HeaderValue::from_static(kind);
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn length(headers: &HeaderMap) -> usize {
    let each = |(name, value): (&hyper::header::HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + 32
    };
    headers.iter().map(each).sum()
}

/// A method that is known: clients may send any word.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    let known = KNOWN.into_iter().find(|known| *known == method.as_str());
    known.unwrap_or("other")
}

#[cfg(test)]
mod tests;
