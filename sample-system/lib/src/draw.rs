//! Chance, as a parameter: who spreads retries is handed its draws, so a test can hand it others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

/// Draws numbers.
#[derive(Clone)]
pub struct Draw(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Draw {
    /// Draws from the machine's source of randomness.
    pub fn system() -> Self {
        Self(Arc::new(|| {
            // Two halves, since six bits of such an id are always the same.
            let (high, low) = Uuid::new_v4().as_u64_pair();
            high.rotate_left(32) ^ low
        }))
    }

    /// Draws what `next` answers.
    pub fn from_fn(next: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }

    /// Any number, each as likely as the others.
    pub fn number(&self) -> u64 {
        (self.0)()
    }

    /// Any time span from nothing to `longest`.
    pub fn up_to(&self, longest: Duration) -> Duration {
        let most = u64::try_from(longest.as_micros()).map_or(u64::MAX - 1, |n| n.min(u64::MAX - 1));
        Duration::from_micros(self.number() % (most + 1))
    }
}

impl fmt::Debug for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draw")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_never_longer_than_asked_for() {
        let longest = Duration::from_millis(25);
        for number in [0, 1, 25_000, 25_001, u64::MAX] {
            assert!(Draw::from_fn(move || number).up_to(longest) <= longest);
        }
        assert_eq!(Draw::system().up_to(Duration::ZERO), Duration::ZERO);
    }
}
