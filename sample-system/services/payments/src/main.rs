//! payments: charges cards and refunds charges, each at most once however often it is asked.
//!
//! `POST /charges`, `POST /charges/{id}/refund` and `GET /charges?order_id=` are for services;
//! `GET /orders/{id}/charges` is for the customer whose order it is. What is charged and given back
//! is told on the topic `payments` through an outbox; the topic `shipping` tells it which orders are
//! to be refunded. The ledger is kept in a SQLite file of its own. It calls auth for its keys. With
//! `PROVIDER_STATES=on`, and only then, it takes the states that a contract's verification needs at
//! `POST /_pact/states`.
//!
//! # Layout
//! * [`ledger`]: every charge, and what may happen to one
//! * [`routes`], [`states`]: its HTTP interface
//! * [`failed_shipments`]: what it hears

mod config;
mod failed_shipments;
mod ledger;
mod routes;
mod states;

use std::process::ExitCode;

use shop::clock::Clock;
use shop::database::DatabaseError;
use shop::draw::Draw;
use shop::entry::{self, Service};
use shop::event::{Kind as _, ShipmentFailed};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::idempotency::{self, Secret, SecretError};
use shop::kafka::KafkaError;
use shop::messenger::Messenger;
use shop::metrics::Metrics;
use shop::outbox;
use shop::retention::{self, Prune};
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::token::Keys;
use shop::{dead_letters, inbox};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::failed_shipments::FailedShipments;
use crate::ledger::Ledger;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum PaymentsError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// The group whose members share the work.
const GROUP: &str = "payments";

/// What of the service is kept only for a time.
const KEPT_FOR_A_TIME: &[Prune] = &[idempotency::prune, inbox::prune, outbox::prune];

fn main() -> ExitCode {
    entry::run_with(
        Service {
            name: "payments",
            health: Kind::Http,
        },
        vec![dead_letters::command(GROUP)],
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), PaymentsError> {
    let (clock, grace) = (Clock::system(), config.basics.grace);
    let messenger = Messenger::new("payments", &config.kafka_brokers, &config.bugs)?;
    let folder = &config.basics.data_dir;
    let secret = Secret::kept_in(folder, &Draw::system())?;
    let ledger = Ledger::open(
        folder,
        clock.clone(),
        messenger.outbox(),
        &config.bugs,
        secret,
    )?;
    let database = ledger.database().clone();
    let metrics = Metrics::new();
    metrics.watch_database(&database);
    metrics.watch_outbox(&database, &clock);
    let keys = Keys::published_at(&config.auth_url, &metrics, clock.clone())?;
    let topics = [ShipmentFailed::TOPIC];
    let heard = FailedShipments(ledger.clone());
    let consumption = messenger.follow(GROUP, &topics, heard, &config.bugs);
    metrics.watch_consumer(&consumption);
    let listener = serve::listen(&config.basics.listen).await?;

    let mut routes = routes::routes(ledger.clone(), keys.clone(), config.test_mode);
    if config.provider_states {
        tracing::warn!("takes provider states: anyone who calls can rewrite the ledger");
        routes = routes.merge(states::routes(ledger));
    }
    let readiness = Readiness::new().and_database(&database);
    let serving = Serving::new(readiness, metrics);
    let (served, consumed, (), (), ()) = tokio::join!(
        serve::http(listener, routes, serving, shutdown.clone(), grace),
        consumption.run(shutdown.clone(), grace),
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
