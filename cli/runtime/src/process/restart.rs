//! When an instance that ended is started again: the Compose file's policy, at Docker's pace.

use std::time::Duration;

use msvc_system::model::RestartPolicy;

/// Docker's first delay (moby, `restartmanager`).
const FIRST: Duration = Duration::from_millis(100);
/// Docker's longest delay.
const LONGEST: Duration = Duration::from_secs(60);
/// Who ran this long starts over with the first delay.
const STEADY: Duration = Duration::from_secs(10);

/// The delay before the next start.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    last: Option<Duration>,
}

impl Backoff {
    /// The delay after a start that ran so long.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        let next = match self.last {
            Some(last) if ran < STEADY => (last * 2).min(LONGEST),
            _ => FIRST,
        };
        self.last = Some(next);
        next
    }
}

/// Whether the policy starts it again. `succeeded` is an end with status 0, `restarts` how often
/// it was started again so far.
pub(super) fn again(policy: RestartPolicy, succeeded: bool, restarts: u32) -> bool {
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure(limit) => !succeeded && limit.is_none_or(|limit| restarts < limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_a_minute_and_start_over_after_ten_steady_seconds() {
        let mut backoff = Backoff::default();
        let moment = Duration::from_millis(5);
        let delays: Vec<u128> = (0..12).map(|_| backoff.after(moment).as_millis()).collect();
        assert_eq!(delays[..4], [100, 200, 400, 800]);
        assert_eq!(delays[10..], [60_000, 60_000]);
        assert_eq!(backoff.after(STEADY), FIRST);
        assert_eq!(backoff.after(moment), FIRST * 2);
    }

    #[test]
    fn each_policy_decides_as_docker_does() {
        use RestartPolicy::{Always, No, OnFailure, UnlessStopped};
        assert!(!again(No, false, 0));
        assert!(again(Always, true, 99) && again(UnlessStopped, true, 99));
        assert!(again(OnFailure(None), false, 99) && !again(OnFailure(None), true, 0));
        assert!(again(OnFailure(Some(2)), false, 1) && !again(OnFailure(Some(2)), false, 2));
    }
}
