//! search: finds items by their words, and shows what sells best.
//!
//! It owns nothing: what it knows it read from the topics `catalog`, `inventory` and `orders`, into
//! a model made for its questions (the query side of CQRS) in a SQLite file of its own. So it
//! answers while the others are away, and `search rebuild` drops the model and reads it anew; to
//! delete the file does the same. It calls nobody but the broker, and anyone may ask it.
//!
//! # Layout
//! * [`words`]: what somebody typed, as words to look for
//! * [`model`]: what is known, and the questions that it answers
//! * [`topics`]: what it hears
//! * [`follow`]: reads the topics for the model that there is
//! * [`rebuild`]: the command that drops it
//! * [`routes`]: its HTTP interface

mod config;
mod follow;
mod model;
mod rebuild;
mod routes;
#[cfg(test)]
mod tests;
mod topics;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use shop::clock::Clock;
use shop::config::Basics;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::kafka::{KafkaError, Producer};
use shop::metrics::Metrics;
use shop::retention::{self, Prune};
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::{dead_letters, inbox};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::follow::Follower;
use crate::model::Model;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum SearchError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// The name of the service's groups, each of which has one model more after it, and of its dead
/// letters.
const GROUP: &str = "search";

/// What of the service is kept only for a time.
const KEPT_FOR_A_TIME: &[Prune] = &[inbox::prune];

fn main() -> ExitCode {
    entry::run_with(
        Service {
            name: "search",
            health: Kind::Http,
        },
        vec![rebuild::command(), dead_letters::command(GROUP)],
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), SearchError> {
    let Basics {
        listen,
        data_dir,
        grace,
    } = config.basics;
    let clock = Clock::system();
    let model = Model::open(&data_dir, clock.clone()).await?;
    let database = model.database().clone();
    let producer = Producer::new(&config.kafka_brokers, "search")?;
    let metrics = Metrics::new();
    metrics.watch_database(&database);
    let follower = Follower::new(model.clone(), config.kafka_brokers, producer.clone());
    follower.watched_by(&metrics);
    let listener = serve::listen(&listen).await?;
    let readiness = Readiness::new().and_database(&database);
    let serving = Serving::new(readiness, metrics);
    let (served, followed, ()) = tokio::join!(
        serve::http(
            listener,
            routes::routes(model),
            serving,
            shutdown.clone(),
            grace
        ),
        follower.run(shutdown.clone(), grace),
        retention::keep(database, clock, KEPT_FOR_A_TIME, shutdown.clone()),
    );
    if let Err(error) = producer.close(Duration::from_secs(1)).await {
        tracing::warn!(%error, "a dead letter is written again after the next start");
    }
    followed?;
    Ok(served?)
}
