//! Who calls whom: edges out of what the files say, each with every reason for it, and the ports
//! each service listens on as far as anything tells.
//!
//! What comes in: typed services. What leaves: their `listens` completed, and the edges. What
//! must not enter: anything observed at run time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

use crate::id::{Party, ServiceName};
use crate::model::{Call, Edge, EdgeReason, Protocol, Service};
use crate::problem::{Problem, Problems};
use crate::yaml::Node;

use find::Finder;
use names::Names;

mod command;
mod find;
mod names;
mod pairs;

/// Edges that a system may have; a mistake or an attack has more.
const MAX_EDGES: usize = 50_000;
/// Reasons that all edges together may have, for the same cause; each costs some 300 bytes.
const MAX_REASONS: usize = 300_000;

/// One place that names a callee.
#[derive(Debug)]
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
    let mut edges: IndexMap<(Party, ServiceName, Option<u16>), IndexSet<EdgeReason>> =
        IndexMap::new();
    // Of more the rest was not looked at.
    let mut known = if mentions.len() < MAX_REASONS {
        0
    } else {
        MAX_REASONS
    };
    for mention in mentions {
        let Some(callee) = services.get(&mention.callee) else {
            continue;
        };
        if mention.caller == Party::Service(mention.callee.clone()) {
            continue;
        }
        let one = mention.port.map(|port| vec![port]);
        // Order alone says nothing of ports: where the caller names some, those are meant.
        let orders = matches!(
            mention.reason,
            EdgeReason::DependsOn { .. } | EdgeReason::Links { .. }
        );
        let told = named.get(&(mention.caller.clone(), mention.callee.clone()));
        let told = told.filter(|_| orders);
        let ports = one.as_ref().or(told).unwrap_or(&callee.listens);
        // Nothing tells of a port, and yet one calls the other.
        let unknown = ports.is_empty().then_some(None);
        for port in ports.iter().copied().map(Some).chain(unknown) {
            let key = (mention.caller.clone(), mention.callee.clone(), port);
            edges.entry(key).or_default().insert(mention.reason.clone());
            known += 1;
        }
        if let Some(what) = too_many(edges.len(), known) {
            let problem = Problem::error(what).at(mention.reason.place().clone());
            problems.push(problem.hint("part the system among several projects"));
            break;
        }
    }
    edges
        .into_iter()
        .map(|((caller, callee, port), reasons)| Edge {
            caller,
            callee,
            port,
            reasons: reasons.into_iter().collect(),
        })
        .collect()
}

fn too_many(edges: usize, reasons: usize) -> Option<String> {
    if edges > MAX_EDGES {
        return Some(format!("the system has more than {MAX_EDGES} edges"));
    }
    let what = || format!("the system names its services more than {MAX_REASONS} times");
    (reasons >= MAX_REASONS).then(what)
}

/// The ports that each caller names of each callee, in the order of their naming.
fn named(mentions: &[Mention]) -> HashMap<(Party, ServiceName), Vec<u16>> {
    let mut named: HashMap<(Party, ServiceName), IndexSet<u16>> = HashMap::new();
    for mention in mentions {
        let Some(port) = mention.port else { continue };
        let key = (mention.caller.clone(), mention.callee.clone());
        named.entry(key).or_default().insert(port);
    }
    let listed = |(key, ports): (_, IndexSet<u16>)| (key, ports.into_iter().collect());
    named.into_iter().map(listed).collect()
}

fn mentions(tree: &Node, services: &IndexMap<ServiceName, Service>) -> Vec<Mention> {
    let mut all = Vec::new();
    for service in services.values() {
        all.extend(published(service));
    }
    let nodes = tree.entries_of("services");
    let nodes: HashMap<&str, &Node> = nodes
        .iter()
        .map(|(key, node)| (key.text.as_str(), node))
        .collect();
    let names = Names::of(services, &nodes);
    for service in services.values() {
        let mut keyed: HashMap<&str, HashMap<&str, &Call>> = HashMap::new();
        for call in &service.x_msvc.calls {
            if let Some(key) = &call.key {
                let of_key = keyed.entry(key).or_default();
                of_key.entry(call.service.as_str()).or_insert(call);
            }
        }
        Finder {
            names: names.seen_by(service),
            service,
            node: nodes.get(service.name.as_str()).copied(),
            configs: tree.get("configs"),
            keyed,
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
        let datagrams: HashSet<u16> = service.datagrams.iter().copied().collect();
        ports.extend(service.x_msvc.process.port.keys());
        for (port, by_file) in told.get(&service.name).into_iter().flatten() {
            let is_udp = datagrams.contains(port) && !by_file;
            if !is_udp && ports.insert(*port) && !by_file {
                service.told.push(*port);
            }
        }
        service.listens = ports.into_iter().collect();
    }
}

#[cfg(test)]
mod tests;
