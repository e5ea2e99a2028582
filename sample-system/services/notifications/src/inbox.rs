//! Which events are done, and which could not be: the service's own SQLite file.
//!
//! An event that cannot be read, or whose mail is refused for good, is kept as a dead letter with
//! its reason: it must not hold up those behind it, nor be lost in silence.

use std::path::Path;

use rusqlite::{OptionalExtension, params};
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::kafka::Delivery;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE done (
        event_id TEXT PRIMARY KEY,
        order_id TEXT NOT NULL,
        at       TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE dead_letter (
        topic     TEXT NOT NULL,
        partition INTEGER NOT NULL,
        record    INTEGER NOT NULL,
        payload   BLOB NOT NULL,
        reason    TEXT NOT NULL,
        at        TEXT NOT NULL,
        PRIMARY KEY (topic, partition, record)
    ) STRICT;
"];

/// The events that this service is through with.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    database: Database,
    clock: Clock,
}

impl Inbox {
    /// Opens the inbox kept in `folder`.
    pub(crate) fn open(folder: &Path, clock: Clock) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("notifications.sqlite"), MIGRATIONS)?,
            clock,
        })
    }

    /// Whether the event's mail was handed over before.
    pub(crate) async fn is_done(&self, event_id: &str) -> Result<bool, DatabaseError> {
        let event_id = event_id.to_owned();
        self.database
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT 1 FROM done WHERE event_id = ?1")?
                    .query_row([event_id], |_| Ok(()))
                    .optional()
                    .map(|found| found.is_some())
            })
            .await
    }

    /// Remembers that the event's mail was handed over.
    pub(crate) async fn done(&self, event_id: &str, order_id: &str) -> Result<(), DatabaseError> {
        let row = (event_id.to_owned(), order_id.to_owned(), self.clock.stamp());
        self.database
            .write(move |connection| {
                connection
                    .prepare_cached("INSERT INTO done VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
                    .execute(row)
                    .map(drop)
            })
            .await
    }

    /// Keeps a record that leads to no mail, with the reason.
    pub(crate) async fn bury(
        &self,
        delivery: &Delivery,
        reason: String,
    ) -> Result<(), DatabaseError> {
        let (delivery, at) = (delivery.clone(), self.clock.stamp());
        self.database
            .write(move |connection| {
                connection
                    .execute(
                        "INSERT INTO dead_letter VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                         ON CONFLICT DO NOTHING",
                        params![
                            delivery.record.topic,
                            delivery.partition,
                            delivery.offset,
                            delivery.record.payload,
                            reason,
                            at
                        ],
                    )
                    .map(drop)
            })
            .await
    }

    /// Whether the inbox can be read and written.
    pub(crate) async fn answers(&self) -> bool {
        self.database.answers().await
    }

    /// The reasons of the dead letters, oldest first.
    #[cfg(test)]
    pub(crate) async fn reasons(&self) -> Vec<String> {
        self.database
            .read(|connection| {
                connection
                    .prepare("SELECT reason FROM dead_letter ORDER BY record")?
                    .query_map([], |row| row.get(0))?
                    .collect()
            })
            .await
            .unwrap()
    }
}
