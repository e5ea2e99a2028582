//! What payments is configured with.

use shop::bugs::{self, Bug, Bugs};
use shop::config::{Basics, Settings};

/// Payments' settings.
#[derive(Debug)]
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `PROVIDER_STATES`: whether contract verification may set the ledger; off by default.
    pub(crate) provider_states: bool,
    /// `KAFKA_BROKERS`: where events go and come from.
    pub(crate) kafka_brokers: String,
    /// `AUTH_URL`: whose keys tokens are checked with.
    pub(crate) auth_url: String,
    /// `SEEDED_BUGS`: of this service `missing-idempotency`, `no-refund`, `ack-before-handling` and
    /// `publish-before-commit`. A repeat that is not known as one does no harm here, for what is
    /// given back already is not given back again.
    pub(crate) bugs: Bugs,
    /// `TEST_MODE`: whether there are cards whose bank is silent, beside seeded bugs.
    pub(crate) test_mode: bool,
}

/// The bugs that this service can have.
const BUGS: &[Bug] = &[
    Bug::MissingIdempotency,
    Bug::NoRefund,
    Bug::AckBeforeHandling,
    Bug::PublishBeforeCommit,
];

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let provider_states = settings.switch("PROVIDER_STATES");
        let kafka_brokers = settings.address("KAFKA_BROKERS");
        let auth_url = settings.url("AUTH_URL");
        let bugs = Bugs::read(settings, BUGS);
        let test_mode = settings.switch(bugs::TEST_MODE);
        Some(Self {
            basics: basics?,
            provider_states: provider_states?,
            kafka_brokers: kafka_brokers?,
            auth_url: auth_url?,
            bugs: bugs?,
            test_mode: test_mode?,
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
            "PROVIDER_STATES",
            "TEST_MODE",
        ];
        outside::settings(Config::read, &names);
    }
}
