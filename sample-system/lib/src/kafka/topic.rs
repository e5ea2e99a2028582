//! A whole topic, from its beginning to what is its end when the reading begins. No group takes
//! part and no offset is kept: for whoever looks at a topic rather than works on it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::{Message as _, Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use super::quiet::Quiet;
use super::{Delivery, KafkaError, Record, client};

/// How long the broker may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long one turn of reading waits for records.
const TURN: Duration = Duration::from_millis(200);

/// Every record that `topic` has now, partition by partition, each in its order, so that a topic
/// that did not change reads the same; `within` bounds the whole reading.
///
/// # Errors
/// When the broker does not answer, or the end is not reached in time.
pub async fn read_to_end(
    brokers: &str,
    client_id: &str,
    topic: &str,
    within: Duration,
) -> Result<Vec<Delivery>, KafkaError> {
    let (brokers, client_id) = (brokers.to_owned(), client_id.to_owned());
    let topic = topic.to_owned();
    spawn_blocking(move || read(&brokers, &client_id, &topic, within))
        .await
        .map_err(|source| KafkaError::CutOff {
            what: "reading a topic",
            source,
        })?
}

fn read(
    brokers: &str,
    client_id: &str,
    topic: &str,
    within: Duration,
) -> Result<Vec<Delivery>, KafkaError> {
    let deadline = Instant::now() + within;
    let failed = |source: ClientError| KafkaError::Topic {
        topic: topic.to_owned(),
        source: Box::new(source),
    };
    let consumer: BaseConsumer<Quiet> = client(brokers, client_id)
        // The library wants one for any reader; nothing is ever committed for it.
        .set("group.id", client_id)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "100")
        .create_with_context(Quiet)
        .map_err(failed)?;
    let mut open = ends(&consumer, topic).map_err(failed)?;
    let mut places = TopicPartitionList::new();
    for partition in open.keys() {
        places
            .add_partition_offset(topic, *partition, Offset::Beginning)
            .map_err(failed)?;
    }
    consumer.assign(&places).map_err(failed)?;
    let mut records = Vec::new();
    while !open.is_empty() {
        if Instant::now() > deadline {
            return Err(KafkaError::Unfinished {
                topic: topic.to_owned(),
                seconds: within.as_secs(),
            });
        }
        // Errors tell of connections that are being made again; the deadline ends it.
        let Some(Ok(message)) = consumer.poll(TURN) else {
            continue;
        };
        let (partition, offset) = (message.partition(), message.offset());
        let Some(end) = open.get(&partition) else {
            continue;
        };
        if offset + 1 >= *end {
            open.remove(&partition);
        }
        records.push(Delivery {
            record: Record::read(&message),
            partition,
            offset,
        });
    }
    // Partitions come interleaved as the broker likes.
    records.sort_by_key(|delivery| (delivery.partition, delivery.offset));
    Ok(records)
}

/// The end of each partition that has records.
fn ends(consumer: &BaseConsumer<Quiet>, topic: &str) -> Result<BTreeMap<i32, i64>, ClientError> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
    let mut ends = BTreeMap::new();
    for partition in metadata
        .topics()
        .iter()
        .flat_map(|topic| topic.partitions())
    {
        let (beginning, end) = consumer.fetch_watermarks(topic, partition.id(), ANSWER)?;
        if end > beginning {
            ends.insert(partition.id(), end);
        }
    }
    Ok(ends)
}
