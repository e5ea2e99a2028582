//! Whose turn it is on a connection: a request is in hand from what the caller says until the first
//! byte that is passed back to it. Where callee and caller speak at once, as consumers of a broker
//! do, it tells no more than who spoke last.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Who had the last word on one connection, counted in its edge while it is the caller.
pub(crate) struct LastWord<'a> {
    is_callers: AtomicBool,
    /// The callee has said nothing since; what it said may still be held on its way back.
    is_owed: AtomicBool,
    waiting: &'a AtomicU64,
}

impl<'a> LastWord<'a> {
    /// Nobody has said anything; `waiting` counts the edge's connections whose caller waits.
    pub(crate) fn new(waiting: &'a AtomicU64) -> Self {
        Self {
            is_callers: AtomicBool::new(false),
            is_owed: AtomicBool::new(false),
            waiting,
        }
    }

    /// The caller said something.
    pub(crate) fn asked(&self) {
        self.is_owed.store(true, Ordering::Relaxed);
        if !self.is_callers.swap(true, Ordering::Relaxed) {
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The callee said something.
    pub(crate) fn replied(&self) {
        self.is_owed.store(false, Ordering::Relaxed);
    }

    /// Something was passed back to the caller.
    pub(crate) fn answered(&self) {
        if self.is_callers.swap(false, Ordering::Relaxed) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether the callee owes an answer.
    pub(crate) fn is_owed(&self) -> bool {
        self.is_owed.load(Ordering::Relaxed)
    }
}

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        self.answered();
    }
}
