//! Dead letters as they are written, listed and given back.

mod large;
mod traced;

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;

/// The trace in whose work a record becomes a dead letter.
fn began() -> TraceContext {
    TraceContext::default().or_fresh(0xa1, 0xb2)
}

const CAME: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn delivery(offset: i64, record: Record) -> Delivery {
    Delivery {
        record,
        partition: 2,
        offset,
    }
}

fn order(payload: &str) -> Record {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Record {
        topic: "orders".to_owned(),
        key: "o-1".to_owned(),
        payload: payload.into(),
        headers: vec![
            pair("traceparent", CAME),
            pair("baggage", "a=1"),
            pair("own", "x"),
        ],
    }
}

/// The topic of dead letters.
#[derive(Default)]
struct Topics(Mutex<Vec<Record>>);

#[async_trait]
impl Publish for Topics {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

impl Topics {
    fn letters(&self, group: &str) -> Vec<Letter> {
        let records = self.0.lock().unwrap().clone();
        let stood = records.into_iter().filter(|record| record.topic == TOPIC);
        of_group(
            stood
                .zip(0..)
                .map(|(record, n)| delivery(n, record))
                .collect(),
            group,
        )
    }
}

#[tokio::test]
async fn a_letter_is_listed_to_its_group_once_and_replayed_as_it_was() {
    let topics = Topics::default();
    let (first, second) = (delivery(7, order("{}")), delivery(8, order("[]")));
    for (delivery, group) in [
        (&first, "shipping"),
        // A crash before the acknowledgement publishes it again.
        (&first, "shipping"),
        (&first, "search"),
        (&second, "shipping"),
    ] {
        topics
            .publish(&letter(delivery, group, "no reason", &began()))
            .await
            .unwrap();
    }
    let letters = topics.letters("shipping");
    let ids: Vec<_> = letters.iter().map(|letter| letter.id.as_str()).collect();
    assert_eq!(ids, ["orders/2/7", "orders/2/8"]);
    let shown = letters[0].shown();
    assert_eq!(
        shown,
        json!({"id": "orders/2/7", "reason": "no reason", "topic": "orders", "partition": 2,
               "offset": 7, "group": "shipping", "key": "o-1", "traceparent": CAME,
               "replayed": false, "whole": true, "payload": "{}"})
    );
    assert_eq!(letters[0].original(), first.record);

    replay_one(&letters[0], &letters[0].original(), &topics)
        .await
        .unwrap();
    let given_back = |record: &&Record| record.topic == "orders";
    let back: Vec<_> = topics
        .0
        .lock()
        .unwrap()
        .iter()
        .filter(given_back)
        .cloned()
        .collect();
    assert_eq!(back, [first.record]);
    let replayed = |group| {
        topics
            .letters(group)
            .iter()
            .map(|l| l.replayed)
            .collect::<Vec<_>>()
    };
    assert_eq!(replayed("shipping"), [true, false]);
    assert_eq!(replayed("search"), [false]);
}

#[test]
fn a_letter_of_a_letter_keeps_the_headers_of_the_record_and_not_of_the_letter() {
    let once = letter(&delivery(1, order("{}")), "a", "x", &began());
    let twice = letter(&delivery(1, once), "b", "y", &began());
    let names: Vec<_> = twice
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let own = ["traceparent", "baggage", "own"];
    assert_eq!(names[5..], own);
    assert_eq!(twice.header(OF_GROUP), Some("b"));
}

#[tokio::test]
async fn a_wrong_word_is_told_before_anything_is_asked_of_the_broker() {
    for words in [
        &[][..],
        &["lst"],
        &["replay", "orders/0/1"],
        &["list", "all"],
    ] {
        let arguments = words.iter().map(|word| (*word).to_owned()).collect();
        let refused = run("g", "nobody:1".to_owned(), arguments, |_| {}).await;
        assert!(
            matches!(refused, Err(DeadLettersError::Usage(_))),
            "{words:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_protocol_they_are_listed_and_replayed() {
    use rdkafka::mocking::MockCluster;
    let cluster = MockCluster::new(1).unwrap();
    for (topic, partitions) in [("orders", 3), (TOPIC, 1)] {
        cluster.create_topic(topic, partitions, 1).unwrap();
    }
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&brokers, "test").unwrap();
    let said = async |words: &[&str]| {
        let (mut lines, words) = (Vec::new(), words.iter().map(|w| (*w).to_owned()));
        let say = |line: &str| lines.push(serde_json::from_str::<Value>(line).unwrap());
        run("g", brokers.clone(), words.collect(), say)
            .await
            .map(|()| lines)
    };
    assert_eq!(said(&["list"]).await.unwrap(), Vec::<Value>::new());
    for n in 0..3 {
        let letter = letter(&delivery(n, order(&n.to_string())), "g", "why", &began());
        producer.publish(&letter).await.unwrap();
    }
    assert_eq!(said(&["list"]).await.unwrap().len(), 3);
    let one = said(&["replay", "--id", "orders/2/1"]).await.unwrap();
    assert_eq!(one[0]["replayed"], "orders/2/1");
    assert_eq!(said(&["replay"]).await.unwrap().len(), 2);
    assert_eq!(said(&["replay"]).await.unwrap().len(), 0);
    let unknown = said(&["replay", "--id", "orders/2/9"]).await;
    assert!(matches!(unknown, Err(DeadLettersError::Unknown { .. })));
    let back = read_to_end(&brokers, "test", "orders", PATIENCE)
        .await
        .unwrap();
    let mut payloads: Vec<_> = back.into_iter().map(|back| back.record.payload).collect();
    payloads.sort();
    assert_eq!(payloads, [b"0", b"1", b"2"]);
}
