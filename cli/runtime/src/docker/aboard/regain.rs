//! Addresses of edges that went away with an interface: whoever takes the mesh off a network and puts
//! it back takes them along, and nobody outside sees that they are missing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use msvc_machine::clock::Clock;

use super::interface;

/// The pause between two looks at the interfaces, which cost little.
const PAUSE: Duration = Duration::from_millis(500);

/// So often is tried after they have changed: one has its own address a little later than it is there.
const TRIES: u32 = 6;

/// Holds what of `addresses` was lost whenever the interfaces have changed, for as long as it is awaited.
pub(super) async fn watch(clock: &dyn Clock, addresses: impl Fn() -> BTreeSet<IpAddr>) {
    let mut changes = Changes::of(interface::numbers());
    loop {
        clock.sleep(PAUSE).await;
        if changes.ask_for_a_try(interface::numbers()) {
            let addresses = addresses();
            // One that nobody can have now is tried again, and then opened by the next `up`.
            let _ = tokio::task::spawn_blocking(move || interface::hold_lost(&addresses)).await;
        }
    }
}

/// The interfaces as they were seen last, and how many tries are left since they changed.
struct Changes {
    seen: BTreeSet<u32>,
    left: u32,
}

impl Changes {
    fn of(seen: BTreeSet<u32>) -> Self {
        Self { seen, left: 0 }
    }

    fn ask_for_a_try(&mut self, now: BTreeSet<u32>) -> bool {
        if now != self.seen {
            self.seen = now;
            self.left = TRIES;
        }
        let tries = self.left > 0;
        self.left = self.left.saturating_sub(1);
        tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_tried_a_few_times_after_the_interfaces_changed() {
        let mut changes = Changes::of([1, 2].into());
        assert!(!changes.ask_for_a_try([1, 2].into()));
        let tried = (0..TRIES + 2).filter(|_| changes.ask_for_a_try([1, 3].into()));
        assert_eq!(tried.count(), usize::try_from(TRIES).unwrap());
        assert!(changes.ask_for_a_try([1].into()));
    }
}
