//! Which events are done: the service's own SQLite file.

use std::path::Path;

use rusqlite::OptionalExtension;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};

const MIGRATIONS: &[&str] = &["
    CREATE TABLE done (
        event_id TEXT PRIMARY KEY,
        order_id TEXT NOT NULL,
        at       TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
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

    /// Whether the inbox can be read and written.
    pub(crate) async fn answers(&self) -> bool {
        self.database.answers().await
    }
}
