//! Who is connected, by address: each has a limited number of places, and whoever has been without a
//! request for longest makes room for the next.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Nobody makes room who came, or was answered, so short a time ago: what they ask may be on its way.
const SETTLED: Duration = Duration::from_secs(1);

/// Everybody who is connected. Clones are the same crowd.
#[derive(Debug, Clone)]
pub(super) struct Crowd(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    per_address: usize,
    places: Mutex<HashMap<IpAddr, Vec<Pace>>>,
}

/// What a connection is at. Clones are of the same connection.
#[derive(Debug, Clone)]
pub struct Pace(Arc<At>);

#[derive(Debug)]
struct At {
    state: Mutex<State>,
    /// Requests that were begun, to see that one came and went.
    begun: AtomicU64,
    pushed: CancellationToken,
}

#[derive(Debug)]
struct State {
    in_hand: usize,
    /// Since when there is no request.
    quiet: Instant,
}

/// A place in a crowd; dropped, it is free.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) pace: Pace,
    crowd: Crowd,
    network: IpAddr,
}

/// A request that is in hand until this is dropped.
#[derive(Debug)]
pub(crate) struct InHand(Pace);

impl Crowd {
    /// Nobody yet, and `per_address` places for each address.
    pub(super) fn new(per_address: usize) -> Self {
        Self(Arc::new(Inside {
            per_address,
            places: Mutex::default(),
        }))
    }

    fn places(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Pace>>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one who comes from `from`, or none; and whether another had to make room.
    pub(super) fn enter(&self, from: IpAddr) -> Option<(Place, bool)> {
        let network = network(from);
        let mut places = self.places();
        let here = places.entry(network).or_default();
        let full = here.len() >= self.0.per_address;
        if full {
            let quiet = |pace: &Pace| pace.quiet_since().filter(|it| it.elapsed() >= SETTLED);
            let settled = here.iter().enumerate();
            let settled = settled.filter_map(|(at, pace)| Some((quiet(pace)?, at)));
            let (_, at) = settled.min()?;
            here.swap_remove(at).0.pushed.cancel();
        }
        let pace = Pace::new();
        here.push(pace.clone());
        drop(places);
        let crowd = self.clone();
        let place = Place {
            pace,
            crowd,
            network,
        };
        Some((place, full))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.crowd.places();
        if let Some(here) = places.get_mut(&self.network) {
            here.retain(|pace| !Arc::ptr_eq(&pace.0, &self.pace.0));
            if here.is_empty() {
                places.remove(&self.network);
            }
        }
    }
}

impl Pace {
    fn new() -> Self {
        Self(Arc::new(At {
            state: Mutex::new(State {
                in_hand: 0,
                quiet: Instant::now(),
            }),
            begun: AtomicU64::new(0),
            pushed: CancellationToken::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request came in whole, as far as its head goes.
    pub(crate) fn begin(&self) -> InHand {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.state().in_hand += 1;
        InHand(self.clone())
    }

    /// Since when there is no request; none while there is one.
    pub(super) fn quiet_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.in_hand == 0).then_some(state.quiet)
    }

    /// How many requests there were.
    pub(super) fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Cancelled when this connection is to make room.
    pub(super) fn pushed(&self) -> &CancellationToken {
        &self.0.pushed
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_hand -= 1;
        state.quiet = Instant::now();
    }
}

/// What counts as one address: whoever holds one of version 6 holds the 2⁶⁴ beside it too.
pub fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test(start_paused = true)]
    async fn who_has_been_quiet_for_longest_makes_room_and_nobody_with_a_request_does() {
        let crowd = Crowd::new(3);
        let enter = || crowd.enter(HERE).unwrap();
        let (busy, _) = enter();
        let _request = busy.pace.begin();
        tokio::time::advance(SETTLED).await;
        let (quiet, _) = enter();
        let (answered, _) = enter();
        tokio::time::advance(SETTLED).await;
        drop(answered.pace.begin());
        let (fourth, pushed) = enter();
        assert!(pushed && quiet.pace.pushed().is_cancelled());
        for stays in [&busy, &answered, &fourth] {
            assert!(!stays.pace.pushed().is_cancelled());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_to_a_full_crowd_of_busy_or_new_ones_is_refused() {
        let crowd = Crowd::new(2);
        let (busy, _) = crowd.enter(HERE).unwrap();
        let _request = busy.pace.begin();
        let (new, _) = crowd.enter(HERE).unwrap();
        assert!(crowd.enter(HERE).is_none());
        assert!(crowd.enter("10.0.0.1".parse().unwrap()).is_some());
        drop(new);
        assert!(crowd.enter(HERE).is_some_and(|(_, pushed)| !pushed));
    }

    #[tokio::test]
    async fn nothing_is_kept_of_an_address_that_left() {
        let crowd = Crowd::new(2);
        let (place, _) = crowd.enter(HERE).unwrap();
        drop(place);
        assert!(crowd.places().is_empty());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let same = |one: &str, other: &str| {
            network(one.parse().unwrap()) == network(other.parse().unwrap())
        };
        assert!(same("2001:db8::1", "2001:db8::2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1"));
    }
}
