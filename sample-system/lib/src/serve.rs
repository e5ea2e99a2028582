//! An HTTP service from its listener to its end: `/healthz`, `/readyz`, access log, request size
//! limit, panics and unknown routes as problem+json, and a shutdown that lets work in hand finish
//! within a grace time.
//!
//! The caller binds the listener and passes shutdown in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::problem::Problem;
use crate::trace_context::TraceContext;

/// Bytes that a request's body may have. No request of the shop needs 2 kB; this leaves room.
const BODY_LIMIT: usize = 64 * 1024;

/// Why a service could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address could not be had.
    #[error("cannot listen at {address}: {source}; set LISTEN to an address that is free")]
    Listen {
        /// The address as it was configured.
        address: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The listener failed while serving.
    #[error("stopped serving: {0}")]
    Serve(std::io::Error),
}

/// Binds `address` (`host:port`).
///
/// # Errors
/// When the address cannot be had.
pub async fn listen(address: &str) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen {
            address: address.to_owned(),
            source,
        })?;
    tracing::info!(address, "listening");
    Ok(listener)
}

type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// What must be so for the service to be ready, each with a name that `/readyz` tells.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
}

impl Readiness {
    /// Ready as soon as it serves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also ask `check`, whose answer is whether `name` works.
    pub fn and<F>(
        mut self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.checks
            .push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    async fn answer(&self) -> Result<(), Problem> {
        for (name, check) in &self.checks {
            if !check().await {
                let detail = format!("{name} does not answer");
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
            }
        }
        Ok(())
    }
}

/// Serves `routes` at `listener` until `shutdown`, then finishes what is in hand for at most
/// `grace`.
///
/// # Errors
/// When the listener fails.
pub async fn http(
    listener: TcpListener,
    routes: Router,
    readiness: Readiness,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), ServeError> {
    let app = app(routes, readiness, shutdown.clone());
    let listener = listener.tap_io(|connection| {
        // An answer is small and waited for: never hold it back to fill a packet.
        let _unsupported = connection.set_nodelay(true);
    });
    let drained = shutdown.clone();
    let serve = axum::serve(listener, app)
        .with_graceful_shutdown(async move { drained.cancelled().await })
        .into_future();
    let out_of_grace = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = serve => ended.map_err(ServeError::Serve),
        () = out_of_grace => {
            tracing::warn!(grace_ms = milliseconds(grace), "left work in hand at shutdown");
            Ok(())
        }
    }
}

/// `routes` with everything that each service has.
fn app(routes: Router, readiness: Readiness, shutdown: CancellationToken) -> Router {
    let probes = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state((readiness, shutdown));
    routes
        .fallback(|| async { Problem::not_found("no such route") })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this route does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(access_log))
        .merge(probes)
}

async fn ready(
    State((readiness, shutdown)): State<(Readiness, CancellationToken)>,
) -> Result<&'static str, Problem> {
    if shutdown.is_cancelled() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting down",
        ));
    }
    readiness.answer().await.map(|()| "ready\n")
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the service failed; its log says why",
    )
    .into_response()
}

/// One line for each request, under the request's own trace. The query is left out: it can hold a
/// mail address.
async fn access_log(request: Request, next: Next) -> Response {
    let span = TraceContext::from_headers(request.headers()).span();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let begun = Instant::now();
    async move {
        let response = next.run(request).await;
        tracing::info!(
            %method,
            path,
            status = response.status().as_u16(),
            milliseconds = milliseconds(begun.elapsed()),
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

/// Whole milliseconds, for a log line.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
