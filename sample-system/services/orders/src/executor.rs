//! Performs the steps of sagas: begins one for each new order, records each step's outcome before
//! the next begins, and at start resumes what a crash left unfinished.
//!
//! It decides nothing: which step comes next is the saga's business, what a peer's answer means
//! that of the peer's file. Steps on the way to success are tried once, for a customer waits;
//! steps that only undo or complete are repeated until they succeed.

use std::sync::Arc;
use std::time::Duration;

use shop::card::Card;
use shop::database::DatabaseError;
use shop::http_client::CallError;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::halt::Halt;
use crate::order::{Fact, Reason};
use crate::payments::{ChargeRequest, ChargeStatus, Payments};
use crate::saga::Step;
use crate::stock::Stock;
use crate::store::{Saga, Store};

/// How many sagas are resumed at once, so that a restart does not fall upon the peers.
const RESUMED_AT_ONCE: usize = 16;
/// The first wait before a step is repeated; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest wait: how late a saga notices that its peer is back.
const RETRY_LONGEST: Duration = Duration::from_secs(5);

/// The services that a saga calls.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    pub(crate) stock: Stock,
    pub(crate) payments: Payments,
}

/// Why a step has to be repeated.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Payments(#[from] CallError),
    #[error("inventory answered {0}")]
    Stock(#[from] tonic::Status),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the step {0} is taken when an order is placed, never later")]
    Placed(&'static str),
}

/// Runs sagas. Clones run them together.
#[derive(Debug, Clone)]
pub(crate) struct Executor {
    store: Store,
    peers: Peers,
    running: TaskTracker,
    shutdown: CancellationToken,
}

impl Executor {
    /// An executor of the sagas in `store`. After `shutdown` it repeats nothing any more.
    pub(crate) fn new(store: Store, peers: Peers, shutdown: CancellationToken) -> Self {
        Self {
            store,
            peers,
            running: TaskTracker::new(),
            shutdown,
        }
    }

    /// Lets `work` go on even when its caller goes away.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.running.spawn(work.in_current_span())
    }

    /// Begins the saga of a new order. The card lives as long as it is needed to charge it.
    pub(crate) fn begin(&self, saga: Saga, card: Card, halt: Halt) {
        let executor = self.clone();
        let span = saga.trace.span();
        let run = async move { executor.run(saga, Some(card), &halt).await };
        self.running.spawn(run.instrument(span));
    }

    /// Begins where a stop or a crash left each unfinished saga.
    pub(crate) async fn resume(&self) -> Result<(), DatabaseError> {
        let turns = Arc::new(Semaphore::new(RESUMED_AT_ONCE));
        for saga in self.store.unfinished().await? {
            let (executor, turns, span) = (self.clone(), turns.clone(), saga.trace.span());
            let run = async move {
                let _turn = turns.acquire().await;
                tracing::info!(order_id = %saga.order.id, step = saga.step.name(), "resumed");
                executor.run(saga, None, &Halt::default()).await;
            };
            self.running.spawn(run.instrument(span));
        }
        Ok(())
    }

    /// Waits until every saga is at its end or has stopped, at most `grace`. What is left is
    /// resumed by the next start.
    pub(crate) async fn finish(&self, grace: Duration) {
        self.running.close();
        if tokio::time::timeout(grace, self.running.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                sagas = self.running.len(),
                "left to be resumed by the next start"
            );
        }
    }

    async fn run(&self, mut saga: Saga, mut card: Option<Card>, halt: &Halt) {
        loop {
            let step = saga.step;
            halt.before(step).await;
            let Some(fact) = self
                .repeat(&saga, || self.perform(&saga, card.as_ref()))
                .await
            else {
                return;
            };
            halt.before_record(step).await;
            let record = || async { Ok(self.store.record(saga.clone(), fact.clone()).await?) };
            let Some(next) = self.repeat(&saga, record).await else {
                return;
            };
            tracing::info!(order_id = %saga.order.id, step = step.name(), "recorded");
            if step == Step::Charged {
                card = None;
            }
            match next {
                Some(next) => saga = next,
                None => return,
            }
        }
    }

    /// Repeats `attempt` until it succeeds; `None` when the service stops first.
    async fn repeat<T, F>(&self, saga: &Saga, attempt: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StepError>>,
    {
        let mut wait = RETRY_FIRST;
        for attempts in 1_u32.. {
            match attempt().await {
                Ok(done) => return Some(done),
                Err(error) => {
                    let step = saga.step.name();
                    tracing::warn!(order_id = %saga.order.id, step, attempts, %error, "repeated");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(jittered(wait, saga, attempts)) => {}
                () = self.shutdown.cancelled() => return None,
            }
            wait = (wait * 2).min(RETRY_LONGEST);
        }
        None
    }

    /// Does what `saga` says is next; answers the fact that it led to.
    async fn perform(&self, saga: &Saga, card: Option<&Card>) -> Result<Fact, StepError> {
        let Saga { order, step, trace } = saga;
        let charge_id = order.id.charge_id();
        match step {
            Step::StockReserved if card.is_none() => Ok(without_card(false)),
            Step::StockReserved => Ok(self.peers.stock.reserve(order, trace).await),
            Step::Charged => match card {
                Some(card) => Ok(self.charge(saga, card).await),
                None => self.what_became_of_charge(saga).await,
            },
            Step::Confirmed => Ok(Fact::Confirmed {}),
            Step::StockCommitted => {
                self.peers.stock.commit(order, trace).await?;
                Ok(Fact::StockCommitted {})
            }
            Step::RefundRequested => {
                self.peers.payments.refund(&charge_id, trace).await?;
                Ok(Fact::RefundRequested { charge_id })
            }
            Step::StockReleased => {
                self.peers.stock.release(order, trace).await?;
                Ok(Fact::StockReleased {})
            }
            Step::Cancelled => {
                let reason = order.reason.unwrap_or(Reason::PaymentUnavailable);
                Ok(Fact::Cancelled { reason })
            }
            Step::OrderReceived | Step::Priced => Err(StepError::Placed(step.name())),
        }
    }

    async fn charge(&self, saga: &Saga, card: &Card) -> Fact {
        let request = ChargeRequest {
            charge_id: saga.order.id.charge_id(),
            order_id: saga.order.id.to_string(),
            sum: &saga.order.total,
            card,
        };
        match self.peers.payments.charge(&request, &saga.trace).await {
            Ok(charge) => outcome(charge.status, request.charge_id),
            Err(error) => {
                tracing::warn!(%error, "payments did not charge");
                let reason = match error {
                    CallError::Timeout { .. } => Reason::PaymentTimeout,
                    _ => Reason::PaymentUnavailable,
                };
                Fact::ChargeFailed {
                    reason,
                    maybe_taken: error.may_have_happened(),
                }
            }
        }
    }

    /// After a restart the card is gone: the charge went through before, or never will.
    async fn what_became_of_charge(&self, saga: &Saga) -> Result<Fact, StepError> {
        let order_id = saga.order.id.to_string();
        let charge_id = saga.order.id.charge_id();
        let charges = self.peers.payments.of_order(&order_id, &saga.trace).await?;
        match charges.into_iter().find(|charge| charge.id == charge_id) {
            Some(charge) => Ok(outcome(charge.status, charge_id)),
            // It may still be on its way: the refund makes payments refuse it.
            None => Ok(without_card(true)),
        }
    }
}

/// What a charge that stands so means for its order.
fn outcome(status: ChargeStatus, charge_id: String) -> Fact {
    let failed = |reason| Fact::ChargeFailed {
        reason,
        maybe_taken: false,
    };
    match status {
        ChargeStatus::Charged => Fact::Charged { charge_id },
        ChargeStatus::Declined => failed(Reason::PaymentDeclined),
        ChargeStatus::Refunded | ChargeStatus::Refused => failed(Reason::ChargeRefused),
    }
}

/// The charge cannot be made, since only the request that is gone had the card.
fn without_card(maybe_taken: bool) -> Fact {
    Fact::ChargeFailed {
        reason: Reason::PaymentUnavailable,
        maybe_taken,
    }
}

/// `wait`, shortened by up to a half that follows from the order, so that many do not knock at
/// once and each run of the same order waits the same.
fn jittered(wait: Duration, saga: &Saga, attempts: u32) -> Duration {
    let draw = saga.order.id.derived(&format!("wait {attempts}"));
    let part = u32::from_str_radix(draw.get(..2).unwrap_or("0"), 16).unwrap_or(0);
    wait - wait * part / 512
}

#[cfg(test)]
mod tests;
