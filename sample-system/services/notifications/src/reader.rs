//! The way of one event from the topic to a mail, and the loop around it.
//!
//! Whatever passes (the mail server away, the database busy) is tried again until it works or
//! the service is asked to stop; whatever stays (an event that cannot be read, a mail refused for
//! good) becomes a dead letter. Only then is the offset committed.

use std::time::Duration;

use lettre::Message;
use lettre::message::Mailbox;
use shop::database::DatabaseError;
use shop::kafka::{Consumer, Delivery};
use shop::trace_context::TraceContext;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::event::Event;
use crate::inbox::Inbox;
use crate::letter::letter;
use crate::post::{Post, PostError};

/// The first wait before something is tried again; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// The longest wait: how late it is noticed that the mail server is back.
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// Turns events into mails.
#[derive(Debug)]
pub(crate) struct Reader {
    inbox: Inbox,
    post: Post,
    from: Mailbox,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Its mail was handed over.
    Sent,
    /// Its mail had been handed over before.
    Repeat,
    /// Customers do not hear of it.
    Ignored,
    /// It is a dead letter.
    Buried,
}

/// Something that passes: the event is to be tried again.
#[derive(Debug, thiserror::Error)]
enum Passing {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Post(#[from] PostError),
}

impl Reader {
    /// A reader that hands its mails to `post`, sent by `from`.
    pub(crate) fn new(inbox: Inbox, post: Post, from: Mailbox) -> Self {
        Self { inbox, post, from }
    }

    /// Reads until `shutdown`; the event in hand is finished if that takes no longer than
    /// `grace`, else it comes again at the next start.
    pub(crate) async fn run(
        self,
        consumer: Consumer,
        shutdown: CancellationToken,
        grace: Duration,
    ) {
        tokio::select! {
            () = self.read(&consumer, &shutdown) => {}
            () = async {
                shutdown.cancelled().await;
                tokio::time::sleep(grace).await;
            } => tracing::warn!("left an event in hand at shutdown"),
        }
        match tokio::time::timeout(grace, consumer.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "did not leave the group"),
            Err(_) => tracing::warn!("left the group without its answer"),
        }
    }

    async fn read(&self, consumer: &Consumer, shutdown: &CancellationToken) {
        let mut broker_away = false;
        loop {
            let next = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                next = consumer.next() => next,
            };
            match next {
                Ok(delivery) => {
                    broker_away = false;
                    if self.finish(&delivery, shutdown).await.is_none() {
                        return;
                    }
                    if let Err(error) = consumer.commit(&delivery).await {
                        tracing::warn!(%error, "an event that is done will come again");
                    }
                }
                // The client tries by itself and tells of each time; once is enough to know.
                Err(error) if broker_away => tracing::debug!(%error, "the broker is still away"),
                Err(error) => {
                    broker_away = true;
                    tracing::warn!(%error, "waiting for the broker");
                }
            }
        }
    }

    /// Tries until the event is done; `None` when asked to stop before that.
    async fn finish(&self, delivery: &Delivery, shutdown: &CancellationToken) -> Option<Outcome> {
        let headers = &delivery.record.headers;
        let pairs = headers.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let trace = TraceContext::from_pairs(pairs);
        let span = trace.span();
        let trying = async {
            let mut wait = RETRY_FIRST;
            loop {
                let error = match self.try_once(delivery, &trace).await {
                    Ok(outcome) => return Some(outcome),
                    Err(error) => error,
                };
                tracing::warn!(%error, "an event is tried again");
                tokio::select! {
                    () = shutdown.cancelled() => return None,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY_LONGEST),
                }
            }
        };
        trying.instrument(span).await
    }

    async fn try_once(
        &self,
        delivery: &Delivery,
        trace: &TraceContext,
    ) -> Result<Outcome, Passing> {
        let event = match Event::read(&delivery.record.payload) {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(Outcome::Ignored),
            Err(error) => return self.bury(delivery, error.to_string()).await,
        };
        let order = event.order_id.as_str();
        if self.inbox.is_done(&event.id).await? {
            tracing::info!(event = event.id, order, "mailed before");
            return Ok(Outcome::Repeat);
        }
        let mail: Message = match letter(&event, &self.from, trace) {
            Ok(mail) => mail,
            Err(error) => return self.bury(delivery, error.to_string()).await,
        };
        match self.post.hand_over(&mail).await {
            Ok(()) => {}
            Err(error @ PostError::Refused(_)) => {
                return self.bury(delivery, error.to_string()).await;
            }
            Err(error) => return Err(error.into()),
        }
        self.inbox.done(&event.id, order).await?;
        tracing::info!(event = event.id, order, "mailed");
        Ok(Outcome::Sent)
    }

    async fn bury(&self, delivery: &Delivery, reason: String) -> Result<Outcome, Passing> {
        let (partition, offset) = (delivery.partition, delivery.offset);
        tracing::error!(partition, offset, reason, "an event became a dead letter");
        self.inbox.bury(delivery, reason).await?;
        Ok(Outcome::Buried)
    }
}

#[cfg(test)]
mod tests;
