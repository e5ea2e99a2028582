//! The mesh's monotonic clock: the handed-in one, with the nanoseconds since the mesh began that
//! all its stamps are made of.

use std::sync::Arc;

use msvc_machine::clock::Clock;
use tokio::time::Instant;

/// Clones share one epoch.
#[derive(Debug, Clone)]
pub(crate) struct MeshClock {
    clock: Arc<dyn Clock>,
    epoch: Instant,
}

impl MeshClock {
    /// Begins now.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let epoch = clock.now();
        Self { clock, epoch }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Nanoseconds since the mesh began.
    pub(crate) fn now_ns(&self) -> u64 {
        self.ns(self.now())
    }

    /// `at` in nanoseconds since the mesh began.
    pub(crate) fn ns(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns at `deadline`; never, where there is none.
    pub(crate) async fn until(&self, deadline: Option<Instant>) {
        match deadline {
            Some(deadline) => self.clock.sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) async fn sleep(&self, duration: std::time::Duration) {
        self.clock.sleep(duration).await;
    }
}
