//! The door for contract tests: brings the items into the state that an interaction of a pact
//! begins with.
//!
//! It is open only with `PROVIDER_STATES=on`, which no place with real data sets. A state that is
//! not known here is refused, because a verification must not pass over it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::items::{Description, Item, Items};
use crate::problem::{Body, Problem};

/// The route that takes states.
pub fn routes(items: Items) -> Router {
    Router::new()
        .route("/_pact/states", post(set))
        .with_state(items)
}

#[derive(Debug, Deserialize)]
struct Change {
    state: String,
    #[serde(default)]
    action: Action,
    #[serde(default)]
    params: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Setup,
    Teardown,
}

async fn set(
    State(items): State<Items>,
    Body(change): Body<Change>,
) -> Result<Json<Map<String, Value>>, Problem> {
    // Each state begins from a clean start, so there is nothing to take down after it.
    if matches!(change.action, Action::Setup) {
        let wanted = match change.state.as_str() {
            "there are no items" => None,
            "there is one item" => Some(item(&change.params)?),
            unknown => {
                let detail = format!("no state {unknown:?} here: add it in provider_states.rs");
                return Err(Problem::bad_request(detail));
            }
        };
        let failed = |error| Problem::internal(&error);
        items.clear().await.map_err(failed)?;
        if let Some(item) = wanted {
            items.put(item).await.map_err(failed)?;
        }
    }
    Ok(Json(Map::new()))
}

/// The item that the parameters of a state describe.
fn item(parameters: &Map<String, Value>) -> Result<Item, Problem> {
    let mut parameters = parameters.clone();
    let id = parameters.remove("id");
    let description = serde_json::from_value::<Description>(Value::Object(parameters));
    id.as_ref()
        .and_then(Value::as_str)
        .zip(description.ok())
        .and_then(|(id, description)| Item::new(id.to_owned(), description).ok())
        .ok_or_else(|| {
            let detail = "this state needs the parameters id, name and quantity";
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })
}
