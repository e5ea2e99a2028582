//! Orders' HTTP interface: `contracts/openapi/orders.yaml`.

mod read;

use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use shop::bugs::{Bug, Bugs};
use shop::deadline::Deadline;
use shop::http_client::{CallError, Peer};
use shop::idempotency::{self, IdempotencyKey, Known, Secret};
use shop::problem::{Body, Problem};
use shop::token::{Caller, Keys};
use shop::trace_context::TraceContext;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::catalog::Catalog;
use crate::executor::Executor;
use crate::halt::Halt;
use crate::order::{Fact, OrderId, Status};
use crate::request::OrderRequest;
use crate::saga::Step;
use crate::store::{Placed, Placement, Store};

/// How often an answer that waits looks whether another process moved its order on.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long before its caller gives up an order is answered as it stands.
const BEFORE_THE_DEADLINE: Duration = Duration::from_millis(200);

/// How long before the grace of a stop is over an order is answered as it stands.
const BEFORE_THE_END: Duration = Duration::from_secs(1);

/// Where customers are served.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) store: Store,
    /// Requests are told apart with it.
    pub(crate) secret: Secret,
    pub(crate) keys: Keys,
    pub(crate) catalog: Catalog,
    pub(crate) executor: Executor,
    /// When an order is answered as pending.
    pub(crate) answer_within: Duration,
    /// The service is asked to stop.
    pub(crate) shutdown: CancellationToken,
    /// How long it then has for what is in hand.
    pub(crate) grace: Duration,
    /// Whether a request may park its saga. For tests only.
    pub(crate) test_halt: bool,
    pub(crate) bugs: Bugs,
    /// Notifications, which orders calls with the seeded bug `notifications-in-critical-path` only.
    pub(crate) notifications: Option<Peer>,
}

impl FromRef<Desk> for Keys {
    fn from_ref(desk: &Desk) -> Self {
        desk.keys.clone()
    }
}

/// The routes over `desk`.
pub(crate) fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/orders", get(read::own).post(place))
        .route("/orders/{id}", get(read::one))
        .route("/orders/{id}/events", get(read::events))
        .route("/audit/orders", get(read::audit))
        .with_state(desk)
}

async fn place(
    State(desk): State<Desk>,
    caller: Caller,
    key: IdempotencyKey,
    trace: TraceContext,
    deadline: Deadline,
    headers: HeaderMap,
    Body(request): Body<OrderRequest>,
) -> Result<Response, Problem> {
    request.check()?;
    let halt = Halt::asked(&headers, desk.test_halt)?;
    let order = Ordering {
        account: caller.account_id,
        key,
        trace: trace.clone(),
        deadline,
        halt,
        request,
    };
    // A customer who goes away must not cut the placing in two.
    let placing = desk.executor.spawn(place_once(desk.clone(), order));
    let id = placing.await.map_err(|error| Problem::internal(&error))??;
    let answer = answer(&desk, id, deadline).await?;
    if let Some(notifications) = &desk.notifications {
        wait_for_notifications(notifications, &trace).await?;
    }
    Ok(answer)
}

/// A request to place an order, as it came.
struct Ordering {
    account: Uuid,
    key: IdempotencyKey,
    trace: TraceContext,
    deadline: Deadline,
    halt: Halt,
    request: OrderRequest,
}

/// The order of this request, placed now or before.
async fn place_once(desk: Desk, order: Ordering) -> Result<OrderId, Problem> {
    let Ordering {
        account,
        key,
        trace,
        deadline,
        halt,
        request,
    } = order;
    let hash = request.hash(&desk.secret);
    let keyless = desk.bugs.has(Bug::MissingIdempotency);
    let id = if keyless {
        OrderId::of(Uuid::new_v4(), key.as_str())
    } else {
        let known = desk.store.known(account, key.clone(), hash.clone()).await;
        let id = OrderId::of(account, key.as_str());
        match known.map_err(|error| Problem::internal(&error))? {
            Known::Same(_) => return Ok(id),
            Known::Different => return Err(idempotency::another_request()),
            Known::New => id,
        }
    };
    halt.before(Step::OrderReceived).await;
    let priced = look_up(&desk, &request, &trace, deadline).await?;
    halt.before(Step::Priced).await;

    let OrderRequest {
        sku,
        quantity,
        card,
        address,
    } = request;
    let received = Fact::OrderReceived {
        account_id: account,
        key: key.as_str().to_owned(),
        sku,
        quantity,
        address: address.into(),
        card_last_four: card.number.last_four().to_owned(),
    };
    let placement = Placement {
        id,
        account,
        key,
        hash,
        received,
        priced,
        trace,
        keyless,
    };
    // Both are recorded at once, with the order.
    halt.before_record(Step::OrderReceived).await;
    halt.before_record(Step::Priced).await;
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
        Placed::Different => Err(idempotency::another_request()),
    }
}

/// Name and price, as catalog says them now.
async fn look_up(
    desk: &Desk,
    request: &OrderRequest,
    trace: &TraceContext,
    deadline: Deadline,
) -> Result<Fact, Problem> {
    let item = desk.catalog.item(&request.sku, trace, deadline).await;
    let item = item
        .map_err(|error| no_price(&error))?
        .ok_or_else(|| Problem::not_found(format!("no item {}", request.sku)))?;
    let total = item.price.times(request.quantity);
    let total = total.ok_or_else(|| Problem::bad_request("the order's total is too large"))?;
    Ok(Fact::Priced {
        name: item.name,
        price: item.price,
        total,
    })
}

/// The order when its saga is at its end, or as it stands when the time for an answer is up.
/// Whoever moves it on, this process or another one on the same data.
async fn answer(desk: &Desk, id: OrderId, deadline: Deadline) -> Result<Response, Problem> {
    let mut changes = desk.store.changes();
    let within = match deadline.left() {
        Some(left) => desk
            .answer_within
            .min(left.saturating_sub(BEFORE_THE_DEADLINE)),
        None => desk.answer_within,
    };
    let mut last = tokio::time::Instant::now() + within;
    let mut stopping = false;
    loop {
        let order = read::find(desk, id).await?;
        if order.status != Status::Pending {
            return Ok((StatusCode::CREATED, Json(read::shown(&order))).into_response());
        }
        let now = tokio::time::Instant::now();
        if desk.shutdown.is_cancelled() && !stopping {
            // A saga that has to repeat a step leaves that to the next start.
            stopping = true;
            last = last.min(now + desk.grace.saturating_sub(BEFORE_THE_END));
        }
        if now >= last {
            return Ok((StatusCode::ACCEPTED, Json(read::shown(&order))).into_response());
        }
        let look_again = last.min(now + LOOK_AGAIN);
        // The sender lives in the store that the desk holds: this ends by change or time only.
        let _changed = tokio::time::timeout_at(look_again, changes.changed()).await;
    }
}

/// The seeded bug `notifications-in-critical-path`: no answer without notifications. It asks to come
/// again in a second: a journey does so sixty times before it says that the shop failed.
async fn wait_for_notifications(peer: &Peer, trace: &TraceContext) -> Result<(), Problem> {
    let asked = peer.request(Method::GET, "/readyz", trace).send().await;
    match asked {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(_) | Err(_) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the mail about this order cannot be sent now",
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))),
    }
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
