//! What orders asks of catalog: name and price of an item. The price never comes from a client.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use shop::deadline::Deadline;
use shop::http_client::{CallError, ClientError, Peer};
use shop::money::Money;
use shop::sku::Sku;
use shop::trace_context::TraceContext;

use crate::executor::How;

/// An item as catalog describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) price: Money,
}

/// The catalog.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    peer: Peer,
}

impl Catalog {
    /// The catalog at `url`, given `timeout` for each call, called as `how` says.
    pub(crate) fn new(url: &str, timeout: Duration, how: &How) -> Result<Self, ClientError> {
        let peer = Peer::new("catalog", url, timeout)?;
        Ok(Self {
            peer: peer.guarded(how.limits, &how.metrics, &how.draw),
        })
    }

    /// The item named `sku`, where there is one; asked no longer than until `deadline`.
    pub(crate) async fn item(
        &self,
        sku: &Sku,
        trace: &TraceContext,
        deadline: Deadline,
    ) -> Result<Option<Item>, CallError> {
        let answer = self
            .peer
            .request(Method::GET, &format!("/v1/items/{sku}"), trace)
            .before(deadline)
            .send()
            .await?;
        match answer.status {
            StatusCode::OK => answer.json().map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(answer.unreadable("wanted 200 or 404")),
        }
    }
}
