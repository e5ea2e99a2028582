//! Dead letters: records that a group could not work on, kept on a topic of their own with where
//! they stood and why. `SERVICE dead-letters list` shows those of the service's group, `SERVICE
//! dead-letters replay` gives them back to their topics, and remembers that it did by a record
//! with the header `dead-letter-replayed` on the same topic.
//!
//! A letter's id is where its record stood, so one that is published twice is the same letter. A
//! record that fails again after its replay stands elsewhere and is another letter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::Settings;
use crate::entry::Command;
use crate::kafka::{Delivery, KafkaError, Producer, Publish, Record, read_to_end};
use crate::trace_context::TRACEPARENT;

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
/// Header of the record that says that the letter of this id was replayed.
pub const REPLAYED: &str = "dead-letter-replayed";

/// What all of these headers begin with.
const PREFIX: &str = "dead-letter-";

/// How long reading the whole topic may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The dead letter of a record that `group` could not work on, because of `reason`.
pub fn letter(delivery: &Delivery, group: &str, reason: &str) -> Record {
    let record = &delivery.record;
    let own = [
        (REASON, reason.to_owned()),
        (OF_TOPIC, record.topic.clone()),
        (OF_PARTITION, delivery.partition.to_string()),
        (OF_OFFSET, delivery.offset.to_string()),
        (OF_GROUP, group.to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    Record {
        topic: TOPIC.to_owned(),
        key: record.key.clone(),
        payload: record.payload.clone(),
        headers: own.into_iter().chain(without_ours(record)).collect(),
    }
}

/// The headers that the record came with.
fn without_ours(record: &Record) -> impl Iterator<Item = (String, String)> + '_ {
    let foreign = |(name, _): &&(String, String)| !name.starts_with(PREFIX);
    record.headers.iter().filter(foreign).cloned()
}

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

    /// What is shown of it.
    pub fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "reason": self.header(REASON),
            "topic": self.header(OF_TOPIC),
            "partition": self.header(OF_PARTITION).parse::<i32>().ok(),
            "offset": self.header(OF_OFFSET).parse::<i64>().ok(),
            "group": self.header(OF_GROUP),
            "key": self.record.key,
            "traceparent": self.record.header(TRACEPARENT),
            "replayed": self.replayed,
            "payload": String::from_utf8_lossy(&self.record.payload),
        })
    }

    /// The record as it stood in its topic.
    pub fn original(&self) -> Record {
        Record {
            topic: self.header(OF_TOPIC).to_owned(),
            key: self.record.key.clone(),
            payload: self.record.payload.clone(),
            headers: without_ours(&self.record).collect(),
        }
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
    for letter in wanted {
        replay_one(letter, &producer).await?;
        say(&json!({"replayed": letter.id, "key": letter.record.key}).to_string());
    }
    Ok(())
}

/// Gives the record back to its topic, then marks it: dying in between replays it again, which its
/// reader's inbox makes harmless.
async fn replay_one(letter: &Letter, publisher: &impl Publish) -> Result<(), KafkaError> {
    publisher.publish(&letter.original()).await?;
    publisher.publish(&letter.replayed_mark()).await
}

#[cfg(test)]
mod tests;
