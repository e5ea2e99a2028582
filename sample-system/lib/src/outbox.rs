//! The transactional outbox: an event is a row, written in the transaction of the change that
//! causes it, and published afterwards by the [`Relay`]. Neither can happen without the other.
//!
//! In: rows, through [`add`] inside a write of the service's own database. Out: records on a
//! topic, at least once, those of one key in the order in which they were written. A row keeps
//! the `traceparent` and `baggage` of the work that wrote it, and its record carries them.
//!
//! A row is marked as sent only after the broker has it; dying between the two sends it again,
//! and readers know an event by its id. A record that cannot be sent holds back those of its
//! own key and nothing else. Of several processes over one database one relays at a time: it holds
//! the lease `outbox`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::bugs::{Bug, Bugs};
use crate::clock::{Clock, stamp_of};
use crate::database::{Database, DatabaseError};
use crate::event::{Event, Kind};
use crate::kafka::{Publish, Record};
use crate::lease::{Holder, Lease};
use crate::trace_context::TraceContext;

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

/// How many rows are taken at once. Bounds the memory of a relay that has fallen behind.
const ROWS_AT_ONCE: u32 = 100;

/// How many of them may have the same key, so that one that is stuck leaves room for the others.
const ROWS_OF_ONE_KEY: u32 = 10;

/// How long a row waits at most when nobody woke the relay for it: those of another process on the
/// same database do not.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The lease of the one process that relays.
pub const LEASE: &str = "outbox";

/// How long a row is kept after it was sent, for whoever looks into what went wrong.
const SENT_KEPT: TimeDelta = TimeDelta::days(1);

/// How many rows are looked at, to be deleted, at once.
const PRUNED_AT_ONCE: u32 = 500;

/// The first wait after a failure; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// The longest wait after a failure: how late the relay notices that the broker is back.
const RETRY_LONGEST: Duration = Duration::from_secs(2);

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

/// Publishes the rows of one database's outbox, while this process holds the lease for it.
#[derive(Debug)]
pub struct Relay<P> {
    database: Database,
    publisher: P,
    clock: Clock,
    wake: Arc<Notify>,
    holder: Holder,
}

/// A row that is not marked as sent.
struct Row {
    id: i64,
    message: Message,
}

/// What became of the rows that were taken at once.
#[derive(Debug, PartialEq, Eq)]
struct Round {
    sent: usize,
    failed: bool,
}

impl<P: Publish> Relay<P> {
    /// A relay from `outbox`, whose rows are in `database`, to `publisher`.
    pub fn new(
        database: Database,
        publisher: P,
        clock: Clock,
        outbox: &Outbox,
        holder: Holder,
    ) -> Self {
        Self {
            database,
            publisher,
            clock,
            wake: Arc::clone(&outbox.wake),
            holder,
        }
    }

    /// Publishes until `shutdown`; rows in hand are finished first, the others stay for the next
    /// start. Failures are logged and tried again, they never end it.
    pub async fn run(self, shutdown: CancellationToken) {
        let lease = Lease::new(
            self.database.clone(),
            self.clock.clone(),
            self.holder.clone(),
            LEASE,
        );
        lease
            .while_held(&shutdown, |shutdown| self.relay(shutdown))
            .await;
    }

    async fn relay(&self, shutdown: CancellationToken) {
        let mut retry = RETRY_FIRST;
        while !shutdown.is_cancelled() {
            let round = self.round().await;
            let failed = match &round {
                Ok(round) => round.failed,
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read or marked");
                    true
                }
            };
            let moved = round.is_ok_and(|round| round.sent > 0);
            if failed {
                pause(retry, &shutdown).await;
                retry = (retry * 2).min(RETRY_LONGEST);
            } else if !moved {
                retry = RETRY_FIRST;
                tokio::select! {
                    () = self.wake.notified() => {}
                    () = pause(LOOK_AGAIN, &shutdown) => {}
                }
            } else {
                retry = RETRY_FIRST;
            }
        }
    }

    /// Takes the oldest rows, publishes them and marks those that went.
    async fn round(&self) -> Result<Round, DatabaseError> {
        let rows = self.database.read(unsent).await?;
        let taken = rows.len();
        let mut by_key: BTreeMap<(String, String), Vec<Row>> = BTreeMap::new();
        for row in rows {
            let key = (row.message.topic.clone(), row.message.key.clone());
            by_key.entry(key).or_default().push(row);
        }
        let sent: Vec<i64> = join_all(by_key.into_values().map(|rows| self.publish(rows)))
            .await
            .concat();
        let round = Round {
            sent: sent.len(),
            failed: sent.len() < taken,
        };
        if !sent.is_empty() {
            let stamp = self.clock.stamp();
            self.database
                .write(move |connection| mark(connection, &sent, &stamp))
                .await?;
        }
        Ok(round)
    }

    /// Publishes the rows of one key one after the other, up to the first that fails.
    async fn publish(&self, rows: Vec<Row>) -> Vec<i64> {
        let mut sent = Vec::with_capacity(rows.len());
        for Row { id, message } in rows {
            let span = message.trace.span();
            let record = record(message);
            let published = self.publisher.publish(&record).instrument(span.clone());
            if let Err(error) = published.await {
                span.in_scope(|| tracing::warn!(%error, "an event waits in the outbox"));
                break;
            }
            sent.push(id);
        }
        sent
    }
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

async fn pause(time: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = shutdown.cancelled() => {}
    }
}

/// The oldest rows that are not sent, a few of each key.
fn unsent(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    connection
        .prepare_cached(
            "SELECT id, topic, key, payload, traceparent, baggage FROM (
                 SELECT *, row_number() OVER (PARTITION BY topic, key ORDER BY id) AS place
                 FROM outbox WHERE sent IS NULL
             ) WHERE place <= ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map([ROWS_OF_ONE_KEY, ROWS_AT_ONCE], |row| {
            Ok(Row {
                id: row.get(0)?,
                message: Message {
                    topic: row.get(1)?,
                    key: row.get(2)?,
                    payload: row.get(3)?,
                    trace: TraceContext {
                        traceparent: row.get(4)?,
                        baggage: row.get(5)?,
                    },
                },
            })
        })?
        .collect()
}

fn mark(connection: &Connection, sent: &[i64], stamp: &str) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("UPDATE outbox SET sent = ?2 WHERE id = ?1")?;
    for id in sent {
        statement.execute(params![id, stamp])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
