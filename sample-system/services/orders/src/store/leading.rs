//! Sagas as one process leads them: what comes of a step is recorded only by who leads the saga, and
//! sagas that nobody leads are taken over.

use std::time::Duration;

use rusqlite::Connection;
use shop::database::DatabaseError;
use shop::lease;
use shop::trace_context::TraceContext;

use super::{Store, append, rows};
use crate::order::{Fact, Order, OrderId};
use crate::saga::Step;

/// A saga that is not at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saga {
    pub(crate) order: Order,
    /// What is to be done next.
    pub(crate) step: Step,
    /// The trace of the request that began it.
    pub(crate) trace: TraceContext,
    /// How often the peer failed at this step.
    pub(crate) failures: u32,
    /// When it is tried again, in milliseconds since 1970; 0 while it never failed.
    pub(crate) next_try: i64,
}

impl Saga {
    /// A saga whose `step` was never tried.
    pub(crate) fn fresh(order: Order, step: Step, trace: TraceContext) -> Self {
        Self {
            order,
            step,
            trace,
            failures: 0,
            next_try: 0,
        }
    }
}

/// How recording a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// This is next.
    Next(Box<Saga>),
    /// The saga is at its end.
    Ended,
    /// Nothing was recorded: another process leads the saga by now.
    Lost,
}

/// The name of the lease for the saga of the order `id`.
pub(super) fn lease_of(id: OrderId) -> String {
    format!("saga/{id}")
}

impl Store {
    /// Stores that `saga`'s step led to the first of `facts`, that to the next, and what follows
    /// them, if this process leads the saga still.
    pub(crate) async fn record(
        &self,
        saga: Saga,
        facts: Vec<Fact>,
    ) -> Result<Recorded, DatabaseError> {
        let (time, outbox) = (self.clock.stamp(), self.outbox.clone());
        let holder = self.holder.clone();
        let recorded = self
            .database
            .write(move |connection| {
                let Saga {
                    mut order,
                    step,
                    trace,
                    ..
                } = saga;
                let lease = lease_of(order.id);
                if !lease::is_held(connection, &lease, &holder)?
                    || !rows::is_next(connection, order.id, step)?
                {
                    return Ok(Recorded::Lost);
                }
                let mut next = Some(step);
                for fact in &facts {
                    order = append(connection, &outbox, order, fact, &trace, &time)?;
                    next = Step::after(fact);
                }
                rows::put_step(connection, order.id, next)?;
                Ok(match next {
                    Some(step) => Recorded::Next(Box::new(Saga::fresh(order, step, trace))),
                    None => {
                        lease::give_back(connection, &lease, &holder)?;
                        Recorded::Ended
                    }
                })
            })
            .await?;
        self.outbox.wake();
        self.changed.send_replace(());
        Ok(recorded)
    }

    /// How long the saga is to wait still before its step is tried again. A clock that went back
    /// makes nobody wait longer than `longest`.
    pub(crate) fn waits(&self, saga: &Saga, longest: Duration) -> Duration {
        let left = saga.next_try.saturating_sub(self.clock.millis());
        Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(longest)
    }

    /// Stores that the peer failed `failures` times at `saga`'s step, which is tried again after
    /// `wait`, so that a restart or another process goes on from there.
    pub(crate) async fn put_off(
        &self,
        saga: &Saga,
        failures: u32,
        wait: Duration,
    ) -> Result<(), DatabaseError> {
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let next_try = self.clock.millis().saturating_add(wait);
        let (id, step, holder) = (saga.order.id, saga.step, self.holder.clone());
        self.database
            .write(move |connection| {
                if lease::is_held(connection, &lease_of(id), &holder)? {
                    rows::put_off(connection, id, step, (failures, next_try))?;
                }
                Ok(())
            })
            .await
    }

    /// Takes up to `most` sagas that are not at their end and that nobody leads.
    pub(crate) async fn take_over(&self, most: usize) -> Result<Vec<Saga>, DatabaseError> {
        let (now, holder) = (self.clock.millis(), self.holder.clone());
        // Nearly always there is none: asked of the reader, that costs no commit.
        let free = move |connection: &Connection| rows::unled(connection, now, most);
        if self.database.read(free).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.database
            .write(move |connection| {
                let mut taken = Vec::new();
                for saga in rows::unled(connection, now, most)? {
                    let lease = lease_of(saga.order.id);
                    if lease::claim(connection, &lease, &holder, now, lease::LASTS)? {
                        taken.push(saga);
                    }
                }
                Ok(taken)
            })
            .await
    }

    /// Goes on leading the sagas of these orders; answers those that another process leads by now.
    pub(crate) async fn go_on_leading(
        &self,
        orders: Vec<OrderId>,
    ) -> Result<Vec<OrderId>, DatabaseError> {
        let (now, holder) = (self.clock.millis(), self.holder.clone());
        self.database
            .write(move |connection| {
                let mut lost = Vec::new();
                for id in orders {
                    if !lease::renew(connection, &lease_of(id), &holder, now, lease::LASTS)? {
                        lost.push(id);
                    }
                }
                Ok(lost)
            })
            .await
    }

    /// Leads the saga of the order `id` no more: another process may.
    pub(crate) async fn leave(&self, id: OrderId) -> Result<(), DatabaseError> {
        let holder = self.holder.clone();
        self.database
            .write(move |connection| lease::give_back(connection, &lease_of(id), &holder))
            .await
    }

    /// Every saga that is not at its end, led or not.
    #[cfg(test)]
    pub(crate) async fn unfinished(&self) -> Result<Vec<Saga>, DatabaseError> {
        // At the end of time no lease holds any more.
        self.database
            .read(|connection| rows::unled(connection, i64::MAX, usize::MAX))
            .await
    }
}
