//! How far a group is behind, over the client library's mock cluster.

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_is_what_stands_behind_the_last_committed_record_and_shrinks_to_nothing() {
    use rdkafka::mocking::MockCluster;
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 3, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let producer = crate::kafka::Producer::new(&brokers, "test").unwrap();
    for n in 0..7 {
        let record = Record {
            topic: "orders".to_owned(),
            key: format!("o-{n}"),
            payload: format!("0.{n}").into(),
            headers: Vec::new(),
        };
        producer.publish(&record).await.unwrap();
    }
    let settings = ConsumerSettings {
        brokers,
        ..settings()
    };
    let (gate, shutdown) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
    let handler = Held(Arc::clone(&gate));
    let consumption = Consumption::new(settings, handler, Letters::default(), &Bugs::none());
    assert_eq!(consumption.lag().await.unwrap()["orders"], 7);
    let metrics = crate::metrics::Metrics::new();
    metrics.watch_consumer(&consumption);
    let running = tokio::spawn(consumption.run(shutdown.clone(), PATIENCE));
    let shown = async |wanted: &str| {
        let line = format!("consumer_lag{{topic=\"orders\"}} {wanted}\n");
        let last = tokio::time::Instant::now() + PATIENCE;
        while !metrics.read().await.contains(&line) {
            assert!(tokio::time::Instant::now() < last, "{}", metrics.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    shown("7").await;
    gate.add_permits(7);
    shown("0").await;
    assert!(
        metrics
            .text()
            .contains("resource_work_total{resource=\"consumer\"} 7\n")
    );
    shutdown.cancel();
    running.await.unwrap().unwrap();
}

/// Works on a record for each permit.
struct Held(Arc<Semaphore>);

#[async_trait]
impl Handle for Held {
    async fn handle(&self, _: &Delivery, _: &TraceContext) -> Result<(), Failure> {
        self.0.acquire().await.unwrap().forget();
        Ok(())
    }
}
