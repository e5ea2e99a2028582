//! The stock of an item: HTTP here, gRPC at inventory.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use shop::grpc::client::before;
use shop::idempotency::IDEMPOTENCY_KEY;
use shop::inventory::v1::{GetStockRequest, SetStockRequest, Stock};
use shop::inventory::{self, LARGEST_LEVEL};
use shop::problem::{Body, Problem};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::gate::Asked;
use crate::upstreams::Upstreams;

/// How many units can be sold, as customers see it.
#[derive(Debug, Serialize)]
struct Level {
    sku: String,
    available: u32,
}

/// What an operator says about an item's stock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    /// Any number, so that whatever is out of bounds is told the bound and not the type.
    units: Number,
}

impl Units {
    fn in_bounds(self) -> Result<u32, Problem> {
        let whole = self.units.as_u64().and_then(|it| u32::try_from(it).ok());
        whole.filter(|it| *it <= LARGEST_LEVEL).ok_or_else(|| {
            let detail = format!("units {}: give 0 to {LARGEST_LEVEL}", self.units);
            Problem::new(StatusCode::BAD_REQUEST, &detail)
        })
    }
}

/// `GET /items/{sku}/stock`
pub(crate) async fn show(upstreams: &Upstreams, asked: &Asked) -> Result<Response, Problem> {
    let sku = asked.parameter("sku").to_owned();
    let request = request(GetStockRequest { sku }, asked);
    answer(upstreams.inventory().get_stock(request).await)
}

/// `PUT /items/{sku}/stock`
pub(crate) async fn set(upstreams: &Upstreams, asked: &Asked) -> Result<Response, Problem> {
    let Body(wanted) = Body::<Units>::of(&asked.headers, &asked.body)?;
    let units = wanted.in_bounds()?;
    let sku = asked.parameter("sku").to_owned();
    let request = request(SetStockRequest { sku, units }, asked);
    answer(upstreams.inventory().set_stock(request).await)
}

/// `message` with the trace, the time left, and what the caller proves and names.
fn request<T>(message: T, asked: &Asked) -> tonic::Request<T> {
    let mut request = inventory::request(message, &asked.trace);
    for name in [header::AUTHORIZATION.as_str(), IDEMPOTENCY_KEY] {
        let value = asked
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        if let Some(Ok(value)) = value.map(MetadataValue::try_from) {
            request.metadata_mut().insert(name, value);
        }
    }
    before(request, asked.deadline)
}

fn answer(reply: Result<tonic::Response<Stock>, Status>) -> Result<Response, Problem> {
    let reply = reply.map_err(|status| refused(&status))?;
    let Stock { sku, available } = reply.into_inner();
    Ok(Json(Level { sku, available }).into_response())
}

/// What inventory's status is in HTTP.
fn refused(status: &Status) -> Problem {
    let (code, detail) = match status.code() {
        Code::NotFound => (StatusCode::NOT_FOUND, status.message()),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, status.message()),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, status.message()),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, status.message()),
        // The same Idempotency-Key with another level.
        Code::AlreadyExists | Code::FailedPrecondition => {
            (StatusCode::UNPROCESSABLE_ENTITY, status.message())
        }
        Code::Unavailable | Code::ResourceExhausted => (
            StatusCode::SERVICE_UNAVAILABLE,
            "inventory cannot be reached now; nothing happened",
        ),
        Code::DeadlineExceeded | Code::Cancelled => (
            StatusCode::GATEWAY_TIMEOUT,
            "inventory gave no answer in time; what was asked may still happen",
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "inventory gave no good answer; what was asked may have happened",
        ),
    };
    if code.is_server_error() {
        tracing::warn!(%status, "a call failed");
    }
    Problem::new(code, detail)
}
