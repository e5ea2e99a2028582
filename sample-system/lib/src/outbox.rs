//! The transactional outbox: an event is a row, written in the transaction of the change that
//! causes it, and published afterwards by the [`Relay`]. Neither can happen without the other.
//!
//! In: rows, through [`Outbox::add`] inside a write of the service's own database. Out: records on a
//! topic, at least once, those of one key in the order in which they were written. A row keeps
//! the `traceparent` and `baggage` of the work that wrote it, and its record carries them.
//!
//! A row is marked as sent only after the broker has it; dying between the two sends it again,
//! and readers know an event by its id. A record that cannot be sent holds back those of its
//! own key and nothing else. Of several processes over one database one relays at a time: it holds
//! the lease `outbox`.

mod relay;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::{Notify, mpsc};

use crate::bugs::{Bug, Bugs};
use crate::clock::{Clock, stamp_of};
use crate::database::{Database, DatabaseError};
use crate::event::{Event, Kind};
use crate::kafka::{Publish, Record};
use crate::trace_context::TraceContext;

pub use relay::Relay;

/// The migration that makes the outbox's table; a service adds it to its own.
pub const SCHEMA: &str = "
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    traceparent TEXT,
    baggage TEXT,
    created TEXT NOT NULL,
    sent TEXT
) STRICT;
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent IS NULL;
";

/// The lease of the one process that relays.
pub const LEASE: &str = "outbox";

/// How long a row is kept after it was sent, for whoever looks into what went wrong.
const SENT_KEPT: TimeDelta = TimeDelta::days(1);

/// How many rows are looked at, to be deleted, at once.
const PRUNED_AT_ONCE: u32 = 500;

/// An event on its way into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The topic it is published to.
    pub topic: String,
    /// Events of one key keep their order.
    pub key: String,
    /// The event, as JSON text.
    pub payload: String,
    /// The trace of the work that caused it.
    pub trace: TraceContext,
}

/// Where a service puts its events. Clones share one relay.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    wake: Arc<Notify>,
    /// The seeded bug `publish-before-commit`: where events go instead of into the table.
    early: Option<mpsc::UnboundedSender<Message>>,
}

/// What waits in the outbox, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows that are not sent.
    pub unsent: u64,
    /// How long the oldest of them has waited; zero when there is none.
    pub oldest: Duration,
}

impl Outbox {
    /// An outbox that has no bug.
    pub fn new() -> Self {
        Self::default()
    }

    /// An outbox with those of `bugs` that concern it. With [`Bug::PublishBeforeCommit`] an event is
    /// published at once, before its change is committed, and never written into the table.
    pub fn seeded(bugs: &Bugs, publisher: impl Publish + 'static) -> Self {
        Self {
            wake: Arc::default(),
            early: bugs
                .has(Bug::PublishBeforeCommit)
                .then(|| publish_early(publisher)),
        }
    }

    /// Writes `message` within the caller's transaction; `created` is a [`Clock::stamp`]. Call
    /// [`Outbox::wake`] after the commit.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn add(
        &self,
        connection: &Connection,
        message: &Message,
        created: &str,
    ) -> rusqlite::Result<()> {
        if let Some(early) = &self.early {
            // Its receiver lives as long as the runtime.
            let _gone = early.send(message.clone());
            return Ok(());
        }
        connection
            .prepare_cached(
                "INSERT INTO outbox (topic, key, payload, traceparent, baggage, created)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                message.topic,
                message.key,
                message.payload,
                message.trace.traceparent,
                message.trace.baggage,
                created
            ])
            .map(drop)
    }

    /// Writes `event` within the caller's transaction, as [`Outbox::add`] does.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn announce<K: Kind>(
        &self,
        connection: &Connection,
        event: &Event<K>,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        let message = event
            .message(trace)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.add(connection, &message, &event.time)
    }

    /// Tells the relay that there are new rows; one that is busy looks again when it is done.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// Publishes what comes, once and without waiting for a commit: what a service does that has no
/// outbox. An event whose publishing fails is lost, one whose change is undone is out.
fn publish_early(publisher: impl Publish + 'static) -> mpsc::UnboundedSender<Message> {
    let (sender, mut messages) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = messages.recv().await {
            if let Err(error) = publisher.publish(&record(message)).await {
                tracing::warn!(%error, "an event is lost");
            }
        }
    });
    sender
}

/// What waits in the outbox of `database`.
///
/// # Errors
/// When the database fails.
pub async fn figures(database: &Database, clock: &Clock) -> Result<Figures, DatabaseError> {
    let now = clock.now();
    let read = |connection: &Connection| {
        let unsent = "SELECT count(*) FROM outbox WHERE sent IS NULL";
        let oldest = "SELECT created FROM outbox WHERE sent IS NULL ORDER BY id LIMIT 1";
        let unsent = connection
            .prepare_cached(unsent)?
            .query_row([], |row| row.get::<_, i64>(0))?;
        let oldest = connection
            .prepare_cached(oldest)?
            .query_row([], |row| row.get::<_, String>(0))
            .optional()?;
        Ok((unsent, oldest))
    };
    let (unsent, oldest) = database.read(read).await?;
    let age = |created: String| {
        let created = DateTime::parse_from_rfc3339(&created).ok()?;
        (now - created.with_timezone(&Utc)).to_std().ok()
    };
    Ok(Figures {
        unsent: u64::try_from(unsent).unwrap_or_default(),
        oldest: oldest.and_then(age).unwrap_or_default(),
    })
}

/// Deletes a few rows that were sent more than a day before `now`; answers how many. Rows are sent
/// nearly in their order, so only the oldest are looked at.
///
/// # Errors
/// When the statement fails.
pub fn prune(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    let before = stamp_of(now - SENT_KEPT);
    connection
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN (
                 SELECT id FROM (SELECT id, sent FROM outbox ORDER BY id LIMIT ?2)
                 WHERE sent IS NOT NULL AND sent < ?1
             )",
        )?
        .execute(params![before, PRUNED_AT_ONCE])
}

fn record(message: Message) -> Record {
    let headers = message
        .trace
        .pairs()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Record {
        topic: message.topic,
        key: message.key,
        payload: message.payload.into_bytes(),
        headers,
    }
}

#[cfg(test)]
mod tests;
