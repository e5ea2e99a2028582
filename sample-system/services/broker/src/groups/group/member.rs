//! One member of a group.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::oneshot, time::Instant};

use super::{ConnectionId, Joined, Synced};

/// The part of its session that a member has to come back when its connection ended: clients say
/// that they live three times in a session or more often, so whoever only lost the connection is
/// heard of on the next one by then. A process that was killed is not, and nobody has to wait out
/// its whole session.
const TO_COME_BACK: u32 = 3;

/// A member of a group, with what waits for it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance: Option<String>,
    pub(super) protocols: Vec<(String, Bytes)>,
    pub(super) session: Duration,
    pub(super) rebalance: Duration,
    pub(super) heard: Instant,
    /// The connection that it spoke on last.
    pub(super) connection: ConnectionId,
    /// When that ended, if it did.
    pub(super) hung_up: Option<Instant>,
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

    /// Speaks, on `connection`.
    pub(super) fn speaks(&mut self, connection: ConnectionId) {
        self.connection = connection;
        self.hung_up = None;
    }

    pub(super) fn session_end(&self) -> Instant {
        let silent = self.heard + self.session;
        let gone = self.hung_up.map(|end| end + self.session / TO_COME_BACK);
        gone.map_or(silent, |gone| gone.min(silent))
    }

    pub(super) fn data(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, data)| data.clone()).unwrap_or_default()
    }
}
