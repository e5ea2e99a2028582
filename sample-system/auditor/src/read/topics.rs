//! The topics, read from their beginning to their end. Records that are no events of the shop are
//! left out: they are dead letters, and what they should have done is missing elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use shop::event::{Entity, Envelope};
use shop::kafka::{KafkaError, read_to_end};

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

/// Every event, each once, those of one key in their order.
pub(super) async fn read(brokers: &str) -> Result<Vec<Told>, ReadError> {
    let read = TOPICS.map(|(topic, entity)| async move {
        let records = read_to_end(brokers, "auditor", topic, PATIENCE).await?;
        let payloads = records.into_iter().map(|delivery| delivery.record.payload);
        Ok::<_, KafkaError>(events(payloads, entity))
    });
    let all = futures_util::future::try_join_all(read).await;
    let all = all.map_err(|source| ReadError::Topic {
        brokers: brokers.to_owned(),
        source,
    })?;
    Ok(all.concat())
}

/// The events in `payloads`, without repeats.
fn events(payloads: impl IntoIterator<Item = Vec<u8>>, entity: Entity) -> Vec<Told> {
    let mut known = BTreeSet::new();
    let mut events: Vec<Told> = Vec::new();
    for payload in payloads {
        let Ok(envelope) = Envelope::open(&payload) else {
            continue;
        };
        let (Ok(about), Ok(data)) = (envelope.entity(entity), envelope.data::<Value>()) else {
            continue;
        };
        if known.insert(envelope.id.clone()) {
            events.push(Told {
                kind: envelope.kind.clone(),
                about: about.to_owned(),
                data,
            });
        }
    }
    // How partitions are mixed differs from reading to reading and means nothing; the order of
    // one key stays.
    events.sort_by(|one, other| one.about.cmp(&other.about));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

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
