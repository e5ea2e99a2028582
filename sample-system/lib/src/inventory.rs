//! Inventory's gRPC contract, generated at build time from `contracts/proto/inventory.proto`, and
//! how its callers reach it. The services' own rules are not in here.

use std::time::Duration;

use tonic::transport::Endpoint;

use crate::calls::{Guard, Limits};
use crate::draw::Draw;
use crate::grpc::client::Guarded;
use crate::metrics::Metrics;
use crate::trace_context::TraceContext;

/// What `contracts/proto/inventory.proto` declares.
pub mod v1 {
    #![expect(
        missing_docs,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated: what it means is told in the .proto file"
    )]
    tonic::include_proto!("shop.inventory.v1");
}

use v1::inventory_client::InventoryClient;

/// Units that an operator may set. Far more than a shop has of anything, and far enough below the
/// largest `uint32` (4,294,967,295) for whatever orders hold to come back on top of it.
pub const LARGEST_LEVEL: u32 = 1_000_000_000;

/// The address of inventory is no URL.
#[derive(Debug, thiserror::Error)]
#[error("INVENTORY_URL {url:?} is no URL: {source}")]
pub struct AddressError {
    url: String,
    source: tonic::transport::Error,
}

/// A client of inventory. Clones share connection and guard.
pub type Client = InventoryClient<Guarded>;

/// A client of the inventory at `url` that connects when it is first used, and again after its
/// connection broke; each call is given `timeout`. Its limits are the default ones and nobody sees
/// its figures: see [`guarded`].
///
/// # Errors
/// When `url` is no URL.
pub fn connect(url: &str, timeout: Duration) -> Result<Client, AddressError> {
    let (limits, metrics) = (Limits::default(), Metrics::new());
    guarded(url, timeout, limits, &metrics, &Draw::system())
}

/// As [`connect`], called within `limits` and counted in `metrics`.
///
/// # Errors
/// When `url` is no URL.
pub fn guarded(
    url: &str,
    timeout: Duration,
    limits: Limits,
    metrics: &Metrics,
    draw: &Draw,
) -> Result<Client, AddressError> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|source| AddressError {
            url: url.to_owned(),
            source,
        })?
        .connect_timeout(timeout)
        .tcp_nodelay(true);
    let guard = Guard::new("inventory", limits, metrics, draw.clone());
    let channel = Guarded::new(endpoint.connect_lazy(), guard, timeout);
    Ok(InventoryClient::new(channel))
}

/// A request that carries `trace`.
pub fn request<T>(message: T, trace: &TraceContext) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    trace.write_metadata(request.metadata_mut());
    request
}
