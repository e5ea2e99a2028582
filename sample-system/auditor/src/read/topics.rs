//! The topics, read from their beginning to their end, and later what has come since. Records that are no events of the shop are
//! left out: they are dead letters, and what they should have done is missing elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use shop::event::{Entity, Envelope};
use shop::kafka::{KafkaError, TopicReader};
use tokio::sync::Mutex;

use super::ReadError;
use crate::facts::Told;

/// The topics whose events are compared, and what those are about.
const TOPICS: [(&str, Entity); 4] = [
    ("orders", Entity::Order),
    ("payments", Entity::Order),
    ("shipping", Entity::Order),
    ("inventory", Entity::Item),
];

/// How long reading one topic may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The topics, and what was read of them: a record never changes, so that each is read once.
#[derive(Debug)]
pub(super) struct Topics {
    brokers: String,
    each: Vec<Mutex<Topic>>,
}

/// A topic's events.
#[derive(Debug)]
struct Topic {
    reader: TopicReader,
    entity: Entity,
    known: BTreeSet<String>,
    events: Vec<Told>,
}

impl Topics {
    /// The topics of a broker, not read yet.
    pub(super) fn at(brokers: &str) -> Self {
        let each = TOPICS.map(|(topic, entity)| {
            Mutex::new(Topic::new(
                TopicReader::new(brokers, "auditor", topic),
                entity,
            ))
        });
        Self {
            brokers: brokers.to_owned(),
            each: each.into(),
        }
    }

    /// Every event there is now, each once, those of one key in their order.
    pub(super) async fn read(&self) -> Result<Vec<Told>, ReadError> {
        let read = self.each.iter().map(async |topic| {
            let mut topic = topic.lock().await;
            let news = topic.reader.read_on(PATIENCE).await?;
            if news.anew {
                topic.forget();
            }
            let payloads = news.records.into_iter().map(|it| it.record.payload);
            topic.add(payloads);
            Ok::<_, KafkaError>(topic.events())
        });
        let all = futures_util::future::try_join_all(read).await;
        let all = all.map_err(|source| ReadError::Topic {
            brokers: self.brokers.clone(),
            source,
        })?;
        Ok(all.concat())
    }
}

impl Topic {
    fn new(reader: TopicReader, entity: Entity) -> Self {
        Self {
            reader,
            entity,
            known: BTreeSet::new(),
            events: Vec::new(),
        }
    }

    /// What was read is not there any more.
    fn forget(&mut self) {
        self.known.clear();
        self.events.clear();
    }

    /// Adds the events in `payloads`, without repeats.
    fn add(&mut self, payloads: impl IntoIterator<Item = Vec<u8>>) {
        for payload in payloads {
            let Ok(envelope) = Envelope::open(&payload) else {
                continue;
            };
            let (Ok(about), Ok(data)) = (envelope.entity(self.entity), envelope.data::<Value>())
            else {
                continue;
            };
            if self.known.insert(envelope.id.clone()) {
                self.events.push(Told {
                    kind: envelope.kind.clone(),
                    about: about.to_owned(),
                    data,
                });
            }
        }
    }

    /// Its events. How partitions are mixed differs from reading to reading and means nothing; the
    /// order of one key stays.
    fn events(&self) -> Vec<Told> {
        let mut events = self.events.clone();
        events.sort_by(|one, other| one.about.cmp(&other.about));
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(payloads: impl IntoIterator<Item = Vec<u8>>, entity: Entity) -> Vec<Told> {
        let mut topic = Topic::new(TopicReader::new("nowhere:1", "test", "orders"), entity);
        topic.add(payloads);
        topic.events()
    }

    #[test]
    fn how_partitions_are_mixed_makes_no_difference_and_the_order_of_a_key_stays() {
        let event = |order: &str, kind: &str| {
            let id = format!("{kind} of {order}");
            let text = serde_json::json!({"id": id, "type": kind, "version": 1,
                "time": "2026-11-21T00:00:00Z", "order_id": order, "data": {}});
            text.to_string().into_bytes()
        };
        let (a, b) = (["b", "a"].map(|kind| event("a", kind)), event("b", "c"));
        let read = |payloads: [&Vec<u8>; 3]| events(payloads.map(Clone::clone), Entity::Order);
        let one = read([&a[0], &a[1], &b]);
        assert_eq!(one, read([&a[0], &b, &a[1]]));
        assert_eq!(one, read([&b, &a[0], &a[1]]));
        let kinds: Vec<_> = one.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["b", "a", "c"]);
    }

    #[test]
    fn a_repeat_is_one_event_and_what_is_no_event_is_left_out() {
        let event = |id: &str| {
            let text = serde_json::json!({"id": id, "type": "ORDER_PLACED", "version": 2,
                "time": "2026-11-21T00:00:00Z", "order_id": "o", "data": {"sku": "lamp"}});
            text.to_string().into_bytes()
        };
        let payloads = [
            event("e-1"),
            event("e-1"),
            b"{}".to_vec(),
            event("e-2"),
            Vec::new(),
        ];
        let events = events(payloads, Entity::Order);
        assert_eq!(events.len(), 2);
        assert_eq!(
            (events[0].kind.as_str(), events[0].about.as_str()),
            ("ORDER_PLACED", "o")
        );
        assert_eq!(events[0].data["sku"], "lamp");
    }

    #[test]
    fn no_payload_makes_the_reader_panic() {
        let good = serde_json::json!({"id": "e", "type": "ORDER_PLACED", "version": 2,
            "time": "2026-11-21T00:00:00Z", "order_id": "o", "data": {"sku": "lamp"}});
        outside::each(300, outside::body(good), |payload| {
            assert!(events([payload.clone(), payload], Entity::Order).len() <= 1);
        });
    }
}
