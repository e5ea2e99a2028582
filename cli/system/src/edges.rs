//! Who calls whom: edges out of what the files say, each with every reason for it, and the ports
//! each service listens on as far as anything tells.
//!
//! What comes in: typed services. What leaves: their `listens` completed, and the edges. What
//! must not enter: anything observed at run time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use indexmap::IndexMap;

use crate::address::addresses;
use crate::id::{Party, ServiceName};
use crate::model::{Edge, EdgeReason, Placed, Protocol, Service};
use crate::problem::{Place, Problem, Problems};
use crate::setting_key::{is_no_address, says_host};
use crate::yaml::Node;

/// Edges that a system may have; a mistake or an attack has more.
const MAX_EDGES: usize = 50_000;

/// One place that names a callee.
struct Mention {
    caller: Party,
    callee: ServiceName,
    /// `None`: every port that the callee listens on.
    port: Option<u16>,
    reason: EdgeReason,
}

/// Completes `listens` of every service and returns the edges: the host's first, then each
/// service's in file order.
pub(crate) fn infer(
    tree: &Node,
    services: &mut IndexMap<ServiceName, Service>,
    problems: &mut Problems,
) -> Vec<Edge> {
    let mentions = mentions(tree, services);
    listens(services, &mentions);
    let named = named(&mentions);
    let mut edges: IndexMap<(Party, ServiceName, u16), Vec<EdgeReason>> = IndexMap::new();
    for mention in mentions {
        let Some(callee) = services.get(&mention.callee) else {
            continue;
        };
        if mention.caller == Party::Service(mention.callee.clone()) {
            continue;
        }
        let one = mention.port.map(|port| vec![port]);
        // Order alone says nothing of ports: where the caller names some, those are meant.
        let orders = matches!(mention.reason, EdgeReason::DependsOn { .. });
        let known = named.get(&(mention.caller.clone(), mention.callee.clone()));
        let known = known.filter(|_| orders);
        for port in one.as_ref().or(known).unwrap_or(&callee.listens) {
            let key = (mention.caller.clone(), mention.callee.clone(), *port);
            let reasons = edges.entry(key).or_default();
            if !reasons.contains(&mention.reason) {
                reasons.push(mention.reason.clone());
            }
        }
        if edges.len() > MAX_EDGES {
            let problem = Problem::error(format!("the system has more than {MAX_EDGES} edges"));
            problems.push(problem.at(mention.reason.place().clone()));
            break;
        }
    }
    edges
        .into_iter()
        .map(|((caller, callee, port), reasons)| Edge {
            caller,
            callee,
            port,
            reasons,
        })
        .collect()
}

/// The ports that each caller names of each callee, in the order of their naming.
fn named(mentions: &[Mention]) -> HashMap<(Party, ServiceName), Vec<u16>> {
    let mut named: HashMap<(Party, ServiceName), Vec<u16>> = HashMap::new();
    for mention in mentions {
        let Some(port) = mention.port else { continue };
        let key = (mention.caller.clone(), mention.callee.clone());
        let ports = named.entry(key).or_default();
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    named
}

fn mentions(tree: &Node, services: &IndexMap<ServiceName, Service>) -> Vec<Mention> {
    let mut all = Vec::new();
    for service in services.values() {
        all.extend(published(service));
    }
    for service in services.values() {
        Finder {
            services,
            service,
            node: tree
                .get("services")
                .and_then(|all| all.get(service.name.as_str())),
            all: &mut all,
        }
        .find();
    }
    all
}

fn published(service: &Service) -> impl Iterator<Item = Mention> + '_ {
    let tcp = service
        .ports
        .iter()
        .filter(|port| port.protocol == Protocol::Tcp);
    tcp.map(|port| Mention {
        caller: Party::Client,
        callee: service.name.clone(),
        port: Some(port.target),
        reason: EdgeReason::Published {
            place: port.place.clone(),
        },
    })
}

/// Adds the ports that services are told of, or named with, to what they listen on. An address does
/// not say what is spoken there: what the file opens for UDP alone is none of TCP.
fn listens(services: &mut IndexMap<ServiceName, Service>, mentions: &[Mention]) {
    let mut told: IndexMap<ServiceName, BTreeMap<u16, bool>> = IndexMap::new();
    for mention in mentions {
        let Some(port) = mention.port else { continue };
        let told = told.entry(mention.callee.clone()).or_default();
        let by_file = matches!(mention.reason, EdgeReason::Published { .. });
        *told.entry(port).or_default() |= by_file;
    }
    for service in services.values_mut() {
        let mut ports: BTreeSet<u16> = service.listens.iter().copied().collect();
        ports.extend(service.x_msvc.process.port.keys());
        for (port, by_file) in told.get(&service.name).into_iter().flatten() {
            let is_udp = service.datagrams.contains(port) && !by_file;
            if !is_udp && ports.insert(*port) && !by_file {
                service.told.push(*port);
            }
        }
        service.listens = ports.into_iter().collect();
    }
}

struct Finder<'a> {
    services: &'a IndexMap<ServiceName, Service>,
    service: &'a Service,
    /// The service in the tree, for the places of its commands.
    node: Option<&'a Node>,
    all: &'a mut Vec<Mention>,
}

impl Finder<'_> {
    fn find(&mut self) {
        let service = self.service;
        for call in &service.x_msvc.calls {
            let reason = EdgeReason::Calls {
                place: call.place.clone(),
            };
            self.mention(call.service.as_str(), call.port, reason);
        }
        for (key, value) in service
            .environment
            .iter()
            .chain(&service.x_msvc.process.environment)
        {
            self.setting(key, value);
        }
        let commands = [
            (&service.entrypoint, "/entrypoint"),
            (&service.command, "/command"),
            (&service.x_msvc.process.command, "/x-msvc/process/command"),
        ];
        for (words, pointer) in commands {
            let node = self.node.and_then(|node| node.at(pointer));
            let place = node.map_or(&service.place, |node| &node.place);
            self.words(words.as_deref().unwrap_or_default(), place);
        }
        for dependency in &service.depends_on {
            let reason = EdgeReason::DependsOn {
                place: dependency.place.clone(),
            };
            self.mention(dependency.service.as_str(), None, reason);
        }
    }

    fn mention(&mut self, callee: &str, port: Option<u16>, reason: EdgeReason) {
        if let Some((name, _)) = self.services.get_key_value(callee) {
            self.all.push(Mention {
                caller: Party::Service(self.service.name.clone()),
                callee: name.clone(),
                port,
                reason,
            });
        }
    }

    fn setting(&mut self, key: &str, value: &Placed<String>) {
        let calls = &self.service.x_msvc.calls;
        // A call that names the key says that it is an address, whatever the key is called.
        let said = calls.iter().any(|call| call.key.as_deref() == Some(key));
        if is_no_address(key) && !said && !value.value.contains("://") {
            return;
        }
        let reason = || EdgeReason::Environment {
            key: key.to_owned(),
            place: value.place.clone(),
        };
        let services = self.services;
        for address in addresses(&value.value, |name| services.contains_key(name)) {
            self.mention(address.service, address.meant_port(), reason());
        }
        for name in value.value.split(',').map(str::trim) {
            let called = calls
                .iter()
                .find(|call| call.service == *name && call.key.as_deref() == Some(key));
            if called.is_some() || says_host(key) {
                let port = called.and_then(|call| call.port);
                self.mention(name, port.or_else(|| self.port_beside(key)), reason());
            }
        }
    }

    /// The port in `DB_PORT` beside a `DB_HOST`.
    fn port_beside(&self, key: &str) -> Option<u16> {
        let at = key.rfind(['_', '-', '.']).map_or(0, |i| i + 1);
        let (stem, last) = key.split_at_checked(at)?;
        let port = if last.chars().any(|c| c.is_ascii_uppercase()) {
            "PORT"
        } else {
            "port"
        };
        let value = self.service.environment.get(&format!("{stem}{port}"))?;
        value.value.trim().parse().ok().filter(|port| *port > 0)
    }

    fn words(&mut self, words: &[String], place: &Place) {
        let services = self.services;
        let reason = || EdgeReason::Command {
            place: place.clone(),
        };
        let mut before = "";
        for word in words {
            for address in addresses(word, |name| services.contains_key(name)) {
                self.mention(address.service, address.meant_port(), reason());
            }
            // `--db-host db`, `-h db`, `--db-host=db`
            let (option, value) = match word.split_once('=') {
                Some((option, value)) => (option, value),
                None => (before, word.as_str()),
            };
            if option.starts_with('-') && (option == "-h" || says_host(option)) {
                self.mention(value, None, reason());
            }
            before = word;
        }
    }
}

#[cfg(test)]
mod tests;
