//! A circuit breaker: closed while the peer answers, open (nothing is sent) with a failure after
//! which too many of the last calls within a span of time failed, half-open after a rest, when one
//! call at a time finds out whether the peer is back. Pure but for a lock: what time it is comes in
//! with each question.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;

/// Where a breaker stands. The numbers are those of the metric `circuit_breaker_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls leave.
    Closed = 0,
    /// One call at a time may leave.
    HalfOpen = 1,
    /// No call leaves.
    Open = 2,
}

/// What a call says of its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The peer works.
    Good,
    /// It does not.
    Bad,
    /// Nothing: the call was given up.
    Neither,
}

/// Says under which state a call left: what it found out counts only while that state lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(u64);

/// The breaker of one peer.
#[derive(Debug)]
pub struct Breaker {
    /// How many of the last calls are looked at.
    calls: usize,
    /// How old one of them may be.
    span: Duration,
    /// Of how many at least, before anything is concluded.
    least: usize,
    /// How many of a hundred may fail.
    percent: usize,
    /// How long it stays open.
    rest: Duration,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    /// Grows with every change of state.
    generation: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// When each of the last calls ended, and whether it failed.
    Closed(VecDeque<(Instant, bool)>),
    Open {
        since: Instant,
    },
    /// A call is under way to find out.
    Asking,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(limits: Limits) -> Self {
        Self {
            calls: limits.breaker_calls.max(1),
            span: limits.breaker_span,
            least: limits.breaker_least.clamp(1, limits.breaker_calls.max(1)),
            percent: usize::from(limits.breaker_percent),
            rest: limits.breaker_rest,
            now: Mutex::new(Now {
                generation: 0,
                phase: Phase::Closed(VecDeque::new()),
            }),
        }
    }

    /// Where it stands at `at`. Half-open begins with the end of the rest, not with the call that
    /// makes use of it.
    pub fn state(&self, at: Instant) -> State {
        match self.lock().phase {
            Phase::Closed(_) => State::Closed,
            Phase::Open { since } if at.duration_since(since) < self.rest => State::Open,
            Phase::Open { .. } | Phase::Asking => State::HalfOpen,
        }
    }

    /// Whether a call may leave at `at`.
    pub(super) fn admit(&self, at: Instant) -> Option<Ticket> {
        let mut now = self.lock();
        match now.phase {
            Phase::Closed(_) => {}
            Phase::Open { since } if at.duration_since(since) >= self.rest => {
                now.turn(Phase::Asking);
            }
            Phase::Open { .. } | Phase::Asking => return None,
        }
        Some(Ticket(now.generation))
    }

    /// What the call with `ticket` found out at `at`; answers the new state where it changed to
    /// open or closed.
    pub(super) fn settle(&self, ticket: Ticket, verdict: Verdict, at: Instant) -> Option<State> {
        let mut now = self.lock();
        if ticket.0 != now.generation {
            return None;
        }
        match &mut now.phase {
            Phase::Closed(last) => {
                if verdict == Verdict::Neither {
                    return None;
                }
                last.push_back((at, verdict == Verdict::Bad));
                last.retain(|(ended, _)| at.saturating_duration_since(*ended) <= self.span);
                if last.len() > self.calls {
                    last.pop_front();
                }
                let failed = last.iter().filter(|(_, failed)| *failed).count();
                let many = last.len() >= self.least && failed * 100 >= self.percent * last.len();
                // A peer that just worked is back, however often it failed before.
                if verdict == Verdict::Good || !many {
                    return None;
                }
                now.turn(Phase::Open { since: at });
                Some(State::Open)
            }
            Phase::Asking => match verdict {
                Verdict::Good => {
                    now.turn(Phase::Closed(VecDeque::new()));
                    Some(State::Closed)
                }
                Verdict::Bad => {
                    now.turn(Phase::Open { since: at });
                    Some(State::Open)
                }
                // Nothing is known still: the next call may find out at once.
                Verdict::Neither => {
                    let rested = at.checked_sub(self.rest).unwrap_or(at);
                    now.turn(Phase::Open { since: rested });
                    None
                }
            },
            // No ticket is given out while it is open.
            Phase::Open { .. } => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn turn(&mut self, phase: Phase) {
        self.generation += 1;
        self.phase = phase;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(2);
    const SPAN: Duration = Duration::from_secs(10);

    fn breaker() -> Breaker {
        Breaker::new(Limits {
            breaker_calls: 4,
            breaker_least: 2,
            breaker_percent: 50,
            breaker_rest: REST,
            breaker_span: SPAN,
            ..Limits::default()
        })
    }

    fn call(breaker: &Breaker, verdict: Verdict, at: Instant) -> Option<State> {
        let ticket = breaker.admit(at).expect("a call may leave");
        breaker.settle(ticket, verdict, at)
    }

    #[test]
    fn half_of_the_last_calls_failing_opens_it_and_no_fewer() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!(call(&breaker, Verdict::Bad, now), None);
        assert_eq!(call(&breaker, Verdict::Bad, now), Some(State::Open));
        let breaker = self::breaker();
        for verdict in [Verdict::Good, Verdict::Good, Verdict::Good, Verdict::Bad] {
            assert_eq!(call(&breaker, verdict, now), None);
        }
        assert_eq!(call(&breaker, Verdict::Bad, now), Some(State::Open));
    }

    #[test]
    fn no_call_that_succeeds_opens_it_whatever_failed_before() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!(call(&breaker, Verdict::Bad, now), None);
        assert_eq!(call(&breaker, Verdict::Good, now), None);
        assert_eq!(call(&breaker, Verdict::Bad, now), Some(State::Open));
    }

    #[test]
    fn failures_that_are_further_apart_than_the_span_open_nothing() {
        let (breaker, begun) = (breaker(), Instant::now());
        for count in 0..20 {
            let at = begun + count * (SPAN + Duration::from_millis(1));
            assert_eq!(call(&breaker, Verdict::Bad, at), None, "failure {count}");
        }
        let last = begun + 19 * (SPAN + Duration::from_millis(1));
        let next = last + SPAN;
        assert_eq!(call(&breaker, Verdict::Bad, next), Some(State::Open));
    }

    #[test]
    fn it_goes_closed_open_half_open_closed() {
        let (breaker, opened) = (breaker(), Instant::now());
        assert_eq!(breaker.state(opened), State::Closed);
        let _one = call(&breaker, Verdict::Bad, opened);
        let _two = call(&breaker, Verdict::Bad, opened);
        assert_eq!(breaker.state(opened), State::Open);
        assert_eq!(breaker.admit(opened + REST / 2), None);
        let rested = opened + REST;
        assert_eq!(breaker.state(rested), State::HalfOpen);
        let asking = breaker.admit(rested).unwrap();
        assert_eq!(breaker.admit(rested), None, "one at a time");
        assert_eq!(
            breaker.settle(asking, Verdict::Good, rested),
            Some(State::Closed)
        );
        assert_eq!(breaker.state(rested), State::Closed);
    }

    #[test]
    fn a_peer_that_is_not_back_is_left_in_peace_for_another_rest() {
        let (breaker, opened) = (breaker(), Instant::now());
        let _one = call(&breaker, Verdict::Bad, opened);
        let _two = call(&breaker, Verdict::Bad, opened);
        let rested = opened + REST;
        assert_eq!(call(&breaker, Verdict::Bad, rested), Some(State::Open));
        assert_eq!(breaker.admit(rested + REST / 2), None);
        assert!(breaker.admit(rested + REST).is_some());
    }

    #[test]
    fn a_call_given_up_while_half_open_leaves_room_for_the_next() {
        let (breaker, opened) = (breaker(), Instant::now());
        let _one = call(&breaker, Verdict::Bad, opened);
        let _two = call(&breaker, Verdict::Bad, opened);
        let rested = opened + REST;
        assert_eq!(call(&breaker, Verdict::Neither, rested), None);
        assert!(breaker.admit(rested).is_some());
    }

    #[test]
    fn a_call_from_before_the_change_says_nothing_about_after_it() {
        let (breaker, opened) = (breaker(), Instant::now());
        let slow = breaker.admit(opened).unwrap();
        let _one = call(&breaker, Verdict::Bad, opened);
        let _two = call(&breaker, Verdict::Bad, opened);
        assert_eq!(breaker.settle(slow, Verdict::Good, opened), None);
        assert_eq!(breaker.state(opened), State::Open);
    }
}
