//! Holds each chunk back for a time counted from its arrival, so that bandwidth is kept: chunks
//! wait side by side, and go on in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use msvc_machine::draw;
use tokio::time::Instant;

use super::Toxic;
use crate::exchange::ConnectionId;
use crate::fault_table::Armed;
use crate::ledger::Held;

pub(super) struct Latency {
    armed: Arc<Armed>,
    connection: ConnectionId,
    url_form: String,
    latency: Duration,
    jitter_ms: u64,
    /// Chunks seen on this connection.
    number: u64,
    bitten: bool,
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

struct Waiting {
    chunk: Bytes,
    due: Instant,
    /// `None`: it came when the fault was lifted already.
    held: Option<Held>,
}

impl Latency {
    pub(super) fn new(
        armed: Arc<Armed>,
        connection: ConnectionId,
        url_form: String,
        latency_ms: u64,
        jitter_ms: u64,
    ) -> Self {
        Self {
            armed,
            connection,
            url_form,
            latency: Duration::from_millis(latency_ms),
            jitter_ms,
            number: 0,
            bitten: false,
            waiting: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The delay of this connection's chunk `number`: nothing but a draw.
    fn delay(&self, number: u64) -> Duration {
        if self.jitter_ms == 0 {
            return self.latency;
        }
        let fault = &self.armed.fault;
        let draw = draw::signed_unit(
            fault.seed,
            &[
                &fault.name,
                &self.url_form,
                &self.connection.connection.to_string(),
                &number.to_string(),
            ],
        );
        let jitter = Duration::from_millis(self.jitter_ms).mul_f64(draw.abs());
        if draw < 0.0 {
            self.latency.saturating_sub(jitter)
        } else {
            self.latency + jitter
        }
    }

    fn pop(&mut self) -> Option<Bytes> {
        let Waiting { chunk, held, .. } = self.waiting.pop_front()?;
        self.bytes -= chunk.len();
        if let Some(held) = held {
            self.armed.ledger.release(held);
        }
        Some(chunk)
    }
}

impl Toxic for Latency {
    fn put(&mut self, chunk: Bytes, now: Instant) {
        self.number += 1;
        let first = !self.bitten;
        let held = self
            .armed
            .ledger
            .bite(&self.connection, chunk.len(), now, first);
        let due = match held {
            Some(_) => {
                self.bitten = true;
                now + self.delay(self.number)
            }
            None => now,
        };
        // Jitter must not let a chunk overtake the one before it.
        let due = self.waiting.back().map_or(due, |last| due.max(last.due));
        self.bytes += chunk.len();
        self.waiting.push_back(Waiting { chunk, due, held });
    }

    fn take(&mut self, now: Instant) -> Option<Bytes> {
        if self.deadline()? <= now {
            self.pop()
        } else {
            None
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.due)
    }

    fn release(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    fn holds(&self) -> (usize, usize) {
        (self.waiting.len(), self.bytes)
    }
}

impl Drop for Latency {
    fn drop(&mut self) {
        // The connection is gone with what it held.
        while self.pop().is_some() {}
    }
}
