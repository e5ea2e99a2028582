//! The relay: takes rows that are not sent, publishes them, marks those that went.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::{Connection, params};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{LEASE, Message, Outbox, record};
use crate::clock::Clock;
use crate::database::{Database, DatabaseError};
use crate::grace::within;
use crate::kafka::Publish;
use crate::lease::{Holder, Lease};
use crate::trace_context::TraceContext;

/// How many rows are taken at once. Bounds the memory of a relay that has fallen behind.
pub(super) const ROWS_AT_ONCE: u32 = 100;

/// How many of them may have the same key, so that one that is stuck leaves room for the others.
const ROWS_OF_ONE_KEY: u32 = 10;

/// How long a row waits at most when nobody woke the relay for it: those of another process on the
/// same database do not.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How long the round in hand may take after the service was asked to stop. A broker that is there
/// takes a record in milliseconds, and one that is away is not waited for.
const LAST_ROUND: Duration = Duration::from_secs(1);

/// The first wait after a failure; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// The longest wait after a failure: how late the relay notices that the broker is back.
const RETRY_LONGEST: Duration = Duration::from_secs(2);

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
pub(super) struct Row {
    id: i64,
    pub(super) message: Message,
}

/// What became of the rows that were taken at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) sent: usize,
    pub(super) failed: bool,
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
            // What is on its way when that is over is sent again by the next start: readers know it.
            let Some(round) = within(LAST_ROUND, &shutdown, self.round()).await else {
                tracing::warn!("events wait in the outbox for the next start");
                return;
            };
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
    pub(super) async fn round(&self) -> Result<Round, DatabaseError> {
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

async fn pause(time: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = shutdown.cancelled() => {}
    }
}

/// The oldest rows that are not sent, a few of each key.
pub(super) fn unsent(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
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
