//! The connections of a listener, each served until it ends. axum's own loop hands on none of the HTTP
//! library's limits, and over HTTP/2 the library refuses what exceeds them by itself: with a status and
//! nothing else, where nobody sees it. Here it takes more headers than are let in (`whole`), so that the
//! refusal is ours.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::door::Closing;
use super::told::{Remote, Told};

/// Bytes of a head over HTTP/2, counted as it does: three times what any service lets in.
const HEAD: u32 = 64 * 1024;

/// Serves `app` to whoever comes to `listener` until its door is closed, and those who are inside until
/// what they asked is answered.
pub(super) async fn serve<L>(mut listener: Told<L>, app: Router, closing: Closing)
where
    L: Listener<Addr = SocketAddr>,
{
    let (inside, ending) = (TaskTracker::new(), CancellationToken::new());
    let mut closing = pin!(closing.wait());
    loop {
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut closing => break,
        };
        let remote = Remote {
            address,
            pace: stream.stream().pace().clone(),
        };
        inside.spawn(connection(stream, remote, app.clone(), ending.clone()));
    }
    drop(listener);
    ending.cancel();
    inside.close();
    inside.wait().await;
}

/// Answers what is asked on one connection, until it ends or `ending` lets it end.
async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    remote: Remote,
    app: Router,
    ending: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(remote.clone()));
        app.clone().oneshot(request.map(Body::new))
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().max_header_list_size(HEAD);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = ending.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection ended with an error");
    }
}
