//! The one loop by which services work on events.
//!
//! In: records of some topics, shared out among the members of a group. Out: each handed to the
//! service's [`Handle`], then acknowledged. A service cannot acknowledge by itself: what it is
//! given has no way to do so.
//!
//! * One record at a time per partition, in its order; partitions do not wait for each other.
//! * [`Failure::Passing`] (the database busy, a peer away): tried again until it works.
//! * [`Failure::Staying`]: tried five times; then it is a dead letter.
//! * [`Failure::Unreadable`]: a dead letter at once.
//!
//! A dead letter is safe on its own topic before its record is acknowledged, so a record is never
//! lost, and those behind it go on. A record comes again after a crash or when partitions change
//! hands: the handler writes the event's id into its [inbox](crate::inbox) in the transaction of
//! the effect.

mod lane;
mod source;

use std::collections::BTreeMap;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::bugs::{Bug, Bugs};
use crate::database::DatabaseError;
use crate::dead_letters;
use crate::draw::Draw;
use crate::event::Unreadable;
use crate::kafka::{Consumer, ConsumerSettings, Delivery, KafkaError, Lag, Publish};
use crate::trace_context::TraceContext;

/// How often something that stays is tried before it is a dead letter.
const ATTEMPTS: u32 = 5;

/// The first wait before something is tried again; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// The longest wait: how late it is noticed that something passed.
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// Why a record was not worked on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It passes: the record is tried again until it works.
    #[error(transparent)]
    Passing(Box<dyn Error + Send + Sync>),
    /// It stays: after five attempts the record is a dead letter.
    #[error(transparent)]
    Staying(Box<dyn Error + Send + Sync>),
    /// The record cannot be read, however often.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Failure {
    /// Something that passes.
    pub fn passing(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Passing(cause.into())
    }

    /// Something that stays.
    pub fn staying(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Staying(cause.into())
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        if error.passes() {
            Self::passing(error)
        } else {
            Self::staying(error)
        }
    }
}

/// Works on records: what a service does with an event.
#[async_trait]
pub trait Handle: Send + Sync + 'static {
    /// Does the work of one record, which may come again: the event's id goes into the inbox in
    /// the transaction of its effect. A type that is none of its business is done with `Ok`.
    ///
    /// # Errors
    /// Why it is not done; the kind of [`Failure`] says what happens next.
    async fn handle(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure>;
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The handler did its work.
    Handled,
    /// It is a dead letter.
    Buried,
}

/// What a loop did, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records that were worked on.
    pub handled: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Records that became dead letters.
    pub buried: u64,
    /// Records that were read and wait for their turn now.
    pub waiting: u64,
    /// Time in which records were worked on, those of partitions beside each other added up.
    pub busy: Duration,
}

#[derive(Debug, Default)]
struct Counters {
    handled: AtomicU64,
    failed: AtomicU64,
    buried: AtomicU64,
    waiting: AtomicU64,
    busy_us: AtomicU64,
}

/// One group's work on its topics. Clones are the same.
pub struct Consumption {
    inner: Arc<Inner>,
}

struct Inner {
    settings: ConsumerSettings,
    handler: Arc<dyn Handle>,
    letters: Arc<dyn Publish>,
    ack_first: bool,
    /// The ids of traces of events that came without one.
    draw: Draw,
    counters: Counters,
    /// Who asks how far the group is behind, made when somebody wants to know.
    lag: Mutex<Option<Lag>>,
}

impl Clone for Consumption {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl std::fmt::Debug for Consumption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumption")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

impl Consumption {
    /// The work of `handler` on what `settings` name; dead letters go through `letters`. With
    /// [`Bug::AckBeforeHandling`] a record is acknowledged when it is read.
    pub fn new(
        settings: ConsumerSettings,
        handler: impl Handle,
        letters: impl Publish + 'static,
        bugs: &Bugs,
    ) -> Self {
        let inner = Inner {
            settings,
            handler: Arc::new(handler),
            letters: Arc::new(letters),
            ack_first: bugs.has(Bug::AckBeforeHandling),
            draw: Draw::system(),
            counters: Counters::default(),
            lag: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What it did so far.
    pub fn figures(&self) -> Figures {
        let counters = &self.inner.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            handled: read(&counters.handled),
            failed: read(&counters.failed),
            buried: read(&counters.buried),
            waiting: read(&counters.waiting),
            busy: Duration::from_micros(read(&counters.busy_us)),
        }
    }

    /// For each of its topics how many records stand behind the last that the group has committed:
    /// high watermark minus committed position, over all partitions.
    ///
    /// # Errors
    /// When the broker does not say.
    pub async fn lag(&self) -> Result<BTreeMap<String, u64>, KafkaError> {
        let lag = {
            let mut kept = self
                .inner
                .lag
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match &*kept {
                Some(lag) => lag.clone(),
                None => kept.insert(Lag::of(&self.inner.settings)?).clone(),
            }
        };
        lag.by_topic().await
    }

    /// Works until `shutdown`. The records in hand are then finished if that takes no longer than
    /// `grace`, else they come again at the next start; then the group is left.
    ///
    /// # Errors
    /// When no client can be made of the settings. The broker may come later.
    pub async fn run(self, shutdown: CancellationToken, grace: Duration) -> Result<(), KafkaError> {
        let consumer = Arc::new(Consumer::new(&self.inner.settings)?);
        source::work(&self, Arc::clone(&consumer), &shutdown, grace).await;
        if let Some(consumer) = Arc::into_inner(consumer) {
            match tokio::time::timeout(grace, consumer.close()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "did not leave the group"),
                Err(_) => tracing::warn!("left the group without its answer"),
            }
        }
        Ok(())
    }

    /// Works on one record until it is done one way or the other; `None` when asked to stop before
    /// that. The loop's own way of a record, for tests too.
    pub async fn finish(
        &self,
        delivery: &Delivery,
        shutdown: &CancellationToken,
    ) -> Option<Outcome> {
        let headers = &delivery.record.headers;
        let pairs = headers.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let trace = TraceContext::from_pairs(pairs).or_drawn(&self.inner.draw);
        let span = trace.span();
        let (partition, offset) = (delivery.partition, delivery.offset);
        let trying = async {
            let mut wait = RETRY_FIRST;
            let mut staying = 0;
            loop {
                let failure = match self.attempt(delivery, &trace).await {
                    Ok(()) => {
                        count(&self.inner.counters.handled);
                        return Some(Outcome::Handled);
                    }
                    Err(failure) => failure,
                };
                count(&self.inner.counters.failed);
                let last = match &failure {
                    Failure::Passing(_) => false,
                    Failure::Unreadable(_) => true,
                    Failure::Staying(_) => {
                        staying += 1;
                        staying >= ATTEMPTS
                    }
                };
                if last {
                    return self.bury(delivery, &failure, &trace, shutdown).await;
                }
                tracing::warn!(error = %failure, partition, offset, "an event is tried again");
                pause(&mut wait, shutdown).await?;
            }
        };
        trying.instrument(span).await
    }

    /// One call of the handler; a panic in it is a failure like any other.
    async fn attempt(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        let begun = Instant::now();
        let done = AssertUnwindSafe(self.inner.handler.handle(delivery, trace))
            .catch_unwind()
            .await;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let busy = &self.inner.counters.busy_us;
        busy.fetch_add(took, Ordering::Relaxed);
        done.unwrap_or_else(|_| Err(Failure::staying("the handler panicked")))
    }

    /// Publishes the dead letter, however long that takes: until then the record is not done.
    async fn bury(
        &self,
        delivery: &Delivery,
        failure: &Failure,
        trace: &TraceContext,
        shutdown: &CancellationToken,
    ) -> Option<Outcome> {
        let (partition, offset) = (delivery.partition, delivery.offset);
        let (group, letters) = (&self.inner.settings.group, self.inner.letters.as_ref());
        let reason = failure.to_string();
        let reason = dead_letters::short(&reason);
        let mut wait = RETRY_FIRST;
        while let Err(error) = dead_letters::bury(delivery, group, reason, trace, letters).await {
            tracing::warn!(%error, partition, offset, "a dead letter is published again");
            pause(&mut wait, shutdown).await?;
        }
        tracing::error!(reason, partition, offset, "an event became a dead letter");
        count(&self.inner.counters.buried);
        Some(Outcome::Buried)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Waits, and makes the next wait longer; `None` when asked to stop.
async fn pause(wait: &mut Duration, shutdown: &CancellationToken) -> Option<()> {
    tokio::select! {
        () = shutdown.cancelled() => None,
        () = tokio::time::sleep(*wait) => {
            *wait = (*wait * 2).min(RETRY_LONGEST);
            Some(())
        }
    }
}

#[cfg(test)]
mod tests;
