//! The mailbox's HTTP interface: `contracts/openapi/mailbox.yaml`. Mails are for operators alone.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRef, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shop::problem::Problem;
use shop::token::{Keys, Operator};

use crate::mails::{Asked, Mails, Shown};

/// Entries that one page of the list has, where the caller does not say.
const PAGE: u32 = 100;

/// Entries that one page of the list may have.
const LARGEST_PAGE: u32 = 1000;

/// Which page of the list is asked for.
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

/// What the routes need.
#[derive(Clone)]
struct Office {
    mails: Mails,
    keys: Keys,
}

impl FromRef<Office> for Keys {
    fn from_ref(office: &Office) -> Self {
        office.keys.clone()
    }
}

/// The routes over `mails`, for those whom `keys` know as operators.
pub(crate) fn routes(mails: Mails, keys: Keys) -> Router {
    Router::new()
        .route("/mails", get(found))
        .route("/audit/mails", get(list))
        .with_state(Office { mails, keys })
}

async fn found(
    State(Office { mails, .. }): State<Office>,
    _: Operator,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Problem> {
    let wanted = "say which mails: /mails?to=ADDRESS, kind=KIND or order_id=ID, each once";
    let asked = match asked {
        Ok(Query(asked)) if asked != Asked::default() => asked,
        Ok(_) | Err(_) => return Err(Problem::bad_request(wanted)),
    };
    let found = mails.found(asked).await;
    found.map(Json).map_err(|error| Problem::internal(&error))
}

/// Every mail in the order in which it came, without its content.
async fn list(
    State(Office { mails, .. }): State<Office>,
    _: Operator,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Ok(Query(Page { after, limit })) = page else {
        return Err(Problem::bad_request("give after and limit as numbers"));
    };
    let limit = limit.clamp(1, LARGEST_PAGE);
    let entries = mails.after(after, limit).await;
    let entries = entries.map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "items": entries })))
}
