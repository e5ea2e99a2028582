//! The stock of an item: HTTP here, gRPC at inventory.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shop::inventory::v1::{GetStockRequest, SetStockRequest, Stock};
use shop::inventory::{self, AddressError};
use shop::problem::{Body, Problem};
use shop::trace_context::TraceContext;
use tonic::{Code, Status};

use crate::routes::{Upstreams, checked_sku};

/// Inventory, called over gRPC.
#[derive(Debug, Clone)]
pub(crate) struct Inventory {
    client: inventory::Client,
}

impl Inventory {
    /// The inventory at `url`, given `timeout` for each call.
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self, AddressError> {
        Ok(Self {
            client: inventory::connect(url, timeout)?,
        })
    }
}

/// How many units can be sold, as customers see it.
#[derive(Debug, Serialize)]
pub(crate) struct Level {
    sku: String,
    available: u32,
}

impl From<tonic::Response<Stock>> for Level {
    fn from(response: tonic::Response<Stock>) -> Self {
        let Stock { sku, available } = response.into_inner();
        Self { sku, available }
    }
}

/// What a shop assistant says about an item's stock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Units {
    units: u32,
}

/// `GET /items/{sku}/stock`
pub(crate) async fn show(
    State(upstreams): State<Upstreams>,
    Path(sku): Path<String>,
    trace: TraceContext,
) -> Result<Json<Level>, Problem> {
    let message = GetStockRequest {
        sku: checked_sku(sku)?.to_string(),
    };
    let mut client = upstreams.inventory.client;
    let reply = client.get_stock(inventory::request(message, &trace)).await;
    reply
        .map(|reply| Json(reply.into()))
        .map_err(|status| refused(&status))
}

/// `PUT /items/{sku}/stock`
pub(crate) async fn set(
    State(upstreams): State<Upstreams>,
    Path(sku): Path<String>,
    trace: TraceContext,
    Body(Units { units }): Body<Units>,
) -> Result<Json<Level>, Problem> {
    let message = SetStockRequest {
        sku: checked_sku(sku)?.to_string(),
        units,
    };
    let mut client = upstreams.inventory.client;
    let reply = client.set_stock(inventory::request(message, &trace)).await;
    reply
        .map(|reply| Json(reply.into()))
        .map_err(|status| refused(&status))
}

/// What inventory's status is in HTTP.
fn refused(status: &Status) -> Problem {
    let (code, detail) = match status.code() {
        Code::NotFound => (StatusCode::NOT_FOUND, status.message()),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, status.message()),
        Code::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "inventory cannot be reached now",
        ),
        Code::DeadlineExceeded | Code::Cancelled => (
            StatusCode::GATEWAY_TIMEOUT,
            "inventory gave no answer in time",
        ),
        _ => (StatusCode::BAD_GATEWAY, "inventory gave no good answer"),
    };
    if code.is_server_error() {
        tracing::warn!(%status, "a call failed");
    }
    Problem::new(code, detail)
}
