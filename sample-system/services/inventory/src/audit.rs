//! Inventory's HTTP interface beside health and metrics: `contracts/openapi/inventory.yaml`, what
//! the auditor reads. For operators alone.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRef, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shop::database::DatabaseError;
use shop::problem::Problem;
use shop::token::{Keys, Operator};

use crate::stock::StockRoom;

/// Items that one page has, where the caller does not say.
const PAGE: u32 = 100;

/// Items that one page may have.
const LARGEST_PAGE: u32 = 1000;

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

/// Which page of a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    after: i64,
    #[serde(default = "page")]
    limit: u32,
}

fn page() -> u32 {
    PAGE
}

async fn movements(
    State(Office { room, .. }): State<Office>,
    _: Operator,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Page { after, limit } = checked(page)?;
    answer(room.movements(after, limit).await)
}

async fn reservations(
    State(Office { room, .. }): State<Office>,
    _: Operator,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Page { after, limit } = checked(page)?;
    answer(room.reservations(after, limit).await)
}

fn checked(page: Result<Query<Page>, QueryRejection>) -> Result<Page, Problem> {
    let Ok(Query(Page { after, limit })) = page else {
        return Err(Problem::bad_request("give after and limit as numbers"));
    };
    let limit = limit.clamp(1, LARGEST_PAGE);
    Ok(Page { after, limit })
}

fn answer(items: Result<Vec<impl Serialize>, DatabaseError>) -> Result<Json<Value>, Problem> {
    let items = items.map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "items": items })))
}
