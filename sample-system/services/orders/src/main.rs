//! orders: takes orders and sees each through to its end, paid or cancelled.
//!
//! An order is stored as its events, with a read model beside them; a saga leads it through
//! inventory and payments and undoes what it did when a step fails; an outbox announces the end on
//! the topic `orders`. All of it is in one SQLite file. It calls catalog, inventory and payments.
//!
//! # Layout
//! * [`order`]: an order as its events tell it (pure)
//! * [`saga`]: which step follows which fact (pure)
//! * [`executor`]: performs steps, records each, resumes what a crash left unfinished
//! * [`store`]: events, read model, sagas and outbox, written together
//! * [`catalog`], [`stock`], [`payments`]: the three services it calls
//! * [`announcement`]: the events that other services hear
//! * [`routes`], [`request`]: its HTTP interface
//! * [`halt`]: the test-only switch that parks a saga between two steps

mod announcement;
mod catalog;
mod config;
mod executor;
mod halt;
#[cfg(test)]
mod neighbours;
mod order;
mod payments;
mod request;
mod routes;
mod saga;
mod stock;
mod store;

use std::process::ExitCode;
use std::time::Duration;

use shop::clock::Clock;
use shop::database::DatabaseError;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::http_client::ClientError;
use shop::inventory::AddressError;
use shop::kafka::{KafkaError, Producer};
use shop::lease::Holder;
use shop::outbox::{Outbox, Relay};
use shop::serve::{self, Readiness, ServeError};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::executor::{Executor, Peers};
use crate::payments::Payments;
use crate::routes::Desk;
use crate::stock::Stock;
use crate::store::Store;

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum OrdersError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Inventory(#[from] AddressError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

fn main() -> ExitCode {
    entry::run(
        Service {
            name: "orders",
            health: Kind::Http,
        },
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), OrdersError> {
    let (outbox, holder) = (Outbox::new(), Holder::fresh());
    let store = Store::open(&config.basics.data_dir, Clock::system(), outbox.clone())?;
    let listener = serve::listen(&config.basics.listen).await?;
    let producer = Producer::new(&config.kafka_brokers, "orders")?;
    let relay = Relay::new(
        store.database(),
        producer.clone(),
        Clock::system(),
        &outbox,
        holder,
    );
    let relaying = tokio::spawn(relay.run(shutdown.clone()));

    let catalog = Catalog::new(&config.catalog_url, config.catalog_timeout)?;
    let peers = Peers {
        stock: Stock::new(&config.inventory_url, config.inventory_timeout)?,
        payments: Payments::new(
            &config.payments_url,
            config.payments_timeout,
            config.refund_timeout,
        )?,
    };
    let executor = Executor::new(store.clone(), peers, shutdown.clone());
    executor.resume().await?;

    let readiness = Readiness::new().and("the database", {
        let database = store.database();
        move || {
            let database = database.clone();
            async move { database.answers().await }
        }
    });
    let desk = Desk::new(store, catalog, executor.clone(), &config);
    let grace = config.basics.grace;
    serve::http(listener, routes::routes(desk), readiness, shutdown, grace).await?;
    executor.finish(grace).await;
    if tokio::time::timeout(grace, relaying).await.is_err() {
        tracing::warn!("events wait in the outbox for the next start");
    }
    // What the producer cannot finish now is still in the outbox.
    if let Err(error) = producer.close(Duration::from_secs(1)).await {
        tracing::warn!(%error, "events wait in the outbox for the next start");
    }
    Ok(())
}
