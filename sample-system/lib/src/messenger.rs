//! A service's messenger: everything between its database and the broker. What it tells goes
//! through an [`Outbox`] and the relay behind that, what it hears through a [`Consumption`], and
//! what it cannot work on leaves as a dead letter by the same producer.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bugs::Bugs;
use crate::clock::Clock;
use crate::consume::{Consumption, Handle};
use crate::database::Database;
use crate::kafka::{ConsumerSettings, KafkaError, Producer};
use crate::lease::Holder;
use crate::outbox::{Outbox, Relay};

/// How long the producer may take for what is under way when the service ends. What it cannot
/// finish by then is still in the outbox.
const FLUSH: Duration = Duration::from_secs(1);

/// What one service tells and hears. It connects in the background: a broker may come later.
#[derive(Debug)]
pub struct Messenger {
    service: &'static str,
    brokers: String,
    producer: Producer,
    outbox: Outbox,
}

impl Messenger {
    /// The messenger of `service`, by which name the broker's logs know it, to `brokers`
    /// (`host:port` with commas between); its outbox has those of `bugs` that concern it.
    ///
    /// # Errors
    /// [`KafkaError::Client`] when the settings cannot be used.
    pub fn new(service: &'static str, brokers: &str, bugs: &Bugs) -> Result<Self, KafkaError> {
        let producer = Producer::new(brokers, service)?;
        Ok(Self {
            service,
            brokers: brokers.to_owned(),
            outbox: Outbox::seeded(bugs, producer.clone()),
            producer,
        })
    }

    /// Where the service puts its events.
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// By which dead letters leave, for a service that follows topics by itself.
    pub fn producer(&self) -> Producer {
        self.producer.clone()
    }

    /// Publishes what the outbox in `database` holds until `shutdown`, while this process holds the
    /// lease for it.
    pub fn relay(
        &self,
        database: &Database,
        clock: &Clock,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (database, clock) = (database.clone(), clock.clone());
        let producer = self.producer.clone();
        Relay::new(database, producer, clock, &self.outbox, Holder::fresh()).run(shutdown)
    }

    /// The work of `handler`, as a member of `group`, on what is told on `topics`.
    pub fn follow(
        &self,
        group: &str,
        topics: &[&str],
        handler: impl Handle,
        bugs: &Bugs,
    ) -> Consumption {
        let settings = ConsumerSettings {
            brokers: self.brokers.clone(),
            group: group.to_owned(),
            client_id: self.service.to_owned(),
            topics: topics.iter().copied().map(str::to_owned).collect(),
        };
        Consumption::new(settings, handler, self.producer.clone(), bugs)
    }

    /// Waits a second for what is under way; the rest waits in the outbox, or comes again.
    pub async fn close(self) {
        if let Err(error) = self.producer.close(FLUSH).await {
            tracing::warn!(%error, "events wait in the outbox for the next start");
        }
    }
}
