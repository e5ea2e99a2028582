//! Calls to other services over HTTP. There is one way to make a caller, and it takes a timeout:
//! no call of the shop can wait for ever. Each call is handed the trace that it belongs to.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::trace_context::TraceContext;

/// Why a call gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
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
}

/// An answer read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    peer: &'static str,
    /// The status.
    pub status: StatusCode,
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
            .timeout(timeout)
            .connect_timeout(timeout)
            // Peers are named by configuration alone: no proxy, no redirect leads elsewhere.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            // Edges inside the system are plain HTTP: no store of root certificates is read.
            .tls_certs_only([])
            .build()
            .map_err(|source| ClientError { peer: name, source })?;
        Ok(Self {
            name,
            root: root.into(),
            timeout,
            client,
        })
    }

    /// Begins a request to `path` (with its query), carrying `trace`.
    pub fn request(&self, method: Method, path: &str, trace: &TraceContext) -> Request {
        let mut headers = http::HeaderMap::new();
        trace.write_headers(&mut headers);
        let builder = self
            .client
            .request(method, format!("{}{path}", self.root))
            .headers(headers);
        Request {
            peer: self.name,
            timeout: self.timeout,
            builder,
        }
    }
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Request {
    peer: &'static str,
    timeout: Duration,
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
        self.builder = self.builder.timeout(timeout);
        self
    }

    /// Sends it and reads the answer to its end.
    ///
    /// # Errors
    /// When no connection was made, the time was up, or the connection broke.
    pub async fn send(self) -> Result<Answer, CallError> {
        let (peer, timeout) = (self.peer, self.timeout);
        let failed = |error: reqwest::Error| CallError::of(&error, peer, timeout);
        let response = self.builder.send().await.map_err(failed)?;
        let status = response.status();
        let content_type = response
            .headers()
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = response.bytes().await.map_err(failed)?;
        Ok(Answer {
            peer,
            status,
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

    /// Whether the peer may have done what was asked, although no good answer came.
    pub fn may_have_happened(&self) -> bool {
        !matches!(self, Self::Refused { .. })
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
mod tests {
    use super::*;

    fn peer(address: std::net::SocketAddr) -> Peer {
        crate::entry::install_tls();
        Peer::new(
            "catalog",
            format!("http://{address}"),
            Duration::from_millis(200),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn a_peer_that_never_answers_is_a_timeout_that_may_have_happened() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = peer(silent.local_addr().unwrap());
        let error = peer
            .request(Method::GET, "/", &TraceContext::default())
            .send()
            .await;
        let error = error.unwrap_err();
        assert!(matches!(error, CallError::Timeout { .. }), "{error}");
        assert!(error.may_have_happened());
    }

    #[tokio::test]
    async fn a_peer_that_refuses_the_connection_never_saw_the_request() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = peer(listener.local_addr().unwrap());
        drop(listener);
        let error = peer
            .request(Method::GET, "/", &TraceContext::default())
            .send()
            .await;
        let error = error.unwrap_err();
        assert!(matches!(error, CallError::Refused { .. }), "{error}");
        assert!(!error.may_have_happened());
    }
}
