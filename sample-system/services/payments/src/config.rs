//! What payments is configured with.

use shop::config::{Basics, Settings};

/// Payments' settings.
#[derive(Debug)]
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `PROVIDER_STATES`: whether contract verification may set the ledger; off by default.
    pub(crate) provider_states: bool,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let provider_states = settings.switch("PROVIDER_STATES");
        Some(Self {
            basics: basics?,
            provider_states: provider_states?,
        })
    }
}
