//! catalog: which items the shop sells, what they are called and what they cost.
//!
//! One resource in two versions side by side, `/v1/items/{sku}` and `/v2/items/{sku}`; the items
//! are kept once, in a SQLite file of its own. Anyone may look, operators describe. Each change is
//! told on the topic `catalog` through an outbox. It calls auth for its keys.
//!
//! # Layout
//! * [`items`]: what is kept, and told
//! * [`shapes`]: the two versions of it
//! * [`routes`]: its HTTP interface

mod config;
mod items;
mod routes;
mod shapes;

use std::process::ExitCode;

use shop::clock::Clock;
use shop::config::Basics;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::idempotency;
use shop::kafka::KafkaError;
use shop::messenger::Messenger;
use shop::metrics::Metrics;
use shop::outbox;
use shop::retention::{self, Prune};
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::token::Keys;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::items::Items;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum CatalogError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// What of the service is kept only for a time.
const KEPT_FOR_A_TIME: &[Prune] = &[idempotency::prune, outbox::prune];

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "catalog",
            health: Kind::Http,
        },
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), CatalogError> {
    let Basics {
        listen,
        data_dir,
        grace,
    } = config.basics;
    let clock = Clock::system();
    let messenger = Messenger::new("catalog", &config.kafka_brokers, &config.bugs)?;
    let items = Items::open(&data_dir, clock.clone(), messenger.outbox(), &config.bugs)?;
    let database = items.database().clone();
    let metrics = Metrics::new();
    metrics.watch_database(&database);
    metrics.watch_outbox(&database, &clock);
    let keys = Keys::published_at(&config.auth_url, &metrics, clock.clone())?;
    let listener = serve::listen(&listen).await?;
    let readiness = Readiness::new().and_database(&database);
    let routes = routes::routes(items, keys.clone());
    let serving = Serving::new(readiness, metrics);
    let (served, (), (), ()) = tokio::join!(
        serve::http(listener, routes, serving, shutdown.clone(), grace),
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
    Ok(served?)
}
