//! Payments' HTTP interface: `contracts/openapi/payments.yaml`.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use shop::idempotency::IdempotencyKey;
use shop::money::Money;
use shop::problem::{Body, Problem};

use crate::ledger::{Charge, ChargeRequest, Charging, Ledger, Status};

/// Characters that an id may have.
const LONGEST_ID: usize = 64;

/// The routes over `ledger`.
pub(crate) fn routes(ledger: Ledger) -> Router {
    Router::new()
        .route("/charges", get(of_order).post(charge))
        .route("/charges/{id}/refund", post(refund))
        .with_state(ledger)
}

async fn charge(
    State(ledger): State<Ledger>,
    key: IdempotencyKey,
    Body(request): Body<ChargeRequest>,
) -> Result<Response, Problem> {
    check_id("charge_id", &request.charge_id)?;
    check_id("order_id", &request.order_id)?;
    let sum = Money::new(request.amount, request.currency.clone())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    if sum.amount() == 0 {
        return Err(Problem::bad_request("amount 0: there is nothing to charge"));
    }
    match ledger
        .charge(key, request, sum)
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
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Charge>), Problem> {
    check_id("id", &id)?;
    let charge = ledger
        .refund(id)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let status = match charge.status {
        Status::Refused => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    Ok((status, Json(charge)))
}

#[derive(Debug, Deserialize)]
struct OfOrder {
    order_id: String,
}

async fn of_order(
    State(ledger): State<Ledger>,
    query: Result<Query<OfOrder>, axum::extract::rejection::QueryRejection>,
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

fn check_id(name: &str, id: &str) -> Result<(), Problem> {
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(|c| c.is_ascii_graphic()) {
        let detail = format!("{name}: give 1 to {LONGEST_ID} visible characters");
        return Err(Problem::bad_request(detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
