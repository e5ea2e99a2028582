//! Who reads events or logs, and whether they get on: who ends waits for them, and for nobody that
//! has stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use msvc_machine::clock::Clock;

/// Between two looks at whether somebody still reads.
const LOOK: Duration = Duration::from_millis(5);

/// How long one that takes nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long all are waited for, however much they take.
const LONGEST: Duration = Duration::from_secs(30);

/// All who read. Clones count the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Readers(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    taken: AtomicUsize,
}

impl Readers {
    /// One more, for as long as what is given back lives.
    pub(super) fn one(&self) -> Reading {
        self.0.now.fetch_add(1, Ordering::Relaxed);
        Reading(Arc::clone(&self.0))
    }

    /// Waits until nobody reads any more, or those who do take no more.
    pub(super) async fn gone(&self, clock: &dyn Clock) {
        let taken = || self.0.taken.load(Ordering::Relaxed);
        let longest = clock.now() + LONGEST;
        let (mut before, mut patience) = (taken(), clock.now() + PATIENCE);
        while self.0.now.load(Ordering::Relaxed) > 0 {
            let now = clock.now();
            let so_far = taken();
            if so_far != before {
                (before, patience) = (so_far, now + PATIENCE);
            }
            if now >= patience.min(longest) {
                return;
            }
            clock.sleep(LOOK).await;
        }
    }
}

/// Counts as a reader while it lives.
#[derive(Debug)]
pub(super) struct Reading(Arc<Counts>);

impl Reading {
    /// It takes the next item.
    pub(super) fn takes(&self) {
        self.0.taken.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use msvc_machine::clock::MachineClock;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_gets_on_is_waited_for_and_who_has_stopped_is_not() {
        let readers = Readers::default();
        let began = Instant::now();
        readers.gone(&MachineClock).await;
        assert_eq!(began.elapsed(), Duration::ZERO);

        let reading = readers.one();
        let slow = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                reading.takes();
            }
        });
        let stopped = readers.one();
        readers.gone(&MachineClock).await;
        assert!(slow.is_finished() && began.elapsed() >= Duration::from_secs(12));
        drop(stopped);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_without_end() {
        let readers = Readers::default();
        let reading = readers.one();
        let endless = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(7)).await;
                reading.takes();
            }
        });
        let began = Instant::now();
        readers.gone(&MachineClock).await;
        assert!(began.elapsed() < LONGEST + PATIENCE);
        endless.abort();
    }
}
