//! inventory: how many units of each item can be sold, and which are taken aside for an order.
//!
//! gRPC (`contracts/proto/inventory.proto`) with the standard health service at `LISTEN`; figures and
//! what the auditor reads over HTTP at `LISTEN_HTTP`. The stock is kept in a SQLite file of its own.
//! Each change of it is told on the topic `inventory` through an outbox; the topic `shipping` tells
//! it what comes back. It calls auth for its keys.
//!
//! # Layout
//! * [`stock`]: the stock and its reservations
//! * [`service`], [`audit`]: its interfaces
//! * [`failed_shipments`]: what it hears

mod audit;
mod config;
mod failed_shipments;
mod service;
mod stock;

use std::process::ExitCode;
use std::time::Duration;

use shop::clock::Clock;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::event::{Kind as _, ShipmentFailed};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::kafka::KafkaError;
use shop::messenger::Messenger;
use shop::metrics::Metrics;
use shop::outbox;
use shop::retention::{self, Prune};
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::token::Keys;
use shop::{dead_letters, idempotency, inbox};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::failed_shipments::FailedShipments;
use crate::stock::StockRoom;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum InventoryError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// The group whose members share the work.
const GROUP: &str = "inventory";

/// How often it is looked for reservations whose time is over.
const EXPIRE_EACH: Duration = Duration::from_secs(1);

/// What of the service is kept only for a time.
const KEPT_FOR_A_TIME: &[Prune] = &[idempotency::prune, inbox::prune, outbox::prune];

fn main() -> ExitCode {
    entry::run_with(
        Service {
            name: "inventory",
            health: Kind::Grpc,
        },
        vec![dead_letters::command(GROUP)],
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), InventoryError> {
    let (clock, grace) = (Clock::system(), config.basics.grace);
    let messenger = Messenger::new("inventory", &config.kafka_brokers, &config.bugs)?;
    let room = StockRoom::open(
        &config.basics.data_dir,
        config.reservation_kept,
        clock.clone(),
        messenger.outbox(),
        &config.bugs,
    )?;
    let database = room.database().clone();
    let metrics = Metrics::new();
    metrics.watch_database(&database);
    metrics.watch_outbox(&database, &clock);
    let keys = Keys::published_at(&config.auth_url, &metrics, clock.clone())?;
    let topics = [ShipmentFailed::TOPIC];
    let heard = FailedShipments(room.clone());
    let consumption = messenger.follow(GROUP, &topics, heard, &config.bugs);
    metrics.watch_consumer(&consumption);
    let grpc = serve::listen(&config.basics.listen).await?;
    let http = serve::listen(&config.listen_http).await?;

    let readiness = Readiness::new().and_database(&database);
    let routes = audit::routes(room.clone(), keys.clone());
    let serving = Serving::new(readiness, metrics.clone());
    let stop = || shutdown.clone();
    let (answered, served, consumed, (), (), (), ()) = tokio::join!(
        service::serve(grpc, room.clone(), keys.clone(), &serving, stop(), grace),
        serve::http(http, routes, serving.clone(), stop(), grace),
        consumption.run(stop(), grace),
        expire(room, stop()),
        messenger.relay(&database, &clock, stop()),
        retention::keep(database.clone(), clock.clone(), KEPT_FOR_A_TIME, stop()),
        keys.run(stop()),
    );
    messenger.close().await;
    consumed?;
    served?;
    Ok(answered?)
}

/// Ends reservations when their time is over, until `shutdown`.
async fn expire(room: StockRoom, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match room.expire().await {
            Ok(0) => {}
            Ok(reservations) => {
                tracing::warn!(reservations, "gave units back that nobody paid for in time");
                continue;
            }
            Err(error) => tracing::warn!(%error, "reservations cannot be ended"),
        }
        tokio::select! {
            () = tokio::time::sleep(EXPIRE_EACH) => {}
            () = shutdown.cancelled() => {}
        }
    }
}
