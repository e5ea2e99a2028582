//! Names that stand for services: their own, and those that the engine answers for them
//! (container names, host names, aliases on networks), and what one caller alone calls others.

use std::collections::{BTreeSet, HashMap, HashSet};

use indexmap::IndexMap;

use crate::id::ServiceName;
use crate::model::Service;
use crate::yaml::Node;

/// Whom each name means.
pub(super) struct Names<'a> {
    services: &'a IndexMap<ServiceName, Service>,
    /// An alias may be several services': any of them answers.
    others: HashMap<String, Vec<&'a Service>>,
    /// The ports that the file says each service listens on.
    open: HashMap<&'a str, HashSet<u16>>,
}

impl<'a> Names<'a> {
    /// Of all services, each with what the tree says of it.
    pub(super) fn of(
        services: &'a IndexMap<ServiceName, Service>,
        nodes: &HashMap<&str, &Node>,
    ) -> Self {
        let mut others: HashMap<String, Vec<&Service>> = HashMap::new();
        for service in services.values() {
            let node = nodes.get(service.name.as_str());
            for alias in node.map(|node| aliases(node)).unwrap_or_default() {
                others.entry(alias).or_default().push(service);
            }
        }
        let open = services.values();
        let open = open.map(|service| (service.name.as_str(), open_ports(service)));
        let open = open.collect();
        Self {
            services,
            others,
            open,
        }
    }

    /// As this caller sees them.
    pub(super) fn seen_by(&'a self, caller: &'a Service) -> Seen<'a> {
        let links = caller.links.iter();
        Seen {
            names: self,
            links: links
                .map(|link| (link.alias.as_str(), link.service.as_str()))
                .collect(),
        }
    }
}

/// Names as one caller sees them.
pub(super) struct Seen<'a> {
    names: &'a Names<'a>,
    links: HashMap<&'a str, &'a str>,
}

impl<'a> Seen<'a> {
    /// Whom `name` means: by a link of the caller's own, else the service of that name, else whoever
    /// else answers to it.
    pub(super) fn meant(&self, name: &str) -> impl Iterator<Item = &'a Service> {
        let service = self.links.get(name).copied().unwrap_or(name);
        let service = self.names.services.get(service);
        let others = self.names.others.get(name).filter(|_| service.is_none());
        service
            .into_iter()
            .chain(others.into_iter().flatten().copied())
    }

    /// Whether the file says that a service listens there.
    pub(super) fn is_open(&self, service: &ServiceName, port: u16) -> bool {
        let open = self.names.open.get(service.as_str());
        open.is_some_and(|ports| ports.contains(&port))
    }

    /// Whether `name` means anybody.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.links.contains_key(name)
            || self.names.services.contains_key(name)
            || self.names.others.contains_key(name)
    }
}

fn open_ports(service: &Service) -> HashSet<u16> {
    let listens = service.listens.iter().copied();
    let mapped = service.x_msvc.process.port.keys().copied();
    let published = service.ports.iter().map(|port| port.target);
    listens.chain(mapped).chain(published).collect()
}

fn aliases(node: &Node) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for key in ["container_name", "hostname"] {
        names.extend(node.get(key).and_then(Node::as_str).map(str::to_owned));
    }
    let networks = node.entries_of("networks");
    for (_, network) in networks {
        let listed = network.items_of("aliases");
        names.extend(listed.iter().filter_map(Node::as_str).map(str::to_owned));
    }
    names
}
