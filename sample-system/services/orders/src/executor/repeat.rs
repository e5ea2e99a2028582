//! Repeats the step of a saga until it succeeds, and tells of it when it does not.

use std::time::Duration;

use shop::grpc::client::failed_at_it;

use super::patience::{self, Setback};
use super::{Executor, StepError};
use crate::store::Saga;

/// After how many failures of its peer a step is told of as an error, which somebody should look at:
/// they have taken a second and a half at least.
const ALARMING: u32 = 5;

impl Executor {
    /// Repeats `attempt` until it succeeds; `None` when the service stops first.
    pub(super) async fn repeat<T, F>(&self, saga: &Saga, attempt: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StepError>>,
    {
        let (mut failures, mut unreached) = (saga.failures, 0_u32);
        loop {
            let error = match attempt().await {
                Ok(done) => return Some(done),
                Err(error) => error,
            };
            let setback = if error.is_failure_at_it() {
                failures = failures.saturating_add(1);
                unreached = 0;
                Setback::Failed(failures)
            } else {
                unreached = unreached.saturating_add(1);
                Setback::Unreached(unreached)
            };
            let wait = patience::wait(saga.order.id, setback);
            told(saga, setback, wait, &error);
            if let Setback::Failed(failures) = setback {
                self.leading.fails(saga.order.id);
                if let Err(error) = self.store.put_off(saga, failures, wait).await {
                    tracing::warn!(%error, "a restart begins with shorter waits");
                }
            }
            if !self.rest(wait).await {
                return None;
            }
        }
    }

    /// Waits; answers whether the service goes on.
    pub(super) async fn rest(&self, wait: Duration) -> bool {
        if wait.is_zero() {
            return true;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = self.shutdown.cancelled() => false,
        }
    }
}

impl StepError {
    /// Whether the peer answered, and what it answered is that it failed at this step.
    fn is_failure_at_it(&self) -> bool {
        match self {
            Self::Payments(error) => error.is_failure_at_it(),
            Self::Stock(status) => failed_at_it(status),
            Self::Database(_) | Self::Placed(_) => false,
        }
    }
}

/// Tells of a step that is tried again after `wait`.
fn told(saga: &Saga, setback: Setback, wait: Duration, error: &StepError) {
    let (order_id, step) = (saga.order.id, saga.step.name());
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    match setback {
        Setback::Failed(failures) if failures >= ALARMING => {
            tracing::error!(%order_id, step, failures, wait_ms, %error, "keeps failing, is repeated");
        }
        Setback::Failed(attempts) | Setback::Unreached(attempts) => {
            tracing::warn!(%order_id, step, attempts, wait_ms, %error, "repeated");
        }
    }
}
