//! Reads again until the shop is at rest and what was found stays, then tells it.
//!
//! What does not hold while an order is under way may hold a moment later, so it is believed only
//! when nothing changes any more, or when the time is up.

use std::time::Duration;

use shop::clock::Clock;
use tokio::time::{Instant, sleep};

use crate::facts::Facts;
use crate::read::ReadError;
use crate::rules::{Violation, judge};

/// The shortest pause between two readings. A reading that takes longer is followed by a pause as
/// long as itself: no shop is read more than half of the time.
const PAUSE: Duration = Duration::from_millis(250);
/// How long nothing may change before everything holds: long enough for what should not come.
const CALM: Duration = Duration::from_secs(2);

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// How long an order may take, and the shop to come to rest.
    pub(crate) within: Duration,
    /// How long nothing may change before what does not hold is believed.
    pub(crate) settle: Duration,
    /// How long is waited for a first order.
    pub(crate) first_order: Duration,
}

/// What was seen at last.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    /// What the sources said.
    pub(crate) facts: Facts,
    /// What does not hold.
    pub(crate) violations: Vec<Violation>,
    /// Whether the shop was at rest.
    pub(crate) at_rest: bool,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// A source cannot be read.
    #[error(transparent)]
    Source(#[from] ReadError),
    /// There is nothing to compare.
    #[error("there is no order: nothing was compared")]
    NoOrder,
    /// Orders keep coming or going.
    #[error("{open} orders are under way after {seconds} s: nothing can be said before they end")]
    Busy {
        /// Orders that have not ended.
        open: usize,
        /// How long was waited.
        seconds: u64,
    },
}

/// Audits what `read` tells.
pub(crate) async fn audit(
    read: impl AsyncFn() -> Result<Facts, ReadError>,
    times: Times,
    clock: &Clock,
) -> Result<Seen, Unread> {
    let begun = Instant::now();
    // An order that was placed right before the first reading still has all its time.
    let mut deadline = begun + times.within + times.settle;
    let mut last: Option<(Facts, Instant)> = None;
    loop {
        let asked = Instant::now();
        let facts = read().await?;
        let now = Instant::now();
        let pause = PAUSE.max(now - asked);
        if facts.orders.is_empty() {
            if now - begun >= times.first_order {
                return Err(Unread::NoOrder);
            }
            deadline = now + times.within + times.settle;
            sleep(pause).await;
            continue;
        }
        let since = match last {
            Some((before, since)) if before == facts => since,
            _ => now,
        };
        let time = clock.now();
        let violations = judge(&facts, time, times.within);
        let at_rest = facts.at_rest(time, times.within);
        let still = if violations.is_empty() {
            CALM
        } else {
            times.settle
        };
        let seen = |facts, violations| Seen {
            facts,
            violations,
            at_rest,
        };
        if at_rest && now - since >= still {
            return Ok(seen(facts, violations));
        }
        if now >= deadline {
            if violations.is_empty() {
                let ended = facts
                    .orders
                    .iter()
                    .filter(|order| order.has_ended())
                    .count();
                let open = facts.orders.len() - ended;
                let seconds = (times.within + times.settle).as_secs();
                return Err(Unread::Busy { open, seconds });
            }
            return Ok(seen(facts, violations));
        }
        last = Some((facts, since));
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests;
