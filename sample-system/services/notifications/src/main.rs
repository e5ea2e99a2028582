//! notifications: tells customers by mail what became of their orders.
//!
//! It follows the topics `orders` and `shipping`, turns each event into a mail, and hands that to an
//! SMTP server; from the topic `accounts` it keeps where customers want their mail. Nobody waits for
//! it and nobody calls it: while it is away events wait on the topics, and no order fails.
//!
//! # One mail for each event
//! The mail is written down with the inbox row of its event, in one transaction; then the event is
//! done. The mail leaves afterwards, at least once: dying between the server's answer and the note
//! of it sends the mail again, with the same Message-ID. A mail whose address has not come waits
//! for it.
//!
//! # Layout
//! * [`event`]: what is read from the topics
//! * [`letter`]: news as a mail
//! * [`outgoing`]: the mails that are to leave, and the addresses
//! * [`desk`]: where events become mails that wait
//! * [`sender`]: lets them leave
//! * [`post`]: hands a mail to the SMTP server

mod config;
mod desk;
mod event;
mod letter;
mod outgoing;
mod post;
mod sender;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use axum::Router;
use shop::clock::Clock;
use shop::config::Basics;
use shop::database::{Database, DatabaseError};
use shop::dead_letters;
use shop::entry::{self, Service};
use shop::event::{AccountChanged, ItemShipped, Kind as _, OrderPlaced};
use shop::grace::within;
use shop::healthcheck::Kind;
use shop::inbox;
use shop::kafka::KafkaError;
use shop::messenger::Messenger;
use shop::metrics::Metrics;
use shop::retention::{self, Prune};
use shop::serve::{self, Readiness, ServeError, Serving};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::desk::Desk;
use crate::post::{Post, PostError};
use crate::sender::Sender;

/// The topics with the events of orders, shipments and accounts.
const TOPICS: [&str; 3] = [
    OrderPlaced::TOPIC,
    ItemShipped::TOPIC,
    AccountChanged::TOPIC,
];

/// What of the service is kept only for a time.
const KEPT_FOR_A_TIME: &[Prune] = &[inbox::prune, outgoing::prune];

/// The group whose members share the work.
const GROUP: &str = "notifications";

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum NotificationsError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

fn main() -> ExitCode {
    entry::run_with(
        Service {
            name: "notifications",
            health: Kind::Http,
        },
        vec![dead_letters::command(GROUP)],
        Config::read,
        run,
    )
}

async fn run(config: Config, shutdown: CancellationToken) -> Result<(), NotificationsError> {
    let Config {
        basics,
        brokers,
        smtp,
        from,
        bugs,
    } = config;
    let desk = Desk::open(&basics.data_dir, Clock::system(), &bugs)?;
    let messenger = Messenger::new("notifications", &brokers, &bugs)?;
    let (metrics, post) = (Metrics::new(), Post::new(&smtp)?);
    let mails = metrics.resource("mails");
    let sender = Sender::new(&desk, post, from, messenger.producer(), mails);
    let listener = serve::listen(&basics.listen).await?;
    let database = desk.database.clone();
    let keeping = retention::keep(
        database.clone(),
        desk.clock.clone(),
        KEPT_FOR_A_TIME,
        shutdown.clone(),
    );
    metrics.watch_database(&database);
    watch_mails(&metrics, &database);
    let consumption = messenger.follow(GROUP, &TOPICS, desk, &bugs);
    metrics.watch_consumer(&consumption);
    let readiness = Readiness::new().and_database(&database);
    let Basics { grace, .. } = basics;
    let (served, consumed, sent, ()) = tokio::join!(
        serve::http(
            listener,
            Router::new(),
            Serving::new(readiness, metrics),
            shutdown.clone(),
            grace
        ),
        consumption.run(shutdown.clone(), grace),
        within(grace, &shutdown, sender.run(shutdown.clone())),
        keeping,
    );
    if sent.is_none() {
        tracing::warn!("mails in hand leave again after the next start");
    }
    consumed?;
    Ok(served?)
}

/// Shows how many mails wait, for an address too, as the resource `mails`.
fn watch_mails(metrics: &Metrics, database: &Database) {
    let (shown, database) = (metrics.resource("mails"), database.clone());
    metrics.ask_at_scrape(move || {
        let (shown, database) = (shown.clone(), database.clone());
        async move {
            match database.read(outgoing::waiting).await {
                Ok(waiting) => shown.waiting(waiting.into()),
                Err(error) => {
                    tracing::warn!(%error, "the mails cannot be counted");
                    shown.failed();
                }
            }
        }
    });
}
