//! What a service tells of itself at `/metrics`, in Prometheus' text format.
//!
//! * RED, for each route that it serves: requests, errors (by status), durations;
//! * USE, for each resource that it has: how busy, how much waits, what failed;
//! * calls that it makes: how many ended how, how long they took, retries, breakers, bulkheads.
//!
//! The registry is a value that is handed in, never a global: two services in one test process do
//! not see each other's numbers. No label holds what a client chose (a path, an id, a token), or
//! anyone could make series without end.

mod calls;
mod resources;
mod served;
mod watch;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use self::calls::CallFigures;
pub use self::resources::{Busy, Resource};
pub use self::served::{InFlight, Protocol, Served, UNMATCHED};

/// Content type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper ends of the buckets of a duration, in seconds. Close together around what the shop
/// promises (20 ms at the median, 100 ms at the 99th percentile), then up to the 10 s that the
/// gateway waits.
const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// A histogram of durations in seconds.
fn durations() -> Histogram {
    Histogram::new(SECONDS)
}

/// Counters that tell what they count by labels.
pub type Counters = Family<Vec<(&'static str, String)>, Counter>;

/// Gauges that tell what they show by labels.
pub type Gauges = Family<Vec<(&'static str, String)>, Gauge>;

type Refresh = Box<dyn Fn() + Send + Sync>;
type Ask = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The figures of one service. Clones are the same figures.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Mutex<Registry>,
    refresh: Mutex<Vec<Refresh>>,
    asked: Mutex<Vec<Ask>>,
    http: served::Families,
    grpc: served::Families,
    calls: calls::Families,
    resources: resources::Families,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Figures that are all zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let inner = Inner {
            http: served::Families::register(&mut registry, Protocol::Http),
            grpc: served::Families::register(&mut registry, Protocol::Grpc),
            calls: calls::Families::register(&mut registry),
            resources: resources::Families::register(&mut registry),
            registry: Mutex::new(registry),
            refresh: Mutex::default(),
            asked: Mutex::default(),
        };
        Self(Arc::new(inner))
    }

    /// All figures as text, those that must be asked for as they were at the last [`Self::read`].
    pub fn text(&self) -> String {
        let refresh = self.0.refresh.lock();
        for refresh in refresh.unwrap_or_else(PoisonError::into_inner).iter() {
            refresh();
        }
        let mut text = String::new();
        let registry = self.0.registry.lock();
        let registry = registry.unwrap_or_else(PoisonError::into_inner);
        if text::encode(&mut text, &registry).is_err() {
            // Writing into a string fails for no other reason than a metric that lies about itself.
            tracing::error!("cannot write the metrics");
        }
        text
    }

    /// Calls `refresh` before each reading, to set figures that are kept elsewhere.
    pub fn at_scrape(&self, refresh: impl Fn() + Send + Sync + 'static) {
        let all = self.0.refresh.lock();
        all.unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(refresh));
    }

    /// A figure of a service's own that only grows; `_total` is added to its name.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.register(name, help, counter.clone());
        counter
    }

    /// A figure of a service's own that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.register(name, help, gauge.clone());
        gauge
    }

    /// A figure of a service's own that only grows, one for each set of labels; their values must
    /// be few and known beforehand.
    pub fn counters(&self, name: &str, help: &str) -> Counters {
        let family = Family::default();
        self.register(name, help, family.clone());
        family
    }

    /// A figure of a service's own that goes up and down, one for each set of labels; their values
    /// must be few and known beforehand.
    pub fn gauges(&self, name: &str, help: &str) -> Gauges {
        let family = Family::default();
        self.register(name, help, family.clone());
        family
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Ask>> {
        let asked = self.0.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, name: &str, help: &str, metric: impl prometheus_client::registry::Metric) {
        let registry = self.0.registry.lock();
        registry
            .unwrap_or_else(PoisonError::into_inner)
            .register(name, help, metric);
    }

    /// The figures of what is served over `protocol`.
    pub fn served(&self, protocol: Protocol) -> Served {
        match protocol {
            Protocol::Http => self.0.http.served(),
            Protocol::Grpc => self.0.grpc.served(),
        }
    }

    /// The figures of calls to `peer`.
    pub(crate) fn calls(&self, peer: &'static str) -> CallFigures {
        self.0.calls.of(peer)
    }

    /// The figures of the resource `name`, as `database`.
    pub fn resource(&self, name: &'static str) -> Resource {
        self.0.resources.of(name)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests;
