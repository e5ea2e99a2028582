//! How long a saga waits before a step is tried again. Pure.
//!
//! A peer that was not reached is asked again soon: it may be back any moment, for all orders. A peer
//! that answers that it fails at this one step fails at it again most likely, so these waits grow
//! further and are kept with the saga. Both end early enough: the way back has two steps that can
//! fail, so after the peer can again an order ends within a minute, of the two that it has.

use std::time::Duration;

use crate::order::OrderId;

/// The first wait before a step is repeated; each further one doubles it.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait for a peer that was not reached: how late a saga notices that it is back.
const LONGEST_UNREACHED: Duration = Duration::from_secs(5);
/// The longest wait after a peer failed at the step: a quarter of the 120 s within which an order is
/// to end once nothing is in its way.
pub(super) const LONGEST_FAILED: Duration = Duration::from_secs(30);

/// Why a step is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setback {
    /// The peer was not reached, or cannot now; as often in a row.
    Unreached(u32),
    /// The peer answered that it failed; as often for this step.
    Failed(u32),
}

/// How long the saga of `order` waits after `setback`: shortened by up to a half that follows from
/// the order, so that many do not knock at once and each run of the same order waits the same.
pub(super) fn wait(order: OrderId, setback: Setback) -> Duration {
    let (times, longest) = match setback {
        Setback::Unreached(times) => (times, LONGEST_UNREACHED),
        Setback::Failed(times) => (times, LONGEST_FAILED),
    };
    let doubled = FIRST.saturating_mul(1 << times.saturating_sub(1).min(16));
    let draw = order.derived(&format!("wait {times}"));
    let part = u32::from_str_radix(draw.get(..2).unwrap_or("0"), 16).unwrap_or(0);
    let whole = doubled.min(longest);
    whole - whole * part / 512
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::ADA;

    #[test]
    fn waits_double_up_to_their_longest_and_lose_half_at_most() {
        let order = OrderId::of(ADA, "k1");
        for times in 1..100 {
            let doubled = FIRST.saturating_mul(1 << (times - 1).min(16));
            for (setback, longest) in [
                (Setback::Unreached(times), LONGEST_UNREACHED),
                (Setback::Failed(times), LONGEST_FAILED),
            ] {
                let (waits, whole) = (wait(order, setback), doubled.min(longest));
                assert!(
                    waits <= whole && waits * 2 >= whole,
                    "{setback:?}: {waits:?}"
                );
            }
        }
    }

    #[test]
    fn a_step_that_fails_is_tried_seldom_and_one_that_was_not_reached_soon() {
        let order = OrderId::of(ADA, "k1");
        assert!(wait(order, Setback::Failed(20)) >= Duration::from_secs(15));
        assert!(wait(order, Setback::Unreached(20)) <= Duration::from_secs(5));
    }
}
