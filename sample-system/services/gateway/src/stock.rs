//! The stock of an item: HTTP here, gRPC at inventory.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use shop::grpc::client::before;
use shop::idempotency::IDEMPOTENCY_KEY;
use shop::inventory;
use shop::inventory::v1::{GetStockRequest, SetStockRequest, Stock};
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
    units: u32,
}

/// `GET /items/{sku}/stock`
pub(crate) async fn show(upstreams: &Upstreams, asked: &Asked) -> Result<Response, Problem> {
    let sku = asked.parameter("sku").to_owned();
    let request = request(GetStockRequest { sku }, asked);
    answer(upstreams.inventory().get_stock(request).await)
}

/// `PUT /items/{sku}/stock`
pub(crate) async fn set(upstreams: &Upstreams, asked: &Asked) -> Result<Response, Problem> {
    let Body(Units { units }) = Body::of(&asked.headers, &asked.body)?;
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
