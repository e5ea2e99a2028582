//! Retention: what was kept long enough is deleted, a little at a time and out of everybody's way.
//!
//! Each kind of row says itself how long it is kept: sent rows of an outbox one day, keys of
//! requests one day, inboxes seven days.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::database::Database;

/// Deletes a few rows that are too old at that time; answers how many. Zero ends the round.
pub type Prune = fn(&Connection, DateTime<Utc>) -> rusqlite::Result<usize>;

/// How often it is looked for rows to delete.
const EACH: Duration = Duration::from_secs(60);

/// The pause between two deletions of one round, in which others write.
const BETWEEN: Duration = Duration::from_millis(20);

/// Deletes by all of `kinds` from time to time, until `shutdown`.
pub async fn keep(
    database: Database,
    clock: Clock,
    kinds: &'static [Prune],
    shutdown: CancellationToken,
) {
    let rounds = async {
        loop {
            for prune in kinds {
                round(&database, &clock, *prune).await;
            }
            tokio::time::sleep(EACH).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        () = shutdown.cancelled() => {}
    }
}

async fn round(database: &Database, clock: &Clock, prune: Prune) {
    loop {
        let now = clock.now();
        match database
            .write(move |connection| prune(connection, now))
            .await
        {
            Ok(0) => return,
            Ok(rows) => tracing::debug!(rows, "deleted what was kept long enough"),
            Err(error) => {
                tracing::warn!(%error, "old rows stay for the next round");
                return;
            }
        }
        tokio::time::sleep(BETWEEN).await;
    }
}
