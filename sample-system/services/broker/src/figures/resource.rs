//! USE: for how long a resource that does one thing after the other was at work, how much waits for
//! it, how often it failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::text::Text;

/// A resource. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resource(Arc<Mutex<Use>>);

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    in_hand: u64,
    /// Since when something was in hand all the time.
    since: Option<Instant>,
    busy: Duration,
    done: u64,
    failed: u64,
}

/// Work for a resource that waits or is done, until it is dropped.
#[derive(Debug)]
pub(crate) struct InHand(Resource);

impl Resource {
    /// Work for it has come.
    pub(crate) fn begin(&self) -> InHand {
        let mut used = self.lock();
        used.in_hand += 1;
        used.since.get_or_insert_with(Instant::now);
        drop(used);
        InHand(self.clone())
    }

    /// It failed once.
    pub(crate) fn failed(&self) {
        self.lock().failed += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Use> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut used = self.0.lock();
        used.in_hand -= 1;
        used.done += 1;
        if used.in_hand == 0
            && let Some(since) = used.since.take()
        {
            used.busy += since.elapsed();
        }
    }
}

/// Writes what is told of each of `resources`, by name.
pub(super) fn write(text: &mut Text, resources: &[(&str, &Resource)]) {
    let now: Vec<(&str, Use)> = resources
        .iter()
        .map(|(name, resource)| (*name, *resource.lock()))
        .collect();
    let busy = |used: &Use| used.busy + used.since.map_or(Duration::ZERO, |since| since.elapsed());
    text.counter(
        "resource_busy_seconds",
        "Utilisation: how long a resource has been at work",
    );
    for (name, used) in &now {
        text.counted(&[("resource", name)], busy(used).as_secs_f64());
    }
    text.gauge(
        "resource_waiting",
        "Saturation: how many pieces of work wait for a resource",
    );
    for (name, used) in &now {
        // One is at work, the others wait for it.
        text.shown(&[("resource", name)], used.in_hand.saturating_sub(1));
    }
    text.counter(
        "resource_work",
        "Pieces of work that a resource has done, as questions to the storage",
    );
    for (name, used) in &now {
        text.counted(&[("resource", name)], used.done);
    }
    text.counter("resource_errors", "Errors: how often a resource failed");
    for (name, used) in &now {
        text.counted(&[("resource", name)], used.failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_resource_is_busy_while_anything_is_in_hand_and_the_rest_of_it_waits() {
        let storage = Resource::default();
        let pass = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        let first = storage.begin();
        pass(2).await;
        let second = storage.begin();
        pass(3).await;
        let mut text = Text::default();
        write(&mut text, &[("storage", &storage)]);
        let told = text.end();
        assert!(
            told.contains("resource_busy_seconds_total{resource=\"storage\"} 5\n"),
            "{told}"
        );
        assert!(
            told.contains("resource_waiting{resource=\"storage\"} 1\n"),
            "{told}"
        );
        drop(first);
        pass(4).await;
        storage.failed();
        drop(second);
        // Nothing is in hand now.
        pass(60).await;
        let mut text = Text::default();
        write(&mut text, &[("storage", &storage)]);
        let told = text.end();
        for line in [
            "resource_busy_seconds_total{resource=\"storage\"} 9\n",
            "resource_waiting{resource=\"storage\"} 0\n",
            "resource_work_total{resource=\"storage\"} 2\n",
            "resource_errors_total{resource=\"storage\"} 1\n",
        ] {
            assert!(told.contains(line), "{told}");
        }
    }
}
