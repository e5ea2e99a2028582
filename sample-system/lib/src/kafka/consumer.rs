//! The consumer: a member of a group, which is given partitions and loses them again.
//!
//! What is read is worked on by [`crate::consume`] alone, which commits an offset when its work is
//! done; nobody else can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::{ClientContext, Message as _, Offset, TopicPartitionList};
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

/// How long the broker may hold a fetch when there is nothing new: Kafka's own default. A new record
/// ends the wait.
const FETCH_WAIT: Duration = Duration::from_millis(500);

/// A member that does not ask for records this long leaves its group, so that one that is stuck
/// as a whole holds nobody up. It then joins anew by itself; the records in hand come again.
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
    inner: Arc<StreamConsumer<Member>>,
    generation: Arc<AtomicU64>,
}

/// A client's context that notes when partitions come and go.
struct Member {
    generation: Arc<AtomicU64>,
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Quiet.log(level, facility, message);
    }

    fn error(&self, error: ClientError, reason: &str) {
        Quiet.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
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
        let generation = Arc::new(AtomicU64::new(0));
        let member = Member {
            generation: Arc::clone(&generation),
        };
        let inner: StreamConsumer<Member> = client(&settings.brokers, &settings.client_id)
            .set("group.id", &settings.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", millis(SESSION_TIMEOUT))
            .set("heartbeat.interval.ms", millis(HEARTBEAT))
            .set("fetch.wait.max.ms", millis(FETCH_WAIT))
            .set("max.poll.interval.ms", millis(LONGEST_WORK))
            .create_with_context(member)
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
            generation,
        })
    }

    /// Grows whenever partitions come or go; what was read before then belongs to another member,
    /// or comes again.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
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

    /// Says that all before `offset` is done; returns once the broker knows.
    ///
    /// # Errors
    /// [`KafkaError::Commit`]; the records then come again after the next start.
    pub(crate) async fn commit(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), KafkaError> {
        let topic = topic.to_owned();
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

    /// Reads no more of a partition until [`Consumer::go_on`].
    pub(crate) fn hold(&self, topic: &str, partition: i32) {
        let mut place = TopicPartitionList::new();
        place.add_partition(topic, partition);
        if let Err(error) = self.inner.pause(&place) {
            // It was given to another member meanwhile.
            tracing::debug!(%error, topic, partition, "not held");
        }
    }

    /// Reads a partition again.
    pub(crate) fn go_on(&self, topic: &str, partition: i32) {
        let mut place = TopicPartitionList::new();
        place.add_partition(topic, partition);
        if let Err(error) = self.inner.resume(&place) {
            tracing::debug!(%error, topic, partition, "nothing to go on with");
        }
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
