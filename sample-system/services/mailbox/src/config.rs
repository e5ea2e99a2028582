//! What mailbox is configured with.

use shop::config::{Basics, Settings};

/// What the mailbox is configured with.
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `LISTEN_SMTP`: where it takes mail, `host:port`.
    pub(crate) listen_smtp: String,
    /// `AUTH_URL`: whose keys tokens are checked with.
    pub(crate) auth_url: String,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let listen_smtp = settings.address("LISTEN_SMTP");
        let auth_url = settings.url("AUTH_URL");
        Some(Self {
            basics: basics?,
            listen_smtp: listen_smtp?,
            auth_url: auth_url?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_wrong_are_all_named_at_once() {
        let names = ["LISTEN", "SHUTDOWN_GRACE", "LISTEN_SMTP", "AUTH_URL"];
        outside::settings(Config::read, &names);
    }
}
