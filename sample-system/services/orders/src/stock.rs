//! What orders asks of inventory. Every call names the order, so each can be repeated.

use std::time::Duration;

use shop::grpc::client::never_arrived;
use shop::inventory::v1::reserve_reply::Outcome;
use shop::inventory::v1::{CommitRequest, ReleaseRequest, ReserveRequest};
use shop::inventory::{self, AddressError};
use shop::trace_context::TraceContext;
use tonic::Status;

use crate::order::{Fact, Order, Reason};

/// The inventory.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    client: inventory::Client,
}

impl Stock {
    /// The inventory at `url`, given `timeout` for each call.
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self, AddressError> {
        Ok(Self {
            client: inventory::connect(url, timeout)?,
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

    /// Lets the units of `order` leave for good.
    pub(crate) async fn commit(&self, order: &Order, trace: &TraceContext) -> Result<(), Status> {
        let message = CommitRequest {
            order_id: order.id.to_string(),
        };
        self.client
            .clone()
            .commit(inventory::request(message, trace))
            .await
            .map(|_| ())
    }

    /// Gives the units of `order` back.
    pub(crate) async fn release(&self, order: &Order, trace: &TraceContext) -> Result<(), Status> {
        let message = ReleaseRequest {
            order_id: order.id.to_string(),
        };
        self.client
            .clone()
            .release(inventory::request(message, trace))
            .await
            .map(|_| ())
    }
}
