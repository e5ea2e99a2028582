//! What orders is configured with.

use std::time::Duration;

use shop::bugs::{Bug, Bugs};
use shop::calls::Limits;
use shop::config::{Basics, Settings};
use shop::timeouts;

/// The bugs that can be seeded in orders. Not `no-dedup`: an order that ended does not end again,
/// whatever the inbox knows.
const BUGS: &[Bug] = &[
    Bug::MissingIdempotency,
    Bug::NoRefund,
    Bug::LostRelease,
    Bug::RetryNonIdempotent,
    Bug::NoTimeout,
    Bug::NotificationsInCriticalPath,
    Bug::PublishBeforeCommit,
    Bug::AckBeforeHandling,
];

/// Orders' settings.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// What every service has.
    pub(crate) basics: Basics,
    /// `AUTH_URL`: who publishes the keys of tokens.
    pub(crate) auth_url: String,
    /// `CATALOG_URL`.
    pub(crate) catalog_url: String,
    /// `INVENTORY_URL`.
    pub(crate) inventory_url: String,
    /// `PAYMENTS_URL`.
    pub(crate) payments_url: String,
    /// `NOTIFICATIONS_URL`: asked for with the seeded bug `notifications-in-critical-path` only.
    pub(crate) notifications_url: Option<String>,
    /// `KAFKA_BROKERS`, `host:port`.
    pub(crate) kafka_brokers: String,
    /// `CATALOG_TIMEOUT`, 2 s by default.
    pub(crate) catalog_timeout: Duration,
    /// `INVENTORY_TIMEOUT`, 2 s by default.
    pub(crate) inventory_timeout: Duration,
    /// `PAYMENTS_TIMEOUT` for a charge, which a customer waits for; 2 s by default. None to speak
    /// of with the seeded bug `no-timeout`.
    pub(crate) payments_timeout: Duration,
    /// `REFUND_TIMEOUT`; nobody waits for a refund, so a slow one is waited for rather than
    /// repeated. 30 s by default.
    pub(crate) refund_timeout: Duration,
    /// `ANSWER_WITHIN`: when an order is answered as pending. 8 s by default: above the sum of the
    /// three calls before it, below the 10 s that the gateway waits.
    pub(crate) answer_within: Duration,
    /// How other services may be called.
    pub(crate) limits: Limits,
    /// `ORDERS_TEST_HALT`: whether a request may park its saga. For tests only.
    pub(crate) test_halt: bool,
    /// `SEEDED_BUGS`, in test mode only.
    pub(crate) bugs: Bugs,
}

/// What a call waits that has no timeout: longer than anybody looks.
const NO_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let basics = Basics::read(settings);
        let auth_url = settings.url("AUTH_URL");
        let catalog_url = settings.url("CATALOG_URL");
        let inventory_url = settings.url("INVENTORY_URL");
        let payments_url = settings.url("PAYMENTS_URL");
        let kafka_brokers = settings.address("KAFKA_BROKERS");
        let catalog_timeout = settings.duration_or("CATALOG_TIMEOUT", timeouts::CATALOG_TIMEOUT);
        let inventory_timeout =
            settings.duration_or("INVENTORY_TIMEOUT", timeouts::INVENTORY_TIMEOUT);
        let payments_timeout = settings.duration_or("PAYMENTS_TIMEOUT", timeouts::PAYMENTS_TIMEOUT);
        let refund_timeout = settings.duration_or("REFUND_TIMEOUT", Duration::from_secs(30));
        let answer_within = settings.duration_or("ANSWER_WITHIN", timeouts::ANSWER_WITHIN);
        let limits = Limits::read(settings);
        let test_halt = settings.switch("ORDERS_TEST_HALT");
        let bugs = Bugs::read(settings, BUGS)?;
        let notifications_url = if bugs.has(Bug::NotificationsInCriticalPath) {
            Some(settings.url("NOTIFICATIONS_URL")?)
        } else {
            None
        };
        let payments_timeout = if bugs.has(Bug::NoTimeout) {
            NO_TIMEOUT
        } else {
            payments_timeout?
        };
        Some(Self {
            basics: basics?,
            auth_url: auth_url?,
            catalog_url: catalog_url?,
            inventory_url: inventory_url?,
            payments_url: payments_url?,
            notifications_url,
            kafka_brokers: kafka_brokers?,
            catalog_timeout: catalog_timeout?,
            inventory_timeout: inventory_timeout?,
            payments_timeout,
            refund_timeout: refund_timeout?,
            answer_within: answer_within?,
            limits: limits?,
            test_halt: test_halt?,
            bugs,
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
            "CATALOG_URL",
            "INVENTORY_URL",
            "PAYMENTS_URL",
            "CATALOG_TIMEOUT",
            "INVENTORY_TIMEOUT",
            "PAYMENTS_TIMEOUT",
            "REFUND_TIMEOUT",
            "ANSWER_WITHIN",
            "ORDERS_TEST_HALT",
            "CALL_RETRIES",
            "TEST_MODE",
        ];
        outside::settings(Config::read, &names);
    }
}
