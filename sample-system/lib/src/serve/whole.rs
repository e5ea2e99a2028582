//! A request on its way in: it is refused where its headers are more than can be passed on, has a
//! turn once all of it is there, and is noted on its connection as long as it has no answer.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};

use super::RETRY_AFTER;
use super::queue::{NoTurn, Queue};
use super::told::Remote;
use crate::deadline::{self, Deadline};
use crate::metrics::Served;
use crate::problem::Problem;
use crate::trace_context::{BAGGAGE, TRACESTATE};

/// What HTTP/2 counts for a header besides its name and value (RFC 9113, 6.5.2).
const EACH: usize = 32;

/// How long the headers of a request may be. Each hop takes a little more than the gateway, since
/// there is more on the way: the time that is left, and what a mesh writes into `baggage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Bytes of `baggage`, and of `tracestate`. (A `traceparent` that is too long is none.)
    pub carried: usize,
    /// Bytes of all together, counted as HTTP/2 does: names, values, and 32 for each.
    pub all: usize,
}

impl HeaderLimits {
    /// At the gateway. W3C's Baggage asks for 8192 bytes that every platform passes on, and every
    /// hop takes those. With a token and a browser's own headers they fit into 16 KiB, what many
    /// servers take.
    pub const AT_THE_DOOR: Self = Self {
        carried: 8 * 1024,
        all: 16 * 1024,
    };
}

impl Default for HeaderLimits {
    /// Behind the gateway.
    fn default() -> Self {
        Self {
            carried: Self::AT_THE_DOOR.carried + 256,
            all: Self::AT_THE_DOOR.all + 4 * 1024,
        }
    }
}

/// What a request is measured by.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    pub(super) queue: Queue,
    pub(super) served: Served,
    /// How long a body may take.
    pub(super) within: Duration,
    pub(super) headers: HeaderLimits,
    /// Bytes of a body.
    pub(super) body: usize,
}

/// Notes on the connection that a request is in hand until it is answered.
pub(super) async fn noted(request: Request, next: Next) -> Response {
    let remote = request.extensions().get::<ConnectInfo<Remote>>();
    let _in_hand = remote.map(|remote| remote.0.pace.begin());
    next.run(request).await
}

/// Reads the request to its end and lets it wait for its turn, unless its headers are too long, its
/// body is too large or too slow, too much waits, or nobody waits for it any more.
pub(super) async fn admit(State(whole): State<Whole>, request: Request, next: Next) -> Response {
    let old = request.version() <= Version::HTTP_11;
    let (request, deadline) = match read(&whole, request).await {
        Ok(read) => read,
        Err(problem) => {
            let mut response = problem.into_response();
            // The rest of it is not read.
            let is_cut = matches!(
                response.status(),
                StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE
            );
            if old && is_cut {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            return response;
        }
    };
    match whole.queue.turn(deadline).await {
        Ok(_turn) => next.run(request).await,
        Err(NoTurn::Late) => {
            whole.served.late();
            deadline::too_late().into_response()
        }
        Err(NoTurn::Full) => {
            whole.served.shed();
            let detail = "too much is waiting: try again in a second; nothing happened";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                .with_header(header::RETRY_AFTER, RETRY_AFTER)
                .into_response()
        }
    }
}

async fn read(whole: &Whole, request: Request) -> Result<(Request, Deadline), Problem> {
    whole.headers.fit(request.headers())?;
    let deadline =
        Deadline::from_headers(request.headers()).map_err(|value| deadline::malformed(&value))?;
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(deadline);
    let least = body.size_hint().lower();
    if usize::try_from(least).map_or(true, |least| least > whole.body) {
        return Err(too_large(whole.body));
    }
    let within = deadline.at_most(whole.within).left();
    let reading = collect(body, whole.body);
    let body = tokio::time::timeout(within.unwrap_or(whole.within), reading)
        .await
        .map_err(|_| too_slow())??;
    Ok((Request::from_parts(parts, Body::from(body)), deadline))
}

/// All of `body`.
async fn collect(body: Body, most: usize) -> Result<Bytes, Problem> {
    let mut pieces = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let broken = "the body broke off, or cannot be read; nothing happened";
        let piece = piece.map_err(|_| Problem::bad_request(broken))?;
        if whole.len() + piece.len() > most {
            return Err(too_large(most));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

impl HeaderLimits {
    /// Whether every hop behind can carry `headers`.
    fn fit(self, headers: &HeaderMap) -> Result<(), Problem> {
        let Self { carried, all } = self;
        for name in [BAGGAGE, TRACESTATE] {
            // Several are joined by commas.
            let values = headers.get_all(name).iter();
            let joined: usize = values.map(|value| value.len() + 1).sum();
            if joined > carried + 1 {
                return Err(too_long(&format!("{name}: give {carried} bytes at most")));
            }
        }
        let size = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + EACH);
        if size.sum::<usize>() > all {
            let detail = format!(
                "headers: give {all} bytes at most, counting {EACH} for each besides name and value"
            );
            return Err(too_long(&detail));
        }
        Ok(())
    }
}

fn too_long(detail: &str) -> Problem {
    let detail = format!("{detail}; nothing happened");
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
}

fn too_slow() -> Problem {
    let detail = "the body did not come to its end in time; nothing happened";
    Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
}

fn too_large(most: usize) -> Problem {
    let detail = format!("the body is too large: give {most} bytes at most; nothing happened");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}
