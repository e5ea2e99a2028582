//! Callers of whom too little comes, frame by frame over pipes, under a clock that goes on when nobody
//! has anything to do.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::serve::patience::Patience;
use crate::serve::patient::tests::Pipes;
use crate::serve::{self, Readiness, Serving};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A frame of SETTINGS that sets nothing.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A call without a message, to a method that nobody serves.
fn call() -> Vec<u8> {
    // POST, http, an authority and a path.
    let block = [&[0x83, 0x86, 0x41, 1][..], b"a", &[0x44, 4], b"/a/b"].concat();
    let length = u8::try_from(block.len()).unwrap();
    // HEADERS of stream 1, which end both.
    [&[0, 0, length, 1, 5, 0, 0, 0, 1], &block[..]].concat()
}

#[tokio::test(start_paused = true)]
async fn half_a_preface_a_silent_connection_and_an_idle_one_are_ended_as_over_http() {
    let Patience { head, idle, .. } = Patience::default();
    for (said, limit, why) in [
        (vec![], head, "head"),
        (PREFACE[..9].to_vec(), head, "head"),
        ([PREFACE, SETTINGS].concat(), head, "head"),
        ([PREFACE, SETTINGS, &call()].concat(), idle, "idle"),
    ] {
        let metrics = Metrics::new();
        let serving = Serving::new(Readiness::new(), metrics.clone());
        let (callers, pipes) = mpsc::channel(1);
        let (_reporter, health) = tonic_health::server::health_reporter();
        let server = tonic::transport::Server::builder()
            .layer(Admission::new(&metrics, QueueLimits::default()))
            .add_service(health)
            .serve_with_incoming(serve::incoming(Pipes(pipes), &serving));
        tokio::spawn(server);
        let (mut ours, theirs) = tokio::io::duplex(1024);
        callers.send(theirs).await.unwrap();
        let begun = Instant::now();
        ours.write_all(&said).await.unwrap();
        ours.read_to_end(&mut Vec::new()).await.unwrap();
        let took = begun.elapsed();
        let is = limit..limit + Duration::from_millis(10);
        assert!(is.contains(&took), "{said:?}: {took:?}");
        let series = format!("connections_ended_total{{why=\"{why}\"}} 1");
        assert!(metrics.text().contains(&series), "{}", metrics.text());
    }
}
