//! The test-only switch: with `ORDERS_TEST_HALT=on` a request's header `X-Test-Halt-Before: STEP`
//! parks its saga before that step, so that a test can kill the service exactly there.
//! `STEP_recorded` parks it between the step and its record. A resumed saga never halts.

use std::future::pending;
use std::sync::Arc;

use http::HeaderMap;
use shop::problem::Problem;
use tokio::sync::Notify;

use crate::saga::Step;

/// Name of the header.
pub(crate) const HEADER: &str = "x-test-halt-before";

/// Where a saga is to be parked, if anywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Halt {
    point: Option<String>,
    reached: Arc<Notify>,
}

impl Halt {
    /// What `headers` ask for; nothing unless the switch is on.
    pub(crate) fn asked(headers: &HeaderMap, switched_on: bool) -> Result<Self, Problem> {
        let asked = headers.get(HEADER).filter(|_| switched_on);
        let Some(point) = asked.map(|value| value.to_str().unwrap_or_default()) else {
            return Ok(Self::default());
        };
        if Step::named(point.strip_suffix("_recorded").unwrap_or(point)).is_none() {
            let names = Step::ALL.map(Step::name).join(", ");
            let detail = format!("{HEADER}: give one of {names}, or one of them with _recorded");
            return Err(Problem::bad_request(detail));
        }
        Ok(Self::at(point))
    }

    /// A saga is to be parked at `point`.
    pub(crate) fn at(point: &str) -> Self {
        Self {
            point: Some(point.to_owned()),
            reached: Arc::default(),
        }
    }

    /// Whether a saga is to be parked before `step` or before its record.
    pub(crate) fn is_at(&self, step: Step) -> bool {
        let point = self.point.as_deref();
        point.map(|point| point.strip_suffix("_recorded").unwrap_or(point)) == Some(step.name())
    }

    /// Returns once a saga is parked.
    #[cfg(test)]
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Waits for ever when the saga is to be parked before `step`.
    pub(crate) async fn before(&self, step: Step) {
        if self.point.as_deref() == Some(step.name()) {
            tracing::warn!("halted before {}", step.name());
            self.reached.notify_one();
            pending::<()>().await;
        }
    }

    /// Waits for ever when the saga is to be parked before `step`, which is done, is recorded.
    pub(crate) async fn before_record(&self, step: Step) {
        let point = self
            .point
            .as_deref()
            .and_then(|point| point.strip_suffix("_recorded"));
        if point == Some(step.name()) {
            tracing::warn!("halted before {}_recorded", step.name());
            self.reached.notify_one();
            pending::<()>().await;
        }
    }
}
