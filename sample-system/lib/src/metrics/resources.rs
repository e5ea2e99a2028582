//! USE: for each resource that a service has (its database's writer, its outbox, a pool of
//! workers), how long it was busy, how much waits for it, how often it failed.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    resource: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone)]
pub(super) struct Families {
    busy: Family<Name, Counter<f64, AtomicU64>>,
    waiting: Family<Name, Gauge>,
    oldest: Family<Name, Seconds>,
    work: Family<Name, Counter>,
    errors: Family<Name, Counter>,
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            busy: Family::default(),
            waiting: Family::default(),
            oldest: Family::default(),
            work: Family::default(),
            errors: Family::default(),
        };
        registry.register_with_unit(
            "resource_busy",
            "Utilisation: how long a resource has been at work",
            Unit::Seconds,
            families.busy.clone(),
        );
        registry.register(
            "resource_waiting",
            "Saturation: how many pieces of work wait for a resource",
            families.waiting.clone(),
        );
        registry.register_with_unit(
            "resource_oldest",
            "Saturation: for how long the oldest piece of work has waited",
            Unit::Seconds,
            families.oldest.clone(),
        );
        registry.register(
            "resource_work",
            "Pieces of work that a resource has done, as batches of one commit",
            families.work.clone(),
        );
        registry.register(
            "resource_errors",
            "Errors: how often a resource failed",
            families.errors.clone(),
        );
        families
    }

    pub(super) fn of(&self, name: &'static str) -> Resource {
        let resource = Resource {
            families: self.clone(),
            name: Name { resource: name },
        };
        resource.waiting(0);
        drop(self.errors.get_or_create(&resource.name));
        resource
    }
}

/// The figures of one resource.
#[derive(Debug, Clone)]
pub struct Resource {
    families: Families,
    name: Name,
}

impl Resource {
    /// So much waits for it now.
    pub fn waiting(&self, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.families.waiting.get_or_create(&self.name).set(count);
    }

    /// What has waited longest has waited for `age`.
    pub fn oldest(&self, age: Duration) {
        self.families
            .oldest
            .get_or_create(&self.name)
            .set(age.as_secs_f64());
    }

    /// It failed once.
    pub fn failed(&self) {
        self.families.errors.get_or_create(&self.name).inc();
    }

    /// It is at work until the answer is dropped.
    pub fn busy(&self) -> Busy {
        Busy {
            resource: self.clone(),
            since: Instant::now(),
        }
    }

    /// Takes over totals that are counted elsewhere; one that fell behind what is shown changes
    /// nothing.
    pub fn totals(&self, busy: Duration, work: u64, errors: u64) {
        let shown = self.families.busy.get_or_create(&self.name);
        let more = busy.as_secs_f64() - shown.get();
        if more > 0.0 {
            shown.inc_by(more);
        }
        for (family, total) in [(&self.families.work, work), (&self.families.errors, errors)] {
            let shown = family.get_or_create(&self.name);
            shown.inc_by(total.saturating_sub(shown.get()));
        }
    }
}

/// A resource at work.
#[derive(Debug)]
pub struct Busy {
    resource: Resource,
    since: Instant,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Resource { families, name } = &self.resource;
        let seconds = self.since.elapsed().as_secs_f64();
        families.busy.get_or_create(name).inc_by(seconds);
        families.work.get_or_create(name).inc();
    }
}
