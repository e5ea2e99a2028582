//! What the gateway is configured with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::ServerName;
use shop::bugs::{Bug, Bugs};
use shop::calls::Limits;
use shop::config::Settings;
use shop::serve::patience::Patience;
use shop::serve::queue::QueueLimits;
use shop::timeouts;

use crate::rates::RateLimits;
use crate::upstreams::Service;

/// The bugs that can be seeded here.
pub(crate) const BUGS: [Bug; 3] = [Bug::MissingFallback, Bug::RetryStorm, Bug::NoTimeout];

/// The gateway's settings.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// `LISTEN`: where it serves HTTP.
    pub(crate) listen: String,
    /// `LISTEN_TLS`: where it serves HTTPS.
    pub(crate) listen_tls: String,
    /// `DATA_DIR`: where CA and certificate are kept, below `tls`.
    pub(crate) data_dir: PathBuf,
    /// `TLS_NAMES`: what the certificate is good for, with commas between. By default what
    /// `compose.yaml` and a browser on the same machine call the gateway.
    pub(crate) tls_names: Vec<String>,
    /// `TLS_LOOK`: how often the certificate's file is looked at. 5 s by default: a new one is
    /// taken up as soon as whoever put it there expects it, for the price of one small read.
    pub(crate) tls_look: Duration,
    /// `SHUTDOWN_GRACE`: how long work in hand may take after it was asked to stop. 12 s by
    /// default: an order in hand may take the 10 s of `ORDERS_TIMEOUT`.
    pub(crate) grace: Duration,
    /// `AUTH_URL`, `CATALOG_URL`, … of each service that answers over HTTP; inventory's is
    /// `INVENTORY_HTTP_URL`.
    pub(crate) urls: BTreeMap<Service, String>,
    /// `INVENTORY_URL`, where it speaks gRPC.
    pub(crate) inventory_url: String,
    /// `ORDERS_TIMEOUT`, see [`timeouts::ORDERS_TIMEOUT`].
    pub(crate) orders_timeout: Duration,
    /// `AUTH_TIMEOUT`, see [`timeouts::AUTH_TIMEOUT`].
    pub(crate) auth_timeout: Duration,
    /// `UPSTREAM_TIMEOUT` of every other call, see [`timeouts::UPSTREAM_TIMEOUT`].
    pub(crate) upstream_timeout: Duration,
    /// `HOME_TIMEOUT` of each part of the home page, see [`timeouts::HOME_TIMEOUT`].
    pub(crate) home_timeout: Duration,
    /// `ORDERS_AT_ONCE`: how many calls to orders may be under way. 512 by default: as many
    /// requests as the gateway works on, since 50 orders a second that each take 10 s are 500.
    pub(crate) orders_at_once: usize,
    /// How services are called.
    pub(crate) limits: Limits,
    /// How much is taken on.
    pub(crate) queue: QueueLimits,
    /// How long a stranger may take, and how many connections they may have.
    pub(crate) patience: Patience,
    /// How often one caller may ask.
    pub(crate) rates: RateLimits,
    /// `BODY_LIMIT`: bytes that a request's body may have. 64 KiB by default, what the services
    /// behind take: a description of 4000 characters, each escaped, fits.
    pub(crate) body_limit: usize,
    /// `SEEDED_BUGS`, of [`BUGS`].
    pub(crate) bugs: Bugs,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let listen = settings.address("LISTEN");
        let listen_tls = settings.address("LISTEN_TLS");
        let data_dir = settings.folder("DATA_DIR");
        let tls_names = names(settings, "TLS_NAMES", "localhost,127.0.0.1,::1,gateway");
        let tls_look = settings.duration_or("TLS_LOOK", Duration::from_secs(5));
        let grace = settings.duration_or("SHUTDOWN_GRACE", Duration::from_secs(12));
        let urls = Service::ALL.map(|service| (service, settings.url(service.setting())));
        let inventory_url = settings.url("INVENTORY_URL");
        let orders_timeout = settings.duration_or("ORDERS_TIMEOUT", timeouts::ORDERS_TIMEOUT);
        let auth_timeout = settings.duration_or("AUTH_TIMEOUT", timeouts::AUTH_TIMEOUT);
        let upstream = settings.duration_or("UPSTREAM_TIMEOUT", timeouts::UPSTREAM_TIMEOUT);
        let home_timeout = settings.duration_or("HOME_TIMEOUT", timeouts::HOME_TIMEOUT);
        let orders_at_once = settings.number_or("ORDERS_AT_ONCE", 512, 1..=100_000);
        let limits = Limits::read(settings);
        let queue = QueueLimits::read(settings);
        let patience = Patience::read(settings);
        let rates = RateLimits::read(settings);
        let body_limit = settings.number_or("BODY_LIMIT", 64 * 1024, 1..=1024 * 1024);
        let bugs = Bugs::read(settings, &BUGS);
        let urls: Option<BTreeMap<_, _>> = urls
            .into_iter()
            .map(|(service, url)| Some((service, url?)))
            .collect();
        Some(Self {
            listen: listen?,
            listen_tls: listen_tls?,
            data_dir: data_dir?,
            tls_names: tls_names?,
            tls_look: tls_look?,
            grace: grace?,
            urls: urls?,
            inventory_url: inventory_url?,
            orders_timeout: orders_timeout?,
            auth_timeout: auth_timeout?,
            upstream_timeout: upstream?,
            home_timeout: home_timeout?,
            orders_at_once: usize::try_from(orders_at_once?).ok()?,
            limits: limits?,
            queue: queue?,
            patience: patience?,
            rates: rates?,
            body_limit: usize::try_from(body_limit?).ok()?,
            bugs: bugs?,
        })
    }
}

/// Names of hosts and addresses with commas between, `default` where the setting is not set.
fn names(settings: &mut Settings, name: &str, default: &str) -> Option<Vec<String>> {
    let text = settings.text_or(name, default)?;
    let names = text.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty()).map(str::to_owned);
    let names: Vec<_> = names.collect();
    let good = |name: &String| ServerName::try_from(name.as_str()).is_ok();
    if names.is_empty() || !names.iter().all(good) {
        return settings.refuse(name, &text, "hosts' names or addresses with commas between");
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_wrong_are_all_named_at_once() {
        let names = [
            "LISTEN",
            "SHUTDOWN_GRACE",
            "LISTEN_TLS",
            "TLS_NAMES",
            "TLS_LOOK",
            "AUTH_URL",
            "ORDERS_URL",
            "INVENTORY_URL",
            "INVENTORY_HTTP_URL",
            "ORDERS_TIMEOUT",
            "HOME_TIMEOUT",
            "ORDERS_AT_ONCE",
            "REQUESTS_AT_ONCE",
            "REQUEST_WAIT",
            "HEAD_WITHIN",
            "CONNECTIONS_PER_ADDRESS",
            "ACCOUNT_RATE",
            "BODY_LIMIT",
            "BREAKER_REST",
            "TEST_MODE",
        ];
        outside::settings(Config::read, &names);
    }
}
