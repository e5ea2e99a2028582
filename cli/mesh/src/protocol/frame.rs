//! What goes over the stream: bytes in, frames out, and back.

use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{MAX_FRAME, ProtocolError};

/// Every frame after the hello. Ids are chosen by the client, ascending, never used twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Frame {
    /// Client: asks.
    Request {
        id: u64,
        method: String,
        parameters: Value,
    },
    /// Server: the answer to a request.
    Answer { id: u64, value: Value },
    /// Server: a request or subscription is refused.
    Refused {
        id: u64,
        kind: String,
        message: String,
        #[serde(default)]
        detail: Value,
    },
    /// Client: subscribes, with room for this many items.
    Subscribe {
        id: u64,
        method: String,
        parameters: Value,
        credit: u32,
    },
    /// Server: the subscription stands.
    Subscribed { id: u64 },
    /// Server: one item of a subscription.
    Item { id: u64, value: Value },
    /// Client: room for this many items more.
    Credit { id: u64, items: u32 },
    /// Client: wants no more items.
    Cancel { id: u64 },
    /// Server: the subscription has no more items.
    End { id: u64 },
    /// Either: why the connection ends now. The last frame.
    Closing { reason: String },
}

/// A frame's bytes, its length first.
pub(super) fn encode(frame: &impl Serialize) -> Result<Vec<u8>, ProtocolError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, frame)
        .map_err(|e| ProtocolError::Frame(format!("not to be written as JSON: {e}")))?;
    let length = bytes.len() - 4;
    let prefix = u32::try_from(length)
        .ok()
        .filter(|_| length <= MAX_FRAME)
        .ok_or_else(|| too_long(length))?;
    bytes[..4].copy_from_slice(&prefix.to_be_bytes());
    Ok(bytes)
}

/// What a frame's bytes say, without their length.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProtocolError> {
    serde_json::from_slice(bytes).map_err(|e| ProtocolError::Frame(e.to_string()))
}

fn too_long(length: usize) -> ProtocolError {
    ProtocolError::Frame(format!(
        "a frame of {length} bytes is longer than the {MAX_FRAME} allowed"
    ))
}

/// The next frame's bytes; `None` at the end of the stream between frames. Not safe to drop
/// halfway.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<Vec<u8>>, ProtocolError> {
    let mut prefix = [0; 4];
    let mut filled = 0;
    while filled < prefix.len() {
        match stream.read(&mut prefix[filled..]).await {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ProtocolError::Closed("in the middle of a frame".to_owned())),
            Ok(n) => filled += n,
            Err(e) => return Err(ProtocolError::Closed(e.to_string())),
        }
    }
    let length = u32::from_be_bytes(prefix) as usize;
    if length > MAX_FRAME {
        return Err(too_long(length));
    }
    // Memory follows what really arrives, not what the length promises.
    let mut bytes = Vec::with_capacity(length.min(64 * 1024));
    stream
        .take(length as u64)
        .read_to_end(&mut bytes)
        .await
        .map_err(|e| ProtocolError::Closed(e.to_string()))?;
    if bytes.len() < length {
        return Err(ProtocolError::Closed("in the middle of a frame".to_owned()));
    }
    Ok(Some(bytes))
}

/// Writes what comes until the queue's last sender is gone or the stream breaks; then closes.
pub(super) async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut queue: impl Stream<Item = Vec<u8>> + Unpin,
) {
    while let Some(bytes) = queue.next().await {
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    // The other side may be gone already; then there is nothing left to close.
    let _ = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let frame = Frame::Refused {
            id: 7,
            kind: "no_edge".to_owned(),
            message: "no".to_owned(),
            detail: serde_json::json!({"nearest": ["a"]}),
        };
        let bytes = encode(&frame).unwrap();
        assert_eq!(decode::<Frame>(&bytes[4..]).unwrap(), frame);
    }

    #[test]
    fn an_oversized_frame_is_refused_before_it_is_sent() {
        let frame = Frame::Answer {
            id: 1,
            value: Value::String("x".repeat(MAX_FRAME)),
        };
        assert!(matches!(encode(&frame), Err(ProtocolError::Frame(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = decode::<Frame>(&bytes);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut stream = bytes.as_slice();
                while let Ok(Some(_)) = read(&mut stream).await {}
            });
        }
    }
}
