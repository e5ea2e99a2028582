//! An HTTP service from its listener to its end: `/healthz`, `/readyz`, `/metrics`, access log,
//! limits of size and of work taken on, deadlines, panics and unknown routes as problem+json, and a
//! shutdown that lets work in hand finish within a grace time.
//!
//! The caller binds the listener and passes shutdown in.

mod connections;
mod crowd;
pub mod door;
pub mod patience;
pub(crate) mod patient;
pub mod queue;
mod rest;
mod told;
mod unread;
mod whole;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use futures_util::Stream;
use http::{HeaderValue, StatusCode, Version, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use self::crowd::Crowd;
pub use self::crowd::{Pace, network};
use self::door::{Closing, Door};
use self::patience::Patience;
use self::patient::Patient;
use self::queue::{Queue, QueueLimits};
pub use self::told::Remote;
use self::told::Told;
pub use self::whole::HeaderLimits;
use self::whole::Whole;
use crate::database::Database;
use crate::draw::Draw;
use crate::grace::within;
use crate::metrics::{self, Counters, Metrics, Protocol, Served, UNMATCHED};
use crate::problem::Problem;
use crate::token::Caller;
use crate::trace_context::TraceContext;

/// Bytes that a request's body may have. No request of the shop needs 2 kB; this leaves room.
const BODY_LIMIT: usize = 64 * 1024;

/// What a request that was refused for want of room is told: seconds after which to ask again. By
/// then whatever waits has had its turn or has been refused.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why a service could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address could not be had.
    #[error("cannot listen at {address}: {source}; set LISTEN to an address that is free")]
    Listen {
        /// The address as it was configured.
        address: String,
        /// What the machine said.
        source: io::Error,
    },
    /// The listener failed while serving.
    #[error("stopped serving: {0}")]
    Serve(io::Error),
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

    /// Also ask whether `database` can be read and written.
    pub fn and_database(self, database: &Database) -> Self {
        let database = database.clone();
        self.and("the database", move || {
            let database = database.clone();
            async move { database.answers().await }
        })
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

/// What a service has besides its routes. Clones share figures and queue, for a service that
/// listens twice.
#[derive(Clone)]
pub struct Serving {
    readiness: Readiness,
    metrics: Metrics,
    queue: Queue,
    patience: Patience,
    crowd: Crowd,
    ended: Counters,
    headers: HeaderLimits,
    body_limit: usize,
    draw: Draw,
}

impl Serving {
    /// Serves while ready as `readiness` says, counted in `metrics`.
    pub fn new(readiness: Readiness, metrics: Metrics) -> Self {
        let patience = Patience::default();
        let ended = metrics.counters(
            "connections_ended",
            "Connections ended, or refused, since too little came of them, by why",
        );
        Self {
            readiness,
            metrics,
            queue: Queue::new(QueueLimits::default()),
            crowd: Crowd::new(patience.per_address),
            patience,
            ended,
            headers: HeaderLimits::default(),
            body_limit: BODY_LIMIT,
            draw: Draw::system(),
        }
    }

    /// Where it is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes the ids of new traces from `draw`.
    #[must_use]
    pub fn drawing(mut self, draw: Draw) -> Self {
        self.draw = draw;
        self
    }

    /// Takes on as much as `limits` say, its clones together.
    #[must_use]
    pub fn within(mut self, limits: QueueLimits) -> Self {
        self.queue = Queue::new(limits);
        self
    }

    /// Waits for whoever is at the other end as long as `patience` says, its clones for all of
    /// them together.
    #[must_use]
    pub fn patient(mut self, patience: Patience) -> Self {
        self.crowd = Crowd::new(patience.per_address);
        self.patience = patience;
        self
    }

    /// Takes headers within `limits`.
    #[must_use]
    pub fn headers_within(mut self, limits: HeaderLimits) -> Self {
        self.headers = limits;
        self
    }

    /// Takes bodies of at most `bytes`.
    #[must_use]
    pub fn bodies_up_to(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

impl From<Readiness> for Serving {
    /// With figures of its own and the default limits.
    fn from(readiness: Readiness) -> Self {
        Self::new(readiness, Metrics::new())
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
    serving: impl Into<Serving>,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), ServeError> {
    let door = Door::new(listener, shutdown.clone()).map_err(ServeError::Serve)?;
    let closing = door.closing();
    on(door, closing, routes, serving, shutdown, grace).await
}

/// As [`http`], at a listener behind a door of any kind.
///
/// # Errors
/// When the listener fails.
pub async fn on(
    listener: impl Listener<Addr = SocketAddr>,
    closing: Closing,
    routes: Router,
    serving: impl Into<Serving>,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), ServeError> {
    let serving = serving.into();
    let listener = Told::new(listener, serving.clone());
    let app = app(routes, serving, shutdown.clone());
    let serve = connections::serve(listener, app, closing);
    if within(grace, &shutdown, serve).await.is_none() {
        let grace_ms = milliseconds(grace);
        tracing::warn!(grace_ms, "left work in hand at shutdown");
    }
    Ok(())
}

/// Who comes to `listener`, for a server of another kind (gRPC): connections are ended when too little
/// comes of them, as `serving` says. Requests that are in hand are told by [`Pace`], which that server
/// finds in their extensions.
pub fn incoming<L: Listener<Addr = SocketAddr>>(
    listener: L,
    serving: &Serving,
) -> impl Stream<Item = io::Result<Patient<L::Io>>> + use<L> {
    Told::new(listener, serving.clone()).incoming()
}

/// `routes` with everything that each service has.
fn app(routes: Router, serving: Serving, shutdown: CancellationToken) -> Router {
    let Serving {
        readiness,
        metrics,
        queue,
        patience,
        headers,
        body_limit,
        draw,
        ..
    } = serving;
    let served = metrics.served(Protocol::Http);
    let (shown, line) = (metrics.resource("requests"), queue.clone());
    metrics.at_scrape(move || shown.waiting(u64::try_from(line.waiting()).unwrap_or(u64::MAX)));
    let whole = Whole {
        queue,
        served: served.clone(),
        within: patience.body,
        headers,
        body: body_limit,
    };
    let probes = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state((readiness, shutdown.clone()))
        .route("/metrics", get(figures))
        .with_state(metrics)
        .method_not_allowed_fallback(another_method);
    routes
        .fallback(|| async { Problem::not_found("no such route") })
        .method_not_allowed_fallback(another_method)
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(whole, whole::admit))
        .layer(from_fn_with_state((served, draw), access_log))
        .merge(probes)
        .layer(from_fn_with_state(shutdown, last))
        .layer(from_fn(whole::noted))
}

/// From the shutdown on each answer is the last of its connection, and says so: who keeps
/// connections to use them again does not use one that is about to end.
async fn last(State(shutdown): State<CancellationToken>, request: Request, next: Next) -> Response {
    // HTTP/2 has a frame for that.
    let says_so = request.version() <= Version::HTTP_11;
    let mut response = next.run(request).await;
    if says_so && shutdown.is_cancelled() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

async fn another_method() -> Problem {
    let detail = "this route does not take this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
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

async fn figures(State(metrics): State<Metrics>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)],
        metrics.read().await,
    )
}

/// One line and one count for each request, under the request's own trace or a new one, which it
/// then has for whoever comes next; with the account where whoever answered says it (a [`Caller`]
/// among the answer's extensions). The query is left out: it can hold a mail address.
async fn access_log(
    State((served, draw)): State<(Served, Draw)>,
    mut request: Request,
    next: Next,
) -> Response {
    let trace = TraceContext::from_headers(request.headers()).or_drawn(&draw);
    trace.write_headers(request.headers_mut());
    let span = trace.span();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let counted = served.began(&route, method.as_str());
    async move {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        let took = milliseconds(counted.answered(status));
        let account = response.extensions().get::<Caller>();
        let account = account.map(|caller| tracing::field::display(caller.account_id));
        tracing::info!(%method, path, route, status, account, milliseconds = took, "answered");
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
