//! Orders' HTTP interface: `contracts/openapi/orders.yaml`.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use shop::http_client::CallError;
use shop::idempotency::IdempotencyKey;
use shop::problem::{Body, Problem};
use shop::trace_context::TraceContext;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::executor::Executor;
use crate::halt::Halt;
use crate::order::{Event, Fact, Order, OrderId, Status};
use crate::request::OrderRequest;
use crate::saga::Step;
use crate::store::{Known, Placed, Placement, Store};

/// Where customers are served.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    store: Store,
    catalog: Catalog,
    executor: Executor,
    answer_within: Duration,
    test_halt: bool,
}

impl Desk {
    /// A desk over `store`.
    pub(crate) fn new(store: Store, catalog: Catalog, executor: Executor, config: &Config) -> Self {
        let (answer_within, test_halt) = (config.answer_within, config.test_halt);
        Self {
            store,
            catalog,
            executor,
            answer_within,
            test_halt,
        }
    }
}

/// The routes over `desk`.
pub(crate) fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/orders", post(place))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/events", get(events))
        .with_state(desk)
}

async fn place(
    State(desk): State<Desk>,
    key: IdempotencyKey,
    trace: TraceContext,
    headers: HeaderMap,
    Body(request): Body<OrderRequest>,
) -> Result<Response, Problem> {
    request.check()?;
    let halt = Halt::asked(&headers, desk.test_halt)?;
    // A customer who goes away must not cut the placing in two.
    let placing = desk
        .executor
        .spawn(place_once(desk.clone(), key, trace, halt, request));
    let id = placing.await.map_err(|error| Problem::internal(&error))??;
    answer(&desk, id).await
}

/// The order of this request, placed now or before.
async fn place_once(
    desk: Desk,
    key: IdempotencyKey,
    trace: TraceContext,
    halt: Halt,
    request: OrderRequest,
) -> Result<OrderId, Problem> {
    let hash = request.hash();
    let known = desk.store.known(key.clone(), hash.clone()).await;
    match known.map_err(|error| Problem::internal(&error))? {
        Known::Same(id) => return Ok(id),
        Known::Different => return Err(another_request()),
        Known::New => {}
    }
    halt.before(Step::OrderReceived).await;
    let item = desk
        .catalog
        .item(&request.sku, &trace)
        .await
        .map_err(|error| no_price(&error))?;
    let item = item.ok_or_else(|| Problem::not_found(format!("no item {}", request.sku)))?;
    let total = item.price.times(request.quantity);
    let total = total.ok_or_else(|| Problem::bad_request("the order's total is too large"))?;
    halt.before(Step::Priced).await;

    let OrderRequest {
        sku,
        quantity,
        card,
        email,
    } = request;
    let card_last_four = card.number.last_four().to_owned();
    let received = Fact::OrderReceived {
        sku,
        quantity,
        email,
        card_last_four,
    };
    let priced = Fact::Priced {
        name: item.name,
        price: item.price,
        total,
    };
    let id = OrderId::of_key(key.as_str());
    let order = Order::begun(id, &received, &priced)
        .ok_or_else(|| Problem::bad_request("this request makes no order"))?;
    let placement = Placement {
        key,
        hash,
        order,
        received,
        priced,
        trace,
    };
    match desk
        .store
        .place(placement)
        .await
        .map_err(|error| Problem::internal(&error))?
    {
        Placed::New(saga) => {
            desk.executor.begin(*saga, card, halt);
            Ok(id)
        }
        Placed::Before(id) => Ok(id),
        Placed::Different => Err(another_request()),
    }
}

/// The order when it is at its end, or as it stands when the time for an answer is up.
async fn answer(desk: &Desk, id: OrderId) -> Result<Response, Problem> {
    let mut changes = desk.store.changes();
    let deadline = tokio::time::Instant::now() + desk.answer_within;
    loop {
        let order = find(desk, id).await?;
        if order.status != Status::Pending {
            return Ok((StatusCode::CREATED, Json(shown(&order))).into_response());
        }
        // The sender lives in the store that the desk holds, so this ends by change or time only.
        if tokio::time::timeout_at(deadline, changes.changed())
            .await
            .is_err()
        {
            return Ok((StatusCode::ACCEPTED, Json(shown(&order))).into_response());
        }
    }
}

async fn show(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(shown(&find(&desk, parse(&id)?).await?)))
}

async fn events(
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Event>>, Problem> {
    let id = parse(&id)?;
    let events = desk
        .store
        .events(id)
        .await
        .map_err(|error| Problem::internal(&error))?;
    if events.is_empty() {
        return Err(Problem::not_found(format!("no order {id}")));
    }
    Ok(Json(events))
}

fn parse(id: &str) -> Result<OrderId, Problem> {
    OrderId::parse(id).ok_or_else(|| Problem::not_found("no such order"))
}

async fn find(desk: &Desk, id: OrderId) -> Result<Order, Problem> {
    let order = desk
        .store
        .order(id)
        .await
        .map_err(|error| Problem::internal(&error))?;
    order.ok_or_else(|| Problem::not_found(format!("no order {id}")))
}

/// An order as its customer sees it.
fn shown(order: &Order) -> Value {
    let mut shown = json!({
        "id": order.id,
        "status": order.status,
        "sku": order.sku,
        "name": order.name,
        "quantity": order.quantity,
        "total": order.total,
    });
    // The reason is told with the end, not while things are still being undone.
    if let (Status::Cancelled, Some(reason)) = (order.status, order.reason) {
        shown["reason"] = json!(reason);
    }
    shown
}

fn another_request() -> Problem {
    let detail = "this Idempotency-Key was used for another order: take a new one";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// Nothing was stored yet: the customer may send the same request again.
fn no_price(error: &CallError) -> Problem {
    tracing::warn!(%error, "catalog did not say the price");
    let status = match error {
        CallError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::new(
        status,
        "the price cannot be had now; nothing was ordered, try again",
    )
}

#[cfg(test)]
mod tests;
