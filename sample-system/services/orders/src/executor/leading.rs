//! Which sagas this process leads: their leases are renewed while it works on them, and sagas that
//! nobody leads are taken over, a few at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shop::lease;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Executor;
use crate::halt::Halt;
use crate::order::OrderId;

/// How many sagas this process may lead and still take over others, so that the end of a replica
/// does not fall upon one other and its peers.
pub(super) const TAKES_OVER_BELOW: usize = 16;

/// A saga that this process leads.
#[derive(Debug, Default)]
struct One {
    /// Is cancelled when another process leads it.
    lost: CancellationToken,
    /// Whether a peer fails at its next step.
    fails: bool,
}

/// The sagas that this process leads.
#[derive(Debug, Clone, Default)]
pub(super) struct Leading(Arc<Mutex<HashMap<OrderId, One>>>);

impl Leading {
    fn all(&self) -> MutexGuard<'_, HashMap<OrderId, One>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to lead the saga of the order `id`.
    pub(super) fn begin(&self, id: OrderId) -> CancellationToken {
        self.all().entry(id).or_default().lost.clone()
    }

    /// How many it leads.
    pub(super) fn count(&self) -> usize {
        self.all().len()
    }

    /// A peer fails at its next step.
    pub(super) fn fails(&self, id: OrderId) {
        if let Some(one) = self.all().get_mut(&id) {
            one.fails = true;
        }
    }

    /// Its step is done.
    pub(super) fn goes_on(&self, id: OrderId) {
        if let Some(one) = self.all().get_mut(&id) {
            one.fails = false;
        }
    }

    /// How many of them have a step at which a peer fails.
    pub(super) fn failing(&self) -> usize {
        self.all().values().filter(|one| one.fails).count()
    }

    /// Leads it no more.
    pub(super) fn end(&self, id: OrderId) {
        self.all().remove(&id);
    }
}

impl Executor {
    /// Renews the leases of what is led each second, and takes over what nobody leads until the
    /// service is asked to stop; ends with `ended`.
    pub(crate) async fn keep_leading(self, ended: CancellationToken) {
        let mut beat = interval(lease::RENEWED);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = ended.cancelled() => return,
            }
            self.renew().await;
            if !self.shutdown.is_cancelled() {
                self.take_over().await;
            }
        }
    }

    async fn renew(&self) {
        let led: Vec<OrderId> = self.leading.all().keys().copied().collect();
        if led.is_empty() {
            return;
        }
        match self.store.go_on_leading(led).await {
            Ok(lost) => {
                let leading = self.leading.all();
                // One that ended between the two is no longer led by anybody.
                for lost in lost.iter().filter_map(|id| leading.get(id)) {
                    lost.lost.cancel();
                }
            }
            Err(error) => tracing::warn!(%error, "leases of sagas are not renewed"),
        }
    }

    /// Takes over sagas that nobody leads.
    pub(crate) async fn take_over(&self) {
        // One that only waits for its peer to do better takes nobody's place.
        let busy = self.leading.count().saturating_sub(self.leading.failing());
        let most = TAKES_OVER_BELOW.saturating_sub(busy);
        if most == 0 {
            return;
        }
        match self.store.take_over(most).await {
            Ok(sagas) => {
                for saga in sagas {
                    if self.leading.all().contains_key(&saga.order.id) {
                        continue;
                    }
                    let span = saga.trace.span();
                    span.in_scope(|| {
                        tracing::info!(order_id = %saga.order.id, step = saga.step.name(), "resumed");
                    });
                    self.lead(saga, None, Halt::default());
                }
            }
            Err(error) => tracing::warn!(%error, "unfinished sagas cannot be looked for"),
        }
    }
}
