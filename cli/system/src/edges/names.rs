//! Names that stand for services: their own, and those that the engine answers for them
//! (container names, host names, aliases on networks), and what one caller alone calls others.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use crate::id::ServiceName;
use crate::model::Service;
use crate::yaml::Node;

/// Whom each name means.
pub(super) struct Names<'a> {
    services: &'a IndexMap<ServiceName, Service>,
    /// An alias may be several services': any of them answers.
    others: HashMap<String, BTreeSet<&'a ServiceName>>,
}

impl<'a> Names<'a> {
    /// Of all services, each with what the tree says of it.
    pub(super) fn of(
        services: &'a IndexMap<ServiceName, Service>,
        nodes: &HashMap<&str, &Node>,
    ) -> Self {
        let mut others: HashMap<String, BTreeSet<&ServiceName>> = HashMap::new();
        for name in services.keys() {
            let aliases = nodes.get(name.as_str()).map(|node| aliases(node));
            for alias in aliases.unwrap_or_default() {
                others.entry(alias).or_default().insert(name);
            }
        }
        Self { services, others }
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
    pub(super) fn meant(&self, name: &str) -> Vec<&'a Service> {
        let service = self.links.get(name).copied().unwrap_or(name);
        if let Some(service) = self.names.services.get(service) {
            return vec![service];
        }
        let others = self.names.others.get(name).into_iter().flatten();
        others
            .filter_map(|name| self.names.services.get(*name))
            .collect()
    }

    /// Whether `name` means anybody.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.links.contains_key(name)
            || self.names.services.contains_key(name)
            || self.names.others.contains_key(name)
    }
}

fn aliases(node: &Node) -> Vec<String> {
    let mut names = Vec::new();
    for key in ["container_name", "hostname"] {
        names.extend(node.get(key).and_then(Node::as_str).map(str::to_owned));
    }
    let networks = node.get("networks").map(Node::entries).unwrap_or_default();
    for (_, network) in networks {
        let listed = network.get("aliases").map(Node::items).unwrap_or_default();
        names.extend(listed.iter().filter_map(Node::as_str).map(str::to_owned));
    }
    names
}
