//! What a database's writer does, counted: its queue, its batches, its time. Read by `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The writer's figures since the service started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// Writes that wait for their turn now: its saturation.
    pub queued: u64,
    /// Writes that had their turn.
    pub writes: u64,
    /// Commits, each for one write or more.
    pub batches: u64,
    /// Time in which the writer was at work: its utilisation, as a rate.
    pub busy: Duration,
    /// The part of it that commits took, which is the disk's.
    pub committing: Duration,
    /// Batches that could not be begun or committed.
    pub errors: u64,
    /// Reads that wait for their turn now.
    pub reads_queued: u64,
    /// Reads that had their turn.
    pub reads: u64,
    /// Time in which the reader was at work.
    pub reading: Duration,
}

/// Counts for [`Figures`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    queued: AtomicU64,
    writes: AtomicU64,
    batches: AtomicU64,
    busy_us: AtomicU64,
    committing_us: AtomicU64,
    errors: AtomicU64,
    reads_queued: AtomicU64,
    reads: AtomicU64,
    reading_us: AtomicU64,
}

impl Counters {
    /// One more write waits.
    pub(super) fn queued(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// So many writes wait no more.
    pub(super) fn taken(&self, writes: usize) {
        self.queued.fetch_sub(wide(writes), Ordering::Relaxed);
    }

    /// A batch of `writes` took `busy`, of it `committing` its commit, unless it failed.
    pub(super) fn batch(&self, writes: usize, busy: Duration, committing: Option<Duration>) {
        self.writes.fetch_add(wide(writes), Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.busy_us.fetch_add(micros(busy), Ordering::Relaxed);
        match committing {
            Some(time) => self
                .committing_us
                .fetch_add(micros(time), Ordering::Relaxed),
            None => self.errors.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// One more read waits.
    pub(super) fn read_queued(&self) {
        self.reads_queued.fetch_add(1, Ordering::Relaxed);
    }

    /// A read waits no more.
    pub(super) fn read_taken(&self) {
        self.reads_queued.fetch_sub(1, Ordering::Relaxed);
    }

    /// A read took `busy`.
    pub(super) fn read(&self, busy: Duration) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.reading_us.fetch_add(micros(busy), Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            queued: read(&self.queued),
            writes: read(&self.writes),
            batches: read(&self.batches),
            busy: Duration::from_micros(read(&self.busy_us)),
            committing: Duration::from_micros(read(&self.committing_us)),
            errors: read(&self.errors),
            reads_queued: read(&self.reads_queued),
            reads: read(&self.reads),
            reading: Duration::from_micros(read(&self.reading_us)),
        }
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
