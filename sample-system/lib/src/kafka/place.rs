//! One record, by where it stands in its topic.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::{Message as _, Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use super::quiet::Quiet;
use super::{KafkaError, Record, client};

/// How long one turn of reading waits for the record.
const TURN: Duration = Duration::from_millis(200);

/// The record that stands at `offset` of a topic's `partition`, none where none does (any more);
/// `within` bounds the whole reading. No group takes part.
///
/// # Errors
/// When there is no such topic or partition, or the broker does not answer in time.
pub async fn read_at(
    brokers: &str,
    client_id: &str,
    (topic, partition, offset): (&str, i32, i64),
    within: Duration,
) -> Result<Option<Record>, KafkaError> {
    let mut config = client(brokers, client_id);
    // The library wants one for any reader; nothing is ever committed for it.
    config
        .set("group.id", client_id)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("fetch.wait.max.ms", "100");
    let topic = topic.to_owned();
    let read = spawn_blocking(move || {
        let failed = |source: ClientError| KafkaError::Topic {
            topic: topic.clone(),
            source: Box::new(source),
        };
        let deadline = Instant::now() + within;
        let reader: BaseConsumer<Quiet> = config.create_with_context(Quiet).map_err(failed)?;
        let stand = reader.fetch_watermarks(&topic, partition, within);
        let (first, end) = stand.map_err(failed)?;
        if !(first..end).contains(&offset) {
            return Ok(None);
        }
        let mut place = TopicPartitionList::new();
        place
            .add_partition_offset(&topic, partition, Offset::Offset(offset))
            .and_then(|()| reader.assign(&place))
            .map_err(failed)?;
        while Instant::now() < deadline {
            // Errors tell of connections that are being made again; the deadline ends it.
            if let Some(Ok(message)) = reader.poll(TURN) {
                // A later one, where this one was cleared away meanwhile.
                let is_it = message.offset() == offset;
                return Ok(is_it.then(|| Record::read(&message)));
            }
        }
        Err(KafkaError::Unfinished {
            topic: topic.clone(),
            seconds: within.as_secs(),
        })
    });
    read.await.map_err(|source| KafkaError::CutOff {
        what: "reading a record",
        source,
    })?
}
