//! A service's own SQLite file: opened, migrated, and written by one thread only.
//!
//! Writers that contend for one file miss every latency target, so a database has exactly one
//! writer: closures queue up, and those that wait together are committed together, each in a
//! savepoint of its own so that one that fails undoes nothing of the others. An answer is given
//! after the commit, never before. Readers go to a second connection, which write-ahead logging
//! keeps apart from the writer.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::{Connection, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use tokio::sync::oneshot;

/// How many queued writes go into one commit at most. Bounds how long the first of them waits.
const WRITES_PER_COMMIT: usize = 64;

/// Why a database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The folder for the file could not be made.
    #[error("cannot make the data folder {path}: {source}; set DATA_DIR to a writable folder")]
    Folder {
        /// The folder.
        path: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The file could not be opened or set up.
    #[error("cannot open the database {path}: {source}")]
    Open {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file could not be brought to the newest schema.
    #[error("cannot migrate the database {path}: {source}")]
    Migrate {
        /// The file.
        path: String,
        /// What the migration said.
        source: rusqlite_migration::Error,
    },
    /// A statement failed; what its closure did is undone.
    #[error("the database refused: {0}")]
    Statement(rusqlite::Error),
    /// The commit failed; nothing of it is stored.
    #[error("the database could not commit: {0}")]
    Commit(String),
    /// The thread that owns the connection is gone, or the closure panicked.
    #[error("the database gave no answer")]
    Gone,
}

/// Tells, once the commit is made or has failed, the caller of a write.
type Tell = Box<dyn FnOnce(Option<&str>) + Send>;
/// Runs one write; answers whether it is to be kept, and how to tell its caller.
type Write = Box<dyn FnOnce(&Connection) -> (bool, Tell) + Send>;
type Read = Box<dyn FnOnce(&Connection) + Send>;

/// A handle to the database; clones share its one writer.
#[derive(Clone, Debug)]
pub struct Database {
    writes: Sender<Write>,
    reads: Sender<Read>,
}

impl Database {
    /// Opens (or makes) the file at `path` and brings it to the newest of `migrations`, each a
    /// batch of SQL; one that was released is never changed, only followed by another.
    ///
    /// # Errors
    /// When folder, file or a migration fails.
    pub fn open(path: &Path, migrations: &[&str]) -> Result<Self, DatabaseError> {
        let shown = path.display().to_string();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| DatabaseError::Folder {
                path: folder.display().to_string(),
                source,
            })?;
        }
        let failed = |source| DatabaseError::Open {
            path: shown.clone(),
            source,
        };
        let mut writer = connect(path).map_err(failed)?;
        Migrations::new(migrations.iter().map(|batch| M::up(batch)).collect())
            .to_latest(&mut writer)
            .map_err(|source| DatabaseError::Migrate {
                path: shown.clone(),
                source,
            })?;
        let reader = connect(path).map_err(failed)?;
        reader
            .pragma_update(None, "query_only", true)
            .map_err(failed)?;

        let (writes, queue) = channel();
        spawn(
            "database-writer",
            move || write_until_closed(&mut writer, &queue),
            &shown,
        )?;
        let (reads, queue) = channel::<Read>();
        let read_until_closed = move || {
            while let Ok(read) = queue.recv() {
                guarded(|| read(&reader));
            }
        };
        spawn("database-reader", read_until_closed, &shown)?;
        Ok(Self { writes, reads })
    }

    /// Runs `work` in a transaction. When it answers an error, all that it wrote is undone; when
    /// it answers a value, that is stored for good before this returns.
    ///
    /// # Errors
    /// The error of `work`, of the commit, or that the database is gone.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (answer, answered) = oneshot::channel();
        let write: Write = Box::new(move |connection| {
            let result = work(connection);
            let keep = result.is_ok();
            let tell: Tell = Box::new(move |failure| {
                let result = match (result, failure) {
                    (Ok(_), Some(failure)) => Err(DatabaseError::Commit(failure.to_owned())),
                    (result, _) => result.map_err(DatabaseError::Statement),
                };
                // A caller that went away has no use for the answer.
                let _gone = answer.send(result);
            });
            (keep, tell)
        });
        self.writes.send(write).map_err(|_| DatabaseError::Gone)?;
        answered.await.unwrap_or(Err(DatabaseError::Gone))
    }

    /// Runs `work` on a connection that cannot write.
    ///
    /// # Errors
    /// The error of `work`, or that the database is gone.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (answer, answered) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            let _gone = answer.send(work(connection).map_err(DatabaseError::Statement));
        });
        self.reads.send(read).map_err(|_| DatabaseError::Gone)?;
        answered.await.unwrap_or(Err(DatabaseError::Gone))
    }

    /// Whether writer and reader both answer, for a readiness check.
    pub async fn answers(&self) -> bool {
        let ask = |connection: &Connection| connection.query_row("SELECT 1", [], |_| Ok(()));
        self.write(ask).await.is_ok() && self.read(ask).await.is_ok()
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // Only another process can hold the file (a backup, a shell); wait for it rather than fail.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Money and orders: a commit that was answered survives a loss of power too.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static, path: &str) -> Result<(), DatabaseError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map(|_detached| ())
        .map_err(|source| DatabaseError::Folder {
            path: path.to_owned(),
            source,
        })
}

/// The life of the writer: takes what is queued, commits it, tells each caller.
fn write_until_closed(connection: &mut Connection, queue: &Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        let waiting = queue.try_iter().take(WRITES_PER_COMMIT - 1);
        let batch: Vec<_> = std::iter::once(first).chain(waiting).collect();
        let mut told = Vec::with_capacity(batch.len());
        let failure = commit(connection, batch, &mut told)
            .err()
            .map(|error| error.to_string());
        for tell in told {
            tell(failure.as_deref());
        }
    }
}

/// Runs all writes of `batch` in one transaction, each in a savepoint of its own.
fn commit(
    connection: &mut Connection,
    batch: Vec<Write>,
    told: &mut Vec<Tell>,
) -> rusqlite::Result<()> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in batch {
        let savepoint = transaction.savepoint()?;
        match guarded(|| write(&savepoint)) {
            Some((true, tell)) => {
                told.push(tell);
                savepoint.commit()?;
            }
            // Dropping the savepoint undoes it. Of a panic the caller learns by its channel.
            Some((false, tell)) => told.push(tell),
            None => {}
        }
    }
    transaction.commit()
}

/// Runs `work`; a panic in it ends the work and not the thread that everybody needs.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    if result.is_err() {
        tracing::error!("work on the database panicked and was undone");
    }
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &[&str] = &["CREATE TABLE note (text TEXT PRIMARY KEY) STRICT;"];

    fn open(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("data/notes.sqlite"), SCHEMA).unwrap()
    }

    fn insert(text: &'static str) -> impl FnOnce(&Connection) -> rusqlite::Result<usize> {
        move |connection| connection.execute("INSERT INTO note VALUES (?1)", [text])
    }

    async fn count(database: &Database) -> i64 {
        database
            .read(|connection| connection.query_row("SELECT count(*) FROM note", [], |r| r.get(0)))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_was_answered_is_there_after_opening_again() {
        let folder = tempfile::tempdir().unwrap();
        open(&folder).write(insert("a")).await.unwrap();
        assert_eq!(count(&open(&folder)).await, 1);
    }

    #[tokio::test]
    async fn a_write_that_fails_undoes_itself_and_nothing_of_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder);
        // The first write holds the writer until the others wait together behind it.
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = database.write(move |_| {
            let _released = held.recv();
            Ok(())
        });
        let bad = database.write(|connection| {
            insert("half")(connection)?;
            connection.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        let good = database.write(insert("good"));
        let release = async move {
            tokio::task::yield_now().await;
            drop(release);
        };
        let (first, bad, good, ()) = tokio::join!(first, bad, good, release);
        assert!(first.is_ok() && good.is_ok());
        assert!(matches!(bad, Err(DatabaseError::Statement(_))));
        assert_eq!(count(&database).await, 1);
    }

    #[tokio::test]
    async fn a_panic_in_one_write_leaves_the_database_working() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder);
        let panicked: Result<(), _> = database.write(|_| panic!("on purpose")).await;
        assert!(matches!(panicked, Err(DatabaseError::Gone)));
        database.write(insert("after")).await.unwrap();
        assert!(database.answers().await);
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let refused = open(&folder).read(insert("a")).await;
        assert!(matches!(refused, Err(DatabaseError::Statement(_))));
    }
}
