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
    /// Of all services, out of the tree.
    pub(super) fn of(tree: &Node, services: &'a IndexMap<ServiceName, Service>) -> Self {
        let mut others: HashMap<String, BTreeSet<&ServiceName>> = HashMap::new();
        let nodes = tree.get("services");
        for name in services.keys() {
            let node = nodes.and_then(|all| all.get(name.as_str()));
            for alias in node.map(aliases).unwrap_or_default() {
                others.entry(alias).or_default().insert(name);
            }
        }
        Self { services, others }
    }

    /// Whom `name` means to `caller`: by a link of its own, else the service of that name, else
    /// whoever else answers to it.
    pub(super) fn meant(&self, caller: &Service, name: &str) -> Vec<&'a ServiceName> {
        let mut links = caller.links.iter();
        let link = links.find(|link| link.alias == name);
        let service = link.map_or(name, |link| link.service.as_str());
        if let Some((service, _)) = self.services.get_key_value(service) {
            return vec![service];
        }
        let others = self.others.get(name).into_iter().flatten();
        others.copied().collect()
    }

    /// The service of that name.
    pub(super) fn service(&self, name: &ServiceName) -> Option<&'a Service> {
        self.services.get(name)
    }

    /// Whether `name` means anybody to `caller`.
    pub(super) fn is_known(&self, caller: &Service, name: &str) -> bool {
        !self.meant(caller, name).is_empty()
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
