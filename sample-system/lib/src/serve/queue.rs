//! How much a service takes on: so many requests are worked on at once, so many wait for their
//! turn, for so long; what is more is refused at once, while there is still time to ask elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Settings;
use crate::deadline::Deadline;

/// The numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// `REQUESTS_AT_ONCE`: requests that are worked on. 512 by default: 50 orders a second that
    /// each take the whole 10 s of the gateway's patience are 500.
    pub at_once: usize,
    /// `REQUESTS_WAITING`: requests that wait for their turn. 256 by default: half of the above,
    /// which is gone within the wait below as soon as the work flows again.
    pub waiting: usize,
    /// `REQUEST_WAIT`: how long one waits at most. 1 s by default: who waits longer for the mere
    /// beginning has been given up by the customer.
    pub wait: Duration,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            at_once: 512,
            waiting: 256,
            wait: Duration::from_secs(1),
        }
    }
}

impl QueueLimits {
    /// Reads the settings; `None` when one is malformed.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let at_once = settings.number_or("REQUESTS_AT_ONCE", 512, 1..=100_000);
        let waiting = settings.number_or("REQUESTS_WAITING", 256, 0..=100_000);
        let wait = settings.duration_or("REQUEST_WAIT", Self::default().wait);
        Some(Self {
            at_once: usize::try_from(at_once?).ok()?,
            waiting: usize::try_from(waiting?).ok()?,
            wait: wait?,
        })
    }
}

/// Why a request did not get its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTurn {
    /// Too much was waiting already, or it waited too long.
    Full,
    /// Whoever asked stopped waiting first.
    Late,
}

/// Gives out turns. Clones share them.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Line>);

#[derive(Debug)]
struct Line {
    limits: QueueLimits,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// One that waits; dropped, it waits no longer.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    /// A queue that nobody is in.
    pub fn new(limits: QueueLimits) -> Self {
        Self(Arc::new(Line {
            limits,
            turns: Arc::new(Semaphore::new(limits.at_once.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
        }))
    }

    /// Waits for a turn, which lasts until the answer is dropped.
    ///
    /// # Errors
    /// When there is none to be had in time.
    pub async fn turn(&self, deadline: Deadline) -> Result<OwnedSemaphorePermit, NoTurn> {
        let Line {
            limits,
            turns,
            waiting,
        } = &*self.0;
        if deadline.has_passed() {
            return Err(NoTurn::Late);
        }
        if let Ok(turn) = turns.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(waiting);
        if before >= limits.waiting {
            return Err(NoTurn::Full);
        }
        let within = deadline.at_most(limits.wait);
        let wait = within.left().unwrap_or(limits.wait);
        match tokio::time::timeout(wait, turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) if !deadline.has_passed() => Ok(turn),
            _ if deadline.has_passed() => Err(NoTurn::Late),
            _ => Err(NoTurn::Full),
        }
    }

    /// How many wait for their turn.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(at_once: usize, waiting: usize) -> Queue {
        Queue::new(QueueLimits {
            at_once,
            waiting,
            ..QueueLimits::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_exceeds_work_and_queue_is_refused_at_once() {
        let queue = queue(1, 1);
        let first = queue.turn(Deadline::NONE).await.unwrap();
        let second = tokio::spawn({
            let queue = queue.clone();
            async move { queue.turn(Deadline::NONE).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert_eq!(queue.waiting(), 1);
        assert_eq!(queue.turn(Deadline::NONE).await.unwrap_err(), NoTurn::Full);
        drop(first);
        assert_eq!(second.await.unwrap(), Ok(()));
        assert_eq!(queue.waiting(), 0);
        assert!(queue.turn(Deadline::NONE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_wait_or_their_own_deadline() {
        let queue = queue(1, 9);
        let _held = queue.turn(Deadline::NONE).await.unwrap();
        assert_eq!(queue.turn(Deadline::NONE).await.unwrap_err(), NoTurn::Full);
        let soon = Deadline::within(Duration::from_millis(10));
        assert_eq!(queue.turn(soon).await.unwrap_err(), NoTurn::Late);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_already_gets_no_turn_though_there_is_one() {
        let queue = queue(1, 1);
        let passed = Deadline::within(Duration::ZERO);
        assert_eq!(queue.turn(passed).await.unwrap_err(), NoTurn::Late);
    }
}
