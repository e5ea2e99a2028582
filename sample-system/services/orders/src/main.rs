//! orders: takes orders and sees each through to its end, paid or cancelled.
//!
//! An order is stored as its events, with a read model beside them; a saga leads it through
//! inventory and payments and undoes what it did when a step fails; an outbox announces the end on
//! the topic `orders`; what becomes of it afterwards is heard on the topic `shipping`. All of it is
//! in one SQLite file, which several replicas may share. It calls catalog, inventory and payments,
//! and auth for the keys of tokens.
//!
//! `orders rebuild` makes the read model anew from the events, `orders dead-letters` shows what it
//! could not work on.
//!
//! # Layout
//! * [`order`]: an order as its events tell it (pure)
//! * [`saga`]: which step follows which fact (pure)
//! * [`executor`]: performs steps, records each, takes over what nobody leads
//! * [`store`]: events, read model, sagas and outbox, written together
//! * [`catalog`], [`stock`], [`payments`]: the three services it calls
//! * [`announcement`]: the events that other services hear
//! * [`shipments`]: the events that it hears itself
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
mod shipments;
mod stock;
mod store;

use std::process::ExitCode;
use std::time::Duration;

use shop::clock::Clock;
use shop::config::Settings;
use shop::database::{Database, DatabaseError};
use shop::dead_letters;
use shop::draw::Draw;
use shop::entry::{self, Command, Service};
use shop::healthcheck::Kind;
use shop::http_client::{ClientError, Peer};
use shop::idempotency::{Secret, SecretError};
use shop::inbox::{self, Inbox};
use shop::inventory::AddressError;
use shop::kafka::KafkaError;
use shop::lease::Holder;
use shop::messenger::Messenger;
use shop::metrics::Metrics;
use shop::outbox::{self, Outbox};
use shop::retention::{self, Prune};
use shop::serve::{self, Readiness, ServeError, Serving};
use shop::token::Keys;
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::executor::{Executor, How, Peers};
use crate::payments::Payments;
use crate::routes::Desk;
use crate::shipments::Shipments;
use crate::stock::Stock;
use crate::store::Store;

/// How long auth may take to tell its keys: one row, and a request waits for it only once.
const KEYS_WITHIN: Duration = Duration::from_secs(2);

/// What is kept for a time only. Idempotency keys are not: an order's number comes from its key, so a
/// key that was forgotten could neither be used again nor told from another request.
const KEPT_FOR_A_TIME: &[Prune] = &[outbox::prune, inbox::prune];

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum OrdersError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Secret(#[from] SecretError),
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
    let service = Service {
        name: "orders",
        health: Kind::Http,
    };
    let commands = vec![rebuild(), dead_letters::command(shipments::GROUP)];
    entry::run_with(service, commands, Config::read, run)
}

/// `orders rebuild`, beside the running service or without it.
fn rebuild() -> Command {
    let folder = |settings: &mut Settings| settings.folder("DATA_DIR");
    Command::new("rebuild", "", folder, |folder, _, mut say| async move {
        Database::must_exist(&folder.join(store::FILE))?;
        let (outbox, holder) = (Outbox::new(), Holder::fresh());
        let store = Store::open(&folder, Clock::system(), outbox, holder)?;
        let orders = store.rebuild().await?;
        say(&format!("{orders} orders"));
        Ok::<(), DatabaseError>(())
    })
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), OrdersError> {
    let clock = Clock::system();
    let messenger = Messenger::new("orders", &config.kafka_brokers, &config.bugs)?;
    let folder = &config.basics.data_dir;
    let store = Store::open(folder, clock.clone(), messenger.outbox(), Holder::fresh())?;
    let database = store.database();
    let how = How {
        limits: config.limits,
        metrics: Metrics::new(),
        draw: Draw::system(),
    };
    let metrics = how.metrics.clone();
    metrics.watch_database(&database);
    metrics.watch_outbox(&database, &clock);

    let listener = serve::listen(&config.basics.listen).await?;
    // Ends when the last saga did, whose events are to go out too.
    let led = CancellationToken::new();
    let relaying = tokio::spawn(messenger.relay(&database, &clock, led.clone()));
    let kept = (database.clone(), clock.clone(), shutdown.clone());
    tokio::spawn(retention::keep(kept.0, kept.1, KEPT_FOR_A_TIME, kept.2));

    let executor = Executor::new(
        store.clone(),
        peers(&config, &how)?,
        config.bugs.clone(),
        shutdown.clone(),
    );
    tokio::spawn(executor.clone().keep_leading(led.clone()));
    let (sagas, leading) = (metrics.resource("sagas"), executor.clone());
    metrics.at_scrape(move || sagas.waiting(u64::try_from(leading.led()).unwrap_or(u64::MAX)));

    let (failing, leading) = (metrics.resource("sagas_failing"), executor.clone());
    metrics
        .at_scrape(move || failing.waiting(u64::try_from(leading.failing()).unwrap_or(u64::MAX)));

    let shipments = Shipments::new(store.clone(), Inbox::new(clock.clone(), &config.bugs));
    let topics = [shipments::TOPIC];
    let hearing = messenger.follow(shipments::GROUP, &topics, shipments, &config.bugs);
    metrics.watch_consumer(&hearing);
    let grace = config.basics.grace;
    let hearing = tokio::spawn(hearing.run(shutdown.clone(), grace));

    let desk = desk(
        &config,
        &how,
        store,
        executor.clone(),
        &clock,
        shutdown.clone(),
    )?;
    tokio::spawn(desk.keys.clone().run(shutdown.clone()));
    let serving = Serving::new(Readiness::new().and_database(&database), metrics);
    serve::http(listener, routes::routes(desk), serving, shutdown, grace).await?;
    executor.finish(grace).await;
    led.cancel();
    match tokio::time::timeout(grace, hearing).await {
        Ok(Ok(heard)) => heard?,
        Ok(Err(_)) | Err(_) => tracing::warn!("events of shipping come again at the next start"),
    }
    if tokio::time::timeout(grace, relaying).await.is_err() {
        tracing::warn!("events wait in the outbox for the next start");
    }
    messenger.close().await;
    Ok(())
}

fn peers(config: &Config, how: &How) -> Result<Peers, OrdersError> {
    let (charge, refund) = (config.payments_timeout, config.refund_timeout);
    Ok(Peers {
        stock: Stock::new(&config.inventory_url, config.inventory_timeout, how)?,
        payments: Payments::new(&config.payments_url, charge, refund, how)?,
    })
}

fn desk(
    config: &Config,
    how: &How,
    store: Store,
    executor: Executor,
    clock: &Clock,
    shutdown: CancellationToken,
) -> Result<Desk, OrdersError> {
    let auth = Peer::new("auth", &config.auth_url, KEYS_WITHIN)?;
    let auth = auth.guarded(how.limits, &how.metrics, &how.draw);
    let notifications = config.notifications_url.as_ref().map(|url| {
        let peer = Peer::new("notifications", url, config.answer_within)?;
        Ok::<Peer, ClientError>(peer.guarded(how.limits, &how.metrics, &how.draw))
    });
    Ok(Desk {
        secret: Secret::kept_in(&config.basics.data_dir, &how.draw)?,
        store,
        keys: Keys::new(auth, clock.clone()),
        catalog: Catalog::new(&config.catalog_url, config.catalog_timeout, how)?,
        executor,
        answer_within: config.answer_within,
        shutdown,
        grace: config.basics.grace,
        test_halt: config.test_halt,
        bugs: config.bugs.clone(),
        notifications: notifications.transpose()?,
    })
}
