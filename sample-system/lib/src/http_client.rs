//! Calls to other services over HTTP. There is one way to make a caller, and it takes a timeout:
//! no call of the shop can wait for ever. Each call is handed the trace that it belongs to, tells
//! the peer how long it is waited for, and passes the peer's [`Guard`]: breaker, bulkhead, figures.
//!
//! The timeout is that of the call as its caller sees it, retries and the waits before them
//! included. Only `GET` is retried; everything else is sent once.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;

pub use crate::calls::NotSent;
use crate::calls::{Guard, Limits, Outcome};
use crate::deadline::{self, Deadline, REQUEST_TIMEOUT_MS};
use crate::draw::Draw;
use crate::metrics::Metrics;
use crate::serve::door::LINGER;
use crate::trace_context::TraceContext;

/// How long a connection that nothing is sent on is kept for the next call. A peer that is asked to stop
/// cannot tell on one that is idle; it ends those after [`LINGER`](crate::serve::door::LINGER), which
/// has to be so much longer that a request that is sent on one at the last moment arrives before,
/// also where both machines have much else to do. 500 ms: whoever calls often
/// enough that connecting would count calls within it.
const KEPT_IDLE: Duration = Duration::from_millis(500);

const _: () = assert!(
    KEPT_IDLE.as_millis() * 4 <= LINGER.as_millis(),
    "a connection must be given up well before its peer ends it"
);

/// Why a call gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The call did not leave, so the peer never saw the request.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// No connection was made, so the peer never saw the request.
    #[error("{peer} refused the connection: {detail}")]
    Refused {
        /// Name of the peer.
        peer: &'static str,
        /// What the client said.
        detail: String,
    },
    /// The time was up. The peer may have done what was asked.
    #[error("{peer} gave no answer within {timeout:?}")]
    Timeout {
        /// Name of the peer.
        peer: &'static str,
        /// How long it was given.
        timeout: Duration,
    },
    /// The connection broke. The peer may have done what was asked.
    #[error("the connection to {peer} broke: {detail}")]
    Broken {
        /// Name of the peer.
        peer: &'static str,
        /// What the client said.
        detail: String,
    },
    /// The body is not what was agreed. The peer may have done what was asked.
    #[error("{peer} answered {status} with something else than agreed: {detail}")]
    Unreadable {
        /// Name of the peer.
        peer: &'static str,
        /// The status of the answer.
        status: StatusCode,
        /// What the body lacks.
        detail: String,
    },
}

/// Why the client itself could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make an HTTP client for {peer}: {source}")]
pub struct ClientError {
    peer: &'static str,
    source: reqwest::Error,
}

/// A service that this one calls.
#[derive(Debug, Clone)]
pub struct Peer {
    name: &'static str,
    root: String,
    timeout: Duration,
    client: reqwest::Client,
    guard: Guard,
}

/// An answer read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    peer: &'static str,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The content type, empty where there is none.
    pub content_type: String,
    /// The body.
    pub body: bytes::Bytes,
}

impl Answer {
    /// The body as `T`.
    ///
    /// # Errors
    /// When the body is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(&error.to_string()))
    }

    /// This answer as one that was not agreed on.
    pub fn unreadable(&self, detail: &str) -> CallError {
        CallError::Unreadable {
            peer: self.peer,
            status: self.status,
            detail: detail.to_owned(),
        }
    }
}

impl Peer {
    /// The service `name` at `root` (`http://host:port`), given `timeout` for each call from the
    /// first byte of connecting to the last of the answer.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(
        name: &'static str,
        root: impl Into<String>,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .connect_timeout(timeout)
            // Peers are named by configuration alone: no proxy, no redirect leads elsewhere.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .pool_idle_timeout(KEPT_IDLE)
            // Edges inside the system are plain HTTP: no store of root certificates is read.
            .tls_certs_only([])
            .build()
            .map_err(|source| ClientError { peer: name, source })?;
        Ok(Self {
            name,
            root: root.into(),
            timeout,
            client,
            guard: Guard::new(name, Limits::default(), &Metrics::new(), Draw::system()),
        })
    }

    /// This peer, called within `limits`, counted in `metrics`, its retries spread by `draw`.
    #[must_use]
    pub fn guarded(mut self, limits: Limits, metrics: &Metrics, draw: &Draw) -> Self {
        self.guard = Guard::new(self.name, limits, metrics, draw.clone());
        self
    }

    /// The door that all calls to this peer pass.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Begins a request to `path` (with its query), carrying `trace`.
    pub fn request(&self, method: Method, path: &str, trace: &TraceContext) -> Request {
        let mut headers = HeaderMap::new();
        trace.write_headers(&mut headers);
        let builder = self
            .client
            .request(method.clone(), format!("{}{path}", self.root))
            .headers(headers);
        Request {
            peer: self.name,
            timeout: self.timeout,
            deadline: Deadline::NONE,
            insists: false,
            repeatable: method == Method::GET,
            guard: self.guard.clone(),
            builder,
        }
    }
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Request {
    peer: &'static str,
    timeout: Duration,
    deadline: Deadline,
    insists: bool,
    repeatable: bool,
    guard: Guard,
    builder: reqwest::RequestBuilder,
}

impl Request {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Adds `name=value` to the query, encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.query(&[(name, value)]);
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// Sets a body as it is.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: bytes::Bytes) -> Self {
        self.builder = self
            .builder
            .header(http::header::CONTENT_TYPE, content_type)
            .body(body);
        self
    }

    /// Gives this one call another time than its peer's.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Ends this call at `deadline` where that is before its own time is up: whoever asked for
    /// the work that it belongs to waits no longer.
    #[must_use]
    pub fn before(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Says that its caller repeats this request until it succeeds: its breaker does not count that
    /// the peer fails at it.
    #[must_use]
    pub fn insisting(mut self) -> Self {
        self.insists = true;
        self
    }

    /// Sends this request again too when it fails, though it is no `GET`: the seeded bugs
    /// `retry-storm` and `retry-non-idempotent`, and nothing else.
    #[must_use]
    pub fn seeded_repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Sends it and reads the answer to its end.
    ///
    /// # Errors
    /// When it may not leave, no connection was made, the time was up, or the connection broke.
    pub async fn send(self) -> Result<Answer, CallError> {
        let own = Deadline::within(self.timeout);
        let within = own.earlier(self.deadline);
        let given_less = within != own;
        self.guard.earn();
        let mut retries = 0;
        loop {
            let result = self.attempt(within, given_less).await;
            let again = match &result {
                Ok(answer) => matches!(answer.status.as_u16(), 502..=504),
                Err(CallError::NotSent(_) | CallError::Unreadable { .. }) => false,
                Err(_) => true,
            };
            if !again || !self.repeatable {
                return result;
            }
            let Some(wait) = self.guard.retry(retries) else {
                return result;
            };
            if within.left().is_some_and(|left| left <= wait) {
                return result;
            }
            retries += 1;
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends it once. A peer that is `given_less` time than its own is not to blame for using it up.
    async fn attempt(&self, within: Deadline, given_less: bool) -> Result<Answer, CallError> {
        let pass = self.guard.enter(within)?;
        let left = within.left().unwrap_or(self.timeout);
        let result = match self.builder.try_clone() {
            Some(builder) => {
                let sent = builder
                    .header(REQUEST_TIMEOUT_MS, deadline::milliseconds(left))
                    .timeout(left)
                    .send();
                self.read(sent, left).await
            }
            // Bodies are bytes, never streams, so that each request can be sent again.
            None => Err(CallError::Broken {
                peer: self.peer,
                detail: "its body cannot be read twice".to_owned(),
            }),
        };
        pass.ended(match &result {
            Ok(answer) if matches!(answer.status.as_u16(), 503 | 504) => Outcome::Unavailable,
            Ok(answer) if answer.status.is_server_error() && self.insists => Outcome::FailedAtIt,
            Ok(answer) if answer.status.is_server_error() => Outcome::Failed,
            Ok(_) => Outcome::Answered,
            Err(CallError::Refused { .. }) => Outcome::Refused,
            Err(CallError::Timeout { .. }) if given_less => Outcome::GivenUp,
            Err(CallError::Timeout { .. }) => Outcome::TimedOut,
            Err(_) => Outcome::Broken,
        });
        result
    }

    async fn read(
        &self,
        sent: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
        left: Duration,
    ) -> Result<Answer, CallError> {
        let failed = |error: reqwest::Error| CallError::of(&error, self.peer, left);
        let mut response = sent.await.map_err(failed)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let content_type = headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = response.bytes().await.map_err(failed)?;
        Ok(Answer {
            peer: self.peer,
            status,
            headers,
            content_type,
            body,
        })
    }
}

impl CallError {
    fn of(error: &reqwest::Error, peer: &'static str, timeout: Duration) -> Self {
        let detail = innermost(error);
        if error.is_timeout() {
            Self::Timeout { peer, timeout }
        } else if error.is_connect() {
            Self::Refused { peer, detail }
        } else {
            Self::Broken { peer, detail }
        }
    }

    /// Whether this is the peer's own answer that it failed at what it was asked; not that it cannot
    /// be reached, is not able to now, or took too long.
    pub fn is_failure_at_it(&self) -> bool {
        matches!(self, Self::Unreadable { status, .. } if !matches!(status.as_u16(), 429 | 503 | 504))
    }

    /// Whether the peer may have done what was asked, although no good answer came.
    pub fn may_have_happened(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::NotSent(_))
    }
}

/// The last cause, which names what happened; the ones above it only repeat the URL.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
