//! A service's own SQLite file: opened, migrated, and written by one thread only.
//!
//! Writers that contend for one file miss every latency target, so a database has exactly one
//! writer: closures queue up, and those that wait together are committed together, each in a
//! savepoint of its own so that one that fails undoes nothing of the others. An answer is given
//! after the commit, never before. Readers go to a second connection, which write-ahead logging
//! keeps apart from the writer.
//!
//! Several processes may open one file, as replicas on one volume do. SQLite's locks keep their
//! commits apart, a lock on a file beside it their migrations; a commit that finds another one
//! under way waits, and nothing of it has run before its turn comes.

mod figures;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use tokio::sync::oneshot;

use figures::Counters;
pub use figures::Figures;

/// How many queued writes go into one commit at most. Bounds how long the first of them waits.
const WRITES_PER_COMMIT: usize = 64;

/// How long SQLite asks again for a file that another process holds. The turns of a replica are
/// milliseconds; only a backup or a shell holds it longer.
const BUSY_LONGEST: Duration = Duration::from_secs(5);

/// How often a batch that still found the file held asks anew before its callers are told.
const BUSY_AGAIN: usize = 3;

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
    /// The file is not there, and who wants it does not make it.
    #[error("there is no database {path}: set DATA_DIR to the folder of a service that has run")]
    Missing {
        /// The file.
        path: String,
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
    /// The file that keeps migrations apart could not be locked.
    #[error("cannot lock {path} for the migration: {source}; set DATA_DIR to a writable folder")]
    Lock {
        /// The lock's file.
        path: String,
        /// What the machine said.
        source: std::io::Error,
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

impl DatabaseError {
    /// Whether trying again can help: the file was held, the disk full, the commit lost. A
    /// statement that breaks a rule of the schema breaks it again.
    pub fn passes(&self) -> bool {
        use rusqlite::ErrorCode;
        match self {
            Self::Statement(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::DiskFull
                        | ErrorCode::OutOfMemory
                        | ErrorCode::SystemIoFailure
                )
            ),
            _ => true,
        }
    }
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
    counters: Arc<Counters>,
}

impl Database {
    /// For a command that works on what is there and is not to make an empty file.
    ///
    /// # Errors
    /// When there is no file at `path`.
    pub fn must_exist(path: &Path) -> Result<(), DatabaseError> {
        if path.is_file() {
            return Ok(());
        }
        let path = path.display().to_string();
        Err(DatabaseError::Missing { path })
    }

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
        let mut writer = {
            // Held to the end of this block, or of this process.
            let _alone = locked(path)?;
            let mut writer = connect(path).map_err(failed)?;
            Migrations::new(migrations.iter().map(|batch| M::up(batch)).collect())
                .to_latest(&mut writer)
                .map_err(|source| DatabaseError::Migrate {
                    path: shown.clone(),
                    source,
                })?;
            writer
        };
        let reader = connect(path).map_err(failed)?;
        reader
            .pragma_update(None, "query_only", true)
            .map_err(failed)?;

        let counters = Arc::new(Counters::default());
        let (writes, queue) = channel();
        let counted = Arc::clone(&counters);
        spawn(
            "database-writer",
            move || write_until_closed(&mut writer, &queue, &counted),
            &shown,
        )?;
        let (reads, queue) = channel::<Read>();
        let counted = Arc::clone(&counters);
        let read_until_closed = move || {
            while let Ok(read) = queue.recv() {
                counted.read_taken();
                let begun = Instant::now();
                guarded(|| read(&reader));
                counted.read(begun.elapsed());
            }
        };
        spawn("database-reader", read_until_closed, &shown)?;
        Ok(Self {
            writes,
            reads,
            counters,
        })
    }

    /// What the writer did so far and has before it, for metrics.
    pub fn figures(&self) -> Figures {
        self.counters.figures()
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
        self.counters.queued();
        if self.writes.send(write).is_err() {
            self.counters.taken(1);
            return Err(DatabaseError::Gone);
        }
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
        self.counters.read_queued();
        if self.reads.send(read).is_err() {
            self.counters.read_taken();
            return Err(DatabaseError::Gone);
        }
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
    // Only another process can hold the file (a replica, a backup); wait for it, do not fail.
    connection.busy_handler(Some(wait_a_little))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Money and orders: a commit that was answered survives a loss of power too.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// SQLite's own waiting ends at 100 ms a try, in which replicas commit dozens of times.
fn wait_a_little(tries: i32) -> bool {
    const STEP: Duration = Duration::from_millis(2);
    std::thread::sleep(STEP);
    u32::try_from(tries).is_ok_and(|tries| STEP * tries < BUSY_LONGEST)
}

/// Waits for the lock beside the file at `path`; it is free again when the answer is dropped.
fn locked(path: &Path) -> Result<std::fs::File, DatabaseError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let open = || {
        let file = std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&beside)?;
        file.lock().map(|()| file)
    };
    open().map_err(|source| DatabaseError::Lock {
        path: beside.to_string_lossy().into_owned(),
        source,
    })
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
fn write_until_closed(connection: &mut Connection, queue: &Receiver<Write>, counters: &Counters) {
    while let Ok(first) = queue.recv() {
        let begun = Instant::now();
        let waiting = queue.try_iter().take(WRITES_PER_COMMIT - 1);
        let batch: Vec<_> = std::iter::once(first).chain(waiting).collect();
        let writes = batch.len();
        counters.taken(writes);
        let mut told = Vec::with_capacity(writes);
        let committed = commit(connection, batch, &mut told);
        counters.batch(writes, begun.elapsed(), committed.as_ref().ok().copied());
        let failure = committed.err().map(|error| error.to_string());
        for tell in told {
            tell(failure.as_deref());
        }
    }
}

/// Runs all writes of `batch` in one transaction, each in a savepoint of its own; answers how long
/// the commit itself took, which is the disk's part.
fn commit(
    connection: &mut Connection,
    batch: Vec<Write>,
    told: &mut Vec<Tell>,
) -> rusqlite::Result<Duration> {
    let mut transaction = begin(connection)?;
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
    let begun = Instant::now();
    transaction.commit().map(|()| begun.elapsed())
}

/// Begins a transaction that may write, however long other processes hold the file within reason.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    let mut again = 0;
    // `new_unchecked` because a loop cannot give back a `&mut` that it lent; nobody else has it.
    loop {
        match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
            Err(error)
                if again < BUSY_AGAIN
                    && error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) =>
            {
                again += 1;
                tracing::warn!(again, "another process holds the database");
            }
            begun => return begun,
        }
    }
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
mod tests;
