//! Provider states: brings the ledger into the state that an interaction of a pact begins with.
//!
//! Each state is made by the same operations that callers use, from a clean start for its charge,
//! so that interactions can be verified in any order and any number of times. A state that is not
//! known, or lacks a parameter, is refused: a verification must not pass over it.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value};
use shop::card::{Card, CardNumber};
use shop::database::DatabaseError;
use shop::idempotency::IdempotencyKey;
use shop::money::Money;
use shop::problem::{Body, Problem};
use shop::trace_context::TraceContext;

use crate::ledger::{ChargeRequest, Ledger};

/// The route that takes states.
pub(crate) fn routes(ledger: Ledger) -> Router {
    Router::new()
        .route("/_pact/states", post(set))
        .with_state(ledger)
}

#[derive(Debug, Deserialize)]
struct StateChange {
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

/// Why a state could not be set.
#[derive(Debug, thiserror::Error)]
enum StateError {
    #[error("provider state {0:?} is not known here: give it a branch in payments' states.rs")]
    Unknown(String),
    #[error("provider state {state:?} needs the parameter {name}")]
    Parameter { state: String, name: &'static str },
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

async fn set(
    State(ledger): State<Ledger>,
    Body(change): Body<StateChange>,
) -> Result<Json<Map<String, Value>>, Problem> {
    tracing::info!(state = change.state, action = ?change.action, "provider state");
    match change.action {
        // Each state begins with its own clean-up, so there is nothing to take down after it.
        Action::Teardown => {}
        Action::Setup => set_up(&ledger, &change)
            .await
            .map_err(|error| match error {
                StateError::Database(error) => Problem::internal(&error),
                refused => Problem::bad_request(refused.to_string()),
            })?,
    }
    Ok(Json(Map::new()))
}

async fn set_up(ledger: &Ledger, change: &StateChange) -> Result<(), StateError> {
    match change.state.as_str() {
        // Which card is declined is told by its number, so both begin without the charge.
        "no such charge was made" | "the card will be declined" => {
            ledger.forget(change.text("charge_id")?).await?;
        }
        "the charge was made" => {
            ledger.forget(change.text("charge_id")?).await?;
            change.charge(ledger).await?;
        }
        "the charge was made and refunded" => {
            let id = change.text("charge_id")?;
            ledger.forget(id.clone()).await?;
            change.charge(ledger).await?;
            ledger.refund(id, TraceContext::default()).await?;
        }
        "the charge was refunded before it was made" => {
            let id = change.text("charge_id")?;
            ledger.forget(id.clone()).await?;
            ledger.refund(id, TraceContext::default()).await?;
        }
        _ => return Err(StateError::Unknown(change.state.clone())),
    }
    Ok(())
}

impl StateChange {
    /// Makes the charge that the parameters describe.
    async fn charge(&self, ledger: &Ledger) -> Result<(), StateError> {
        let amount = self.params.get("amount").and_then(Value::as_i64);
        let amount = amount.ok_or_else(|| self.lacks("amount"))?;
        let currency = self.text("currency")?;
        let sum = Money::new(amount, currency.clone()).map_err(|_| self.lacks("currency"))?;
        if sum.amount() == 0 {
            return Err(self.lacks("amount"));
        }
        let key = IdempotencyKey::new(&self.text("idempotency_key")?)
            .ok_or_else(|| self.lacks("idempotency_key"))?;
        let number = CardNumber::try_from(self.text("card_number")?)
            .map_err(|_| self.lacks("card_number"))?;
        let request = ChargeRequest {
            charge_id: self.text("charge_id")?,
            order_id: self.text("order_id")?,
            account_id: self
                .text("account_id")?
                .parse()
                .map_err(|_| self.lacks("account_id"))?,
            amount,
            currency,
            card: Card { number },
        };
        ledger
            .charge(key, request, sum, TraceContext::default())
            .await?;
        Ok(())
    }

    fn text(&self, name: &'static str) -> Result<String, StateError> {
        let text = self.params.get(name).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| self.lacks(name))
    }

    fn lacks(&self, name: &'static str) -> StateError {
        StateError::Parameter {
            state: self.state.clone(),
            name,
        }
    }
}
