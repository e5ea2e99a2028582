//! What orders asks of inventory. Every call names the order, so each can be repeated.

use std::time::Duration;

use shop::grpc::client::{insisting, never_arrived};
use shop::inventory::v1::reserve_reply::Outcome;
use shop::inventory::v1::{CheckRequest, CommitRequest, ReleaseRequest, ReserveRequest};
use shop::inventory::{self, AddressError};
use shop::trace_context::TraceContext;
use tonic::{Code, Status};

use crate::executor::How;
use crate::order::{Fact, Order, Reason};

/// What became of the units when they were to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    /// They have left.
    Gone,
    /// They were not held any more: the reservation expired.
    NotHeld,
}

/// The inventory.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    client: inventory::Client,
}

impl Stock {
    /// The inventory at `url`, given `timeout` for each call, called as `how` says.
    pub(crate) fn new(url: &str, timeout: Duration, how: &How) -> Result<Self, AddressError> {
        Ok(Self {
            client: inventory::guarded(url, timeout, how.limits, &how.metrics, &how.draw)?,
        })
    }

    /// Takes the units of `order` aside.
    pub(crate) async fn reserve(&self, order: &Order, trace: &TraceContext) -> Fact {
        let message = ReserveRequest {
            order_id: order.id.to_string(),
            sku: order.sku.to_string(),
            quantity: order.quantity,
        };
        let reply = self
            .client
            .clone()
            .reserve(inventory::request(message, trace))
            .await;
        match reply.map(|reply| reply.into_inner().outcome()) {
            Ok(Outcome::Reserved) => Fact::StockReserved {},
            Ok(Outcome::OutOfStock) => Fact::StockRefused {
                reason: Reason::OutOfStock,
                maybe_held: false,
            },
            Ok(Outcome::Refused | Outcome::Unspecified) => Fact::StockRefused {
                reason: Reason::StockUnavailable,
                maybe_held: false,
            },
            Err(status) => {
                tracing::warn!(%status, "inventory did not reserve");
                Fact::StockRefused {
                    reason: Reason::StockUnavailable,
                    maybe_held: !never_arrived(&status),
                }
            }
        }
    }

    /// Whether the units of `order` could be taken aside now.
    pub(crate) async fn check(&self, order: &Order, trace: &TraceContext) -> Result<bool, Status> {
        let message = CheckRequest {
            sku: order.sku.to_string(),
            quantity: order.quantity,
        };
        let request = inventory::request(message, trace);
        let reply = self.client.clone().check(request).await?;
        Ok(reply.into_inner().in_stock)
    }

    /// Lets the units of `order` leave for good.
    pub(crate) async fn commit(
        &self,
        order: &Order,
        trace: &TraceContext,
    ) -> Result<Committed, Status> {
        let message = CommitRequest {
            order_id: order.id.to_string(),
        };
        let reply = self
            .client
            .clone()
            .commit(insisting(inventory::request(message, trace)))
            .await;
        match reply {
            Ok(_) => Ok(Committed::Gone),
            Err(status) if status.code() == Code::FailedPrecondition => {
                tracing::warn!(%status, "inventory holds the units no more");
                Ok(Committed::NotHeld)
            }
            Err(status) => Err(status),
        }
    }

    /// Gives the units of `order` back.
    pub(crate) async fn release(&self, order: &Order, trace: &TraceContext) -> Result<(), Status> {
        let message = ReleaseRequest {
            order_id: order.id.to_string(),
        };
        self.client
            .clone()
            .release(insisting(inventory::request(message, trace)))
            .await
            .map(|_| ())
    }
}
