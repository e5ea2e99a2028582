//! How much the partitions keep, read from the store's file beside the storage engine: the engine
//! does one thing after the other, and nobody who produces or fetches waits for a figure.
//!
//! The file is in SQLite's write-ahead mode, where who reads holds up nobody who writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use libsql::{Connection, OpenFlags};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::store;
use crate::topic::Topic;

/// How long reading may take; then what was read before is told once more.
const PATIENCE: Duration = Duration::from_secs(2);

/// Records are counted on from the last reading, and anew after so long: what is cleared away in
/// the middle of a partition moves none of its ends. Records are cleared away each ten minutes.
const ANEW: Duration = Duration::from_secs(600);

const ENDS: &str = "select p.id, t.name, p.partition, coalesce(w.low, 0), coalesce(w.high, 0) \
     from topic t join topition p on p.topic = t.id join watermark w on w.topition = p.id \
     order by t.name, p.partition";

const KEPT: &str = "select count(*), \
     coalesce(sum(coalesce(length(k), 0) + coalesce(length(v), 0)), 0) \
     from record where topition = ?1 and offset_id >= ?2 and offset_id < ?3";

/// What one partition keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) topic: String,
    pub(crate) number: i64,
    /// The offset that its next record gets.
    pub(crate) high: i64,
    pub(crate) records: i64,
    /// Bytes of keys and values.
    pub(crate) bytes: i64,
}

/// The partitions of the topics that the broker was told to make; others have clients' own names,
/// and as many as they like. Clones are the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Partitions {
    topics: Arc<[String]>,
    reader: Arc<Mutex<Reader>>,
    known: Arc<std::sync::Mutex<Arc<[Partition]>>>,
}

#[derive(Default)]
struct Reader {
    connection: Option<Connection>,
    counted: BTreeMap<i64, Counted>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

/// What a partition kept from its first offset to that before `high`.
#[derive(Clone, Copy, Debug)]
struct Counted {
    low: i64,
    high: i64,
    records: i64,
    bytes: i64,
    begun: Instant,
}

impl Partitions {
    /// Those of `topics`, in the store of the folder that the process is in.
    pub(crate) fn of(topics: &[Topic]) -> Self {
        Self {
            topics: topics.iter().map(|topic| topic.name.clone()).collect(),
            reader: Arc::default(),
            known: Arc::new(std::sync::Mutex::new(Arc::new([]))),
        }
    }

    /// What they keep now, or kept when they could be read last.
    pub(crate) async fn now(&self) -> Arc<[Partition]> {
        // One reads at a time, on a thread of its own: a disk that is slow holds one, and no more.
        if let Ok(mut reader) = Arc::clone(&self.reader).try_lock_owned() {
            let this = self.clone();
            let runtime = tokio::runtime::Handle::current();
            let read = tokio::task::spawn_blocking(move || {
                let read = runtime.block_on(reader.read(&this.topics));
                match read {
                    Ok(read) => this.keep(read.into()),
                    Err(error) => {
                        tracing::warn!(%error, "cannot read what the partitions keep");
                        *reader = Reader::default();
                    }
                }
            });
            drop(timeout(PATIENCE, read).await);
        }
        self.known().clone()
    }

    fn keep(&self, read: Arc<[Partition]>) {
        *self.known() = read;
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Arc<[Partition]>> {
        // Nothing panics while it is held.
        let known = self.known.lock();
        known.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Reader {
    async fn read(&mut self, topics: &[String]) -> Result<Vec<Partition>, libsql::Error> {
        let connection = match &self.connection {
            Some(connection) => connection.clone(),
            None => {
                let file = libsql::Builder::new_local(store::FILE);
                let file = file.flags(OpenFlags::SQLITE_OPEN_READ_ONLY).build().await?;
                self.connection.insert(file.connect()?).clone()
            }
        };
        let mut ends = connection.query(ENDS, ()).await?;
        let mut found = Vec::new();
        while let Some(row) = ends.next().await? {
            let topic = row.get::<String>(1)?;
            if topics.contains(&topic) {
                let (id, number) = (row.get::<i64>(0)?, row.get::<i64>(2)?);
                found.push((id, topic, number, row.get::<i64>(3)?, row.get::<i64>(4)?));
            }
        }
        drop(ends);
        let before = std::mem::take(&mut self.counted);
        let mut partitions = Vec::new();
        for (id, topic, number, low, high) in found {
            let known = before.get(&id).copied();
            let counted = count(&connection, id, known, low, high).await?;
            self.counted.insert(id, counted);
            partitions.push(Partition {
                topic,
                number,
                high,
                records: counted.records,
                bytes: counted.bytes,
            });
        }
        Ok(partitions)
    }
}

/// Counts a partition from where it was `known`.
async fn count(
    connection: &Connection,
    id: i64,
    known: Option<Counted>,
    low: i64,
    high: i64,
) -> Result<Counted, libsql::Error> {
    let known = known.filter(|it| it.low == low && it.high <= high && it.begun.elapsed() < ANEW);
    let mut counted = known.unwrap_or_else(|| Counted {
        low,
        high: low,
        records: 0,
        bytes: 0,
        begun: Instant::now(),
    });
    if counted.high < high {
        let mut rows = connection.query(KEPT, [id, counted.high, high]).await?;
        if let Some(row) = rows.next().await? {
            counted.records += row.get::<i64>(0)?;
            counted.bytes += row.get::<i64>(1)?;
        }
        counted.high = high;
    }
    Ok(counted)
}
