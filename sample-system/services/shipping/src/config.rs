//! What shipping is configured with.

use std::time::Duration;

use shop::bugs::{Bug, Bugs};
use shop::config::{Basics, Settings};

/// How long packing takes unless it is said: long enough to be seen, short enough to be waited for.
const PACKING: Duration = Duration::from_millis(200);

/// Shipping's settings.
#[derive(Debug)]
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `KAFKA_BROKERS`: where events go and come from.
    pub(crate) kafka_brokers: String,
    /// `AUTH_URL`: whose keys tokens are checked with.
    pub(crate) auth_url: String,
    /// `PACKING_TIME`: how long it takes to pick and pack an order; 200 ms by default.
    pub(crate) packing: Duration,
    /// `SEEDED_BUGS`: of this service `no-dedup` and `ack-before-handling`.
    pub(crate) bugs: Bugs,
}

/// The bugs that this service can have.
const BUGS: &[Bug] = &[Bug::NoDedup, Bug::AckBeforeHandling];

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let kafka_brokers = settings.address("KAFKA_BROKERS");
        let auth_url = settings.url("AUTH_URL");
        let packing = settings.duration_or("PACKING_TIME", PACKING);
        let bugs = Bugs::read(settings, BUGS);
        Some(Self {
            basics: basics?,
            kafka_brokers: kafka_brokers?,
            auth_url: auth_url?,
            packing: packing?,
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
            "KAFKA_BROKERS",
            "AUTH_URL",
            "PACKING_TIME",
            "TEST_MODE",
        ];
        outside::settings(Config::read, &names);
    }
}
