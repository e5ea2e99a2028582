//! How often a password may be guessed: so many failures for one address, then a pause, whether
//! there is such an account or not. Kept in memory: a restart forgives.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shop::clock::Clock;

use crate::email::Email;

/// Failures that an address may have within the window.
const FAILURES: u32 = 10;
/// The window, in milliseconds. Ten guesses a minute are 14,400 a day, against at least 8
/// characters.
const WINDOW: i64 = 60_000;
/// Addresses that are remembered. Each costs who fails a hash of 30 ms, so a window cannot push
/// out as many as stand here.
const ADDRESSES: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since: i64,
}

/// The failures of all addresses.
#[derive(Debug)]
pub(crate) struct Throttle {
    clock: Clock,
    failures: Mutex<HashMap<Email, Failures>>,
}

impl Throttle {
    /// A throttle without failures.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            failures: Mutex::default(),
        }
    }

    /// How many whole seconds `email` has to wait; `None` where it may try.
    pub(crate) fn pause(&self, email: &Email) -> Option<u64> {
        let now = self.now();
        let failures = *self.lock().get(email)?;
        let left = failures.since + WINDOW - now;
        if failures.count < FAILURES || left <= 0 {
            return None;
        }
        // Rounded up: who comes at that second may try.
        u64::try_from((left + 999) / 1000).ok()
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, email: Email) {
        let now = self.now();
        let mut all = self.lock();
        if all.len() >= ADDRESSES && !all.contains_key(&email) {
            all.retain(|_, failures| failures.since + WINDOW > now);
            let oldest = all.iter().min_by_key(|(_, failures)| failures.since);
            if let Some(oldest) = oldest.map(|(email, _)| email.clone())
                && all.len() >= ADDRESSES
            {
                all.remove(&oldest);
            }
        }
        let failures = all.entry(email).or_insert(Failures {
            count: 0,
            since: now,
        });
        if failures.since + WINDOW <= now {
            *failures = Failures {
                count: 0,
                since: now,
            };
        }
        failures.count = failures.count.saturating_add(1);
    }

    /// Forgets the failures of who knew the password.
    pub(crate) fn succeeded(&self, email: &Email) {
        self.lock().remove(email);
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Email, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn throttle() -> (Throttle, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(1_795_000_000_000));
        let read = Arc::clone(&now);
        let clock = Clock::from_fn(move || {
            chrono::DateTime::from_timestamp_millis(read.load(Ordering::Relaxed)).unwrap()
        });
        (Throttle::new(clock), now)
    }

    fn email(name: &str) -> Email {
        Email::parse(&format!("{name}@shop.example")).unwrap()
    }

    #[test]
    fn the_tenth_failure_makes_an_address_wait_for_the_rest_of_its_minute_and_no_other() {
        let (throttle, now) = throttle();
        for _ in 0..9 {
            throttle.failed(email("ada"));
        }
        assert_eq!(throttle.pause(&email("ada")), None);
        now.fetch_add(10_500, Ordering::Relaxed);
        throttle.failed(email("ada"));
        assert_eq!(throttle.pause(&email("ada")), Some(50));
        assert_eq!(throttle.pause(&email("bob")), None);
        now.fetch_add(50_000, Ordering::Relaxed);
        assert_eq!(throttle.pause(&email("ada")), None);
        throttle.failed(email("ada"));
        assert_eq!(throttle.pause(&email("ada")), None);
    }

    #[test]
    fn a_success_forgives() {
        let (throttle, _) = throttle();
        for _ in 0..9 {
            throttle.failed(email("ada"));
        }
        throttle.succeeded(&email("ada"));
        throttle.failed(email("ada"));
        assert_eq!(throttle.pause(&email("ada")), None);
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let (throttle, now) = throttle();
        for number in 0..ADDRESSES + 50 {
            now.fetch_add(1, Ordering::Relaxed);
            throttle.failed(email(&format!("a{number}")));
        }
        assert_eq!(throttle.lock().len(), ADDRESSES);
    }
}
