//! inventory: how many units of each item can be sold, and which are taken aside for an order.
//!
//! gRPC (`contracts/proto/inventory.proto`) with the standard health service; the stock is kept in
//! a SQLite file of its own. It calls nobody.

mod service;
mod stock;

use std::process::ExitCode;

use shop::config::Basics;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::serve::{self, ServeError};
use tokio_util::sync::CancellationToken;

use crate::stock::StockRoom;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum InventoryError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Listen(#[from] ServeError),
    #[error("stopped serving: {0}")]
    Serve(#[from] tonic::transport::Error),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "inventory",
            health: Kind::Grpc,
        },
        Basics::read,
        run,
    )
}

async fn run(basics: Basics, shutdown: CancellationToken) -> Result<(), InventoryError> {
    let room = StockRoom::open(&basics.data_dir)?;
    let listener = serve::listen(&basics.listen).await?;
    Ok(service::serve(listener, room, shutdown, basics.grace).await?)
}
