//! shipping: the warehouse. It picks and packs what was ordered and says that it left, or that it
//! never will.
//!
//! It follows the topic `orders`: `ORDER_PLACED` becomes a task, `ORDER_CANCELLED` drops one that
//! is not packed yet. Packers take tasks under a lease, several copies of the service over one
//! SQLite file share them out, and each ends once: with `ITEM_SHIPPED` or `SHIPMENT_FAILED` on the
//! topic `shipping`, through an outbox. It calls auth for its keys, and nobody waits for it.
//!
//! # Layout
//! * [`orders`]: what it hears
//! * [`warehouse`]: every task; [`task`]: what may happen to one
//! * [`packer`]: works on tasks
//! * [`routes`]: its HTTP interface

mod config;
mod orders;
mod packer;
mod routes;
mod task;
#[cfg(test)]
mod tests;
mod warehouse;

use std::process::ExitCode;

use shop::clock::Clock;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::event::{Kind as _, OrderPlaced};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::kafka::KafkaError;
use shop::lease::Holder;
use shop::messenger::Messenger;
use shop::metrics::Metrics;
use shop::outbox;
use shop::retention::{self, Prune};
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::token::Keys;
use shop::{dead_letters, inbox};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::orders::Orders;
use crate::packer::Packer;
use crate::warehouse::Warehouse;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum ShippingError {
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
const GROUP: &str = "shipping";

/// What of the service is kept only for a time.
const KEPT_FOR_A_TIME: &[Prune] = &[inbox::prune, outbox::prune];

fn main() -> ExitCode {
    entry::run_with(
        Service {
            name: "shipping",
            health: Kind::Http,
        },
        vec![dead_letters::command(GROUP)],
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), ShippingError> {
    let (clock, grace) = (Clock::system(), config.basics.grace);
    let messenger = Messenger::new("shipping", &config.kafka_brokers, &config.bugs)?;
    let folder = &config.basics.data_dir;
    let warehouse = Warehouse::open(folder, clock.clone(), messenger.outbox(), &config.bugs)?;
    let database = warehouse.database().clone();
    let metrics = Metrics::new();
    metrics.watch_database(&database);
    metrics.watch_outbox(&database, &clock);
    watch_tasks(&metrics, &warehouse);
    let keys = Keys::published_at(&config.auth_url, &metrics, clock.clone())?;
    let topics = [OrderPlaced::TOPIC];
    let heard = Orders(warehouse.clone());
    let consumption = messenger.follow(GROUP, &topics, heard, &config.bugs);
    metrics.watch_consumer(&consumption);
    let packer = Packer::new(
        warehouse.clone(),
        config.packing,
        Holder::fresh(),
        metrics.resource("packers"),
    );
    let listener = serve::listen(&config.basics.listen).await?;
    let readiness = Readiness::new().and_database(&database);
    let routes = routes::routes(warehouse, keys.clone());
    let serving = Serving::new(readiness, metrics);
    let (served, consumed, (), (), (), ()) = tokio::join!(
        serve::http(listener, routes, serving, shutdown.clone(), grace),
        consumption.run(shutdown.clone(), grace),
        packer.run(shutdown.clone(), grace),
        messenger.relay(&database, &clock, shutdown.clone()),
        retention::keep(
            database.clone(),
            clock.clone(),
            KEPT_FOR_A_TIME,
            shutdown.clone()
        ),
        keys.run(shutdown.clone()),
    );
    messenger.close().await;
    consumed?;
    Ok(served?)
}

/// Shows how many orders wait to be packed, or are being packed, as the resource `tasks`.
fn watch_tasks(metrics: &Metrics, warehouse: &Warehouse) {
    let (shown, warehouse) = (metrics.resource("tasks"), warehouse.clone());
    metrics.ask_at_scrape(move || {
        let (shown, warehouse) = (shown.clone(), warehouse.clone());
        async move {
            match warehouse.open_tasks().await {
                Ok(open) => shown.waiting(open.into()),
                Err(error) => {
                    tracing::warn!(%error, "the tasks cannot be counted");
                    shown.failed();
                }
            }
        }
    });
}
