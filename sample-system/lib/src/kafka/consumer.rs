//! The consumer: one record at a time, and its offset committed when its work is done.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, StreamConsumer},
};
use tokio::task::spawn_blocking;

use super::quiet::Quiet;
use super::{KafkaError, Record, client};

/// How long a group waits for a member that died before its partitions go to another.
///
/// The client's own default is 45 s, and a service that was killed would sit idle that long
/// after its restart. The lowest that Kafka's brokers take by default is 6 s.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

/// A member says that it lives this often; three missed beats end its session.
const HEARTBEAT: Duration = Duration::from_millis(1_500);

/// How long the broker may hold a fetch when there is nothing new; new records wait as long at
/// the shop's broker, which looks only at the end of that time.
const FETCH_WAIT: Duration = Duration::from_millis(100);

/// Working on one record may take this long before the client leaves its group, so that a member
/// that is stuck holds nobody up. It then joins anew by itself; the record in hand comes again.
const LONGEST_WORK: Duration = Duration::from_secs(300);

/// A member without a partition waits so long for the broker to take its leave. Nobody waits for
/// what it does not have; and where it still waits to join, the client would leave only once that
/// is answered, which is when the session of a member that died has ended.
const LEAVE_IDLE: Duration = Duration::from_millis(200);

/// Who reads what.
#[derive(Clone, Debug)]
pub struct ConsumerSettings {
    /// The brokers to begin with, `host:port` with commas between.
    pub brokers: String,
    /// The group whose members share the partitions.
    pub group: String,
    /// The name that the broker's logs show.
    pub client_id: String,
    /// The topics to follow, from their beginning when the group is new.
    pub topics: Vec<String>,
}

/// A member of a group that follows some topics.
#[derive(Clone)]
pub struct Consumer {
    inner: Arc<StreamConsumer<Quiet>>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}

/// A record and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What was published.
    pub record: Record,
    /// The partition it was read from.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
}

impl Consumer {
    /// Joins the group; the broker may come later.
    ///
    /// # Errors
    /// [`KafkaError::Client`] or [`KafkaError::Subscribe`] when the settings cannot be used.
    pub fn new(settings: &ConsumerSettings) -> Result<Self, KafkaError> {
        let millis = |time: Duration| time.as_millis().to_string();
        let inner: StreamConsumer<Quiet> = client(&settings.brokers, &settings.client_id)
            .set("group.id", &settings.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", millis(SESSION_TIMEOUT))
            .set("heartbeat.interval.ms", millis(HEARTBEAT))
            .set("fetch.wait.max.ms", millis(FETCH_WAIT))
            .set("max.poll.interval.ms", millis(LONGEST_WORK))
            .create_with_context(Quiet)
            .map_err(|source| KafkaError::Client {
                brokers: settings.brokers.clone(),
                source: Box::new(source),
            })?;
        let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
        inner
            .subscribe(&topics)
            .map_err(|source| KafkaError::Subscribe {
                topics: topics.join(", "),
                source: Box::new(source),
            })?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The next record. Dropping the future loses none.
    ///
    /// # Errors
    /// [`KafkaError::Read`]; the client goes on trying, so calling again is right.
    pub async fn next(&self) -> Result<Delivery, KafkaError> {
        let message = self
            .inner
            .recv()
            .await
            .map_err(|source| KafkaError::Read(Box::new(source)))?;
        Ok(Delivery {
            partition: message.partition(),
            offset: message.offset(),
            record: Record::read(&message),
        })
    }

    /// Says that the work of this delivery is done; returns once the broker knows.
    ///
    /// # Errors
    /// [`KafkaError::Commit`]; the record then comes again after the next start.
    pub async fn commit(&self, delivery: &Delivery) -> Result<(), KafkaError> {
        let topic = delivery.record.topic.clone();
        let (partition, offset) = (delivery.partition, delivery.offset + 1);
        let inner = Arc::clone(&self.inner);
        spawn_blocking(move || {
            let mut place = TopicPartitionList::new();
            place
                .add_partition_offset(&topic, partition, Offset::Offset(offset))
                .and_then(|()| inner.commit(&place, CommitMode::Sync))
                .map_err(|source| KafkaError::Commit {
                    topic,
                    partition,
                    offset,
                    source: Box::new(source),
                })
        })
        .await
        .map_err(|source| KafkaError::CutOff {
            what: "committing an offset",
            source,
        })?
    }

    /// Leaves the group, so that its partitions need no session timeout to find a new reader.
    ///
    /// # Errors
    /// [`KafkaError::CutOff`] when leaving died half-way; the session timeout then does it.
    pub async fn close(self) -> Result<(), KafkaError> {
        let idle = !self.has_partitions();
        let leaving = spawn_blocking(move || drop(self));
        let left = match idle {
            false => leaving.await,
            true => match tokio::time::timeout(LEAVE_IDLE, leaving).await {
                Ok(left) => left,
                // It goes on beside what else is to be done before the process ends.
                Err(_) => return Ok(()),
            },
        };
        left.map_err(|source| KafkaError::CutOff {
            what: "leaving the group",
            source,
        })
    }

    /// Whether the group has given it any partition.
    fn has_partitions(&self) -> bool {
        self.inner
            .assignment()
            .is_ok_and(|assigned| assigned.count() > 0)
    }
}
