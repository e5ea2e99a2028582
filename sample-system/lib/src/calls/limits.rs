//! The numbers that keep calls in bounds. Each is a setting with a default, and the reason for the
//! default stands here.

use std::time::Duration;

use crate::config::Settings;

/// How a peer may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `CALL_RETRIES`: how often a `GET` is sent again. 2 by default: what two do not cure, a
    /// third does not either.
    pub retries: u32,
    /// `CALL_RETRY_PERCENT`: retries for a hundred calls, over a minute. 10 by default: with a
    /// peer that is down, retries add a tenth to its load and do not multiply it.
    pub retry_percent: u8,
    /// `CALL_BACKOFF`: the longest wait before the first retry; the second's is twice that. The
    /// wait itself is drawn. 50 ms by default: longer than a dropped connection takes to be made
    /// again, far below the 2 s of the shortest timeout.
    pub backoff: Duration,
    /// The longest wait before any retry. Above the two that are made by default.
    pub backoff_longest: Duration,
    /// `CALLS_AT_ONCE`: how many calls to one peer may be under way; what is more fails at once.
    /// 256 by default: 50 orders a second that each wait for the whole 2 s are 100 calls.
    pub at_once: usize,
    /// `BREAKER_CALLS`: over how many of the last calls the breaker looks. 20 by default: few
    /// enough that it opens within half a second at 50 calls a second.
    pub breaker_calls: usize,
    /// `BREAKER_SPAN`: how old a call may be that it looks at. 10 s by default: ten failed calls in
    /// ten seconds are a peer in trouble, ten in a quiet hour are ten requests in trouble.
    pub breaker_span: Duration,
    /// `BREAKER_LEAST`: of how many calls it concludes at least. 10 by default: three that fail at
    /// a restart open nothing.
    pub breaker_least: usize,
    /// `BREAKER_PERCENT`: how many of a hundred fail when it opens. 50 by default: a peer that
    /// serves most is worth asking.
    pub breaker_percent: u8,
    /// `BREAKER_REST`: how long it stays open. 2 s by default: a killed service is back within
    /// one or two, and one call each 2 s is no load for a peer that is not.
    pub breaker_rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retries: 2,
            retry_percent: 10,
            backoff: Duration::from_millis(50),
            backoff_longest: Duration::from_millis(250),
            at_once: 256,
            breaker_calls: 20,
            breaker_span: Duration::from_secs(10),
            breaker_least: 10,
            breaker_percent: 50,
            breaker_rest: Duration::from_secs(2),
        }
    }
}

impl Limits {
    /// The share from which on there is no budget at all: only the seeded bug `retry-storm` sets
    /// it, and no setting reaches it.
    pub const NO_BUDGET: u8 = u8::MAX;

    /// Reads the settings; `None` when one is malformed.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let default = Self::default();
        let retries = settings.number_or("CALL_RETRIES", default.retries.into(), 0..=5);
        let retry_percent =
            settings.number_or("CALL_RETRY_PERCENT", default.retry_percent.into(), 0..=10);
        let backoff = settings.duration_or("CALL_BACKOFF", default.backoff);
        let at_once = settings.number_or("CALLS_AT_ONCE", 256, 1..=100_000);
        let calls = settings.number_or("BREAKER_CALLS", 20, 1..=10_000);
        let span = settings.duration_or("BREAKER_SPAN", default.breaker_span);
        let least = settings.number_or("BREAKER_LEAST", 10, 1..=10_000);
        let percent = settings.number_or("BREAKER_PERCENT", 50, 1..=100);
        let rest = settings.duration_or("BREAKER_REST", default.breaker_rest);
        Some(Self {
            retries: u32::try_from(retries?).ok()?,
            retry_percent: u8::try_from(retry_percent?).ok()?,
            backoff: backoff?,
            backoff_longest: default.backoff_longest.max(backoff?),
            at_once: usize::try_from(at_once?).ok()?,
            breaker_calls: usize::try_from(calls?).ok()?,
            breaker_span: span?,
            breaker_least: usize::try_from(least?).ok()?,
            breaker_percent: u8::try_from(percent?).ok()?,
            breaker_rest: rest?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_the_default_and_a_budget_above_a_tenth_is_refused() {
        let mut unset = Settings::new([]);
        assert_eq!(Limits::read(&mut unset), Some(Limits::default()));
        let greedy = [("CALL_RETRY_PERCENT".to_owned(), "11".to_owned())];
        let mut settings = Settings::new(greedy);
        let read = Limits::read(&mut settings);
        let message = settings.finish(read).unwrap_err().to_string();
        assert!(message.contains("CALL_RETRY_PERCENT"), "{message}");
    }
}
