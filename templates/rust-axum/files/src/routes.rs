//! The HTTP interface of the items, as `openapi.yaml` describes it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::items::{Description, Item, ItemError, Items, Put, is_id};
use crate::problem::{Body, Problem};

/// Items of a list when the caller does not say how many.
const USUAL_LIMIT: u32 = 100;
/// Items of a list at most.
const HIGHEST_LIMIT: u32 = 1_000;

/// The routes over `items`.
pub fn routes(items: Items) -> Router {
    Router::new()
        .route("/items", get(list))
        .route("/items/{id}", get(show).put(put).delete(delete))
        .with_state(items)
}

/// Which part of the items is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    after: String,
    limit: Option<u32>,
}

/// A part of the items.
#[derive(Debug, Serialize)]
struct List {
    items: Vec<Item>,
}

async fn list(
    State(items): State<Items>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let Query(page) = page.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = page.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=HIGHEST_LIMIT).contains(&limit) {
        let detail = format!("limit: give 1 to {HIGHEST_LIMIT}");
        return Err(Problem::bad_request(detail));
    }
    let items = items.list(page.after, limit).await.map_err(internal)?;
    Ok(Json(List { items }))
}

async fn show(State(items): State<Items>, Id(id): Id) -> Result<Json<Item>, Problem> {
    let found = items.get(id.clone()).await.map_err(internal)?;
    found.map(Json).ok_or_else(|| {
        let detail = format!("no item {id}: add it with PUT /items/{id}");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

async fn put(
    State(items): State<Items>,
    Id(id): Id,
    Body(description): Body<Description>,
) -> Result<(StatusCode, Json<Item>), Problem> {
    let item = Item::new(id, description).map_err(|why| Problem::bad_request(why.to_string()))?;
    let status = match items.put(item.clone()).await.map_err(internal)? {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    Ok((status, Json(item)))
}

async fn delete(State(items): State<Items>, Id(id): Id) -> Result<StatusCode, Problem> {
    items.delete(id).await.map_err(internal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id in the path; what can be none is answered with a [`Problem`].
#[derive(Debug)]
struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        let id = id.ok().filter(|Path(id)| is_id(id));
        id.map(|Path(id)| Self(id))
            .ok_or_else(|| Problem::bad_request(ItemError::Id.to_string()))
    }
}

fn internal(error: crate::database::DatabaseError) -> Problem {
    Problem::internal(&error)
}

#[cfg(test)]
mod tests;
