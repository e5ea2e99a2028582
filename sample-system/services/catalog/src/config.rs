//! What catalog is configured with.

use shop::bugs::{Bug, Bugs};
use shop::config::{Basics, Settings};

/// What catalog is configured with.
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `KAFKA_BROKERS`: where events go.
    pub(crate) kafka_brokers: String,
    /// `AUTH_URL`: whose keys tokens are checked with.
    pub(crate) auth_url: String,
    /// `SEEDED_BUGS`: of this service `missing-idempotency` and `publish-before-commit`.
    pub(crate) bugs: Bugs,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let kafka_brokers = settings.address("KAFKA_BROKERS");
        let auth_url = settings.url("AUTH_URL");
        let bugs = Bugs::read(
            settings,
            &[Bug::MissingIdempotency, Bug::PublishBeforeCommit],
        );
        Some(Self {
            basics: basics?,
            kafka_brokers: kafka_brokers?,
            auth_url: auth_url?,
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
            "TEST_MODE",
        ];
        outside::settings(Config::read, &names);
    }
}
