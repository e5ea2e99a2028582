//! Shipping's HTTP interface: `contracts/openapi/shipping.yaml`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRef, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shop::page::{self, Page};
use shop::problem::{InPath, Problem};
use shop::token::{Caller, Keys, Operator};

use crate::task::Shipment;
use crate::warehouse::Warehouse;

/// Characters that an id may have.
const LONGEST_ID: usize = 64;

/// What the routes need.
#[derive(Clone)]
struct Counter {
    warehouse: Warehouse,
    keys: Keys,
}

impl FromRef<Counter> for Warehouse {
    fn from_ref(counter: &Counter) -> Self {
        counter.warehouse.clone()
    }
}

impl FromRef<Counter> for Keys {
    fn from_ref(counter: &Counter) -> Self {
        counter.keys.clone()
    }
}

/// The routes over `warehouse`, for those whom `keys` know.
pub(crate) fn routes(warehouse: Warehouse, keys: Keys) -> Router {
    Router::new()
        .route("/shipments", get(of_order))
        .route("/orders/{id}/shipment", get(shown))
        .route("/audit/shipments", get(list))
        .with_state(Counter { warehouse, keys })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfOrder {
    order_id: String,
}

/// The same as [`shown`], for who asks by a query.
async fn of_order(
    warehouse: State<Warehouse>,
    caller: Caller,
    query: Result<Query<OfOrder>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Ok(Query(OfOrder { order_id })) = query else {
        let wanted = "say whose shipment: /shipments?order_id=…";
        return Err(Problem::bad_request(wanted));
    };
    shown(warehouse, caller, InPath(order_id)).await
}

/// How the shipment of an order stands, for whose order it is and for operators. What a caller may
/// not see is not there.
async fn shown(
    State(warehouse): State<Warehouse>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Value>, Problem> {
    let none = || Problem::not_found("no shipment of such an order");
    if id.len() > LONGEST_ID {
        return Err(none());
    }
    let found = warehouse.of_order(id).await;
    let found = found.map_err(|error| Problem::internal(&error))?;
    let may_see = |shipment: &Shipment| match shipment.account_id.parse() {
        Ok(account) => caller.may_see(account),
        Err(_) => caller.is_operator(),
    };
    let shipment = found.into_iter().find(may_see).ok_or_else(none)?;
    let mut shown = json!({ "order_id": shipment.order_id, "status": shipment.status });
    if let Some(tracking) = shipment.tracking {
        shown["tracking"] = tracking.into();
    }
    Ok(Json(shown))
}

/// Every shipment in the order in which it came, for operators.
async fn list(
    State(warehouse): State<Warehouse>,
    _: Operator,
    Page { after, limit }: Page,
) -> Result<Json<Value>, Problem> {
    page::items(warehouse.after(after, limit).await)
}
