//! Time as a parameter, so that tests can stop it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// What the rooms know of time.
#[async_trait::async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Monotonic now.
    fn now(&self) -> Instant;
    /// Wall-clock now, for records that people read.
    fn wall(&self) -> SystemTime;
    /// Returns once [`Clock::now`] has reached `deadline`.
    async fn sleep_until(&self, deadline: Instant);

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

/// The machine's clock. In tests with paused tokio time it stands still with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineClock;

impl MachineClock {
    /// The machine's clock, shared.
    #[must_use]
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Clock for MachineClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep_until(&self, deadline: Instant) {
        tokio::time::sleep_until(deadline).await;
    }
}
