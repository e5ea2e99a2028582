//! Lets mails leave: takes those that can, hands them to the mail server, notes what became of them.
//!
//! A kill between the server's 250 and the note sends a mail again; it has the same Message-ID then.
//! What passes (the server away) is tried again for ever, what stays (refused for good) becomes a
//! dead letter of the record that it was made of, and holds nobody up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lettre::message::Mailbox;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::dead_letters;
use shop::kafka::Publish;
use shop::lease::Holder;
use shop::metrics::Resource;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::GROUP;
use crate::desk::Desk;
use crate::outgoing::{self, Held};
use crate::post::{Post, PostError};

/// Mails under way at the same time. Below the 128 connections that the mailbox serves, also with
/// three copies of this service.
const AT_ONCE: u32 = 16;

/// How long to wait at most when nothing is due and nobody says that something came: another copy
/// of the service may have written it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long to wait after the database failed.
const DATABASE_AGAIN: Duration = Duration::from_secs(1);

/// Sends what waits in one database.
#[derive(Debug)]
pub(crate) struct Sender<P> {
    database: Database,
    post: Post,
    from: Mailbox,
    letters: P,
    clock: Clock,
    wake: Arc<Notify>,
    holder: String,
    figures: Resource,
}

/// What became of a mail.
enum Outcome {
    Sent,
    Later,
    Refused(String),
}

impl<P: Publish> Sender<P> {
    /// A sender of what waits in `desk`, over `post` for `from`; mails that are refused for good
    /// go to `letters`. How busy that is is shown in `figures`.
    pub(crate) fn new(
        desk: &Desk,
        post: Post,
        from: Mailbox,
        letters: P,
        figures: Resource,
    ) -> Self {
        Self {
            database: desk.database.clone(),
            post,
            from,
            letters,
            clock: desk.clock.clone(),
            wake: Arc::clone(&desk.wake),
            holder: Holder::fresh().to_string(),
            figures,
        }
    }

    /// Sends until `shutdown`; mails in hand are finished first, the others leave after the next
    /// start.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let wait = match self.round().await {
                Ok(0) => self.until_due().await,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "the mails cannot be read or marked");
                    DATABASE_AGAIN
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Sends what can leave now; answers how many were tried.
    async fn round(&self) -> Result<usize, DatabaseError> {
        let (holder, now) = (self.holder.clone(), self.clock.now());
        // Most looks find nothing: ask a reader before the one writer is troubled.
        let due = self.database.read(outgoing::next_due).await?;
        if due.is_none_or(|due| due > now) {
            return Ok(0);
        }
        let held = self
            .database
            .write(move |connection| outgoing::hold(connection, &holder, now, AT_ONCE))
            .await?;
        let tried = held.len();
        let done = join_all(held.into_iter().map(|mail| async {
            let span = mail.letter.trace.span();
            let outcome = self.send(&mail).instrument(span).await;
            (mail, outcome)
        }))
        .await;
        let (holder, now) = (self.holder.clone(), self.clock.now());
        self.database
            .write(move |connection| {
                for (mail, outcome) in &done {
                    match outcome {
                        Outcome::Sent => outgoing::sent(connection, mail, now)?,
                        Outcome::Later => outgoing::put_off(connection, mail, &holder, now)?,
                        Outcome::Refused(reason) => outgoing::refused(connection, mail, reason)?,
                    }
                }
                Ok(())
            })
            .await?;
        Ok(tried)
    }

    async fn send(&self, mail: &Held) -> Outcome {
        let (order, kind) = (&mail.letter.order_id, &mail.letter.kind);
        let message = match mail.letter.addressed(&self.from, &mail.email) {
            Ok(message) => message,
            Err(error) => return self.refused(mail, error.to_string()).await,
        };
        let busy = self.figures.busy();
        let handed_over = self.post.hand_over(&message).await;
        drop(busy);
        match handed_over {
            Ok(()) => {
                tracing::info!(order, kind, "mailed");
                Outcome::Sent
            }
            Err(error @ PostError::Refused(_)) => self.refused(mail, error.to_string()).await,
            Err(error) => {
                tracing::warn!(order, kind, %error, "a mail is tried again");
                self.figures.failed();
                Outcome::Later
            }
        }
    }

    /// The dead letter is safe on its topic before the mail is given up.
    async fn refused(&self, mail: &Held, reason: String) -> Outcome {
        let (order, kind) = (&mail.letter.order_id, &mail.letter.kind);
        let (record, trace) = (&mail.delivery, &mail.letter.trace);
        let buried = dead_letters::bury(record, GROUP, &reason, trace, &self.letters).await;
        if let Err(error) = buried {
            tracing::warn!(order, kind, reason, %error, "a dead letter is published again");
            return Outcome::Later;
        }
        tracing::error!(order, kind, reason, "a mail was refused for good");
        Outcome::Refused(reason)
    }

    async fn until_due(&self) -> Duration {
        let due = self.database.read(outgoing::next_due).await;
        let until = due.ok().flatten().map(|due| due - self.clock.now());
        let until = until.and_then(|until| until.to_std().ok());
        until.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)
    }
}
