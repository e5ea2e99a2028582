//! The framed two-way protocol between msvc and a mesh (or the supervisor that is one), over any
//! byte stream. A frame is a 4-byte big-endian length and that many bytes of JSON, at most
//! [`MAX_FRAME`].

use std::sync::Arc;

use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The protocol's number. Both sides say theirs and the lower one holds.
pub const PROTOCOL: u32 = 1;

/// The longest frame in bytes.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// The first frame in each direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// `msvc.hello/1`.
    pub schema: String,
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Version of the build.
    pub build: String,
    /// The mesh's id, new at each start; empty for a client.
    pub mesh: String,
    /// The sender's monotonic clock, in nanoseconds, for the offset between emitters.
    pub clock_ns: u64,
    /// The token, where the stream needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What went wrong with a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProtocolError {
    /// The stream ended or broke.
    #[error("the connection ended: {0}")]
    Closed(String),
    /// A frame is longer than allowed, or no JSON of the expected form.
    #[error("unreadable frame: {0}")]
    Frame(String),
    /// The other side speaks no common protocol, or is not who was expected.
    #[error("no common protocol: {0}")]
    Hello(String),
    /// The request was refused; `kind` is stable, `detail` typed by it.
    #[error("{message}")]
    Refused {
        /// A stable word, for example `no_edge`, `port_taken`.
        kind: String,
        /// For people.
        message: String,
        /// What else there is to say, by `kind`.
        detail: Value,
    },
}

/// The session's number at the serving side; leases belong to it.
pub type SessionId = u64;

/// What the serving side does.
#[async_trait::async_trait]
pub trait Handler: Send + Sync {
    /// Answers a request.
    async fn request(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError>;

    /// Opens a subscription; its items go out until the stream or the session ends.
    async fn subscribe(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<BoxStream<'static, Value>, ProtocolError>;

    /// The session ended, however it did.
    async fn ended(&self, session: SessionId);
}

/// The asking side of a connection. Clones share it; it ends with the last one.
#[derive(Debug, Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {}

impl Session {
    /// Who answered.
    #[must_use]
    pub fn peer(&self) -> &Hello {
        todo!()
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// When the request is refused or the stream ends.
    pub async fn request<T: DeserializeOwned>(
        &self,
        _method: &str,
        _parameters: impl Serialize,
    ) -> Result<T, ProtocolError> {
        let _ = &self.inner;
        todo!()
    }

    /// Subscribes; dropping the stream ends the subscription.
    ///
    /// # Errors
    /// When it is refused or the stream ends.
    pub async fn subscribe<T: DeserializeOwned + Send + 'static>(
        &self,
        _method: &str,
        _parameters: impl Serialize,
    ) -> Result<BoxStream<'static, T>, ProtocolError> {
        todo!()
    }
}
