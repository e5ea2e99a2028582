//! Calls to other services: how each ended, how long it took, what was retried or kept back.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::calls::State;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Peer {
    peer: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    peer: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Became {
    peer: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Families {
    ended: Family<Ended, Counter>,
    durations: Family<Peer, Histogram, fn() -> Histogram>,
    in_flight: Family<Peer, Gauge>,
    retried: Family<Peer, Counter>,
    retry_denied: Family<Peer, Counter>,
    full: Family<Peer, Counter>,
    breaker: Family<Peer, Gauge>,
    became: Family<Became, Counter>,
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            ended: Family::default(),
            durations: Family::new_with_constructor(super::durations),
            in_flight: Family::default(),
            retried: Family::default(),
            retry_denied: Family::default(),
            full: Family::default(),
            breaker: Family::default(),
            became: Family::default(),
        };
        registry.register(
            "calls",
            "Calls to a peer by how they ended; open, full and late never left",
            families.ended.clone(),
        );
        registry.register_with_unit(
            "call_duration",
            "Calls that left, to the end of their answer",
            Unit::Seconds,
            families.durations.clone(),
        );
        registry.register(
            "calls_in_flight",
            "Calls that left and have no answer yet",
            families.in_flight.clone(),
        );
        registry.register(
            "retries",
            "Calls that were sent again",
            families.retried.clone(),
        );
        registry.register(
            "retries_denied",
            "Calls that were not sent again because the budget of retries was used up",
            families.retry_denied.clone(),
        );
        registry.register(
            "bulkhead_full",
            "Calls that did not leave because too many were under way",
            families.full.clone(),
        );
        registry.register(
            "circuit_breaker_state",
            "0 closed, 1 half-open, 2 open",
            families.breaker.clone(),
        );
        registry.register(
            "circuit_breaker_changes",
            "How often a breaker opened and closed",
            families.became.clone(),
        );
        families
    }

    pub(super) fn of(&self, peer: &'static str) -> CallFigures {
        let figures = CallFigures {
            families: self.clone(),
            peer: Peer { peer },
        };
        // A peer that was never called is shown too, with zeros.
        figures.breaker(State::Closed);
        self.in_flight.get_or_create(&figures.peer).set(0);
        for family in [&self.retried, &self.retry_denied, &self.full] {
            drop(family.get_or_create(&figures.peer));
        }
        figures
    }
}

/// The figures of calls to one peer.
#[derive(Debug, Clone)]
pub struct CallFigures {
    families: Families,
    peer: Peer,
}

impl CallFigures {
    /// A call left.
    pub(crate) fn began(&self) {
        self.families.in_flight.get_or_create(&self.peer).inc();
    }

    /// A call ended as `outcome`; `took` where it had left.
    pub(crate) fn ended(&self, outcome: &'static str, took: Option<Duration>) {
        let Peer { peer } = self.peer;
        let labels = Ended { peer, outcome };
        self.families.ended.get_or_create(&labels).inc();
        if let Some(took) = took {
            self.families.in_flight.get_or_create(&self.peer).dec();
            self.families
                .durations
                .get_or_create(&self.peer)
                .observe(took.as_secs_f64());
        }
    }

    /// A call is sent again.
    pub(crate) fn retried(&self) {
        self.families.retried.get_or_create(&self.peer).inc();
    }

    /// A call is not sent again, for want of budget.
    pub(crate) fn retry_denied(&self) {
        self.families.retry_denied.get_or_create(&self.peer).inc();
    }

    /// A call did not leave: too many were under way.
    pub(crate) fn full(&self) {
        self.families.full.get_or_create(&self.peer).inc();
    }

    /// Where the breaker stands.
    pub(crate) fn breaker(&self, state: State) {
        self.families
            .breaker
            .get_or_create(&self.peer)
            .set(state as i64);
    }

    /// The breaker opened or closed.
    pub(crate) fn breaker_became(&self, state: State) {
        let Peer { peer } = self.peer;
        let state = match state {
            State::Closed => "closed",
            State::HalfOpen => "half_open",
            State::Open => "open",
        };
        self.families
            .became
            .get_or_create(&Became { peer, state })
            .inc();
    }
}
