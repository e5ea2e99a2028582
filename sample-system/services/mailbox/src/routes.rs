//! The mailbox's HTTP interface: `GET /mails?to=ADDRESS`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use shop::problem::Problem;

use crate::mails::{Mails, Shown};

/// Which mails are asked for.
#[derive(Debug, Deserialize)]
struct Asked {
    to: String,
}

/// The routes over `mails`.
pub(crate) fn routes(mails: Mails) -> Router {
    Router::new().route("/mails", get(list)).with_state(mails)
}

async fn list(
    State(mails): State<Mails>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Problem> {
    let Ok(Query(Asked { to })) = asked else {
        let detail = "name the recipient once: GET /mails?to=ADDRESS";
        return Err(Problem::bad_request(detail));
    };
    let found = mails.to(to).await;
    found.map(Json).map_err(|error| Problem::internal(&error))
}
