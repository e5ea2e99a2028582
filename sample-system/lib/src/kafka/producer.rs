//! The producer: a record is published once the broker has it on disk, or the call says why not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::task::spawn_blocking;

use super::quiet::Quiet;
use super::{KafkaError, Record, client};

/// How long one record may take, all the client's own repeats included.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes records and tells when each is safe; what the outbox publishes through.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Returns once the record is safe with the broker.
    ///
    /// # Errors
    /// [`KafkaError::Publish`] when it is not, or not known to be; sending it again is right.
    async fn publish(&self, record: &Record) -> Result<(), KafkaError>;
}

/// An idempotent producer that waits for the broker's answer to each record.
///
/// Idempotence has an end: when the broker has forgotten the producer, the client refuses every
/// further record for good. The producer then begins a new session by itself.
#[derive(Clone)]
pub struct Producer {
    config: ClientConfig,
    session: Arc<Mutex<FutureProducer<Quiet>>>,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}

impl Producer {
    /// Makes a producer; it connects in the background, so a broker may come later.
    ///
    /// # Errors
    /// [`KafkaError::Client`] when the settings cannot be used.
    pub fn new(brokers: &str, client_id: &str) -> Result<Self, KafkaError> {
        let mut config = client(brokers, client_id);
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set(
                "delivery.timeout.ms",
                DELIVERY_TIMEOUT.as_millis().to_string(),
            )
            .set("request.timeout.ms", "5000")
            .set("retry.backoff.ms", "50");
        let session = config
            .create_with_context(Quiet)
            .map_err(|source| KafkaError::Client {
                brokers: brokers.to_owned(),
                source: Box::new(source),
            })?;
        Ok(Self {
            config,
            session: Arc::new(Mutex::new(session)),
        })
    }

    /// Waits until nothing is under way any more, at most `grace`.
    ///
    /// # Errors
    /// [`KafkaError::Flush`] when records are still under way after that.
    pub async fn close(self, grace: Duration) -> Result<(), KafkaError> {
        let session = self.session().clone();
        spawn_blocking(move || session.flush(grace))
            .await
            .map_err(|source| KafkaError::CutOff {
                what: "flushing the producer",
                source,
            })?
            .map_err(|source| KafkaError::Flush(Box::new(source)))
    }

    fn session(&self) -> MutexGuard<'_, FutureProducer<Quiet>> {
        // Nothing panics while it is held, and a client is whole at any time.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces a session that can publish no more.
    fn renew_if_dead(&self, session: &FutureProducer<Quiet>) {
        let Some((code, reason)) = session.client().fatal_error() else {
            return;
        };
        tracing::warn!(%code, reason, "the producer's session is over, beginning another");
        match self.config.create_with_context(Quiet) {
            Ok(fresh) => *self.session() = fresh,
            Err(error) => tracing::error!(%error, "no new producer's session can begin"),
        }
    }
}

#[async_trait]
impl Publish for Producer {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        let message = FutureRecord::to(&record.topic)
            .key(&record.key)
            .payload(&record.payload)
            .headers(record.owned_headers());
        let session = self.session().clone();
        match session.send(message, DELIVERY_TIMEOUT).await {
            Ok(_) => Ok(()),
            Err((source, _)) => {
                self.renew_if_dead(&session);
                Err(KafkaError::Publish {
                    topic: record.topic.clone(),
                    key: record.key.clone(),
                    source: Box::new(source),
                })
            }
        }
    }
}
