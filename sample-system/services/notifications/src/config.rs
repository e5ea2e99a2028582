//! What notifications is configured with.

use lettre::message::Mailbox;
use shop::bugs::{Bug, Bugs};
use shop::config::{Basics, Settings};

/// What the service is configured with.
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `KAFKA_BROKERS`: where to find the broker, `host:port`.
    pub(crate) brokers: String,
    /// `SMTP_ADDRESS`: who takes the mail, `host:port`.
    pub(crate) smtp: String,
    /// `MAIL_FROM`: who the mail is from.
    pub(crate) from: Mailbox,
    /// `SEEDED_BUGS`: of this service only `ack-before-handling`. A repeat that is not known as one
    /// does no harm here, for an order has one mail of a kind.
    pub(crate) bugs: Bugs,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let brokers = settings.address("KAFKA_BROKERS");
        let smtp = settings.address("SMTP_ADDRESS");
        let from = sender(settings, "MAIL_FROM", "The shop <orders@shop.example>");
        let bugs = Bugs::read(settings, &[Bug::AckBeforeHandling]);
        Some(Self {
            bugs: bugs?,
            basics: basics?,
            brokers: brokers?,
            smtp: smtp?,
            from: from?,
        })
    }
}

/// Who a mail is from, `default` where the name is not set.
fn sender(settings: &mut Settings, name: &str, default: &str) -> Option<Mailbox> {
    let text = settings.text_or(name, default)?;
    match text.parse() {
        Ok(sender) => Some(sender),
        Err(_) => settings.refuse(name, &text, "a sender, like Shop <shop@example.org>"),
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
            "SMTP_ADDRESS",
            "MAIL_FROM",
            "TEST_MODE",
        ];
        outside::settings(Config::read, &names);
    }
}
