//! A partition's own way through the loop: its records wait in order, one is worked on at a time.
//!
//! A lane that falls behind has its partition held, so that it takes bounded memory and no other
//! partition waits for it. Offsets are committed when the lane has nothing left to do, or after so
//! many records: each commit is a round trip and a write of the broker.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Consumption;
use super::source::Source;
use crate::kafka::Delivery;

/// With so many records waiting the partition is held.
pub(super) const HELD_AT: usize = 64;

/// With no more than so many it goes on.
const GOES_ON_AT: usize = 16;

/// So many records are worked on between two commits at most; so many come again after a crash.
const UNCOMMITTED: usize = 32;

/// The waiting records of one partition. Dropping it ends the lane after the record in hand.
pub(super) struct Lane {
    records: mpsc::UnboundedSender<Delivery>,
    ended: CancellationToken,
    lost: CancellationToken,
    fill: Arc<Fill>,
}

/// How full a lane is, and whether its partition is held for that.
struct Fill {
    topic: String,
    partition: i32,
    waiting: AtomicUsize,
    held: Mutex<bool>,
}

impl Fill {
    fn held<T>(&self, change: impl FnOnce(&mut bool) -> T) -> T {
        change(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl Lane {
    /// Begins to work on a partition as the group's `generation` gave it out.
    pub(super) fn open<S: Source>(
        consumption: Consumption,
        source: Arc<S>,
        workers: &TaskTracker,
        lost: CancellationToken,
        (topic, partition): &(String, i32),
        generation: u64,
    ) -> Self {
        let (records, queue) = mpsc::unbounded_channel();
        let ended = CancellationToken::new();
        let fill = Arc::new(Fill {
            topic: topic.clone(),
            partition: *partition,
            waiting: AtomicUsize::new(0),
            held: Mutex::new(false),
        });
        let worker = Worker {
            consumption,
            source,
            ended: ended.clone(),
            lost: lost.clone(),
            fill: Arc::clone(&fill),
            generation,
        };
        workers.spawn(worker.work(queue));
        Self {
            records,
            ended,
            lost,
            fill,
        }
    }

    /// The partition is another's: a record in hand is tried no more, but not cut off either.
    pub(super) fn lose(&self) {
        self.lost.cancel();
    }

    /// Lets `delivery` wait for its turn.
    pub(super) fn put<S: Source>(&self, delivery: Delivery, source: &S) {
        let waiting = self.fill.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        // The worker lives as long as this lane.
        let _ended = self.records.send(delivery);
        if waiting >= HELD_AT {
            self.fill.held(|held| {
                if !*held && self.fill.waiting.load(Ordering::SeqCst) > GOES_ON_AT {
                    *held = true;
                    source.hold(&self.fill.topic, self.fill.partition);
                }
            });
        }
    }

    /// Whether the partition is held.
    pub(super) fn is_held(&self) -> bool {
        self.fill.held(|held| *held)
    }
}

/// Works on one lane.
struct Worker<S> {
    consumption: Consumption,
    source: Arc<S>,
    ended: CancellationToken,
    lost: CancellationToken,
    fill: Arc<Fill>,
    generation: u64,
}

impl<S: Source> Worker<S> {
    async fn work(self, mut queue: mpsc::UnboundedReceiver<Delivery>) {
        let mut uncommitted = 0;
        let mut done = None;
        loop {
            let delivery = tokio::select! {
                biased;
                () = self.ended.cancelled() => break,
                delivery = queue.recv() => delivery,
            };
            let Some(delivery) = delivery else { break };
            let outcome = self.consumption.finish(&delivery, &self.lost).await;
            if outcome.is_none() {
                break;
            }
            done = Some(delivery.offset + 1);
            uncommitted += 1;
            self.one_less();
            if queue.is_empty() || uncommitted >= UNCOMMITTED {
                self.commit(done.take()).await;
                uncommitted = 0;
            }
        }
        self.commit(done).await;
        let waiting = &self.consumption.inner.counters.waiting;
        let left = self.fill.waiting.load(Ordering::SeqCst);
        waiting.fetch_sub(u64::try_from(left).unwrap_or_default(), Ordering::Relaxed);
    }

    fn one_less(&self) {
        let waiting = self.fill.waiting.fetch_sub(1, Ordering::SeqCst) - 1;
        let counters = &self.consumption.inner.counters;
        counters.waiting.fetch_sub(1, Ordering::Relaxed);
        if waiting <= GOES_ON_AT {
            self.fill.held(|held| {
                if std::mem::take(held) {
                    self.source.go_on(&self.fill.topic, self.fill.partition);
                }
            });
        }
    }

    async fn commit(&self, offset: Option<i64>) {
        // After a change of hands the offset is another member's to tell.
        let Some(offset) = offset.filter(|_| self.source.generation() == self.generation) else {
            return;
        };
        if self.consumption.inner.ack_first {
            return;
        }
        let Fill {
            topic, partition, ..
        } = self.fill.as_ref();
        if let Err(error) = self.source.commit(topic, *partition, offset).await {
            tracing::warn!(%error, "events that are done will come again");
        }
    }
}
