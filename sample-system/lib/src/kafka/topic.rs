//! A topic, from its beginning or from where it was read, to what is its end when the reading
//! begins. No group takes part and the broker keeps no offset: for whoever looks at a topic rather
//! than works on it.

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
    TopicReader::new(brokers, client_id, topic)
        .read_on(within)
        .await
        .map(|news| news.records)
}

/// Reads a topic to its end, and later what has come since.
#[derive(Debug, Clone)]
pub struct TopicReader {
    pub(super) brokers: String,
    client_id: String,
    topic: String,
    /// The next record of each partition.
    places: BTreeMap<i32, i64>,
}

/// What a topic has that was not read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Partition by partition, each in its order.
    pub records: Vec<Delivery>,
    /// Whether they are all that the topic has, because it is shorter than it was: what was read
    /// before is not there any more.
    pub anew: bool,
}

impl TopicReader {
    /// A reader that has read nothing yet.
    pub fn new(brokers: &str, client_id: &str, topic: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            client_id: client_id.to_owned(),
            topic: topic.to_owned(),
            places: BTreeMap::new(),
        }
    }

    /// Reads what has come since the last time, or all; `within` bounds the whole reading. After
    /// one that failed, the next begins where that did.
    ///
    /// # Errors
    /// When the broker does not answer, or the end is not reached in time.
    pub async fn read_on(&mut self, within: Duration) -> Result<News, KafkaError> {
        let before = self.clone();
        let read = spawn_blocking(move || read(&before, within)).await;
        let (places, news) = read.map_err(|source| KafkaError::CutOff {
            what: "reading a topic",
            source,
        })??;
        self.places = places;
        Ok(news)
    }
}

/// The next places, and what was read before them.
fn read(reader: &TopicReader, within: Duration) -> Result<(BTreeMap<i32, i64>, News), KafkaError> {
    let TopicReader {
        brokers,
        client_id,
        topic,
        places,
    } = reader;
    let deadline = Instant::now() + within;
    let failed = |source: ClientError| KafkaError::Topic {
        topic: topic.clone(),
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
    let ends = ends(&consumer, topic).map_err(failed)?;
    let place = |partition: &i32| places.get(partition).copied().unwrap_or_default();
    let anew = places
        .iter()
        .any(|(partition, place)| ends.get(partition).is_none_or(|end| end < place));
    let mut open = ends.clone();
    open.retain(|partition, end| anew || place(partition) < *end);
    let mut from = TopicPartitionList::new();
    for partition in open.keys() {
        let offset = match place(partition) {
            0 => Offset::Beginning,
            _ if anew => Offset::Beginning,
            next => Offset::Offset(next),
        };
        from.add_partition_offset(topic, *partition, offset)
            .map_err(failed)?;
    }
    consumer.assign(&from).map_err(failed)?;
    let mut records = Vec::new();
    while !open.is_empty() {
        if Instant::now() > deadline {
            return Err(KafkaError::Unfinished {
                topic: topic.clone(),
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
    Ok((ends, News { records, anew }))
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
