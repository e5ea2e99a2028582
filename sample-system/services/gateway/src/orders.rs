//! Orders and what belongs to them: placed and shown by orders, charged by payments.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use shop::problem::Problem;
use shop::trace_context::TraceContext;

use crate::forward::{RawBody, forward, unreachable, with_content};
use crate::routes::Upstreams;

/// Characters that an order's id may have.
const LONGEST_ID: usize = 64;

/// `POST /orders`
pub(crate) async fn place(
    State(upstreams): State<Upstreams>,
    trace: TraceContext,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    let request = upstreams.orders.request(Method::POST, "/orders", &trace);
    forward(with_content(request, &headers, body)).await
}

/// `GET /orders/{id}`
pub(crate) async fn show(
    State(upstreams): State<Upstreams>,
    Path(id): Path<String>,
    trace: TraceContext,
) -> Result<Response, Problem> {
    let path = format!("/orders/{}", checked_id(&id)?);
    forward(upstreams.orders.request(Method::GET, &path, &trace)).await
}

/// `GET /orders/{id}/events`
pub(crate) async fn events(
    State(upstreams): State<Upstreams>,
    Path(id): Path<String>,
    trace: TraceContext,
) -> Result<Response, Problem> {
    let path = format!("/orders/{}/events", checked_id(&id)?);
    forward(upstreams.orders.request(Method::GET, &path, &trace)).await
}

/// A charge as customers see it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Charge {
    id: String,
    status: String,
    amount: i64,
    currency: String,
}

/// `GET /orders/{id}/charges`
pub(crate) async fn charges(
    State(upstreams): State<Upstreams>,
    Path(id): Path<String>,
    trace: TraceContext,
) -> Result<Json<Vec<Charge>>, Problem> {
    let request = upstreams.payments.request(Method::GET, "/charges", &trace);
    let answer = request.query("order_id", checked_id(&id)?).send().await;
    let charges = answer.and_then(|answer| match answer.status {
        StatusCode::OK => answer.json(),
        _ => Err(answer.unreadable("wanted 200")),
    });
    charges.map(Json).map_err(|error| unreachable(&error))
}

/// An id that is safe in a path as it is; any other names no order.
fn checked_id(id: &str) -> Result<&str, Problem> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(allowed) {
        return Err(Problem::not_found("no such order"));
    }
    Ok(id)
}
