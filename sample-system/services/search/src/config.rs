//! What search is configured with.

use shop::config::{Basics, Settings};

/// What search is configured with.
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `KAFKA_BROKERS`: where events come from.
    pub(crate) kafka_brokers: String,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let kafka_brokers = settings.address("KAFKA_BROKERS");
        Some(Self {
            basics: basics?,
            kafka_brokers: kafka_brokers?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_wrong_are_all_named_at_once() {
        let names = ["LISTEN", "SHUTDOWN_GRACE", "KAFKA_BROKERS"];
        outside::settings(Config::read, &names);
    }
}
