//! The routes that only read: orders of their owner, any order for an operator, the auditor's list.
//! Another's order is answered as one that is not there.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use shop::page::{self, Page};
use shop::problem::{InPath, Problem};
use shop::token::{Caller, Operator};

use super::Desk;
use crate::order::{Event, Order, OrderId, Status};
use crate::store::Audited;

/// Orders that a list has, where the caller does not say.
const LISTED: u32 = 20;

/// Orders that a list may have.
const MOST_LISTED: u32 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    limit: Option<u32>,
}

pub(super) async fn own(
    State(desk): State<Desk>,
    caller: Caller,
    query: Result<Query<Own>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(Own { limit }) =
        query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = page::limit(limit.unwrap_or(LISTED), MOST_LISTED)?;
    let orders = desk.store.orders_of(caller.account_id, limit).await;
    let orders = orders.map_err(|error| Problem::internal(&error))?;
    let items: Vec<Value> = orders.iter().map(shown).collect();
    Ok(Json(json!({"items": items})))
}

pub(super) async fn one(
    State(desk): State<Desk>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(shown(&find_for(&desk, caller, &id).await?)))
}

pub(super) async fn events(
    State(desk): State<Desk>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Vec<Event>>, Problem> {
    let order = find_for(&desk, caller, &id).await?;
    let events = desk.store.events(order.id).await;
    Ok(Json(events.map_err(|error| Problem::internal(&error))?))
}

pub(super) async fn audit(
    State(desk): State<Desk>,
    _operator: Operator,
    Page { after, limit }: Page,
) -> Result<Json<Value>, Problem> {
    let orders = desk.store.audited(after, limit).await;
    page::items(orders.map(|orders| orders.iter().map(audited).collect()))
}

/// The order `id`, where it is there and `caller` may see it.
async fn find_for(desk: &Desk, caller: Caller, id: &str) -> Result<Order, Problem> {
    let none = || Problem::not_found("no such order");
    let id = OrderId::parse(id).ok_or_else(none)?;
    let order = desk.store.order(id).await;
    order
        .map_err(|error| Problem::internal(&error))?
        .filter(|order| caller.may_see(order.account_id))
        .ok_or_else(none)
}

/// The order `id`, which is there.
pub(super) async fn find(desk: &Desk, id: OrderId) -> Result<Order, Problem> {
    let order = desk.store.order(id).await;
    order
        .map_err(|error| Problem::internal(&error))?
        .ok_or_else(|| Problem::not_found(format!("no order {id}")))
}

/// An order as its customer sees it.
pub(super) fn shown(order: &Order) -> Value {
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

/// An order as the auditor reads it.
fn audited(Audited { sequence, order }: &Audited) -> Value {
    let mut item = json!({
        "sequence": sequence,
        "id": order.id,
        "account_id": order.account_id,
        "key": order.key,
        "sku": order.sku,
        "quantity": order.quantity,
        "total": order.total,
        "status": order.status,
        "placed": order.placed,
    });
    if let Some(reason) = order.reason {
        item["reason"] = json!(reason);
    }
    if let Some(ended) = &order.ended {
        item["ended"] = json!(ended);
    }
    item
}
