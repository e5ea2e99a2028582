//! What orders asks of catalog: name and price of an item. The price never comes from a client.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use shop::http_client::{CallError, ClientError, Peer};
use shop::money::Money;
use shop::sku::Sku;
use shop::trace_context::TraceContext;

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
    /// The catalog at `url`, given `timeout` for each call.
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self, ClientError> {
        Ok(Self {
            peer: Peer::new("catalog", url, timeout)?,
        })
    }

    /// The item named `sku`, where there is one.
    pub(crate) async fn item(
        &self,
        sku: &Sku,
        trace: &TraceContext,
    ) -> Result<Option<Item>, CallError> {
        let answer = self
            .peer
            .request(Method::GET, &format!("/items/{sku}"), trace)
            .send()
            .await?;
        match answer.status {
            StatusCode::OK => answer.json().map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(answer.unreadable("wanted 200 or 404")),
        }
    }
}
