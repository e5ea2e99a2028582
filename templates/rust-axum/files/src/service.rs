//! The HTTP service from its listener to its end: probes, limits, and a shutdown that lets work in
//! hand finish.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::Config;
use crate::database::{Database, DatabaseError};
use crate::items::Items;
use crate::problem::Problem;
use crate::{provider_states, routes, trace};

/// Bytes that the body of a request may have.
const BODY_LIMIT: usize = 64 * 1024;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The machine did not give what a program needs.
    #[error("cannot start: {0}")]
    Start(std::io::Error),
    /// The database could not be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The address could not be had.
    #[error("cannot listen at {address}: {source}; set LISTEN to an address that is free")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The listener failed.
    #[error("stopped serving: {0}")]
    Serve(std::io::Error),
}

/// Runs the service until `shutdown`.
///
/// # Errors
/// When it cannot start, or its listener fails.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), ServiceError> {
    let items = Items::new(Database::open(&config.data_dir)?);
    let address = config.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| ServiceError::Listen { address, source })?;
    tracing::info!(%address, "listening");
    let app = app(items, &config, shutdown.clone());
    serve(listener, app, config.shutdown_grace, shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Serves `app` until `shutdown`, then finishes what is in hand for at most `grace`.
async fn serve(
    listener: TcpListener,
    app: Router,
    grace: Duration,
    shutdown: CancellationToken,
) -> Result<(), ServiceError> {
    let asked = shutdown.clone().cancelled_owned();
    let serving = axum::serve(listener, app).with_graceful_shutdown(asked);
    let out_of_grace = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = serving.into_future() => ended.map_err(ServiceError::Serve),
        () = out_of_grace => {
            tracing::warn!("left work in hand at shutdown");
            Ok(())
        }
    }
}

/// All routes, with what every request has to pass.
pub fn app(items: Items, config: &Config, shutdown: CancellationToken) -> Router {
    let states = if config.provider_states {
        tracing::warn!("PROVIDER_STATES is on: anybody may set the data");
        provider_states::routes(items.clone())
    } else {
        Router::new()
    };
    let method = StatusCode::METHOD_NOT_ALLOWED;
    // The last layer is the first that a request meets.
    let app = routes::routes(items.clone())
        .merge(states)
        .route("/openapi.yaml", get(openapi))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "no such route") })
        .method_not_allowed_fallback(move || async move {
            Problem::new(method, "this route does not take this method")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(config.request_timeout, timed))
        .layer(from_fn(trace::traced));
    let probes = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state((items, shutdown));
    app.merge(probes)
}

/// Whether requests may be sent here: the database answers, and nobody asked the service to stop.
async fn ready(
    State((items, shutdown)): State<(Items, CancellationToken)>,
) -> Result<&'static str, Problem> {
    let unavailable = |why| Problem::new(StatusCode::SERVICE_UNAVAILABLE, why);
    if shutdown.is_cancelled() {
        return Err(unavailable("shutting down"));
    }
    if !items.answer().await {
        return Err(unavailable("the database does not answer"));
    }
    Ok("ready\n")
}

async fn openapi() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "application/yaml")];
    (kind, include_str!("../openapi.yaml"))
}

/// Gives up on a request that takes too long.
async fn timed(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(timeout, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let detail = format!("no answer within {timeout:?}; ask again");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
    })
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    let detail = "the service failed; its log says why";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}

#[cfg(test)]
mod tests;
