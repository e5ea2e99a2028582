//! The server's side of the two hellos: who may stay.

use tokio::io::AsyncRead;
use tokio::sync::mpsc;

use super::frame;
use super::{HELLO, Hello, ProtocolError};

/// Both hellos; whether there is a client at all.
pub(super) async fn greet(
    read: &mut (impl AsyncRead + Unpin),
    out: &mpsc::Sender<Vec<u8>>,
    mut hello: Hello,
) -> Result<bool, ProtocolError> {
    let Some(bytes) = frame::read(read).await? else {
        return Ok(false);
    };
    let client: Hello = frame::decode(&bytes)
        .map_err(|e| ProtocolError::Hello(format!("the client is no msvc ({e})")))?;
    if client.schema != HELLO || client.protocol == 0 {
        return Err(ProtocolError::Hello(format!(
            "the client says {} with protocol {}",
            client.schema, client.protocol
        )));
    }
    if let Some(expected) = hello.token.take()
        && !client.token.is_some_and(|given| same(&expected, &given))
    {
        return Err(ProtocolError::Hello("the token is wrong".to_owned()));
    }
    let bytes = frame::encode(&hello)?;
    Ok(out.send(bytes).await.is_ok())
}

/// Compares without telling by its time how much was right.
fn same(expected: &str, given: &str) -> bool {
    expected.len() == given.len()
        && expected
            .bytes()
            .zip(given.bytes())
            .fold(0, |differs, (a, b)| differs | (a ^ b))
            == 0
}
