//! Catalog's HTTP interface: `contracts/openapi/catalog.yaml`. Both versions of an item are served
//! by the same handlers; [`shapes`](crate::shapes) says what differs.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRef, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shop::idempotency::{IdempotencyKey, another_request};
use shop::page;
use shop::problem::{Body, InPath, Problem};
use shop::sku::Sku;
use shop::token::{Keys, Operator};
use shop::trace_context::TraceContext;

use crate::items::{Items, Putting, Request};
use crate::shapes::{Shape, V1, V2};

/// Items that a list has, where the caller does not say.
const LISTED: u32 = 20;

/// Items that a list may have.
const MOST_LISTED: u32 = 50;

/// What the routes need.
#[derive(Clone)]
struct Shelf {
    items: Items,
    keys: Keys,
}

impl FromRef<Shelf> for Items {
    fn from_ref(shelf: &Shelf) -> Self {
        shelf.items.clone()
    }
}

impl FromRef<Shelf> for Keys {
    fn from_ref(shelf: &Shelf) -> Self {
        shelf.keys.clone()
    }
}

/// The routes over `items`; those whom `keys` know as operators may change them.
pub(crate) fn routes(items: Items, keys: Keys) -> Router {
    Router::new()
        .route("/v1/items/{sku}", get(show::<V1>).put(put::<V1>))
        .route("/v2/items/{sku}", get(show::<V2>).put(put::<V2>))
        .route("/v2/items", get(list))
        .with_state(Shelf { items, keys })
}

async fn show<S: Shape>(
    State(items): State<Items>,
    InPath(sku): InPath<String>,
) -> Result<Json<S>, Problem> {
    let sku = checked(sku)?;
    let missing = format!("no item {sku}: add it with PUT /v2/items/{sku}");
    let item = items.get(sku).await;
    let item = item.map_err(|error| Problem::internal(&error))?;
    item.map(|item| Json(item.into()))
        .ok_or_else(|| Problem::not_found(missing))
}

async fn put<S: Shape>(
    State(items): State<Items>,
    Operator(caller): Operator,
    InPath(sku): InPath<String>,
    key: Option<IdempotencyKey>,
    trace: TraceContext,
    Body(description): Body<S::Description>,
) -> Result<Json<S>, Problem> {
    let (sku, said) = (checked(sku)?, S::said(description)?);
    let request = Request {
        account: caller.account_id,
        key,
        trace,
    };
    match items.put(request, sku, said).await {
        Ok(Putting::Stands(item)) => Ok(Json(item.into())),
        Ok(Putting::Different) => Err(another_request()),
        Err(error) => Err(Problem::internal(&error)),
    }
}

/// Which items are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    featured: Option<bool>,
    #[serde(default = "listed")]
    limit: u32,
}

fn listed() -> u32 {
    LISTED
}

async fn list(
    State(items): State<Items>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Ok(Query(Asked { featured, limit })) = asked else {
        let wanted = "give featured as true or false, and limit as a number";
        return Err(Problem::bad_request(wanted));
    };
    let limit = page::limit(limit, MOST_LISTED)?;
    let found = items.list(featured, limit).await;
    let found = found.map_err(|error| Problem::internal(&error))?;
    let shown: Vec<V2> = found.into_iter().map(V2::from).collect();
    Ok(Json(json!({ "items": shown })))
}

fn checked(sku: String) -> Result<Sku, Problem> {
    Sku::try_from(sku).map_err(|error| Problem::bad_request(error.to_string()))
}

#[cfg(test)]
mod tests;
