//! What faults do to the bytes of one direction of a connection: a chain of stages that hold
//! chunks and let them go in order. Pure: it is told the time and asked for its next deadline.
//!
//! A connection that no fault touches has an empty chain and never comes here. A fault armed while
//! the connection lives takes hold of the chunks that arrive from then on. One that is lifted lets
//! go at once of what it still holds: after the lift nothing is slower than without the fault.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::exchange::ConnectionId;
use crate::fault::{Action, FaultId, Stream};
use crate::fault_table::Armed;

mod latency;

/// Chunks that one direction of a connection may hold before it stops reading.
const MAX_CHUNKS: usize = 1024;

/// Bytes that one direction of a connection may hold before it stops reading.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// One fault's effect on one direction of one connection.
pub(crate) trait Toxic: Send + Sync {
    /// Takes a chunk that arrived at `now`.
    fn put(&mut self, chunk: Bytes, now: Instant);
    /// The next chunk that may go on by `now`.
    fn take(&mut self, now: Instant) -> Option<Bytes>;
    /// When the next chunk may go on.
    fn deadline(&self) -> Option<Instant>;
    /// Lets go of everything, in order.
    fn release(&mut self) -> Vec<Bytes>;
    /// How many chunks and bytes it holds.
    fn holds(&self) -> (usize, usize);
}

struct Stage {
    fault: FaultId,
    toxic: Box<dyn Toxic>,
}

/// The stages of one direction of one connection, the callee's or caller's side first.
pub(crate) struct Chain {
    connection: ConnectionId,
    url_form: String,
    stream: Stream,
    stages: Vec<Stage>,
    /// What passed the last stage.
    passed: std::collections::VecDeque<Bytes>,
}

impl Chain {
    pub(crate) fn new(connection: ConnectionId, stream: Stream) -> Self {
        let url_form = connection.edge.url_form();
        Self {
            connection,
            url_form,
            stream,
            stages: Vec::new(),
            passed: std::collections::VecDeque::new(),
        }
    }

    /// Whether bytes may go past it.
    pub(crate) fn is_empty(&self) -> bool {
        self.stages.is_empty() && self.passed.is_empty()
    }

    /// Whether another chunk may come.
    pub(crate) fn has_room(&self) -> bool {
        let passed: usize = self.passed.iter().map(Bytes::len).sum();
        let start = (self.passed.len(), passed);
        let (chunks, bytes) = self.stages.iter().fold(start, |(chunks, bytes), stage| {
            let (c, b) = stage.toxic.holds();
            (chunks + c, bytes + b)
        });
        chunks < MAX_CHUNKS && bytes < MAX_BYTES
    }

    /// Takes over what is armed on the edge now.
    pub(crate) fn arm(&mut self, armed: &[Arc<Armed>], now: Instant) {
        let mut at = 0;
        while let Some(stage) = self.stages.get_mut(at) {
            if armed.iter().any(|a| a.id == stage.fault) {
                at += 1;
                continue;
            }
            // What it held is older than all that the stages before it hold.
            let held = stage.toxic.release();
            self.stages.remove(at);
            for chunk in held {
                self.put_at(at, chunk, now);
            }
        }
        for armed in armed {
            if !self.is_new_here(armed) {
                continue;
            }
            let stage = Stage {
                fault: armed.id,
                toxic: self.toxic(armed),
            };
            // First, so that it meets only what arrives from now on.
            self.stages.insert(0, stage);
        }
    }

    fn is_new_here(&self, armed: &Armed) -> bool {
        armed.fault.selector.stream == self.stream
            && self.stages.iter().all(|s| s.fault != armed.id)
            && armed.draws(&self.url_form, self.connection.connection)
    }

    fn toxic(&self, armed: &Arc<Armed>) -> Box<dyn Toxic> {
        match armed.fault.action {
            Action::Latency {
                latency_ms,
                jitter_ms,
            } => Box::new(latency::Latency::new(
                Arc::clone(armed),
                self.connection.clone(),
                self.url_form.clone(),
                latency_ms,
                jitter_ms,
            )),
        }
    }

    /// Takes a chunk that arrived at `now`.
    pub(crate) fn put(&mut self, chunk: Bytes, now: Instant) {
        self.put_at(0, chunk, now);
    }

    fn put_at(&mut self, stage: usize, chunk: Bytes, now: Instant) {
        match self.stages.get_mut(stage) {
            Some(stage) => stage.toxic.put(chunk, now),
            None => self.passed.push_back(chunk),
        }
    }

    /// The next chunk that may go out by `now`.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Bytes> {
        for at in 0..self.stages.len() {
            while let Some(chunk) = self.stages[at].toxic.take(now) {
                self.put_at(at + 1, chunk, now);
            }
        }
        self.passed.pop_front()
    }

    /// When the next chunk may go on, if one is held.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.stages.iter().filter_map(|s| s.toxic.deadline()).min()
    }

    /// Whether nothing is held.
    pub(crate) fn is_drained(&self) -> bool {
        self.passed.is_empty() && self.stages.iter().all(|s| s.toxic.holds().0 == 0)
    }
}
