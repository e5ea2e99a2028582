//! What the mesh does not carry, with why.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::id::ServiceName;
use msvc_system::model::{Condition, Dependency, Protocol, Service};
use msvc_system::problem::Problem;

use super::MeshPlan;
use crate::lane::Publish;
use crate::names::home::housed_by;

/// The fields that name whose namespace is shared, beside its network.
const SHARED: [&str; 4] = ["ipc", "pid", "uts", "cgroup"];

impl MeshPlan<'_> {
    /// What is not carried of the services that run.
    pub(in super::super) fn not_carried(&self, chosen: &BTreeSet<ServiceName>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let fixed = self.fixed();
        for service in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            let whys = [
                self.namespace(service),
                self.off_the_mesh(service),
                self.published_datagrams(service),
                self.addresses_written(service, &fixed),
                self.shared_names(service),
                self.single_replicas(service),
                self.unknown_ports(service),
            ];
            for why in whys.into_iter().flatten() {
                let what = format!("not carried by the mesh: {}: {why}", service.name);
                problems.push(Problem::warning(what).at(service.place.clone()));
            }
        }
        problems.extend(self.without_room());
        problems.extend(self.held_still(chosen));
        problems
    }

    fn namespace(&self, service: &Service) -> Option<String> {
        let mode = service.other_fields.get("network_mode")?.value.as_str()?;
        match mode {
            "host" => Some("it uses the host's own network".to_owned()),
            "none" => Some("it has no network".to_owned()),
            other if other.starts_with("container:") => {
                Some("it lives in the network namespace of a container of others".to_owned())
            }
            _ => None,
        }
    }

    fn off_the_mesh(&self, service: &Service) -> Option<String> {
        let off = self
            .places(service)
            .iter()
            .find(|it| !self.carries(&it.name))?;
        Some(format!(
            "network {} is not msvc's own, not a bridge, or has too few addresses",
            off.name
        ))
    }

    fn published_datagrams(&self, service: &Service) -> Option<String> {
        let is_published = self.names.options.publish != Publish::Nothing;
        let mut ports = service.ports.iter();
        let udp = ports.find(|port| port.protocol == Protocol::Udp)?;
        is_published.then(|| format!("the host's calls to its UDP port {}", udp.target))
    }

    /// An address written into settings goes past every name.
    fn addresses_written(
        &self,
        service: &Service,
        fixed: &BTreeMap<&str, Vec<&Service>>,
    ) -> Option<String> {
        let environment = service.environment.iter();
        let said = environment.map(|(key, value)| (key.as_str(), value.value.as_str()));
        let words = [&service.command, &service.entrypoint];
        let words = words.into_iter().flatten().flatten();
        let said: Vec<(&str, &str)> = said
            .chain(words.map(|word| ("command", word.as_str())))
            .collect();
        let named = said.iter().flat_map(|(place, text)| {
            let owners = numbers(text).filter_map(|it| Some((it, fixed.get(it)?)));
            owners.flat_map(move |(it, owners)| owners.iter().map(move |of| (*of, it, *place)))
        });
        let others = named.filter(|(other, ..)| other.name != service.name);
        let (other, address, place) =
            others.min_by_key(|(other, ..)| self.number(other.name.as_str()))?;
        Some(format!(
            "its calls to {address}, the address of {} that `{place}` names",
            other.name
        ))
    }

    /// The addresses that the file fixes, with whose they are.
    fn fixed(&self) -> BTreeMap<&str, Vec<&Service>> {
        let mut fixed: BTreeMap<&str, Vec<&Service>> = BTreeMap::new();
        for service in &self.services {
            for place in self.places(service) {
                let own = place.settings.ipam_config.as_ref();
                if let Some(own) = own.and_then(|it| it.ipv4_address.as_deref()) {
                    fixed.entry(own).or_default().push(service);
                }
            }
        }
        fixed
    }

    /// Who is depended on is called, as a rule; without a port nobody knows where.
    fn unknown_ports(&self, caller: &Service) -> Option<String> {
        let mut unknown = caller.depends_on.iter().filter(|it| {
            let callee = self.names.system.service(it.service.as_str());
            let is_job = it.condition == Condition::ServiceCompletedSuccessfully;
            let is_called = !is_job && !self.only_shares(caller, it);
            is_called && callee.is_some_and(|callee| self.ports(callee).is_none())
        });
        let callee = &unknown.next()?.service;
        Some(format!(
            "its calls to {callee}, if there are any: nothing names a port of it (`expose`, EXPOSE, its \
             settings, command or healthcheck)"
        ))
    }

    /// Whether a service waits for another only since it has something of it: its processes, memory or
    /// volumes; or its network, where nobody is called over one.
    fn only_shares(&self, caller: &Service, it: &Dependency) -> bool {
        let callee = it.service.as_str();
        let is_in_its_network = housed_by(caller) == Some(callee);
        let namespaces = SHARED.into_iter().filter_map(|field| {
            let text = caller.other_fields.get(field)?.value.as_str()?;
            text.strip_prefix("service:")
        });
        let lenders = caller.other_fields.get("volumes_from");
        let lenders = lenders.and_then(|it| it.value.as_array());
        let lenders = lenders.into_iter().flatten();
        let lenders = lenders.filter_map(|it| it.as_str()?.split(':').next());
        let mut shared = namespaces.chain(lenders);
        let written = &self.names.system.written;
        let is_said = || {
            let field = format!("depends_on/{callee}");
            written.field(caller.name.as_str(), &field).is_some()
                || caller.links.iter().any(|it| it.service.as_str() == callee)
        };
        is_in_its_network || (shared.any(|it| it == callee) && !is_said())
    }

    /// The engine knows each replica by its container's name; an edge leads to any of them.
    fn single_replicas(&self, service: &Service) -> Option<String> {
        let is_called = service.replicas > 1 && self.ports(service).is_some();
        is_called.then(|| {
            let one = self.names.container(service, 1);
            format!("calls to one replica by its container's name, as {one}")
        })
    }

    fn shared_names(&self, caller: &Service) -> Option<String> {
        let mut claims = self.claims(caller).into_iter();
        let (name, meant) = claims.find(|(name, meant)| meant.len() > 1 && !name.contains('.'))?;
        let meant: Vec<&str> = meant.keys().map(|it| it.as_str()).collect();
        Some(format!(
            "its calls to {name}, a name that {} share",
            meant.join(" and ")
        ))
    }
}

/// The numbers with dots of a text, each whole.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn an_address_is_named_whole() {
        let names = |text: &str, address: &str| numbers(text).any(|it| it == address);
        assert!(names("http://10.0.0.7:80/x", "10.0.0.7"));
        assert!(!names("110.0.0.7", "10.0.0.7") && !names("10.0.0.77", "10.0.0.7"));
        assert!(!names("10.0.0.7.1", "10.0.0.7"));
    }
}
