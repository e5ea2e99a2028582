//! Inventory's HTTP interface beside health and metrics: `contracts/openapi/inventory.yaml`, what
//! the auditor reads. For operators alone.

use axum::extract::{FromRef, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use shop::page::{self, Page};
use shop::problem::Problem;
use shop::token::{Keys, Operator};

use crate::stock::StockRoom;

/// What the routes need.
#[derive(Clone)]
struct Office {
    room: StockRoom,
    keys: Keys,
}

impl FromRef<Office> for Keys {
    fn from_ref(office: &Office) -> Self {
        office.keys.clone()
    }
}

/// The routes over `room`, for those whom `keys` know as operators.
pub(crate) fn routes(room: StockRoom, keys: Keys) -> Router {
    Router::new()
        .route("/audit/stock", get(movements))
        .route("/audit/reservations", get(reservations))
        .with_state(Office { room, keys })
}

async fn movements(
    State(Office { room, .. }): State<Office>,
    _: Operator,
    Page { after, limit }: Page,
) -> Result<Json<Value>, Problem> {
    page::items(room.movements(after, limit).await)
}

async fn reservations(
    State(Office { room, .. }): State<Office>,
    _: Operator,
    Page { after, limit }: Page,
) -> Result<Json<Value>, Problem> {
    page::items(room.reservations(after, limit).await)
}
