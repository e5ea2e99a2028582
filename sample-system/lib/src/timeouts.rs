//! How long each service waits for the next, in one place, because what matters is how they
//! compare: a caller waits longer than its callee takes, so that the one who knows what happened
//! is the one who says so. Each is the default of a setting; `tests/timeouts.rs` holds them, with
//! what `compose.yaml` sets, against each other.

use std::time::Duration;

/// `ORDERS_TIMEOUT` of the gateway: above the [`ANSWER_WITHIN`] of orders, with two seconds for
/// the way and for a busy machine.
pub const ORDERS_TIMEOUT: Duration = Duration::from_secs(10);

/// `UPSTREAM_TIMEOUT` of the gateway, for services that call nobody further: above the one second
/// that work may wait for its turn there.
pub const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(3);

/// `AUTH_TIMEOUT` of the gateway: a password's hash takes tens of milliseconds of a processor, and
/// a hundred customers who come at once wait for each other.
pub const AUTH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long auth may take to tell its keys to whoever checks tokens: it only reads them.
pub const KEYS_TIMEOUT: Duration = Duration::from_secs(2);

/// `HOME_TIMEOUT` of each part of the gateway's home page: who waits a second for a page has the
/// rest of it, without the part that is slow.
pub const HOME_TIMEOUT: Duration = Duration::from_secs(1);

/// `ANSWER_WITHIN` of orders: an order that takes longer is answered as pending and goes on.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// `CATALOG_TIMEOUT` of orders: a price is one row.
pub const CATALOG_TIMEOUT: Duration = Duration::from_secs(2);

/// `INVENTORY_TIMEOUT` of orders: a reservation is one commit.
pub const INVENTORY_TIMEOUT: Duration = Duration::from_secs(2);

/// `PAYMENTS_TIMEOUT` of orders for a charge, which a customer waits for.
pub const PAYMENTS_TIMEOUT: Duration = Duration::from_secs(2);
