//! The reading side of the loop: takes records from the client and puts each into the lane of its
//! partition; begins all lanes anew when partitions change hands.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Consumption;
use super::lane::Lane;
use crate::kafka::{Consumer, Delivery, KafkaError};

/// How often it is looked whether partitions changed hands while nothing comes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the loop reads from: a consumer, or a test's own.
#[async_trait]
pub(super) trait Source: Send + Sync + 'static {
    /// The next record. Dropping the future loses none.
    async fn next(&self) -> Result<Delivery, KafkaError>;
    /// Says that all before `offset` is done.
    async fn commit(&self, topic: &str, partition: i32, offset: i64) -> Result<(), KafkaError>;
    /// Grows whenever partitions come or go.
    fn generation(&self) -> u64;
    /// Reads no more of a partition.
    fn hold(&self, topic: &str, partition: i32);
    /// Reads it again.
    fn go_on(&self, topic: &str, partition: i32);
}

#[async_trait]
impl Source for Consumer {
    async fn next(&self) -> Result<Delivery, KafkaError> {
        Self::next(self).await
    }

    async fn commit(&self, topic: &str, partition: i32, offset: i64) -> Result<(), KafkaError> {
        Self::commit(self, topic, partition, offset).await
    }

    fn generation(&self) -> u64 {
        Self::generation(self)
    }

    fn hold(&self, topic: &str, partition: i32) {
        Self::hold(self, topic, partition);
    }

    fn go_on(&self, topic: &str, partition: i32) {
        Self::go_on(self, topic, partition);
    }
}

/// Reads and works until `shutdown`, then finishes what is in hand for at most `grace`.
pub(super) async fn work<S: Source>(
    consumption: &Consumption,
    source: Arc<S>,
    shutdown: &CancellationToken,
    grace: Duration,
) {
    let workers = TaskTracker::new();
    // Given up when the grace is over: what waits inside then waits no longer.
    let give_up = CancellationToken::new();
    {
        let mut lanes = Lanes {
            consumption,
            source: &source,
            workers: &workers,
            give_up: &give_up,
            generation: source.generation(),
            open: HashMap::new(),
        };
        lanes.read(shutdown).await;
        // Dropping the lanes lets each end after the record in hand.
    }
    workers.close();
    if tokio::time::timeout(grace, workers.wait()).await.is_err() {
        tracing::warn!(events = workers.len(), "left events in hand at shutdown");
        give_up.cancel();
        // Now each ends at its next pause; one that has none is cut off with the runtime.
        let _late = tokio::time::timeout(Duration::from_millis(100), workers.wait()).await;
    }
}

/// The lanes of the partitions that are ours.
struct Lanes<'a, S> {
    consumption: &'a Consumption,
    source: &'a Arc<S>,
    workers: &'a TaskTracker,
    give_up: &'a CancellationToken,
    generation: u64,
    open: HashMap<(String, i32), Lane>,
}

impl<S: Source> Lanes<'_, S> {
    async fn read(&mut self, shutdown: &CancellationToken) {
        let mut broker_away = false;
        loop {
            let next = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                next = self.source.next() => Some(next),
                () = tokio::time::sleep(LOOK_AGAIN) => None,
            };
            self.begin_anew_after_a_change();
            match next {
                None => {}
                Some(Ok(delivery)) => {
                    broker_away = false;
                    self.put(delivery).await;
                }
                // The client tries by itself and tells of each time; once is enough to know.
                Some(Err(error)) if broker_away => {
                    tracing::debug!(%error, "the broker is still away");
                }
                Some(Err(error)) => {
                    broker_away = true;
                    tracing::warn!(%error, "waiting for the broker");
                }
            }
        }
    }

    /// What waits in lanes of before belongs to another member now, or comes again.
    fn begin_anew_after_a_change(&mut self) {
        let generation = self.source.generation();
        if generation != self.generation {
            self.generation = generation;
            for ((topic, partition), lane) in self.open.drain() {
                lane.lose();
                if lane.is_held() {
                    self.source.go_on(&topic, partition);
                }
            }
        }
    }

    async fn put(&mut self, delivery: Delivery) {
        let place = (delivery.record.topic.clone(), delivery.partition);
        if self.consumption.inner.ack_first {
            let (topic, partition) = (&place.0, place.1);
            if let Err(error) = self
                .source
                .commit(topic, partition, delivery.offset + 1)
                .await
            {
                tracing::warn!(%error, "an event will come again");
            }
        }
        let lane = self.open.entry(place).or_insert_with_key(|place| {
            Lane::open(
                self.consumption.clone(),
                Arc::clone(self.source),
                self.workers,
                self.give_up.child_token(),
                place,
                self.generation,
            )
        });
        super::count(&self.consumption.inner.counters.waiting);
        lane.put(delivery, self.source.as_ref());
    }
}
