//! The supervisor's events: numbered without gaps, kept as long as it lives, readable from any
//! number on by any number of readers.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, BoxStream, StreamExt};
use msvc_report::event::{Event, SCHEMA, Stamped};
use msvc_system::id::InstanceId;
use tokio::sync::watch;

/// Who stamps them.
pub(super) const EMITTER: &str = "supervisor";

/// All events so far. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct EventLog {
    all: Arc<Mutex<Vec<Stamped>>>,
    /// How many there are, and whether more may come.
    told: Arc<watch::Sender<(u64, bool)>>,
}

impl EventLog {
    pub(super) fn new() -> Self {
        Self {
            all: Arc::default(),
            told: Arc::new(watch::Sender::new((0, true))),
        }
    }

    /// Writes an event down; its number.
    pub(super) fn write(&self, monotonic_ns: u64, event: Event) -> u64 {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = all.len() as u64 + 1;
        all.push(Stamped {
            schema: SCHEMA.to_owned(),
            emitter: EMITTER.to_owned(),
            sequence,
            monotonic_ns,
            event,
        });
        self.told.send_modify(|told| told.0 = sequence);
        sequence
    }

    /// The number of the latest one; 0 before the first.
    pub(super) fn latest(&self) -> u64 {
        self.told.borrow().0
    }

    /// No more will come: readers end once they have read all.
    pub(super) fn close(&self) {
        self.told.send_modify(|told| told.1 = false);
    }

    /// Every event from number `from` on, those to come included.
    pub(super) fn read(&self, from: u64) -> BoxStream<'static, Stamped> {
        let log = self.clone();
        let told = self.told.subscribe();
        stream::unfold(
            (log, told, from.max(1)),
            |(log, mut told, next)| async move {
                loop {
                    let open = told.borrow_and_update().1;
                    if let Some(event) = log.at(next) {
                        return Some((event, (log, told, next + 1)));
                    }
                    if !open || told.changed().await.is_err() {
                        return None;
                    }
                }
            },
        )
        .boxed()
    }

    /// Those after number `told` that concern a replica.
    pub(super) fn of(&self, replica: &InstanceId, told: u64) -> Vec<Event> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(told).unwrap_or(usize::MAX).min(all.len());
        all[from..]
            .iter()
            .filter(|stamped| concerns(&stamped.event, replica))
            .map(|stamped| stamped.event.clone())
            .collect()
    }

    fn at(&self, number: u64) -> Option<Stamped> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        all.get(index).cloned()
    }
}

fn concerns(event: &Event, replica: &InstanceId) -> bool {
    match event {
        Event::InstanceStarting { instance }
        | Event::InstanceStarted { instance, .. }
        | Event::InstanceReady { instance, .. }
        | Event::InstanceUnhealthy { instance, .. }
        | Event::InstanceExited { instance, .. }
        | Event::InstanceRestarting { instance }
        | Event::InstanceStopped { instance } => instance.same_replica(replica),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_late_reader_reads_all_from_its_number_on_and_ends_with_the_log() {
        let log = EventLog::new();
        let phase = |n: u64| Event::PhaseBegan {
            phase: n.to_string(),
        };
        for n in 1..=3 {
            assert_eq!(log.write(n, phase(n)), n);
        }
        let mut reader = log.read(2);
        assert_eq!(reader.next().await.unwrap().sequence, 2);
        log.write(4, phase(4));
        log.close();
        let rest: Vec<u64> = reader.map(|event| event.sequence).collect().await;
        assert_eq!(rest, [3, 4]);
    }
}
