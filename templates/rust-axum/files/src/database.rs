//! The service's own SQLite file: opened, migrated, and used by one piece of work at a time.
//!
//! One connection behind a lock: pieces of work never contend inside SQLite, where the loser of a
//! race would have to wait and try again. Work runs on a thread that may block.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

/// The schema, step by step. Each file is run once, in this order.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/1_items.sql")];

/// Why the database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The folder cannot be made.
    #[error("cannot make the folder {path}: {source}; set DATA_DIR to one that can be written")]
    Folder {
        /// The folder.
        path: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot open the database {path}: {source}")]
    Open {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file cannot be brought to the newest schema.
    #[error("cannot migrate the database {path}: {source}")]
    Migrate {
        /// The file.
        path: String,
        /// What the migration said.
        source: rusqlite_migration::Error,
    },
    /// A statement failed; all that its piece of work did is undone.
    #[error("the database refused: {0}")]
    Statement(#[from] rusqlite::Error),
    /// The work panicked; what it did is undone.
    #[error("work on the database ended early")]
    Ended,
}

/// A handle to the database; clones share its connection.
#[derive(Debug, Clone)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    /// Opens the database in `folder`, which is made where it does not exist, and brings it to the
    /// newest schema.
    ///
    /// # Errors
    /// When folder, file or a migration fails.
    pub fn open(folder: &Path) -> Result<Self, DatabaseError> {
        std::fs::create_dir_all(folder).map_err(|source| DatabaseError::Folder {
            path: folder.display().to_string(),
            source,
        })?;
        let path = folder.join("items.sqlite");
        let shown = path.display().to_string();
        let mut connection = connect(&path).map_err(|source| DatabaseError::Open {
            path: shown.clone(),
            source,
        })?;
        Migrations::new(MIGRATIONS.iter().map(|sql| M::up(sql)).collect())
            .to_latest(&mut connection)
            .map_err(|source| DatabaseError::Migrate {
                path: shown,
                source,
            })?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Runs `work` in a transaction of its own. Where it answers an error, all that it did is
    /// undone; where it answers a value, that is on disk before this returns.
    ///
    /// # Errors
    /// The error of `work` or of the commit.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let connection = Arc::clone(&self.connection);
        let worked = tokio::task::spawn_blocking(move || {
            // Work that panicked left a transaction that was undone when it was dropped.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        worked.await.unwrap_or(Err(DatabaseError::Ended))
    }

    /// Whether the database answers, for the readiness probe.
    pub async fn answers(&self) -> bool {
        let asked = self.run(|connection| connection.query_row("SELECT 1", [], |_| Ok(())));
        asked.await.is_ok()
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // Only another process can hold the file, such as a backup: wait for it rather than fail.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What was answered survives a loss of power too.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row("SELECT count(*) FROM item", [], |row| row.get(0))
    }

    fn insert(connection: &Connection) -> rusqlite::Result<usize> {
        connection.execute("INSERT INTO item VALUES ('lamp', 'Lamp', 1)", [])
    }

    #[tokio::test]
    async fn what_was_answered_is_there_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path()).unwrap();
        database.run(insert).await.unwrap();
        drop(database);
        let again = Database::open(folder.path()).unwrap();
        assert_eq!(again.run(count).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn work_that_fails_or_panics_is_undone_and_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path()).unwrap();
        let failed = database.run(|connection| {
            insert(connection)?;
            connection.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        assert!(matches!(failed.await, Err(DatabaseError::Statement(_))));
        let panicked: Result<(), _> = database
            .run(|connection| {
                insert(connection)?;
                panic!("on purpose")
            })
            .await;
        assert!(matches!(panicked, Err(DatabaseError::Ended)));
        assert_eq!(database.run(count).await.unwrap(), 0);
    }
}
