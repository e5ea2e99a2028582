//! Inventory's gRPC interface: requests are checked, the trace goes into the log, the stock room
//! decides. Who sets stock must be an operator; all else is asked by services, for an order.

use std::time::{Duration, Instant};

use shop::grace::within;
use shop::grpc::server::Admission;
use shop::idempotency::{self, IDEMPOTENCY_KEY, IdempotencyKey, Known};
use shop::inventory::LARGEST_LEVEL;
use shop::inventory::v1::inventory_server::{Inventory, InventoryServer};
use shop::inventory::v1::reserve_reply::Outcome;
use shop::inventory::v1::{
    CheckReply, CheckRequest, CommitReply, CommitRequest, GetStockRequest, ReleaseReply,
    ReleaseRequest, ReserveReply, ReserveRequest, SetStockRequest, Stock,
};
use shop::serve::door::Door;
use shop::serve::queue::QueueLimits;
use shop::serve::{self, ServeError, Serving};
use shop::sku::Sku;
use shop::token::Keys;
use shop::trace_context::TraceContext;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::stock::{Closed, Key, Reserved, StockRoom};

/// Bytes that a request may have. None of them needs 1 kB.
const MESSAGE_LIMIT: usize = 16 * 1024;
/// Bytes of a call's headers. All that the gateway lets in (16 KiB) fits, and what callers add.
const HEADERS_LIMIT: u32 = 32 * 1024;
/// How long a request may take. Above the 5 s that the database waits for another process.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Units that one order may ask for; more is a mistake of the caller.
const LARGEST_ORDER: u32 = 1_000_000;
/// Characters that an order's id may have.
const LONGEST_ORDER_ID: usize = 64;

/// Serves `room` at `listener`, to those whom `keys` know, until `shutdown`; then finishes what is
/// in hand for at most `grace`. Requests are counted, and connections waited for, as `serving` says.
pub(crate) async fn serve(
    listener: TcpListener,
    room: StockRoom,
    keys: Keys,
    serving: &Serving,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let watched = room.database().clone();
    let desk = Desk { room, keys };
    let inventory = InventoryServer::new(desk).max_decoding_message_size(MESSAGE_LIMIT);
    if watched.answers().await {
        health
            .set_service_status("", tonic_health::ServingStatus::Serving)
            .await;
        health.set_serving::<InventoryServer<Desk>>().await;
    }
    let door = Door::new(listener, shutdown.clone()).map_err(ServeError::Serve)?;
    let closing = door.closing();
    let stopped = shutdown.clone();
    let incoming = serve::incoming(door, serving);
    let served = tonic::transport::Server::builder()
        .timeout(REQUEST_TIMEOUT)
        .http2_max_header_list_size(HEADERS_LIMIT)
        .layer(Admission::new(serving.metrics(), QueueLimits::default()))
        .add_service(health_service)
        .add_service(inventory)
        .serve_with_incoming_shutdown(incoming, async move {
            stopped.cancelled().await;
            health
                .set_service_status("", tonic_health::ServingStatus::NotServing)
                .await;
            health.set_not_serving::<InventoryServer<Desk>>().await;
            closing.wait().await;
        });
    let Some(ended) = within(grace, &shutdown, served).await else {
        tracing::warn!("left work in hand at shutdown");
        return Ok(());
    };
    ended.map_err(|error| ServeError::Serve(std::io::Error::other(error)))
}

/// Where requests come in.
struct Desk {
    room: StockRoom,
    keys: Keys,
}

#[tonic::async_trait]
impl Inventory for Desk {
    async fn set_stock(
        &self,
        request: Request<SetStockRequest>,
    ) -> Result<Response<Stock>, Status> {
        let allowed = self.keys.operator_of(request.metadata()).await;
        let key = key(request.metadata());
        logged(
            "SetStock",
            request,
            async |SetStockRequest { sku, units }, trace| {
                let account = allowed?.0.account_id;
                let under = key?.map(|key| Key { account, key });
                let sku = checked_sku(sku)?;
                if units > LARGEST_LEVEL {
                    let detail = format!("units {units}: give 0 to {LARGEST_LEVEL}");
                    return Err(Status::invalid_argument(detail));
                }
                let set = self.room.set(under, sku.clone(), units, trace).await;
                if set.map_err(failed)? == Known::Different {
                    let detail = idempotency::another_request().detail().to_owned();
                    return Err(Status::already_exists(detail));
                }
                Ok(Stock {
                    sku: sku.to_string(),
                    available: units,
                })
            },
        )
        .await
    }

    async fn get_stock(
        &self,
        request: Request<GetStockRequest>,
    ) -> Result<Response<Stock>, Status> {
        logged("GetStock", request, async |GetStockRequest { sku }, _| {
            let sku = checked_sku(sku)?;
            let available = self.room.available(sku.clone()).await.map_err(failed)?;
            let available = available
                .ok_or_else(|| Status::not_found(format!("item {sku} was never stocked")))?;
            Ok(Stock {
                sku: sku.to_string(),
                available,
            })
        })
        .await
    }

    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckReply>, Status> {
        logged(
            "Check",
            request,
            async |CheckRequest { sku, quantity }, _| {
                let sku = checked_sku(sku)?;
                let available = self.room.available(sku).await.map_err(failed)?;
                Ok(CheckReply {
                    in_stock: available.is_some_and(|available| available >= quantity),
                })
            },
        )
        .await
    }

    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<ReserveReply>, Status> {
        logged(
            "Reserve",
            request,
            async |ReserveRequest {
                       order_id,
                       sku,
                       quantity,
                   },
                   trace| {
                let (order, sku) = (checked_order(order_id)?, checked_sku(sku)?);
                if quantity == 0 || quantity > LARGEST_ORDER {
                    let detail = format!("quantity {quantity}: give 1 to {LARGEST_ORDER}");
                    return Err(Status::invalid_argument(detail));
                }
                let outcome = match self
                    .room
                    .reserve(order, sku, quantity, trace)
                    .await
                    .map_err(failed)?
                {
                    Reserved::Taken => Outcome::Reserved,
                    Reserved::OutOfStock => Outcome::OutOfStock,
                    Reserved::Refused => Outcome::Refused,
                    Reserved::Different => {
                        let detail = "the order holds a reservation of other units";
                        return Err(Status::already_exists(detail));
                    }
                };
                Ok(ReserveReply {
                    outcome: outcome.into(),
                })
            },
        )
        .await
    }

    async fn commit(
        &self,
        request: Request<CommitRequest>,
    ) -> Result<Response<CommitReply>, Status> {
        logged("Commit", request, async |CommitRequest { order_id }, _| {
            let closed = self
                .room
                .commit(checked_order(order_id)?)
                .await
                .map_err(failed)?;
            done(closed, "the order holds no reservation").map(|()| CommitReply {})
        })
        .await
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseReply>, Status> {
        logged(
            "Release",
            request,
            async |ReleaseRequest { order_id }, trace| {
                let closed = self
                    .room
                    .release(checked_order(order_id)?, trace)
                    .await
                    .map_err(failed)?;
                done(closed, "the order's units have left the stock").map(|()| ReleaseReply {})
            },
        )
        .await
    }
}

/// Answers a request under its own trace and logs how that went.
async fn logged<Q, A>(
    method: &'static str,
    request: Request<Q>,
    answer: impl AsyncFnOnce(Q, TraceContext) -> Result<A, Status>,
) -> Result<Response<A>, Status> {
    let trace = TraceContext::from_metadata(request.metadata());
    let span = trace.span();
    let begun = Instant::now();
    async move {
        let answer = answer(request.into_inner(), trace).await;
        let code = answer.as_ref().err().map_or(tonic::Code::Ok, Status::code);
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(method, ?code, milliseconds, "answered");
        answer.map(Response::new)
    }
    .instrument(span)
    .await
}

/// The key that a request carries, where it carries one.
fn key(metadata: &MetadataMap) -> Result<Option<IdempotencyKey>, Status> {
    let Some(value) = metadata.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(IdempotencyKey::new);
    let malformed =
        || Status::invalid_argument("Idempotency-Key: give 1 to 255 visible characters");
    key.map(Some).ok_or_else(malformed)
}

fn checked_sku(sku: String) -> Result<Sku, Status> {
    Sku::try_from(sku).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn checked_order(id: String) -> Result<String, Status> {
    if id.is_empty() || id.len() > LONGEST_ORDER_ID {
        let detail = format!("order_id: give 1 to {LONGEST_ORDER_ID} characters");
        return Err(Status::invalid_argument(detail));
    }
    Ok(id)
}

fn done(closed: Closed, conflict: &str) -> Result<(), Status> {
    match closed {
        Closed::Done => Ok(()),
        Closed::Conflict => Err(Status::failed_precondition(conflict)),
    }
}

fn failed(error: shop::database::DatabaseError) -> Status {
    tracing::error!(%error, "failed to answer");
    Status::internal("the service failed; its log says why")
}

#[cfg(test)]
mod tests;
