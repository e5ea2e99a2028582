//! Letters of records that are too large for one.

use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};

use super::*;

/// What the shop's broker takes: Kafka's default.
const TAKEN: usize = 1_048_588;

fn large(payload: usize) -> Record {
    order(&"z".repeat(payload))
}

#[test]
fn a_letter_never_has_more_than_a_broker_takes_whatever_the_record_is_made_of() {
    let pair = |name: String, value: String| (name, value);
    let some = "s".repeat(400_000);
    let many = (0..90_000).map(|n| pair(format!("h{n}"), String::new()));
    let records = [
        large(999_000),
        large(999_850),
        large(TAKEN),
        Record {
            key: "k".repeat(TAKEN),
            ..order("{}")
        },
        Record {
            key: "\u{fffd}".repeat(TAKEN / 3),
            ..order("{}")
        },
        Record {
            headers: vec![pair("h".to_owned(), "v".repeat(TAKEN))],
            ..order("{}")
        },
        Record {
            headers: many.collect(),
            ..order("{}")
        },
        Record {
            key: some.clone(),
            headers: vec![pair("h".to_owned(), some.clone())],
            ..order(&some)
        },
    ];
    for record in records {
        let size = burial::size(&record);
        let letter = letter(&delivery(1, record), "g", &"r".repeat(TAKEN), &began());
        let framed = burial::size(&letter) + 20 * letter.headers.len() + 100;
        assert!(framed < TAKEN, "{framed} of {size}");
        assert!(
            letter
                .header(REASON)
                .is_some_and(|reason| reason.len() == 500)
        );
    }
}

#[test]
fn a_letter_that_cannot_hold_its_record_names_it() {
    let record = large(1_000_000);
    let stood = delivery(7, record.clone());
    let written = letter(
        &stood,
        "g",
        "why",
        &TraceContext::from_pairs([(TRACEPARENT, CAME)]),
    );
    let listed = of_group(vec![delivery(0, written)], "g").remove(0);
    let headers = "traceparentbaggageown".len() + CAME.len() + "a=1x".len();
    assert_eq!(
        listed.shown(),
        json!({"id": "orders/2/7", "reason": "why", "topic": "orders", "partition": 2,
               "offset": 7, "group": "g", "key": "o-1", "traceparent": CAME, "replayed": false,
               "whole": false, "size": 1_000_000 + 3 + headers,
               "digest": burial::digest(&record), "payload": "z".repeat(1024)})
    );
    assert!(listed.names(&record));
    assert!(!listed.names(&large(999_999)));
}

/// A broker that takes no more than so many bytes.
struct Takes(usize, Topics);

#[async_trait]
impl Publish for Takes {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        if burial::size(record) > self.0 {
            let why = ClientError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge);
            return Err(KafkaError::Publish {
                topic: record.topic.clone(),
                key: record.key.clone(),
                source: Box::new(why),
            });
        }
        self.1.publish(record).await
    }
}

#[tokio::test]
async fn a_broker_that_takes_less_than_a_whole_letter_is_given_one_that_names_its_record() {
    let broker = Takes(10_000, Topics::default());
    for payload in [100, 20_000] {
        let record = delivery(payload as i64, large(payload));
        bury(&record, "g", "why", &began(), &broker).await.unwrap();
    }
    let letters = broker.1.letters("g");
    let whole: Vec<_> = letters.iter().map(Letter::is_whole).collect();
    assert_eq!(whole, [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_record_is_read_from_its_topic_again_and_one_that_is_gone_keeps_no_other_back() {
    use rdkafka::mocking::MockCluster;
    let cluster = MockCluster::new(1).unwrap();
    for topic in ["orders", TOPIC] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&brokers, "test").unwrap();
    let record = large(1_040_000);
    producer.publish(&order("before")).await.unwrap();
    producer.publish(&record).await.unwrap();
    // Of one that never stood there, of another than stands there, and of this one.
    for (offset, payload) in [(9, 1_040_000), (0, 1_040_000), (1, 1_040_000)] {
        let stood = Delivery {
            partition: 0,
            ..delivery(offset, large(payload))
        };
        let letter = letter(&stood, "g", "why", &began());
        producer.publish(&letter).await.unwrap();
    }
    let mut elsewhere = delivery(1, large(1_040_000));
    elsewhere.record.topic = "nowhere".to_owned();
    let elsewhere = letter(&elsewhere, "g", "why", &began());
    producer.publish(&elsewhere).await.unwrap();
    let mut lines = Vec::new();
    let say = |line: &str| lines.push(serde_json::from_str::<Value>(line).unwrap());
    let replayed = run("g", brokers.clone(), vec!["replay".to_owned()], say).await;
    assert_eq!(lines, [json!({"replayed": "orders/0/1", "key": "o-1"})]);
    let told = replayed.unwrap_err().to_string();
    for id in ["orders/0/9", "orders/0/0", "nowhere/2/1"] {
        assert!(told.contains(id), "{told}");
    }
    assert!(!told.contains("orders/0/1"), "{told}");
    let all = read_to_end(&brokers, "test", "orders", PATIENCE).await;
    assert_eq!(all.unwrap()[2].record, record);
    let letters = read_to_end(&brokers, "test", TOPIC, PATIENCE)
        .await
        .unwrap();
    let replayed: Vec<_> = of_group(letters, "g").iter().map(|l| l.replayed).collect();
    assert_eq!(replayed, [false, false, true, false]);
}
