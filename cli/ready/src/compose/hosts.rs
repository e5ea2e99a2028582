//! Under which names services of a Compose file are found by others.

use std::collections::BTreeSet;

use msvc_system::yaml::Node;

use super::{Compose, Service};

/// The network of who names none.
const USUAL: &str = "default";

/// The names of a service beside its own, and those that it has for others.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// Its container's name, its host's name, its aliases; in lower case.
    names: BTreeSet<String>,
    /// What it calls others: the alias of a link in lower case, and the service.
    links: Vec<(String, String)>,
    /// The networks that it is in.
    networks: BTreeSet<String>,
}

impl Hosts {
    /// Those that a service's node declares.
    pub(super) fn of(node: &Node) -> Self {
        let networks = node.get("networks");
        let of_each = networks.map(Node::entries).unwrap_or_default();
        let aliases = of_each
            .iter()
            .flat_map(|(_, it)| it.get("aliases").map(Node::items).unwrap_or_default());
        let own = ["container_name", "hostname"].map(|key| node.get(key));
        let names = aliases.chain(own.into_iter().flatten());
        let links = node.get("links").map(Node::items).unwrap_or_default();
        let listed = networks.map(Node::items).unwrap_or_default();
        let keys = of_each.iter().map(|(key, _)| key.text.clone());
        let mut networks: BTreeSet<String> =
            keys.chain(listed.iter().filter_map(Node::text)).collect();
        if networks.is_empty() {
            networks.insert(USUAL.to_owned());
        }
        Self {
            names: names
                .filter_map(Node::text)
                .map(|it| it.to_lowercase())
                .collect(),
            links: links.iter().filter_map(link).collect(),
            networks,
        }
    }
}

/// `db:database` is the service `db`, called `database`.
fn link(node: &Node) -> Option<(String, String)> {
    let text = node.text()?;
    let (service, alias) = text.split_once(':')?;
    Some((alias.to_lowercase(), service.to_owned()))
}

impl Compose {
    /// Whom `client` finds under a host's name: the service that is called so, or the name in
    /// lower case, since names of hosts are the same in any.
    #[must_use]
    pub fn host(&self, client: &Service, host: &str) -> String {
        if host.contains('$') {
            return host.to_owned();
        }
        let host = host.to_lowercase();
        let linked = client.hosts.links.iter().find(|(alias, _)| *alias == host);
        if let Some((_, service)) = linked {
            return service.clone();
        }
        let is_it =
            |it: &&Service| it.name.to_lowercase() == host || it.hosts.names.contains(&host);
        let all: Vec<&Service> = self.services.iter().filter(is_it).collect();
        let is_near = |it: &&&Service| !it.hosts.networks.is_disjoint(&client.hosts.networks);
        let near: Vec<&Service> = all.iter().filter(is_near).copied().collect();
        match (all.as_slice(), near.as_slice()) {
            ([one], _) | (_, [one]) => one.name.clone(),
            // Several answer to it: who of them does cannot be told.
            _ => host,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use msvc_system::yaml;

    use super::*;
    use crate::compose::service;
    use crate::tree::Tree;

    #[test]
    fn a_service_is_found_by_each_of_its_names_and_by_no_others() {
        let text = "services:
  db: {image: a, container_name: Shop-DB, hostname: dbhost, networks: {back: {aliases: [store]}}}
  one: {image: a, networks: {a: {aliases: [data]}}}
  two: {image: a, networks: {b: {aliases: [data]}}}
  web: {build: ., links: ['db:database', 'db'], networks: [back, a]}
  far: {build: ., networks: [b]}
  all: {build: ., networks: [a, b]}
";
        let node = yaml::parse(Path::new("/r/compose.yaml"), text.as_bytes()).unwrap();
        let compose = Compose {
            path: "compose.yaml".to_owned(),
            services: service::all(&node, "compose.yaml", &Tree::default()),
            variants: Vec::new(),
            unread: Vec::new(),
        };
        let service = |name: &str| compose.services.iter().find(|it| it.name == name).unwrap();
        for (client, host, found) in [
            ("web", "DB", "db"),
            ("web", "shop-db", "db"),
            ("web", "dbhost", "db"),
            ("web", "Store", "db"),
            ("web", "database", "db"),
            ("far", "database", "database"),
            ("web", "data", "one"),
            ("far", "data", "two"),
            ("all", "data", "data"),
            ("web", "db.example.org", "db.example.org"),
            ("web", "${DB}", "${DB}"),
        ] {
            assert_eq!(
                compose.host(service(client), host),
                found,
                "{client} {host}"
            );
        }
    }
}
