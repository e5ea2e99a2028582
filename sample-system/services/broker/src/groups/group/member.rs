//! One member of a group.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::oneshot, time::Instant};

use super::{Joined, Synced};

/// A member of a group, with what waits for it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance: Option<String>,
    pub(super) protocols: Vec<(String, Bytes)>,
    pub(super) session: Duration,
    pub(super) rebalance: Duration,
    pub(super) heard: Instant,
    pub(super) joining: Option<oneshot::Sender<Joined>>,
    pub(super) syncing: Option<oneshot::Sender<Synced>>,
    pub(super) share: Bytes,
}

impl Member {
    pub(super) fn is_joining(&self) -> bool {
        self.joining.as_ref().is_some_and(|join| !join.is_closed())
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.is_joining() || self.syncing.as_ref().is_some_and(|sync| !sync.is_closed())
    }

    /// Answers one that waits for its share; its silence counts from here.
    pub(super) fn answer_sync(&mut self, now: Instant, answer: Synced) {
        if let Some(sync) = self.syncing.take()
            && sync.send(answer).is_ok()
        {
            self.heard = now;
        }
    }

    pub(super) fn session_end(&self) -> Instant {
        self.heard + self.session
    }

    pub(super) fn data(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, data)| data.clone()).unwrap_or_default()
    }
}
