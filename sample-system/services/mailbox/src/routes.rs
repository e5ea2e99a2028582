//! The mailbox's HTTP interface: `contracts/openapi/mailbox.yaml`. Mails are for operators alone.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRef, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use shop::page::{self, Page};
use shop::problem::Problem;
use shop::token::{Keys, Operator};

use crate::mails::{Asked, Mails, Shown};

/// The kinds of mails, as notifications writes them.
const KINDS: [&str; 3] = ["confirmation", "shipment", "cancellation"];

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
    let wanted = "say which mails: /mails?to=ADDRESS, kind=KIND or order_id=ID, each once; \
                  KIND is confirmation, shipment or cancellation";
    let asked = match asked {
        Ok(Query(asked)) if asked != Asked::default() && is_one(asked.kind.as_deref()) => asked,
        Ok(_) | Err(_) => return Err(Problem::bad_request(wanted)),
    };
    let found = mails.found(asked).await;
    found.map(Json).map_err(|error| Problem::internal(&error))
}

/// Whether mails of the shop can be of this kind. Others keep what they came with.
fn is_one(kind: Option<&str>) -> bool {
    kind.is_none_or(|kind| KINDS.contains(&kind))
}

/// Every mail in the order in which it came, without its content.
async fn list(
    State(Office { mails, .. }): State<Office>,
    _: Operator,
    Page { after, limit }: Page,
) -> Result<Json<Value>, Problem> {
    page::items(mails.after(after, limit).await)
}
