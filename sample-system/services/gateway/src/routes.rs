//! The shop's public HTTP interface: `contracts/openapi/gateway.yaml`.

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, Method};
use serde::Deserialize;
use shop::http_client::Peer;
use shop::problem::Problem;
use shop::sku::Sku;
use shop::trace_context::{BAGGAGE, TRACEPARENT, TraceContext};
use uuid::Uuid;

use crate::GatewayError;
use crate::config::Config;
use crate::forward::{RawBody, forward, with_content};
use crate::stock::Inventory;
use crate::{orders, stock};

/// The services behind the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Upstreams {
    pub(crate) catalog: Peer,
    pub(crate) inventory: Inventory,
    pub(crate) orders: Peer,
    pub(crate) payments: Peer,
    pub(crate) mailbox: Peer,
}

impl Upstreams {
    /// The services that `config` names.
    pub(crate) fn new(config: &Config) -> Result<Self, GatewayError> {
        let timeout = config.upstream_timeout;
        Ok(Self {
            catalog: Peer::new("catalog", &config.catalog_url, timeout)?,
            inventory: Inventory::new(&config.inventory_url, timeout)?,
            orders: Peer::new("orders", &config.orders_url, config.orders_timeout)?,
            payments: Peer::new("payments", &config.payments_url, timeout)?,
            mailbox: Peer::new("mailbox", &config.mailbox_url, timeout)?,
        })
    }
}

/// The routes to `upstreams`; a request without a trace gets one from `draw`.
pub(crate) fn routes(upstreams: Upstreams, draw: fn() -> (u128, u64)) -> Router {
    Router::new()
        .route("/items/{sku}", get(item).put(put_item))
        .route("/items/{sku}/stock", get(stock::show).put(stock::set))
        .route("/orders", post(orders::place))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/events", get(orders::events))
        .route("/orders/{id}/charges", get(orders::charges))
        .route("/mails", get(mails))
        .with_state(upstreams)
        .layer(from_fn(move |request: Request, next: Next| {
            traced(request, next, draw)
        }))
}

/// A random trace id and span id.
pub(crate) fn draw_trace() -> (u128, u64) {
    let (trace, span) = (Uuid::new_v4(), Uuid::new_v4());
    (trace.as_u128(), span.as_u64_pair().1)
}

/// Lets every request have a `traceparent`, here and behind.
async fn traced(mut request: Request, next: Next, draw: fn() -> (u128, u64)) -> Response {
    let given = TraceContext::from_headers(request.headers());
    if given.traceparent.is_none() {
        let (trace, span) = draw();
        let fresh = given.or_fresh(trace, span);
        let shown = tracing::Span::current();
        shown.record("trace_id", fresh.trace_id());
        shown.record(TRACEPARENT, fresh.traceparent.as_deref());
        shown.record(BAGGAGE, fresh.baggage.as_deref());
        fresh.write_headers(request.headers_mut());
    }
    next.run(request).await
}

async fn item(
    State(upstreams): State<Upstreams>,
    Path(sku): Path<String>,
    trace: TraceContext,
) -> Result<Response, Problem> {
    let path = format!("/items/{}", checked_sku(sku)?);
    forward(upstreams.catalog.request(Method::GET, &path, &trace)).await
}

async fn put_item(
    State(upstreams): State<Upstreams>,
    Path(sku): Path<String>,
    trace: TraceContext,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    let path = format!("/items/{}", checked_sku(sku)?);
    let request = upstreams.catalog.request(Method::PUT, &path, &trace);
    forward(with_content(request, &headers, body)).await
}

#[derive(Debug, Deserialize)]
struct To {
    to: String,
}

async fn mails(
    State(upstreams): State<Upstreams>,
    to: Result<Query<To>, axum::extract::rejection::QueryRejection>,
    trace: TraceContext,
) -> Result<Response, Problem> {
    let Query(To { to }) =
        to.map_err(|_| Problem::bad_request("say whose mails: /mails?to=ADDRESS"))?;
    forward(
        upstreams
            .mailbox
            .request(Method::GET, "/mails", &trace)
            .query("to", &to),
    )
    .await
}

/// `sku` where it is one.
pub(crate) fn checked_sku(sku: String) -> Result<Sku, Problem> {
    Sku::try_from(sku).map_err(|error| Problem::bad_request(error.to_string()))
}

#[cfg(test)]
mod tests;
