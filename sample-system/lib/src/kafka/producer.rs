//! The producer: a record is published once the broker has it on disk, or the call says why not.

use std::time::Duration;

use async_trait::async_trait;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::task::spawn_blocking;

use super::quiet::Quiet;
use super::{KafkaError, Record, client};

/// How long one record may take, all the client's own repeats included.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of the largest record that is sent. It is the broker who says what is too large (the shop's
/// takes 1,048,588 bytes); this is more than one here would take, so that whatever it took can be
/// sent to it again, as `dead-letters replay` does.
const LARGEST: u32 = 10_000_000;

/// Takes records and tells when each is safe; what the outbox publishes through.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Returns once the record is safe with the broker.
    ///
    /// # Errors
    /// [`KafkaError::Publish`] when it is not, or not known to be; sending it again is right.
    async fn publish(&self, record: &Record) -> Result<(), KafkaError>;
}

/// A producer that waits for the broker's answer to each record.
///
/// It is not Kafka's idempotent one: whoever reads knows a repeat by the event's `id`, and after a
/// broker was away for longer than a delivery may take, that client goes on with a producer's epoch
/// of its own making, which the shop's broker does not survive. One request at a time keeps what is
/// sent again in its place.
#[derive(Clone)]
pub struct Producer {
    client: FutureProducer<Quiet>,
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
            .set("enable.idempotence", "false")
            .set("max.in.flight.requests.per.connection", "1")
            .set("linger.ms", "0")
            .set("message.max.bytes", LARGEST.to_string())
            .set(
                "delivery.timeout.ms",
                DELIVERY_TIMEOUT.as_millis().to_string(),
            )
            .set("request.timeout.ms", "5000")
            .set("retry.backoff.ms", "50");
        let client = config
            .create_with_context(Quiet)
            .map_err(|source| KafkaError::Client {
                brokers: brokers.to_owned(),
                source: Box::new(source),
            })?;
        Ok(Self { client })
    }

    /// Waits until nothing is under way any more, at most `grace`.
    ///
    /// # Errors
    /// [`KafkaError::Flush`] when records are still under way after that.
    pub async fn close(self, grace: Duration) -> Result<(), KafkaError> {
        spawn_blocking(move || self.client.flush(grace))
            .await
            .map_err(|source| KafkaError::CutOff {
                what: "flushing the producer",
                source,
            })?
            .map_err(|source| KafkaError::Flush(Box::new(source)))
    }
}

#[async_trait]
impl Publish for Producer {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        let message = FutureRecord::to(&record.topic)
            .key(&record.key)
            .payload(&record.payload)
            .headers(record.owned_headers());
        let sent = self.client.send(message, DELIVERY_TIMEOUT).await;
        sent.map(drop).map_err(|(source, _)| KafkaError::Publish {
            topic: record.topic.clone(),
            key: record.key.clone(),
            source: Box::new(source),
        })
    }
}
