//! Work that may go on for a while after a service was asked to stop.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// What comes of `work`, unless it takes longer than `grace` after `shutdown`; it is dropped then.
pub async fn within<T>(
    grace: Duration,
    shutdown: &CancellationToken,
    work: impl Future<Output = T>,
) -> Option<T> {
    let out_of_grace = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        done = work => Some(done),
        () = out_of_grace => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_for_as_long_as_nobody_asks_for_a_stop() {
        let work = sleep(GRACE * 100);
        assert!(
            within(GRACE, &CancellationToken::new(), work)
                .await
                .is_some()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_ends_within_the_grace_is_not_cut_off_and_other_work_is() {
        let stopped = CancellationToken::new();
        stopped.cancel();
        assert!(within(GRACE, &stopped, sleep(GRACE / 2)).await.is_some());
        let begun = Instant::now();
        assert!(within(GRACE, &stopped, sleep(GRACE * 2)).await.is_none());
        assert_eq!(begun.elapsed(), GRACE);
    }
}
