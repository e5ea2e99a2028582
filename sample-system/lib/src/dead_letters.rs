//! Dead letters: records that a group could not work on, kept on a topic of their own with where
//! they stood and why. `SERVICE dead-letters list` shows those of the service's group, `SERVICE
//! dead-letters replay` gives them back to their topics, and remembers that it did by a record
//! with the header `dead-letter-replayed` on the same topic.
//!
//! A letter holds its record, but for one that is too large for that: its letter names it
//! ([`burial`]), and a replay reads it from its topic again, where it must still stand.
//!
//! A letter's id is where its record stood, so one that is published twice is the same letter. A
//! record that fails again after its replay stands elsewhere and is another letter.

mod burial;

pub(crate) use burial::short;
pub use burial::{bury, letter};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::Settings;
use crate::entry::Command;
use crate::kafka::{Delivery, KafkaError, Producer, Publish, Record, read_at, read_to_end};
use crate::trace_context::{TRACEPARENT, TraceContext};

/// The topic of all dead letters.
pub const TOPIC: &str = "dead-letters";

/// Header: why the record became one.
pub const REASON: &str = "dead-letter-reason";
/// Header: the topic that the record stood in.
pub const OF_TOPIC: &str = "dead-letter-topic";
/// Header: its partition there.
pub const OF_PARTITION: &str = "dead-letter-partition";
/// Header: its place in that.
pub const OF_OFFSET: &str = "dead-letter-offset";
/// Header: the group that could not work on it.
pub const OF_GROUP: &str = "dead-letter-group";
/// Header of a letter that names its record instead of holding it: how many bytes key, payload and
/// headers have together.
pub const SIZE: &str = "dead-letter-size";
/// Header of such a letter: `sha-256:` and the digest of the record's payload.
pub const DIGEST: &str = "dead-letter-digest";
/// Header of the record that says that the letter of this id was replayed.
pub const REPLAYED: &str = "dead-letter-replayed";

/// What all of these headers begin with.
const PREFIX: &str = "dead-letter-";

/// How long reading the whole topic may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A dead letter as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `TOPIC/PARTITION/OFFSET` of the record.
    pub id: String,
    /// Whether it was replayed.
    pub replayed: bool,
    record: Record,
}

impl Letter {
    fn header(&self, name: &str) -> &str {
        self.record.header(name).unwrap_or_default()
    }

    /// Whether it holds its record.
    fn is_whole(&self) -> bool {
        self.record.header(SIZE).is_none()
    }

    fn partition(&self) -> Option<i32> {
        self.header(OF_PARTITION).parse().ok()
    }

    fn offset(&self) -> Option<i64> {
        self.header(OF_OFFSET).parse().ok()
    }

    /// What is shown of it. Of one that only names its record, key and payload are how those begin.
    pub fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "reason": self.header(REASON),
            "topic": self.header(OF_TOPIC),
            "partition": self.partition(),
            "offset": self.offset(),
            "group": self.header(OF_GROUP),
            "key": self.record.key,
            "traceparent": self.record.header(TRACEPARENT),
            "replayed": self.replayed,
            "whole": self.is_whole(),
            "payload": String::from_utf8_lossy(&self.record.payload),
        });
        if !self.is_whole() {
            shown["size"] = json!(self.header(SIZE).parse::<u64>().ok());
            shown["digest"] = json!(self.header(DIGEST));
        }
        shown
    }

    /// The record as it stood in its topic, where the letter holds it, under the trace in which
    /// it became a dead letter where it had none.
    pub fn original(&self) -> Record {
        self.given_back(&self.record)
    }

    /// `record` as it is given back to its topic.
    fn given_back(&self, record: &Record) -> Record {
        let pairs = self.record.headers.iter();
        let trace = TraceContext::from_pairs(pairs.map(|(n, v)| (n.as_str(), v.as_str())));
        Record {
            topic: self.header(OF_TOPIC).to_owned(),
            key: record.key.clone(),
            payload: record.payload.clone(),
            headers: burial::own_headers(record, &trace).collect(),
        }
    }

    /// Whether it is of this record that the letter is. Its size does not tell: who keeps a record
    /// before it becomes a letter may not keep all of its headers.
    fn names(&self, record: &Record) -> bool {
        self.header(DIGEST) == burial::digest(record)
    }

    /// The record that is given back: the letter's own, or what stands in its topic. None where
    /// that is not there any more, or is another.
    async fn to_replay(&self, brokers: &str, client: &str) -> Result<Option<Record>, KafkaError> {
        if self.is_whole() {
            return Ok(Some(self.original()));
        }
        let (Some(partition), Some(offset)) = (self.partition(), self.offset()) else {
            return Ok(None);
        };
        let place = (self.header(OF_TOPIC), partition, offset);
        let found = read_at(brokers, client, place, PATIENCE).await?;
        let found = found.filter(|record| self.names(record));
        Ok(found.map(|record| self.given_back(&record)))
    }

    /// The record that says that this one was replayed.
    fn replayed_mark(&self) -> Record {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Record {
            topic: TOPIC.to_owned(),
            key: self.record.key.clone(),
            payload: Vec::new(),
            headers: vec![
                pair(REPLAYED, &self.id),
                pair(OF_GROUP, self.header(OF_GROUP)),
            ],
        }
    }
}

/// The dead letters of `group` among all records of the topic, oldest first, each once.
pub fn of_group(records: Vec<Delivery>, group: &str) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    let mut known = BTreeMap::new();
    let mut replayed = BTreeSet::new();
    for Delivery { record, .. } in records {
        if record.header(OF_GROUP) != Some(group) {
            continue;
        }
        if let Some(id) = record.header(REPLAYED) {
            replayed.insert(id.to_owned());
            continue;
        }
        let part = |name| record.header(name).unwrap_or_default();
        let id = [part(OF_TOPIC), part(OF_PARTITION), part(OF_OFFSET)].join("/");
        if known.insert(id.clone(), ()).is_none() {
            let replayed = false;
            letters.push(Letter {
                id,
                replayed,
                record,
            });
        }
    }
    for letter in &mut letters {
        letter.replayed = replayed.contains(&letter.id);
    }
    letters
}

/// Why dead letters could not be shown or replayed.
#[derive(Debug, thiserror::Error)]
pub enum DeadLettersError {
    /// Wrong arguments.
    #[error("dead-letters {0:?}: give `list`, `replay` or `replay --id TOPIC/PARTITION/OFFSET`")]
    Usage(String),
    /// There is none of that id.
    #[error("no dead letter {id} of the group {group}; `dead-letters list` shows those there are")]
    Unknown {
        /// The id that was asked for.
        id: String,
        /// Whose letters were looked through.
        group: &'static str,
    },
    /// Letters that name their records, which cannot be had any more or are not taken.
    #[error("cannot be replayed: {}", .0.join("; "))]
    Lost(Vec<String>),
    /// The broker did not do its part.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// The command `dead-letters` of a service whose events are those of `group`. It needs no more of
/// the service's settings than `KAFKA_BROKERS`, and runs beside the running service.
pub fn command(group: &'static str) -> Command {
    Command::new(
        "dead-letters",
        "list | replay [--id TOPIC/PARTITION/OFFSET]",
        |settings: &mut Settings| settings.address("KAFKA_BROKERS"),
        move |brokers, arguments, say| run(group, brokers, arguments, say),
    )
}

async fn run(
    group: &'static str,
    brokers: String,
    arguments: Vec<String>,
    mut say: impl FnMut(&str),
) -> Result<(), DeadLettersError> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (replay, id) = match words.as_slice() {
        ["list"] => (false, None),
        ["replay"] => (true, None),
        ["replay", "--id", id] => (true, Some(*id)),
        _ => return Err(DeadLettersError::Usage(arguments.join(" "))),
    };
    let client = format!("{group}-dead-letters");
    let records = read_to_end(&brokers, &client, TOPIC, PATIENCE).await?;
    let letters = of_group(records, group);
    if !replay {
        for letter in &letters {
            say(&letter.shown().to_string());
        }
        return Ok(());
    }
    let wanted: Vec<&Letter> = match id {
        // One that was named is replayed again if that is what is asked for.
        Some(id) => letters.iter().filter(|letter| letter.id == id).collect(),
        None => letters.iter().filter(|letter| !letter.replayed).collect(),
    };
    if let Some(id) = id.filter(|_| wanted.is_empty()) {
        let id = id.to_owned();
        return Err(DeadLettersError::Unknown { id, group });
    }
    let producer = Producer::new(&brokers, &client)?;
    // Those that cannot be replayed keep no other back.
    let mut lost = Vec::new();
    for letter in wanted {
        let id = &letter.id;
        let record = match letter.to_replay(&brokers, &client).await {
            Ok(Some(record)) => record,
            Ok(None) => {
                lost.push(format!(
                    "the record of {id} does not stand in its topic any more"
                ));
                continue;
            }
            // No such topic, or none of its partitions.
            Err(error @ KafkaError::Topic { .. }) => {
                lost.push(format!("{id}: {error}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match replay_one(letter, &record, &producer).await {
            Ok(()) => say(&json!({"replayed": id, "key": record.key}).to_string()),
            Err(error) if error.is_too_large() => lost.push(format!("{id}: {error}")),
            Err(error) => return Err(error.into()),
        }
    }
    match lost.is_empty() {
        true => Ok(()),
        false => Err(DeadLettersError::Lost(lost)),
    }
}

/// Gives the record back to its topic, then marks it: dying in between replays it again, which its
/// reader's inbox makes harmless.
async fn replay_one(
    letter: &Letter,
    record: &Record,
    publisher: &impl Publish,
) -> Result<(), KafkaError> {
    publisher.publish(record).await?;
    publisher.publish(&letter.replayed_mark()).await
}

#[cfg(test)]
mod tests;
