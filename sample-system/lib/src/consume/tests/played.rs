//! The broker, the handler and the topic of dead letters that the tests play.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::consume::source::Source;
use crate::consume::{Failure, Handle};
use crate::kafka::{Delivery, KafkaError, Publish, Record};
use crate::trace_context::TraceContext;

/// Longer than anything here takes; only a failing test waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A topic with partitions, of which this member has all.
#[derive(Clone, Default)]
pub(super) struct Topic(pub(super) Arc<Played>);

#[derive(Default)]
pub(super) struct Played {
    pub(super) state: Mutex<State>,
    pub(super) changed: Notify,
    pub(super) generation: AtomicU64,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) records: BTreeMap<i32, Vec<Record>>,
    pub(super) position: BTreeMap<i32, usize>,
    pub(super) committed: BTreeMap<i32, i64>,
    pub(super) held: HashSet<i32>,
    pub(super) ever_held: HashSet<i32>,
}

impl Topic {
    pub(super) fn publish(&self, partition: i32, payload: &str) {
        let record = Record {
            topic: "orders".to_owned(),
            key: format!("k-{partition}"),
            payload: payload.into(),
            headers: vec![(
                "traceparent".to_owned(),
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            )],
        };
        let mut state = self.0.state.lock().unwrap();
        state.records.entry(partition).or_default().push(record);
        self.0.changed.notify_waiters();
    }

    /// Partitions change hands and come back: reading goes on where it was committed.
    pub(super) fn rebalance(&self) {
        let mut state = self.0.state.lock().unwrap();
        self.0.generation.fetch_add(1, Ordering::SeqCst);
        let committed = state.committed.clone();
        state.position = committed
            .into_iter()
            .map(|(partition, offset)| (partition, usize::try_from(offset).unwrap()))
            .collect();
        state.held.clear();
        self.0.changed.notify_waiters();
    }

    pub(super) fn committed(&self, partition: i32) -> i64 {
        let state = self.0.state.lock().unwrap();
        state.committed.get(&partition).copied().unwrap_or(0)
    }

    pub(super) fn take(&self) -> Option<Delivery> {
        let state = &mut *self.0.state.lock().unwrap();
        for (partition, records) in &state.records {
            let position = state.position.entry(*partition).or_default();
            if !state.held.contains(partition) && *position < records.len() {
                let offset = i64::try_from(*position).unwrap();
                let record = records[*position].clone();
                *position += 1;
                return Some(Delivery {
                    record,
                    partition: *partition,
                    offset,
                });
            }
        }
        None
    }

    pub(super) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let reached = async {
            while !condition(self) {
                let changed = self.0.changed.notified();
                let _look = tokio::time::timeout(Duration::from_millis(10), changed).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, reached).await;
        in_time.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

#[async_trait]
impl Source for Topic {
    async fn next(&self) -> Result<Delivery, KafkaError> {
        loop {
            if let Some(delivery) = self.take() {
                // As a socket would, let the others run.
                tokio::task::yield_now().await;
                return Ok(delivery);
            }
            let changed = self.0.changed.notified();
            let _look = tokio::time::timeout(Duration::from_millis(10), changed).await;
        }
    }

    async fn commit(&self, _: &str, partition: i32, offset: i64) -> Result<(), KafkaError> {
        let mut state = self.0.state.lock().unwrap();
        state.committed.insert(partition, offset);
        self.0.changed.notify_waiters();
        Ok(())
    }

    fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }

    fn hold(&self, _: &str, partition: i32) {
        let mut state = self.0.state.lock().unwrap();
        state.held.insert(partition);
        state.ever_held.insert(partition);
    }

    fn go_on(&self, _: &str, partition: i32) {
        self.0.state.lock().unwrap().held.remove(&partition);
    }
}

/// Does what the script says for a payload, else succeeds; notes what it was given.
#[derive(Clone, Default)]
pub(super) struct Script {
    pub(super) failures: Arc<Mutex<BTreeMap<String, VecDeque<Failure>>>>,
    pub(super) seen: Arc<Mutex<Vec<String>>>,
    /// Payloads whose handling does not end before they are let go.
    pub(super) stuck: Arc<Mutex<HashSet<String>>>,
    pub(super) released: Arc<Notify>,
    pub(super) done: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(super) fn fail(&self, payload: &str, failures: Vec<Failure>) {
        let mut all = self.failures.lock().unwrap();
        all.insert(payload.to_owned(), failures.into());
    }

    pub(super) fn stick(&self, payload: &str) {
        self.stuck.lock().unwrap().insert(payload.to_owned());
    }

    pub(super) fn release(&self) {
        self.stuck.lock().unwrap().clear();
        self.released.notify_waiters();
    }

    pub(super) fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }

    pub(super) fn times(&self, payload: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|known| *known == payload).count()
    }
}

#[async_trait]
impl Handle for Script {
    async fn handle(&self, delivery: &Delivery, _: &TraceContext) -> Result<(), Failure> {
        let payload = String::from_utf8(delivery.record.payload.clone()).unwrap();
        self.seen.lock().unwrap().push(payload.clone());
        assert!(payload != "panic", "on purpose");
        loop {
            let released = self.released.notified();
            if !self.stuck.lock().unwrap().contains(&payload) {
                break;
            }
            let _look = tokio::time::timeout(Duration::from_millis(10), released).await;
        }
        let failure = self
            .failures
            .lock()
            .unwrap()
            .get_mut(&payload)
            .and_then(VecDeque::pop_front);
        match failure {
            Some(failure) => Err(failure),
            None => {
                self.done.lock().unwrap().push(payload);
                Ok(())
            }
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct Letters(pub(super) Arc<Mutex<Vec<Record>>>);

#[async_trait]
impl Publish for Letters {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}
