//! What time it is, as a parameter: a service is handed its clock, so a test can hand it another.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

/// Says what time it is.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that asks `now`.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }

    /// The time now, as RFC 3339 in UTC with milliseconds (`2026-11-21T01:02:03.004Z`).
    pub fn stamp(&self) -> String {
        stamp_of(self.now())
    }

    /// Milliseconds since 1970, for what is compared rather than shown.
    pub fn millis(&self) -> i64 {
        self.now().timestamp_millis()
    }
}

/// `time` as [`Clock::stamp`] writes it. Stamps sort as their times do.
pub fn stamp_of(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
