//! Search's HTTP interface: `contracts/openapi/search.yaml`. Anyone may ask.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shop::database::DatabaseError;
use shop::page;
use shop::problem::Problem;

use crate::model::{Found, Model};

/// Items that an answer has, where the caller does not say.
const SHOWN: u32 = 20;

/// Items that an answer may have.
const MOST_SHOWN: u32 = 50;

/// Characters that may be looked for.
const LONGEST_TEXT: usize = 200;

/// The routes over `model`.
pub(crate) fn routes(model: Model) -> Router {
    Router::new()
        .route("/search", get(search))
        .route("/search/popular", get(popular))
        .with_state(model)
}

fn shown() -> u32 {
    SHOWN
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: String,
    #[serde(default = "shown")]
    limit: u32,
}

async fn search(
    State(model): State<Model>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Ok(Query(Asked { q, limit })) = asked else {
        let wanted = "say what to look for: /search?q=WORDS, and limit as a number";
        return Err(Problem::bad_request(wanted));
    };
    if q.chars().count() > LONGEST_TEXT {
        let detail = format!("q: give at most {LONGEST_TEXT} characters");
        return Err(Problem::bad_request(detail));
    }
    let limit = page::limit(limit, MOST_SHOWN)?;
    answer(model.find(&q, limit).await)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Most {
    #[serde(default = "shown")]
    limit: u32,
}

async fn popular(
    State(model): State<Model>,
    most: Result<Query<Most>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Ok(Query(Most { limit })) = most else {
        return Err(Problem::bad_request("give limit as a number"));
    };
    let limit = page::limit(limit, MOST_SHOWN)?;
    answer(model.popular(limit).await)
}

fn answer(found: Result<Vec<Found>, DatabaseError>) -> Result<Json<Value>, Problem> {
    let found = found.map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "items": found })))
}
