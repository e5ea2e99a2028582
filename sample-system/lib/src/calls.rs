//! What keeps a call to another service from harming either side, the same for HTTP and gRPC: a
//! circuit breaker, a limit of calls at once (bulkhead), a budget of retries, and the figures of
//! all three. In: the peer's name and its [`Limits`]. Out: a [`Pass`] for one call, or why it may
//! not leave. What is said to the peer, and in which protocol, is not in here.
//!
//! # Layout
//! * [`breaker`]: whether the peer is asked at all
//! * [`limits`]: the numbers, each with its reason
//! * [`Guard`]: the door of one peer, shared by everything that calls it

pub mod breaker;
pub mod limits;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower::retry::budget::{Budget, TpsBudget};

pub use self::breaker::State;
use self::breaker::{Breaker, Ticket, Verdict};
pub use self::limits::Limits;
use crate::deadline::Deadline;
use crate::draw::Draw;
use crate::metrics::{CallFigures, Metrics};

/// How long a call counts for the budget of retries. A budget that is earned over a minute lets a
/// quiet edge retry too, and still no more than its share.
const BUDGET_WINDOW: Duration = Duration::from_secs(60);

/// Why a call did not leave. The peer never saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The breaker is open.
    #[error("{0} failed too often just now and is left in peace")]
    Open(&'static str),
    /// As many calls as the bulkhead allows are under way.
    #[error("{0} has as many calls to answer as it is given at once")]
    Full(&'static str),
    /// Whoever asked has stopped waiting.
    #[error("nobody waits any more for what {0} would answer")]
    Late(&'static str),
}

/// How a call that left came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The peer answered; that it refused what was asked is an answer too.
    Answered,
    /// The peer answered that it failed (500, 502; `Internal` and the like).
    Failed,
    /// It answered so to a call that [insists](Insists): this one request fails, and nothing is said
    /// about others.
    FailedAtIt,
    /// The peer answered that it cannot do this now (503, 504; `Unavailable`): somebody behind it is
    /// away, or it has too much to do. It lives and says so at once; what else it is asked for may
    /// work, so this says nothing about the peer itself.
    Unavailable,
    /// No connection was made, or it ended before anything was sent.
    Refused,
    /// The peer's own time was up.
    TimedOut,
    /// The connection broke, or what came is no answer.
    Broken,
    /// Whoever asked waited less than the peer is given: nobody's fault.
    GivenUp,
    /// The work that the call belonged to was dropped: nobody's fault.
    Dropped,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed | Self::FailedAtIt => "failed",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::TimedOut => "timeout",
            Self::Broken => "broken",
            Self::GivenUp => "given_up",
            Self::Dropped => "dropped",
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self::Answered => Verdict::Good,
            Self::Failed | Self::Refused | Self::TimedOut | Self::Broken => Verdict::Bad,
            Self::FailedAtIt | Self::Unavailable | Self::GivenUp | Self::Dropped => {
                Verdict::Neither
            }
        }
    }
}

/// Marks a call that its caller repeats until it succeeds, after waits that grow. That the peer
/// answers that it failed blames the request and not the peer: many such requests, each of which it
/// cannot do, would else keep it from all that it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insists;

/// The door to one peer. Clones are the same door.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Door>);

#[derive(Debug)]
struct Door {
    peer: &'static str,
    limits: Limits,
    breaker: Breaker,
    places: Arc<Semaphore>,
    budget: TpsBudget,
    figures: CallFigures,
    draw: Draw,
}

impl Guard {
    /// The door to `peer`.
    pub fn new(peer: &'static str, limits: Limits, metrics: &Metrics, draw: Draw) -> Self {
        let share = f32::from(limits.retry_percent.min(100)) / 100.0;
        let door = Arc::new(Door {
            peer,
            limits,
            breaker: Breaker::new(limits),
            places: Arc::new(Semaphore::new(limits.at_once.min(Semaphore::MAX_PERMITS))),
            budget: TpsBudget::new(BUDGET_WINDOW, 0, share),
            figures: metrics.calls(peer),
            draw,
        });
        let seen = Arc::downgrade(&door);
        metrics.at_scrape(move || {
            if let Some(door) = seen.upgrade() {
                door.figures.breaker(door.breaker.state(Instant::now()));
            }
        });
        Self(door)
    }

    /// Lets one call out, unless the breaker is open, the bulkhead full or `deadline` over.
    ///
    /// # Errors
    /// Why it may not leave.
    pub fn enter(&self, deadline: Deadline) -> Result<Pass, NotSent> {
        let door = &self.0;
        let refused = |label, why| {
            door.figures.ended(label, None);
            Err(why)
        };
        if deadline.has_passed() {
            return refused("late", NotSent::Late(door.peer));
        }
        let Ok(place) = door.places.clone().try_acquire_owned() else {
            door.figures.full();
            return refused("full", NotSent::Full(door.peer));
        };
        let Some(ticket) = door.breaker.admit(Instant::now()) else {
            return refused("open", NotSent::Open(door.peer));
        };
        door.figures.began();
        Ok(Pass {
            guard: self.clone(),
            ticket,
            begun: Instant::now(),
            outcome: Outcome::Dropped,
            _place: place,
        })
    }

    /// Counts a call that may be retried; a tenth of these is what [`Self::retry`] gives out.
    pub(crate) fn earn(&self) {
        self.0.budget.deposit();
    }

    /// How long to wait before the retry that follows `done` of them; `None` when that was the
    /// last, or too many others are retried already.
    pub(crate) fn retry(&self, done: u32) -> Option<Duration> {
        let Door { limits, .. } = *self.0;
        if done >= limits.retries {
            return None;
        }
        if limits.retry_percent < Limits::NO_BUDGET && !self.0.budget.withdraw() {
            self.0.figures.retry_denied();
            return None;
        }
        self.0.figures.retried();
        let longest = limits.backoff.saturating_mul(1 << done.min(16));
        Some(self.0.draw.up_to(longest.min(limits.backoff_longest)))
    }

    /// Where the breaker stands now.
    pub fn breaker(&self) -> State {
        self.0.breaker.state(Instant::now())
    }
}

/// One call that may leave. Dropped without an end, it counts as given up.
#[derive(Debug)]
pub struct Pass {
    guard: Guard,
    ticket: Ticket,
    begun: Instant,
    outcome: Outcome,
    _place: OwnedSemaphorePermit,
}

impl Pass {
    /// The call came to its end.
    pub fn ended(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Door {
            peer,
            breaker,
            figures,
            ..
        } = &*self.guard.0;
        let now = Instant::now();
        figures.ended(self.outcome.label(), Some(now.duration_since(self.begun)));
        if let Some(state) = breaker.settle(self.ticket, self.outcome.verdict(), now) {
            figures.breaker_became(state);
            match state {
                State::Open => tracing::warn!(peer, "circuit breaker opened"),
                State::HalfOpen | State::Closed => tracing::info!(peer, "circuit breaker closed"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
