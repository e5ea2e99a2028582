//! Producer and consumer against the mock cluster of the client library.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    cluster
}

fn member(brokers: &str) -> Consumer {
    Consumer::new(&ConsumerSettings {
        brokers: brokers.to_owned(),
        group: "readers".to_owned(),
        client_id: "test".to_owned(),
        topics: vec!["orders".to_owned()],
    })
    .unwrap()
}

async fn next(consumer: &Consumer) -> Delivery {
    let read = async {
        loop {
            // The client tells of a group that is still forming as errors, and goes on.
            if let Ok(delivery) = consumer.next().await {
                return delivery;
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

fn record(payload: &str) -> Record {
    Record {
        topic: "orders".to_owned(),
        key: "o-1".to_owned(),
        payload: payload.into(),
        headers: vec![
            ("traceparent".to_owned(), "00-ab-cd-01".to_owned()),
            (
                "baggage".to_owned(),
                "msvc=r.s.1, other = %20x ;p".to_owned(),
            ),
        ],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_read_as_it_was_published_and_comes_again_until_it_is_committed() {
    let cluster = cluster();
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&brokers, "test").unwrap();
    for payload in ["1", "2"] {
        producer.publish(&record(payload)).await.unwrap();
    }
    producer.close(PATIENCE).await.unwrap();

    let first = member(&brokers);
    let done = next(&first).await;
    assert_eq!(done.record, record("1"));
    first
        .commit("orders", done.partition, done.offset + 1)
        .await
        .unwrap();
    let not_done = next(&first).await;
    assert_eq!(not_done.record, record("2"));
    first.close().await.unwrap();

    let second = member(&brokers);
    assert_eq!(next(&second).await, not_done);
    second.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_where_it_was_and_begins_anew_where_a_topic_is_shorter() {
    let cluster = cluster();
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&brokers, "test").unwrap();
    let mut reader = TopicReader::new(&brokers, "test", "orders");
    let empty = reader.read_on(PATIENCE).await.unwrap();
    assert_eq!((empty.records.len(), empty.anew), (0, false));
    for (sent, payloads) in [&["1", "2"][..], &[], &["3"]].into_iter().enumerate() {
        for payload in payloads {
            producer.publish(&record(payload)).await.unwrap();
        }
        let news = reader.read_on(PATIENCE).await.unwrap();
        let read: Vec<_> = news
            .records
            .iter()
            .map(|it| &it.record.payload[..])
            .collect();
        let wanted: Vec<_> = payloads.iter().map(|payload| payload.as_bytes()).collect();
        assert_eq!((read, news.anew), (wanted, false), "reading {sent}");
    }
    // The same topic at a broker that has lost most of it.
    let other = self::cluster();
    reader.brokers = other.bootstrap_servers();
    let producer = Producer::new(&reader.brokers, "test").unwrap();
    producer.publish(&record("4")).await.unwrap();
    let news = reader.read_on(PATIENCE).await.unwrap();
    assert_eq!((news.records.len(), news.anew), (1, true));
    assert!(!reader.read_on(PATIENCE).await.unwrap().anew);
}
