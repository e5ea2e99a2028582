//! gateway: the one door that customers come through.
//!
//! It keeps nothing and decides nothing: each route is passed to the service that owns it, within a
//! timeout, under the caller's trace, and a service that cannot be reached becomes a problem+json.
//! Inventory speaks gRPC; here it is HTTP. It calls catalog, inventory, orders, payments, mailbox.

mod config;
mod forward;
mod orders;
mod routes;
mod stock;

use std::process::ExitCode;

use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::inventory::AddressError;
use shop::serve::{self, Readiness, ServeError};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::routes::Upstreams;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum GatewayError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Inventory(#[from] AddressError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "gateway",
            health: Kind::Http,
        },
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), GatewayError> {
    let routes = routes::routes(Upstreams::new(&config)?, routes::draw_trace);
    let listener = serve::listen(&config.listen).await?;
    serve::http(listener, routes, Readiness::new(), shutdown, config.grace).await?;
    Ok(())
}
