//! Carries one connection both ways: the end of one way as an end, a reset as a reset, each byte
//! counted as it is passed on.
//!
//! A way that no fault touches reads into one buffer and writes from it. With faults armed, chunks
//! go through the way's chain, and reading, waiting and writing happen side by side.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::watch;

use crate::exchange::ConnectionId;
use crate::fault::Stream;
use crate::fault_table::Armed;
use crate::last_word::LastWord;
use crate::mesh_clock::MeshClock;
use crate::toxic::Chain;
use crate::wire::Wire;

/// Bytes read at once, per way.
const BUFFER: usize = 64 * 1024;

/// What is armed on an edge: one immutable snapshot at a time.
pub(crate) type Snapshot = watch::Receiver<Arc<[Arc<Armed>]>>;

/// One side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Caller,
    Callee,
}

/// What looks at the bytes of a connection on their way, and may change what goes to the caller.
pub(crate) trait Reader: Send + Sync {
    /// The caller said this; it goes on as it is.
    fn caller_said(&self, bytes: &[u8]);
    /// The callee said this; what is to go to the caller instead, or `None` for the same.
    fn callee_said(&self, bytes: &[u8]) -> impl Future<Output = Option<Bytes>> + Send;
}

/// What a link needs to know of its edge.
pub(crate) struct Link<'a, R> {
    pub(crate) clock: &'a MeshClock,
    pub(crate) connection: ConnectionId,
    pub(crate) snapshot: Snapshot,
    pub(crate) to_callee: Counter<'a>,
    pub(crate) from_callee: Counter<'a>,
    pub(crate) last_word: &'a LastWord<'a>,
    pub(crate) reader: &'a R,
    /// Hears which side ended its way first, when it does.
    pub(crate) ended: &'a (dyn Fn(Side) + Sync),
}

/// Counts the bytes of a way, for its edge and for its connection.
pub(crate) struct Counter<'a> {
    pub(crate) edge: &'a AtomicU64,
    pub(crate) connection: &'a AtomicU64,
}

impl Counter<'_> {
    fn add(&self, bytes: usize) {
        self.edge.fetch_add(bytes as u64, Ordering::Relaxed);
        self.connection.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Which side broke: its socket failed.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) Side);

impl<R: Reader> Link<'_, R> {
    /// Carries until both ways have ended.
    ///
    /// # Errors
    /// When one side's socket fails; the caller of this resets the other.
    pub(crate) async fn carry(self, caller: &Wire, callee: &Wire) -> Result<(), Broken> {
        let way = |stream| Way {
            clock: self.clock,
            chain: Chain::new(self.connection.clone(), stream),
            snapshot: self.snapshot.clone(),
            last_word: self.last_word,
            reader: self.reader,
            stream,
        };
        let there = way(Stream::Upstream);
        let back = way(Stream::Downstream);
        tokio::try_join!(
            there.run(
                (Side::Caller, caller),
                (Side::Callee, callee),
                &self.to_callee,
                self.ended
            ),
            back.run(
                (Side::Callee, callee),
                (Side::Caller, caller),
                &self.from_callee,
                self.ended
            ),
        )?;
        Ok(())
    }
}

struct Way<'a, R> {
    clock: &'a MeshClock,
    chain: Chain,
    snapshot: Snapshot,
    last_word: &'a LastWord<'a>,
    reader: &'a R,
    stream: Stream,
}

impl<R: Reader> Way<'_, R> {
    async fn run(
        mut self,
        from: (Side, &Wire),
        to: (Side, &Wire),
        counter: &Counter<'_>,
        ended: &(dyn Fn(Side) + Sync),
    ) -> Result<(), Broken> {
        let at_source = |_: io::Error| Broken(from.0);
        let at_target = |_: io::Error| Broken(to.0);
        let mut buffer = vec![0; BUFFER];
        self.arm();
        loop {
            // Sockets that are always ready must not keep others from their turn.
            tokio::task::coop::consume_budget().await;
            let n = from.1.read(&mut buffer).await.map_err(at_source)?;
            if n == 0 {
                ended(from.0);
                break;
            }
            let arrived = &buffer[..n];
            let changed = self.look(arrived).await;
            // Before this chunk goes on: what was armed while the way was idle takes hold of it.
            if self.snapshot.has_changed().unwrap_or(false) {
                self.arm();
            }
            if self.chain.is_empty() {
                let bytes = changed.as_deref().unwrap_or(arrived);
                write_all(to.1, bytes, counter).await.map_err(at_target)?;
                self.passed();
                continue;
            }
            let chunk = changed.unwrap_or_else(|| Bytes::copy_from_slice(arrived));
            self.put(chunk);
            if self.hold(from, to, counter, ended, &mut buffer).await? {
                break;
            }
        }
        // The other side may have closed already; its own way tells.
        let _ = to.1.finish();
        Ok(())
    }

    fn arm(&mut self) {
        let armed = Arc::clone(&self.snapshot.borrow_and_update());
        self.chain.arm(&armed, self.clock.now());
    }

    /// Something was passed on.
    fn passed(&self) {
        if self.stream == Stream::Downstream {
            self.last_word.answered();
        }
    }

    async fn look(&self, bytes: &[u8]) -> Option<Bytes> {
        match self.stream {
            Stream::Upstream => {
                self.last_word.asked();
                self.reader.caller_said(bytes);
                None
            }
            Stream::Downstream => {
                self.last_word.replied();
                self.reader.callee_said(bytes).await
            }
        }
    }

    fn put(&mut self, chunk: Bytes) {
        // The reader may keep bytes back until it has a whole frame.
        if !chunk.is_empty() {
            self.chain.put(chunk, self.clock.now());
        }
    }

    /// Carries through the chain until it is empty; whether the source has ended, all it said
    /// being passed on.
    async fn hold(
        &mut self,
        from: (Side, &Wire),
        to: (Side, &Wire),
        counter: &Counter<'_>,
        ended: &(dyn Fn(Side) + Sync),
        buffer: &mut [u8],
    ) -> Result<bool, Broken> {
        let mut going = Bytes::new();
        let mut at_end = false;
        loop {
            if going.is_empty() {
                going = self.chain.take(self.clock.now()).unwrap_or_default();
            }
            if going.is_empty() && at_end && self.chain.is_drained() {
                return Ok(true);
            }
            if going.is_empty() && self.chain.is_empty() && !at_end {
                return Ok(false);
            }
            let deadline = if going.is_empty() {
                self.chain.deadline()
            } else {
                None
            };
            tokio::select! {
                biased;
                changed = self.snapshot.changed() => match changed {
                    Ok(()) => self.arm(),
                    // The edge is gone; its connections are being reset.
                    Err(_) => std::future::pending().await,
                },
                written = to.1.write(&going), if !going.is_empty() => {
                    let n = written.map_err(|_| Broken(to.0))?;
                    counter.add(n);
                    self.passed();
                    drop(going.split_to(n));
                }
                read = from.1.read(buffer), if !at_end && self.chain.has_room() => {
                    let n = read.map_err(|_| Broken(from.0))?;
                    if n == 0 {
                        at_end = true;
                        ended(from.0);
                        continue;
                    }
                    let arrived = &buffer[..n];
                    let changed = self.look(arrived).await;
                    self.put(changed.unwrap_or_else(|| Bytes::copy_from_slice(arrived)));
                }
                () = self.clock.until(deadline) => {}
            }
        }
    }
}

async fn write_all(to: &Wire, mut bytes: &[u8], counter: &Counter<'_>) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = to.write(bytes).await?;
        counter.add(n);
        bytes = &bytes[n..];
    }
    Ok(())
}
