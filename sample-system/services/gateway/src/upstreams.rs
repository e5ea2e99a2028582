//! The services behind the gateway: where each is, how long it is given, and the guard that all
//! calls to it pass.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shop::bugs::Bug;
use shop::calls::Limits;
use shop::draw::Draw;
use shop::http_client::Peer;
use shop::inventory;
use shop::metrics::Metrics;

use crate::GatewayError;
use crate::config::Config;

/// A service that answers over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Auth,
    Catalog,
    Search,
    Recommendations,
    Inventory,
    Orders,
    Payments,
    Shipping,
    Mailbox,
}

impl Service {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Auth,
        Self::Catalog,
        Self::Search,
        Self::Recommendations,
        Self::Inventory,
        Self::Orders,
        Self::Payments,
        Self::Shipping,
        Self::Mailbox,
    ];

    /// Its name, in the table and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Catalog => "catalog",
            Self::Search => "search",
            Self::Recommendations => "recommendations",
            Self::Inventory => "inventory",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Shipping => "shipping",
            Self::Mailbox => "mailbox",
        }
    }

    /// The setting that says where it is.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Auth => "AUTH_URL",
            Self::Catalog => "CATALOG_URL",
            Self::Search => "SEARCH_URL",
            Self::Recommendations => "RECOMMENDATIONS_URL",
            Self::Inventory => "INVENTORY_HTTP_URL",
            Self::Orders => "ORDERS_URL",
            Self::Payments => "PAYMENTS_URL",
            Self::Shipping => "SHIPPING_URL",
            Self::Mailbox => "MAILBOX_URL",
        }
    }

    /// The one that is called `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Its name among the peers of metrics: inventory is two, since it speaks two protocols and
    /// one of them may be stuck.
    fn peer(self) -> &'static str {
        match self {
            Self::Inventory => "inventory-http",
            _ => self.name(),
        }
    }
}

/// A day: what stands in for "for ever" with the seeded bug `no-timeout`.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The callers of all services.
#[derive(Debug, Clone)]
pub(crate) struct Upstreams {
    peers: Arc<BTreeMap<Service, Peer>>,
    inventory: inventory::Client,
}

impl Upstreams {
    /// Callers of the services that `config` names.
    pub(crate) fn new(
        config: &Config,
        metrics: &Metrics,
        draw: &Draw,
    ) -> Result<Self, GatewayError> {
        let mut peers = BTreeMap::new();
        for service in Service::ALL {
            let url = config.urls.get(&service).map_or("", String::as_str);
            let peer = Peer::new(service.peer(), url, config.timeout(service))?;
            let limits = config.limits(service);
            peers.insert(service, peer.guarded(limits, metrics, draw));
        }
        let url = &config.inventory_url;
        let (timeout, limits) = (
            config.timeout(Service::Inventory),
            config.limits(Service::Inventory),
        );
        Ok(Self {
            peers: Arc::new(peers),
            inventory: inventory::guarded(url, timeout, limits, metrics, draw)?,
        })
    }

    /// The caller of `service`.
    pub(crate) fn peer(&self, service: Service) -> &Peer {
        &self.peers[&service]
    }

    /// The caller of inventory over gRPC.
    pub(crate) fn inventory(&self) -> inventory::Client {
        self.inventory.clone()
    }
}

impl Config {
    fn timeout(&self, service: Service) -> Duration {
        if self.bugs.has(Bug::NoTimeout) {
            return FOR_EVER;
        }
        match service {
            Service::Orders => self.orders_timeout,
            Service::Auth => self.auth_timeout,
            _ => self.upstream_timeout,
        }
    }

    fn limits(&self, service: Service) -> Limits {
        let mut limits = self.limits;
        if service == Service::Orders {
            limits.at_once = limits.at_once.max(self.orders_at_once);
        }
        if self.bugs.has(Bug::RetryStorm) {
            // Again and again, at once, whatever the others do, with nothing that stops it.
            limits.retries = 20;
            limits.retry_percent = Limits::NO_BUDGET;
            limits.backoff = Duration::ZERO;
            limits.breaker_percent = u8::MAX;
        }
        limits
    }
}
