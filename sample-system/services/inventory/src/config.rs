//! What inventory is configured with.

use std::time::Duration;

use chrono::TimeDelta;
use shop::bugs::{Bug, Bugs};
use shop::config::{Basics, Settings};

/// How long a reservation lasts unless it is committed. An order takes seconds; a quarter of an
/// hour leaves room for one whose service was away, and gives units of a lost one back the same day.
const RESERVATION_KEPT: Duration = Duration::from_secs(15 * 60);

/// The bugs that this service can have.
const BUGS: &[Bug] = &[
    Bug::LostRelease,
    Bug::NoDedup,
    Bug::AckBeforeHandling,
    Bug::PublishBeforeCommit,
];

/// Inventory's settings.
#[derive(Debug)]
pub(crate) struct Config {
    /// What every service has; `LISTEN` is where it serves gRPC.
    pub(crate) basics: Basics,
    /// `LISTEN_HTTP`: where it serves health, figures and what the auditor reads.
    pub(crate) listen_http: String,
    /// `KAFKA_BROKERS`: where events go and come from.
    pub(crate) kafka_brokers: String,
    /// `AUTH_URL`: whose keys tokens are checked with.
    pub(crate) auth_url: String,
    /// `RESERVATION_KEPT`: how long a reservation lasts unless it is committed; 15 min by default.
    pub(crate) reservation_kept: TimeDelta,
    /// `SEEDED_BUGS`: of this service `lost-release`, `no-dedup`, `ack-before-handling` and
    /// `publish-before-commit`.
    pub(crate) bugs: Bugs,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let listen_http = settings.address("LISTEN_HTTP");
        let kafka_brokers = settings.address("KAFKA_BROKERS");
        let auth_url = settings.url("AUTH_URL");
        let kept = settings.duration_or("RESERVATION_KEPT", RESERVATION_KEPT);
        let bugs = Bugs::read(settings, BUGS);
        Some(Self {
            basics: basics?,
            listen_http: listen_http?,
            kafka_brokers: kafka_brokers?,
            auth_url: auth_url?,
            reservation_kept: TimeDelta::from_std(kept?).ok()?,
            bugs: bugs?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_wrong_are_all_named_at_once() {
        let names = [
            "LISTEN",
            "SHUTDOWN_GRACE",
            "LISTEN_HTTP",
            "KAFKA_BROKERS",
            "AUTH_URL",
            "RESERVATION_KEPT",
            "TEST_MODE",
        ];
        outside::settings(Config::read, &names);
    }
}
