//! The framed two-way protocol between msvc and a mesh (or the supervisor that is one), over any
//! byte stream. A frame is a 4-byte big-endian length and that many bytes of JSON, at most
//! [`MAX_FRAME`].
//!
//! Each side's first frame is its [`Hello`]. Then the client asks: requests are answered in any
//! order, subscriptions send items until either side ends them. A subscription sends no more items
//! than its client has room for (the client grants credit), so nothing is ever lost between the
//! two and a slow reader of one subscription holds up neither answers nor other subscriptions;
//! what becomes of items that wait for credit is the handler's decision, in the stream it hands
//! out.
//!
//! Layout
//! - `frame`: what goes over the stream.
//! - `client`: [`Session`], the asking side.
//! - `greeting`: who may stay.
//! - `server`: [`serve_connection`], the answering side.

use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod client;
mod frame;
mod greeting;
mod server;

pub use client::Session;
pub use server::serve_connection;

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
    /// The token, where the stream needs one. A server that is given a hello with a token expects
    /// it from its clients and never sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The schema name of a hello.
pub const HELLO: &str = "msvc.hello/1";

impl Hello {
    /// A client's hello.
    #[must_use]
    pub fn client(build: impl Into<String>, clock_ns: u64) -> Self {
        Self::mesh(String::new(), build, clock_ns)
    }

    /// A mesh's or supervisor's hello.
    #[must_use]
    pub fn mesh(mesh: impl Into<String>, build: impl Into<String>, clock_ns: u64) -> Self {
        Self {
            schema: HELLO.to_owned(),
            protocol: PROTOCOL,
            build: build.into(),
            mesh: mesh.into(),
            clock_ns,
            token: None,
        }
    }
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

impl ProtocolError {
    /// A refusal without details.
    #[must_use]
    pub fn refused(kind: &str, message: impl Into<String>) -> Self {
        Self::refused_with(kind, message, Value::Null)
    }

    /// A refusal with details.
    #[must_use]
    pub fn refused_with(kind: &str, message: impl Into<String>, detail: Value) -> Self {
        Self::Refused {
            kind: kind.to_owned(),
            message: message.into(),
            detail,
        }
    }

    /// The stable word of a refusal.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { kind, .. } => Some(kind),
            _ => None,
        }
    }
}

/// The session's number at the serving side; leases belong to it.
pub type SessionId = u64;

/// What the serving side does.
///
/// Requests of one session run side by side. Those that still run when the session ends are
/// dropped where they wait, before [`Handler::ended`] is called: what must be completed whatever
/// the client does belongs into a task of the handler's own.
#[async_trait::async_trait]
pub trait Handler: Send + Sync {
    /// Answers a request.
    async fn request(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError>;

    /// Opens a subscription; its items go out until the stream or the session ends. The stream is
    /// polled only while the client has room for an item; one that must not wait for the client
    /// keeps a bounded store and tells what it dropped.
    async fn subscribe(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<BoxStream<'static, Value>, ProtocolError>;

    /// The session ended, however it did. Called exactly once per session.
    async fn ended(&self, session: SessionId);
}
