//! Payments' HTTP interface: `contracts/openapi/payments.yaml`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRef, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use shop::idempotency::IdempotencyKey;
use shop::money::Money;
use shop::page::{self, Page};
use shop::problem::{Body, InPath, Problem};
use shop::token::{Caller, Keys, Operator};
use shop::trace_context::TraceContext;

use crate::ledger::{Charge, ChargeRequest, Charging, Ledger, Status};

/// Characters that an id may have.
const LONGEST_ID: usize = 64;

/// With a card that ends so, in test mode, nothing is charged and nobody is answered: the bank is
/// silent. No fault on the way there does the same, for what is held back comes in the end.
const SILENT_ENDING: &str = "0009";

/// What the routes need.
#[derive(Clone)]
struct Till {
    ledger: Ledger,
    keys: Keys,
    test_mode: bool,
}

impl FromRef<Till> for Ledger {
    fn from_ref(till: &Till) -> Self {
        till.ledger.clone()
    }
}

impl FromRef<Till> for Keys {
    fn from_ref(till: &Till) -> Self {
        till.keys.clone()
    }
}

/// The routes over `ledger`. What services call acts for an order and takes no token; what people
/// ask is checked with `keys`. In `test_mode` there are cards whose bank is silent.
pub(crate) fn routes(ledger: Ledger, keys: Keys, test_mode: bool) -> Router {
    Router::new()
        .route("/charges", get(of_order).post(charge))
        .route("/charges/{id}/refund", post(refund))
        .route("/orders/{id}/charges", get(shown))
        .route("/audit/charges", get(list))
        .with_state(Till {
            ledger,
            keys,
            test_mode,
        })
}

async fn charge(
    State(till): State<Till>,
    key: IdempotencyKey,
    trace: TraceContext,
    Body(request): Body<ChargeRequest>,
) -> Result<Response, Problem> {
    check_id("charge_id", &request.charge_id)?;
    check_id("order_id", &request.order_id)?;
    let sum = Money::new(request.amount, request.currency.clone())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    if sum.amount() == 0 {
        return Err(Problem::bad_request("amount 0: there is nothing to charge"));
    }
    if till.test_mode && request.card.number.last_four() == SILENT_ENDING {
        tracing::warn!(order_id = request.order_id, "the bank is silent");
        std::future::pending::<()>().await;
    }
    match till
        .ledger
        .charge(key, request, sum, trace)
        .await
        .map_err(|error| Problem::internal(&error))?
    {
        Charging::Stands(charge) => {
            let status = match charge.status {
                Status::Charged => StatusCode::CREATED,
                Status::Declined => StatusCode::PAYMENT_REQUIRED,
                Status::Refunded | Status::Refused => StatusCode::CONFLICT,
            };
            Ok((status, Json(charge)).into_response())
        }
        Charging::Different => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key or charge_id was used for another charge: take new ones",
        )),
    }
}

async fn refund(
    State(ledger): State<Ledger>,
    trace: TraceContext,
    InPath(id): InPath<String>,
) -> Result<(StatusCode, Json<Charge>), Problem> {
    check_id("id", &id)?;
    let charge = ledger
        .refund(id, trace)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let status = match charge.status {
        Status::Refused => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    Ok((status, Json(charge)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfOrder {
    order_id: String,
}

async fn of_order(
    State(ledger): State<Ledger>,
    query: Result<Query<OfOrder>, QueryRejection>,
) -> Result<Json<Vec<Charge>>, Problem> {
    let Query(OfOrder { order_id }) =
        query.map_err(|_| Problem::bad_request("say whose charges: /charges?order_id=…"))?;
    check_id("order_id", &order_id)?;
    let charges = ledger
        .of_order(order_id)
        .await
        .map_err(|error| Problem::internal(&error))?;
    Ok(Json(charges))
}

/// The charges of an order, for whose order it is and for operators. An order that nothing was
/// charged for is nobody's here: it is not there.
async fn shown(
    State(ledger): State<Ledger>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Vec<Charge>>, Problem> {
    let none = || Problem::not_found("no charge of such an order");
    check_id("id", &id).map_err(|_| none())?;
    let charges = ledger.of_order(id).await;
    let mut charges = charges.map_err(|error| Problem::internal(&error))?;
    charges.retain(|charge| match charge.account_id {
        Some(account) => caller.may_see(account),
        None => caller.is_operator(),
    });
    if charges.is_empty() {
        return Err(none());
    }
    Ok(Json(charges))
}

/// Every charge in the order in which it was made, for operators.
async fn list(
    State(ledger): State<Ledger>,
    _: Operator,
    Page { after, limit }: Page,
) -> Result<Json<Value>, Problem> {
    page::items(ledger.after(after, limit).await)
}

fn check_id(name: &str, id: &str) -> Result<(), Problem> {
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(|c| c.is_ascii_graphic()) {
        let detail = format!("{name}: give 1 to {LONGEST_ID} visible characters");
        return Err(Problem::bad_request(detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
