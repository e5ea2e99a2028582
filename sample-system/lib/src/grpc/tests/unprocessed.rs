//! What a peer says of a request that it has the beginning of, frame by frame (RFC 9113).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// What a client begins a connection with.
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
/// A frame with no settings, and one that says that the client's were read.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
/// The kind of frame that begins a request.
const HEADERS: u8 = 1;
/// The connection ends, without an error; the last request that was looked at is none.
const GO_AWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The first request is refused unseen.
const REFUSED: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7];
/// The first request is given up, whatever became of it.
const CANCELLED: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];

/// Answers a request with `frames` and keeps the connection, or ends it where there are none; the
/// status that its caller sees.
async fn answered(frames: &'static [u8]) -> tonic::Status {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(SETTINGS).await.unwrap();
        stream.read_exact(&mut [0; PREFACE]).await.unwrap();
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut rest = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut rest).await.unwrap();
            if head[3] == HEADERS {
                break;
            }
        }
        stream.write_all(frames).await.unwrap();
        (!frames.is_empty()).then_some(stream)
    });
    let (mut client, ..) = client(&url, PATIENCE);
    let status = client.check(ask("")).await.unwrap_err();
    let _kept_until_now = peer.await.unwrap();
    status
}

#[tokio::test]
async fn a_call_that_a_stopping_or_busy_peer_says_it_did_not_look_at_never_arrived() {
    for unseen in [GO_AWAY, REFUSED] {
        let status = answered(unseen).await;
        assert!(never_arrived(&status), "{status:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_or_whose_connection_ends_may_have_arrived() {
    for open in [CANCELLED, &[]] {
        let status = answered(open).await;
        assert!(!never_arrived(&status), "{status:?}");
    }
}
