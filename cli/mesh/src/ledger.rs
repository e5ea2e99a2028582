//! Keeps one fault's receipt: every touch is counted at the moment it bites, and none after the
//! fault is lifted.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::exchange::ConnectionId;
use crate::fault::FaultId;
use crate::mesh_clock::MeshClock;
use crate::receipt::{MAX_TOUCHES, Receipt, SCHEMA, Touch};

/// The book of one fault.
#[derive(Debug)]
pub(crate) struct Ledger {
    clock: MeshClock,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    receipt: Receipt,
    edges: BTreeSet<String>,
    /// Touches that still hold their bytes, by their place in the receipt.
    holding: BTreeSet<usize>,
    lifted: bool,
}

/// A touch that holds its bytes back; told when it lets go. Those beyond [`MAX_TOUCHES`] are
/// counted and not kept.
#[derive(Debug)]
pub(crate) struct Held(Option<usize>);

impl Ledger {
    pub(crate) fn new(fault: FaultId, name: &str, mesh: &str, clock: MeshClock) -> Self {
        Self {
            clock,
            book: Mutex::new(Book {
                receipt: Receipt {
                    schema: SCHEMA.to_owned(),
                    fault,
                    name: name.to_owned(),
                    mesh: mesh.to_owned(),
                    touches: Vec::new(),
                    total: 0,
                    connections: 0,
                    bytes: 0,
                    edges: Vec::new(),
                },
                edges: BTreeSet::new(),
                holding: BTreeSet::new(),
                lifted: false,
            }),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a touch of `bytes` that arrived at `now`, unless the fault is lifted: then nothing may be touched and
    /// `None` is the answer. `first` says whether it is the connection's first.
    pub(crate) fn bite(
        &self,
        connection: &ConnectionId,
        bytes: usize,
        now: Instant,
        first: bool,
    ) -> Option<Held> {
        let mut book = self.book();
        if book.lifted {
            return None;
        }
        let receipt = &mut book.receipt;
        receipt.total += 1;
        receipt.bytes += bytes as u64;
        receipt.connections += u64::from(first);
        let kept = (receipt.touches.len() < MAX_TOUCHES).then_some(receipt.touches.len());
        if let Some(place) = kept {
            receipt.touches.push(Touch {
                connection: connection.clone(),
                bytes: bytes as u64,
                at_ns: self.clock.ns(now),
                held_ns: 0,
            });
            book.holding.insert(place);
        }
        if first {
            book.edges.insert(connection.edge.to_string());
        }
        Some(Held(kept))
    }

    /// The bytes go on, or their connection is gone.
    pub(crate) fn release(&self, held: Held) {
        let mut book = self.book();
        if let Some(place) = held.0
            && book.holding.remove(&place)
        {
            self.settle(&mut book.receipt, place);
        }
    }

    fn settle(&self, receipt: &mut Receipt, place: usize) {
        if let Some(touch) = receipt.touches.get_mut(place) {
            touch.held_ns = self.clock.now_ns().saturating_sub(touch.at_ns);
        }
    }

    /// The receipt so far; what is held is counted as held until now.
    pub(crate) fn receipt(&self) -> Receipt {
        let book = self.book();
        let mut receipt = book.receipt.clone();
        for place in &book.holding {
            self.settle(&mut receipt, *place);
        }
        receipt.edges = book.edges.iter().cloned().collect();
        receipt
    }

    /// From here on nothing is touched: the last receipt.
    pub(crate) fn lift(&self) -> Receipt {
        let mut book = self.book();
        book.lifted = true;
        for place in std::mem::take(&mut book.holding) {
            self.settle(&mut book.receipt, place);
        }
        drop(book);
        self.receipt()
    }
}
