//! Whom this process has seen ready a moment ago: a healthcheck that succeeded counts until it
//! would be run again, so a look within that time need not run it once more.
//!
//! In come containers whose test has just succeeded; out goes whether that counts still. Whether a
//! container runs at all stands in what the engine shows of it, and is not asked here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::docker::container::Found;
use crate::docker::image;

/// The containers seen ready.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenReady {
    at: Arc<Mutex<HashMap<String, Seen>>>,
}

#[derive(Debug)]
struct Seen {
    /// When the container was started, by the engine's clock.
    life: Option<u64>,
    at: Instant,
}

impl SeenReady {
    /// The container as it was found is ready now.
    pub(super) fn add(&self, found: &Found, now: Instant) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let life = found.started_at_ns();
        at.insert(found.container.clone(), Seen { life, at: now });
    }

    /// Whether it was seen ready in the life that it leads now, and its healthcheck is not due again.
    pub(super) fn counts_still(&self, found: &Found, now: Instant) -> bool {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Seen { life, at }) = at.get(&found.container) else {
            return false;
        };
        let config = found.seen.config.as_ref();
        let health = config.and_then(|config| config.healthcheck.as_ref());
        let interval = health.and_then(image::health).map(|it| it.interval);
        // Whoever was started again since then has to show it again.
        *life == found.started_at_ns()
            && interval.is_some_and(|interval| now.duration_since(*at) < interval)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use bollard::models::{
        ContainerConfig, ContainerInspectResponse, ContainerState, HealthConfig,
    };

    use msvc_system::id::{InstanceId, LaneName};

    use super::*;

    fn found(started_at: &str) -> Found {
        let health = HealthConfig {
            test: Some(vec!["CMD".to_owned(), "orders".to_owned()]),
            interval: Some(2_000_000_000),
            ..HealthConfig::default()
        };
        let seen = ContainerInspectResponse {
            config: Some(ContainerConfig {
                healthcheck: Some(health),
                ..ContainerConfig::default()
            }),
            state: Some(ContainerState {
                started_at: Some(started_at.to_owned()),
                ..ContainerState::default()
            }),
            ..ContainerInspectResponse::default()
        };
        Found {
            id: InstanceId {
                project: "shop".parse().unwrap(),
                lane: LaneName::main(),
                service: "orders".parse().unwrap(),
                replica: 1,
                incarnation: 1,
            },
            container: "orders".to_owned(),
            labels: HashMap::new(),
            seen,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_counts_until_the_healthcheck_is_due_again_and_not_for_another_life() {
        let seen = SeenReady::default();
        let orders = found("2026-11-01T10:00:00.5Z");
        assert!(!seen.counts_still(&orders, Instant::now()));
        seen.add(&orders, Instant::now());
        tokio::time::advance(Duration::from_millis(1999)).await;
        assert!(seen.counts_still(&orders, Instant::now()));
        let again = found("2026-11-01T10:00:01.5Z");
        assert!(!seen.counts_still(&again, Instant::now()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!seen.counts_still(&orders, Instant::now()));
    }
}
