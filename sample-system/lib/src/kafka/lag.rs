//! How far a group is behind its topics.
//!
//! Asked by a client of its own that joins no group: what a member is answered waits behind its
//! fetches, which the broker holds while there is nothing new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use super::quiet::Quiet;
use super::{ConsumerSettings, KafkaError, client};

/// How long the broker may take for each answer. It has them in memory; the first waits for a
/// connection.
const ANSWER: Duration = Duration::from_secs(2);

/// Asks about one group.
#[derive(Clone)]
pub(crate) struct Lag {
    client: Arc<BaseConsumer<Quiet>>,
    topics: Vec<String>,
}

impl Lag {
    /// Asks about the group of `settings`; connects when it is first asked.
    ///
    /// # Errors
    /// [`KafkaError::Client`] when the settings cannot be used.
    pub(crate) fn of(settings: &ConsumerSettings) -> Result<Self, KafkaError> {
        let client = client(&settings.brokers, &settings.client_id)
            .set("group.id", &settings.group)
            .set("enable.auto.commit", "false")
            .create_with_context(Quiet)
            .map_err(|source| KafkaError::Client {
                brokers: settings.brokers.clone(),
                source: Box::new(source),
            })?;
        Ok(Self {
            client: Arc::new(client),
            topics: settings.topics.clone(),
        })
    }

    /// For each topic: how many records stand behind the last that the group has committed, over
    /// all partitions.
    ///
    /// # Errors
    /// [`KafkaError::Read`] when the broker does not say.
    pub(crate) async fn by_topic(self) -> Result<BTreeMap<String, u64>, KafkaError> {
        let asked = spawn_blocking(move || {
            let behind = |topic: &String| Ok((topic.clone(), behind(&self.client, topic)?));
            let all: Result<_, ClientError> = self.topics.iter().map(behind).collect();
            all.map_err(|source| KafkaError::Read(Box::new(source)))
        });
        asked.await.map_err(|source| KafkaError::CutOff {
            what: "asking for a group's lag",
            source,
        })?
    }
}

fn behind(client: &BaseConsumer<Quiet>, topic: &str) -> Result<u64, ClientError> {
    let metadata = client.fetch_metadata(Some(topic), ANSWER)?;
    let mut places = TopicPartitionList::new();
    let partitions = metadata.topics().iter().flat_map(|it| it.partitions());
    for partition in partitions {
        places.add_partition(topic, partition.id());
    }
    if places.count() == 0 {
        return Ok(0);
    }
    let mut behind = 0;
    for place in client.committed_offsets(places, ANSWER)?.elements() {
        let (low, high) = client.fetch_watermarks(topic, place.partition(), ANSWER)?;
        // A group that has committed nothing yet begins at the beginning.
        let done = match place.offset() {
            Offset::Offset(done) => done.max(low),
            _ => low,
        };
        behind += u64::try_from(high - done).unwrap_or_default();
    }
    Ok(behind)
}
