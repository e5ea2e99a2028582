//! Who lives in whose network namespace (`network_mode: service:X`): there `localhost` is shared, and
//! callers know only the name of the one whose namespace it is.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::id::ServiceName;
use msvc_system::model::{Service, System};

/// The service in whose network namespace this one lives.
pub(crate) fn housed_by(service: &Service) -> Option<&str> {
    let mode = service.other_fields.get("network_mode")?;
    mode.value.as_str()?.strip_prefix("service:")
}

/// The namespaces of a system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Homes {
    /// Guests, with whose namespace it is in the end.
    guests: BTreeMap<ServiceName, ServiceName>,
    /// Ports that the file writes at whose namespace it is, and at which a guest listens.
    lent: BTreeSet<(ServiceName, u16)>,
}

impl Homes {
    pub(super) fn of(system: &System) -> Self {
        let host = |service: &Service| system.services.get(housed_by(service)?);
        let mut guests = BTreeMap::new();
        for service in system.services.values() {
            let mut home = service;
            // The loader refuses circles; one that came all the same ends here.
            for _ in 0..system.services.len() {
                match host(home) {
                    Some(host) => home = host,
                    None => break,
                }
            }
            if home.name != service.name {
                guests.insert(service.name.clone(), home.name.clone());
            }
        }
        let lent = guests.iter().flat_map(|(guest, home)| {
            let listens = |name| system.services.get(name).map(|it| &it.listens);
            let (own, theirs) = (listens(home), listens(guest));
            let told = system.services.get(home).map(|it| &it.x_msvc.process.port);
            let lent = theirs.into_iter().flatten().filter(move |port| {
                own.is_some_and(|own| own.contains(port))
                    && !told.is_some_and(|told| told.contains_key(*port))
            });
            lent.map(|port| (home.clone(), *port))
        });
        let lent = lent.collect();
        Self { guests, lent }
    }

    /// Whether a guest listens at this port of a service.
    pub(super) fn is_lent(&self, service: &ServiceName, port: u16) -> bool {
        self.lent.contains(&(service.clone(), port))
    }

    /// Whose namespace a service lives in.
    pub(super) fn of_service<'a>(&'a self, service: &'a ServiceName) -> &'a ServiceName {
        self.guests.get(service).unwrap_or(service)
    }

    /// Whether others live in the same namespace.
    pub(super) fn is_shared(&self, service: &ServiceName) -> bool {
        self.guests.contains_key(service) || self.guests.values().any(|home| home == service)
    }
}
