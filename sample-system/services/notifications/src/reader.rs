//! The way of one event from the topic to a mail.
//!
//! Whatever passes (the mail server away, the database busy) is tried again until it works or
//! the service is asked to stop; whatever stays (an event that cannot be read, a mail refused for
//! good) becomes a dead letter.

use lettre::Message;
use lettre::message::Mailbox;
use shop::consume::{Failure, Handle};
use shop::kafka::Delivery;
use shop::trace_context::TraceContext;

use crate::event::Event;
use crate::inbox::Inbox;
use crate::letter::letter;
use crate::post::{Post, PostError};

/// Turns events into mails.
#[derive(Debug)]
pub(crate) struct Reader {
    inbox: Inbox,
    post: Post,
    from: Mailbox,
}

impl Reader {
    /// A reader that hands its mails to `post`, sent by `from`.
    pub(crate) fn new(inbox: Inbox, post: Post, from: Mailbox) -> Self {
        Self { inbox, post, from }
    }
}

#[async_trait::async_trait]
impl Handle for Reader {
    async fn handle(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        let Some(event) = Event::read(&delivery.record.payload).map_err(Failure::staying)? else {
            return Ok(());
        };
        let order = event.order_id.as_str();
        if self.inbox.is_done(&event.id).await? {
            tracing::info!(event = event.id, order, "mailed before");
            return Ok(());
        }
        let mail: Message = letter(&event, &self.from, trace).map_err(Failure::staying)?;
        match self.post.hand_over(&mail).await {
            Ok(()) => {}
            Err(error @ PostError::Refused(_)) => return Err(Failure::staying(error)),
            Err(error) => return Err(Failure::passing(error)),
        }
        self.inbox.done(&event.id, order).await?;
        tracing::info!(event = event.id, order, "mailed");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
