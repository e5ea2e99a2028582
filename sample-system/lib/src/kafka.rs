//! Events over Kafka's protocol: the producer and the consumer that the shop's services use.
//!
//! In: records to publish, topics to read. Out: records as they were written, with their
//! headers unchanged (`traceparent` and `baggage` travel in them). Nothing here knows a service
//! or an event; what a record means is its reader's business.
//!
//! Both sides deliver at least once: a producer that could not hear the answer sends again
//! (the broker drops the repeat of one session, a restart may repeat), and a consumer commits
//! after the work is done. Readers therefore recognise an event by its id.
//!
//! Topics are made by whoever runs the broker (the shop's makes those of its `TOPICS`), never by
//! a client's typing error.

mod consumer;
mod lag;
mod place;
mod producer;
mod quiet;
mod record;
mod topic;

pub(crate) use lag::Lag;

pub use consumer::{Consumer, ConsumerSettings, Delivery};
pub use place::read_at;
pub use producer::{Producer, Publish};
pub use record::Record;
pub use topic::{News, TopicReader, read_to_end};

use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, error::KafkaError as ClientError};

/// An exchange with the broker that failed. What the client library says is boxed: it is large.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The client cannot be made from its settings.
    #[error("cannot make a Kafka client for {brokers}: {source}")]
    Client {
        /// The addresses that it was to begin with.
        brokers: String,
        /// What the client library says.
        source: Box<ClientError>,
    },
    /// A record was not taken.
    #[error("cannot publish to the topic `{topic}` (key `{key}`): {source}")]
    Publish {
        /// The topic of the record.
        topic: String,
        /// The key of the record.
        key: String,
        /// What the client library says.
        source: Box<ClientError>,
    },
    /// Records were still under way when the producer had to end.
    #[error("records were still under way to the broker: {0}")]
    Flush(#[source] Box<ClientError>),
    /// The topics cannot be followed.
    #[error("cannot subscribe to {topics}: {source}")]
    Subscribe {
        /// The topics, with commas between.
        topics: String,
        /// What the client library says.
        source: Box<ClientError>,
    },
    /// The next record cannot be had.
    #[error("cannot read the next record: {0}")]
    Read(#[source] Box<ClientError>),
    /// A topic cannot be read to its end.
    #[error("cannot read the topic `{topic}` to its end: {source}")]
    Topic {
        /// The topic.
        topic: String,
        /// What the client library says.
        source: Box<ClientError>,
    },
    /// A topic's end was not reached in time.
    #[error("the topic `{topic}` was not read to its end within {seconds} s")]
    Unfinished {
        /// The topic.
        topic: String,
        /// How long it was tried.
        seconds: u64,
    },
    /// An offset cannot be committed.
    #[error("cannot commit offset {offset} of {topic}/{partition}: {source}")]
    Commit {
        /// The topic of the offset.
        topic: String,
        /// The partition of the offset.
        partition: i32,
        /// The next offset to be read.
        offset: i64,
        /// What the client library says.
        source: Box<ClientError>,
    },
    /// The task of a blocking call went away.
    #[error("{what} was cut off: {source}")]
    CutOff {
        /// What was going on.
        what: &'static str,
        /// How the task ended.
        source: tokio::task::JoinError,
    },
}

impl KafkaError {
    /// Whether a record was refused because it is larger than the broker takes: sending it again is
    /// of no use.
    pub fn is_too_large(&self) -> bool {
        let Self::Publish { source, .. } = self else {
            return false;
        };
        source.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
    }
}

/// Bytes of the largest answer that a client takes. The shop's broker answers a fetch with 16 MiB at
/// most; another Kafka with what it is asked for, 50 MB by the client's own default, or with one
/// record that is larger.
const LARGEST_ANSWER: u32 = 100_000_000;

/// The settings that every client shares: it comes back fast after a broker's restart, and
/// takes IPv4 first because the shop's broker may listen on nothing else.
fn client(brokers: &str, client_id: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("client.id", client_id)
        .set("broker.address.family", "v4")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        .set("socket.timeout.ms", "10000")
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("receive.message.max.bytes", LARGEST_ANSWER.to_string())
        .set("allow.auto.create.topics", "false");
    config
}

#[cfg(test)]
mod tests;
