//! notifications: tells customers by mail what became of their orders.
//!
//! It follows the topic `orders`, turns each event into a mail and hands that to an SMTP server.
//! Nobody waits for it and nobody calls it: while it is away events wait on the topic, and no
//! order fails.
//!
//! # One mail for each event
//! The work of an event is done in three steps: hand over the mail, write the event's id into the
//! inbox, commit the offset. Dying between any two makes the event come again; the inbox knows
//! one that is done, and a mail that is sent twice has the same Message-ID both times.
//!
//! # Layout
//! * [`event`]: what is read from the topic
//! * [`letter`]: an event as a mail
//! * [`post`]: hands a mail to the SMTP server
//! * [`inbox`]: which events are done
//! * [`reader`]: the way of one event

mod event;
mod inbox;
mod letter;
mod post;
mod reader;

use std::process::ExitCode;

use axum::Router;
use lettre::message::Mailbox;
use shop::bugs::Bugs;
use shop::clock::Clock;
use shop::config::{Basics, Settings};
use shop::consume::Consumption;
use shop::database::DatabaseError;
use shop::dead_letters;
use shop::entry::{self, Service};
use shop::healthcheck::Kind;
use shop::kafka::{ConsumerSettings, KafkaError, Producer};
use shop::serve::{self, Readiness, ServeError};
use tokio_util::sync::CancellationToken;

use crate::inbox::Inbox;
use crate::post::{Post, PostError};
use crate::reader::Reader;

/// The topic with the events of orders.
const TOPIC: &str = "orders";

/// The group whose members share the work.
const GROUP: &str = "notifications";

/// What the service is configured with.
struct Config {
    basics: Basics,
    /// `KAFKA_BROKERS`: where to find the broker, `host:port`.
    brokers: String,
    /// `SMTP_ADDRESS`: who takes the mail, `host:port`.
    smtp: String,
    /// `MAIL_FROM`: who the mail is from.
    from: String,
}

impl Config {
    fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let brokers = settings.address("KAFKA_BROKERS");
        let smtp = settings.address("SMTP_ADDRESS");
        let from = settings.text_or("MAIL_FROM", "The shop <orders@shop.example>");
        Some(Self {
            basics: basics?,
            brokers: brokers?,
            smtp: smtp?,
            from: from?,
        })
    }
}

/// Why the service ended before it was asked to.
#[derive(Debug, thiserror::Error)]
enum NotificationsError {
    #[error("MAIL_FROM {given:?} is no sender: {source}; give one like Shop <shop@example.org>")]
    From {
        given: String,
        source: lettre::address::AddressError,
    },
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
    } = config;
    let from: Mailbox = from.parse().map_err(|source| NotificationsError::From {
        given: from,
        source,
    })?;
    let inbox = Inbox::open(&basics.data_dir, Clock::system())?;
    let reader = Reader::new(inbox.clone(), Post::new(&smtp)?, from);
    let listener = serve::listen(&basics.listen).await?;
    let letters = Producer::new(&brokers, "notifications")?;
    let settings = ConsumerSettings {
        brokers,
        group: GROUP.to_owned(),
        client_id: "notifications".to_owned(),
        topics: vec![TOPIC.to_owned()],
    };
    let consumption = Consumption::new(settings, reader, letters, &Bugs::none());
    let readiness = Readiness::new().and("the database", move || {
        let inbox = inbox.clone();
        async move { inbox.answers().await }
    });
    let (served, consumed) = tokio::join!(
        serve::http(
            listener,
            Router::new(),
            readiness,
            shutdown.clone(),
            basics.grace
        ),
        consumption.run(shutdown.clone(), basics.grace),
    );
    consumed?;
    Ok(served?)
}
