//! Performs the steps of sagas: begins one for each new order, records each step's outcome before
//! the next begins, and takes over what nobody leads: what a crash left, here or in another process
//! on the same data.
//!
//! It decides nothing: which step comes next is the saga's business, what a peer's answer means
//! that of the peer's file. Steps on the way to success are tried once, for a customer waits;
//! steps that only undo or complete are repeated until they succeed.

mod leading;
mod patience;
mod repeat;

use std::time::Duration;

use shop::bugs::{Bug, Bugs};
use shop::calls::Limits;
use shop::card::Card;
use shop::database::DatabaseError;
use shop::draw::Draw;
use shop::http_client::CallError;
use shop::metrics::Metrics;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use self::leading::Leading;
use crate::halt::Halt;
use crate::order::{Fact, Order, Reason};
use crate::payments::{ChargeRequest, ChargeStatus, Payments};
use crate::saga::Step;
use crate::stock::{Committed, Stock};
use crate::store::{Recorded, Saga, Store};

/// How other services are called.
#[derive(Debug, Clone)]
pub(crate) struct How {
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) draw: Draw,
}

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
    bugs: Bugs,
    leading: Leading,
    running: TaskTracker,
    shutdown: CancellationToken,
}

impl Executor {
    /// An executor of the sagas in `store`. After `shutdown` it repeats nothing any more.
    pub(crate) fn new(store: Store, peers: Peers, bugs: Bugs, shutdown: CancellationToken) -> Self {
        Self {
            store,
            peers,
            bugs,
            leading: Leading::default(),
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
        self.lead(saga, Some(card), halt);
    }

    /// Leads `saga` in a task of its own, to its end or until another process does.
    fn lead(&self, saga: Saga, card: Option<Card>, halt: Halt) {
        let (executor, span) = (self.clone(), saga.trace.span());
        let (id, lost) = (saga.order.id, self.leading.begin(saga.order.id));
        if saga.failures > 0 {
            self.leading.fails(id);
        }
        let run = async move {
            let ended = tokio::select! {
                ended = executor.run(saga, card, &halt) => ended,
                () = lost.cancelled() => {
                    tracing::warn!(order_id = %id, "another process leads this saga now");
                    Led::ToAnother
                }
            };
            executor.leading.end(id);
            if ended == Led::AsFarAsItGoes
                && let Err(error) = executor.store.leave(id).await
            {
                tracing::warn!(%error, "a saga is free when its lease ends");
            }
        };
        self.running.spawn(run.instrument(span));
    }

    /// How many of the sagas that this process leads have a step at which a peer fails.
    pub(crate) fn failing(&self) -> usize {
        self.leading.failing()
    }

    /// How many sagas this process leads now.
    pub(crate) fn led(&self) -> usize {
        self.leading.count()
    }

    /// Waits until every saga is at its end or has stopped, at most `grace`. What is left is taken
    /// over by another process, or by the next start.
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

    async fn run(&self, mut saga: Saga, mut card: Option<Card>, halt: &Halt) -> Led {
        loop {
            let step = saga.step;
            halt.before(step).await;
            // What a crash or another process left may have to wait still.
            let left = self.store.waits(&saga, patience::LONGEST_FAILED);
            if !self.rest(left).await {
                return Led::AsFarAsItGoes;
            }
            let Some(fact) = self
                .repeat(&saga, || self.perform(&saga, card.as_ref()))
                .await
            else {
                return Led::AsFarAsItGoes;
            };
            halt.before_record(step).await;
            self.leading.goes_on(saga.order.id);
            let facts = with_what_is_only_said(&saga, fact, halt);
            let record = || async { Ok(self.store.record(saga.clone(), facts.clone()).await?) };
            let Some(recorded) = self.repeat(&saga, record).await else {
                return Led::AsFarAsItGoes;
            };
            tracing::info!(order_id = %saga.order.id, step = step.name(), "recorded");
            if step == Step::Charged {
                card = None;
            }
            match recorded {
                Recorded::Next(next) => saga = *next,
                Recorded::Ended => return Led::ToItsEnd,
                Recorded::Lost => return Led::ToAnother,
            }
        }
    }

    /// Does what `saga` says is next; answers the fact that it led to.
    async fn perform(&self, saga: &Saga, card: Option<&Card>) -> Result<Fact, StepError> {
        let Saga {
            order, step, trace, ..
        } = saga;
        let charge_id = order.id.charge_id();
        match step {
            Step::StockReserved if card.is_none() => Ok(without_card(false)),
            Step::StockReserved => Ok(self.reserve(saga).await),
            Step::Charged => match card {
                Some(card) => Ok(self.charge(saga, card).await),
                None => self.what_became_of_charge(saga).await,
            },
            Step::Confirmed => Ok(Fact::Confirmed {}),
            Step::Cancelled => Ok(cancelled(order)),
            Step::StockCommitted => match self.peers.stock.commit(order, trace).await? {
                Committed::Gone => Ok(Fact::StockCommitted {}),
                Committed::NotHeld => Ok(Fact::CommitRefused {
                    reason: Reason::ReservationExpired,
                }),
            },
            Step::RefundRequested if self.bugs.has(Bug::NoRefund) => {
                Ok(Fact::RefundRequested { charge_id })
            }
            Step::StockReleased if self.bugs.has(Bug::LostRelease) => Ok(Fact::StockReleased {}),
            Step::RefundRequested => {
                self.peers.payments.refund(&charge_id, trace).await?;
                Ok(Fact::RefundRequested { charge_id })
            }
            Step::StockReleased => {
                self.peers.stock.release(order, trace).await?;
                Ok(Fact::StockReleased {})
            }
            Step::OrderReceived | Step::Priced => Err(StepError::Placed(step.name())),
        }
    }

    /// Asks first, for a sold-out item costs inventory no commit so.
    async fn reserve(&self, Saga { order, trace, .. }: &Saga) -> Fact {
        let refused = |reason| Fact::StockRefused {
            reason,
            maybe_held: false,
        };
        match self.peers.stock.check(order, trace).await {
            Ok(true) => self.peers.stock.reserve(order, trace).await,
            Ok(false) => refused(Reason::OutOfStock),
            Err(status) => {
                tracing::warn!(%status, "inventory did not say what is in stock");
                refused(Reason::StockUnavailable)
            }
        }
    }

    async fn charge(&self, saga: &Saga, card: &Card) -> Fact {
        let mut request = ChargeRequest {
            charge_id: saga.order.id.charge_id(),
            order_id: saga.order.id.to_string(),
            account_id: saga.order.account_id.to_string(),
            sum: &saga.order.total,
            card,
        };
        let mut charged = self.peers.payments.charge(&request, &saga.trace).await;
        if self.bugs.has(Bug::RetryNonIdempotent) {
            for again in 1..=RETRIES_WITH_THE_BUG {
                if charged.is_err() {
                    // Another id is another charge.
                    request.charge_id = saga.order.id.derived(&format!("charge {again}"));
                    charged = self.peers.payments.charge(&request, &saga.trace).await;
                }
            }
        }
        match charged {
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

/// How often a charge is sent again with the seeded bug `retry-non-idempotent`.
const RETRIES_WITH_THE_BUG: u32 = 2;

/// How the leading of a saga came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Led {
    /// The saga is at its end.
    ToItsEnd,
    /// The service stops; another process may go on.
    AsFarAsItGoes,
    /// Another process leads it.
    ToAnother,
}

/// `fact`, and behind it the end of the saga where that needs nobody's answer: one commit less that
/// a customer waits for. A test that parks the saga between the two keeps them apart.
fn with_what_is_only_said(saga: &Saga, fact: Fact, halt: &Halt) -> Vec<Fact> {
    let next = Step::after(&fact).filter(|next| !halt.is_at(*next));
    let end = match next {
        Some(Step::Confirmed) => Some(Fact::Confirmed {}),
        // The order as it is after the fact knows the reason, should that be the fact's.
        Some(Step::Cancelled) => Some(cancelled(&saga.order.clone().after(&fact, ""))),
        _ => None,
    };
    std::iter::once(fact).chain(end).collect()
}

fn cancelled(order: &Order) -> Fact {
    let reason = order.reason.unwrap_or(Reason::PaymentUnavailable);
    Fact::Cancelled { reason }
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

#[cfg(test)]
mod tests;
