//! Whether what is held down was taken out of the keeper's hands: its container removed, as `down`
//! does it, or started by somebody else. Then nothing is held any more, and whoever holds it is to
//! be told at once.

use std::time::Duration;

use msvc_system::id::InstanceId;

use super::Keeper;
use crate::docker::container;

/// How often the engine is asked.
const LOOK: Duration = Duration::from_millis(250);

impl Keeper {
    /// Returns why nothing holds it any more, as soon as it was taken away. Never returns when the
    /// keeper itself lets it go.
    pub(super) async fn taken(&self, instance: &InstanceId, container: &str) -> String {
        let service = &instance.service;
        loop {
            self.clock.sleep(LOOK).await;
            // An engine that does not answer now may later.
            let Ok(found) = container::inspect(self.runtime.engine(), container).await else {
                continue;
            };
            let why = match &found {
                None => format!("the container of {service} was taken away, as `down` does it"),
                Some(found) if found.phase().runs() => {
                    format!("somebody else started the container of {service}")
                }
                Some(_) => continue,
            };
            if self.lets_go(instance) {
                return std::future::pending().await;
            }
            return why;
        }
    }

    /// Whether it is this keeper that brings it back, or has.
    fn lets_go(&self, instance: &InstanceId) -> bool {
        self.held().get(instance).is_none_or(|kept| kept.goes)
    }

    /// Holds it no more, because of `why`; a release that comes later is told so.
    pub(super) fn lose(&self, instance: &InstanceId, why: String) {
        self.held().remove(instance);
        self.lost().insert(instance.clone(), why);
        // What stays in the record is found to run, or to be gone.
        let _ = self.write_down();
    }
}
