//! RED: for each route that is served, how many requests, how they were answered, how long they
//! took. The same for HTTP and gRPC.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

/// The route of every request that matches none.
pub const UNMATCHED: &str = "unmatched";

/// What a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `http_…`
    Http,
    /// `grpc_…`
    Grpc,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Families {
    answered: Family<Answered, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    shed: Counter,
    late: Counter,
}

impl Families {
    pub(super) fn register(registry: &mut Registry, protocol: Protocol) -> Self {
        let prefix = match protocol {
            Protocol::Http => "http",
            Protocol::Grpc => "grpc",
        };
        let families = Self {
            answered: Family::default(),
            durations: Family::new_with_constructor(super::durations),
            in_flight: Gauge::default(),
            shed: Counter::default(),
            late: Counter::default(),
        };
        let registry = registry.sub_registry_with_prefix(prefix);
        registry.register(
            "requests",
            "Requests that were answered, by matched route",
            families.answered.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From the last byte of a request's head to the first of its answer",
            Unit::Seconds,
            families.durations.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests that came in and have no answer yet",
            families.in_flight.clone(),
        );
        registry.register(
            "requests_shed",
            "Requests refused because too much was waiting",
            families.shed.clone(),
        );
        registry.register(
            "requests_late",
            "Requests not begun because their deadline had passed",
            families.late.clone(),
        );
        families
    }

    pub(super) fn served(&self) -> Served {
        Served(self.clone())
    }
}

/// The figures of what is served over one protocol.
#[derive(Debug, Clone)]
pub struct Served(Families);

impl Served {
    /// A request to `route` (as it is matched, never as it was sent) came in.
    pub fn began(&self, route: &str, method: &str) -> InFlight {
        self.0.in_flight.inc();
        InFlight {
            families: self.0.clone(),
            route: Route {
                route: route.to_owned(),
                method: known(method),
            },
            begun: Instant::now(),
            status: InFlight::GONE,
        }
    }

    /// A request was refused because too much was waiting.
    pub fn shed(&self) {
        self.0.shed.inc();
    }

    /// A request was not begun because its deadline had passed.
    pub fn late(&self) {
        self.0.late.inc();
    }
}

/// A request that has no answer yet. Dropped without one, it counts as status 499: whoever asked
/// went away.
#[derive(Debug)]
pub struct InFlight {
    families: Families,
    route: Route,
    begun: Instant,
    status: u16,
}

impl InFlight {
    /// The status of a request that was dropped before its answer, as proxies count it.
    const GONE: u16 = 499;

    /// The route that was asked for is none: it is counted under one name with all others.
    pub fn unmatched(&mut self) {
        UNMATCHED.clone_into(&mut self.route.route);
    }

    /// The request was answered with `status` (of gRPC: its code); answers how long that took.
    pub fn answered(mut self, status: u16) -> Duration {
        self.status = status;
        self.begun.elapsed()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.families.in_flight.dec();
        let Route { route, method } = self.route.clone();
        let labels = Answered {
            route,
            method,
            status: self.status,
        };
        self.families.answered.get_or_create(&labels).inc();
        self.families
            .durations
            .get_or_create(&self.route)
            .observe(self.begun.elapsed().as_secs_f64());
    }
}

/// A method that is known: clients may send any word.
fn known(method: &str) -> &'static str {
    const KNOWN: [&str; 8] = [
        "GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "RPC",
    ];
    KNOWN
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
