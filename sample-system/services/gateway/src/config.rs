//! What the gateway is configured with.

use std::time::Duration;

use shop::config::Settings;

/// The gateway's settings.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// `LISTEN`: where it serves.
    pub(crate) listen: String,
    /// `SHUTDOWN_GRACE`: how long work in hand may take after it was asked to stop. 12 s by
    /// default: an order in hand may take the 10 s of `ORDERS_TIMEOUT`.
    pub(crate) grace: Duration,
    /// `CATALOG_URL`.
    pub(crate) catalog_url: String,
    /// `INVENTORY_URL`.
    pub(crate) inventory_url: String,
    /// `ORDERS_URL`.
    pub(crate) orders_url: String,
    /// `PAYMENTS_URL`.
    pub(crate) payments_url: String,
    /// `MAILBOX_URL`.
    pub(crate) mailbox_url: String,
    /// `ORDERS_TIMEOUT`: above the 8 s within which orders answers. 10 s by default.
    pub(crate) orders_timeout: Duration,
    /// `UPSTREAM_TIMEOUT` of every other call; none of them calls further. 3 s by default.
    pub(crate) upstream_timeout: Duration,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let listen = settings.address("LISTEN");
        let grace = settings.duration_or("SHUTDOWN_GRACE", Duration::from_secs(12));
        let catalog_url = settings.url("CATALOG_URL");
        let inventory_url = settings.url("INVENTORY_URL");
        let orders_url = settings.url("ORDERS_URL");
        let payments_url = settings.url("PAYMENTS_URL");
        let mailbox_url = settings.url("MAILBOX_URL");
        let orders_timeout = settings.duration_or("ORDERS_TIMEOUT", Duration::from_secs(10));
        let upstream_timeout = settings.duration_or("UPSTREAM_TIMEOUT", Duration::from_secs(3));
        Some(Self {
            listen: listen?,
            grace: grace?,
            catalog_url: catalog_url?,
            inventory_url: inventory_url?,
            orders_url: orders_url?,
            payments_url: payments_url?,
            mailbox_url: mailbox_url?,
            orders_timeout: orders_timeout?,
            upstream_timeout: upstream_timeout?,
        })
    }
}
