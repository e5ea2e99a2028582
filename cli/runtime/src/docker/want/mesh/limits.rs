//! What the mesh does not carry, with why.

use std::collections::BTreeSet;

use msvc_system::id::ServiceName;
use msvc_system::model::{Condition, Protocol, Service};
use msvc_system::problem::Problem;

use super::MeshPlan;
use crate::lane::Publish;

impl MeshPlan<'_> {
    /// What is not carried of the services that run.
    pub(in super::super) fn not_carried(&self, chosen: &BTreeSet<ServiceName>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for service in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            let whys = [
                self.namespace(service),
                self.off_the_mesh(service),
                self.published_datagrams(service),
                self.addresses_written(service),
                self.shared_names(service),
                self.single_replicas(service),
                self.unknown_ports(service),
            ];
            for why in whys.into_iter().flatten() {
                let what = format!("not carried by the mesh: {}: {why}", service.name);
                problems.push(Problem::warning(what).at(service.place.clone()));
            }
        }
        problems.extend(self.given_up(chosen));
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
            .into_iter()
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
    fn addresses_written(&self, service: &Service) -> Option<String> {
        let environment = service.environment.iter();
        let said = environment.map(|(key, value)| (key.as_str(), value.value.as_str()));
        let words = [&service.command, &service.entrypoint];
        let words = words.into_iter().flatten().flatten();
        let said: Vec<(&str, &str)> = said
            .chain(words.map(|word| ("command", word.as_str())))
            .collect();
        let others = self.services.iter().filter(|it| it.name != service.name);
        for other in others {
            for place in self.places(other) {
                let Some(fixed) = place.settings.ipam_config.and_then(|it| it.ipv4_address) else {
                    continue;
                };
                if let Some((place, _)) = said.iter().find(|(_, text)| names(text, &fixed)) {
                    return Some(format!(
                        "its calls to {fixed}, the address of {} that `{place}` names",
                        other.name
                    ));
                }
            }
        }
        None
    }

    /// Who is depended on is called, as a rule; without a port nobody knows where.
    fn unknown_ports(&self, caller: &Service) -> Option<String> {
        let mut unknown = caller.depends_on.iter().filter(|it| {
            let callee = self.names.system.service(it.service.as_str());
            let is_job = it.condition == Condition::ServiceCompletedSuccessfully;
            !is_job && callee.is_some_and(|callee| self.ports(callee).is_empty())
        });
        let callee = &unknown.next()?.service;
        Some(format!(
            "its calls to {callee}, if there are any: nothing names a port of it (`expose`, EXPOSE, its \
             settings, command or healthcheck)"
        ))
    }

    /// The engine knows each replica by its container's name; an edge leads to any of them.
    fn single_replicas(&self, service: &Service) -> Option<String> {
        let is_called = service.replicas > 1 && !self.ports(service).is_empty();
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

/// Whether a text names an address, and not a longer one.
fn names(text: &str, address: &str) -> bool {
    text.match_indices(address).any(|(at, _)| {
        let before = text.get(..at).and_then(|it| it.chars().next_back());
        let after = text.get(at + address.len()..);
        let after = after.and_then(|it| it.chars().next());
        let goes_on = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || c == '.');
        !goes_on(before) && !goes_on(after)
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn an_address_is_named_whole() {
        assert!(names("http://10.0.0.7:80/x", "10.0.0.7"));
        assert!(!names("110.0.0.7", "10.0.0.7") && !names("10.0.0.77", "10.0.0.7"));
        assert!(!names("10.0.0.7.1", "10.0.0.7"));
    }
}
