//! The edges of a lane: who calls whom, where each listens, and where it leads.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use msvc_mesh::spec::{Admission, Backend, EdgeSpec, HostPort, Transport};
use msvc_report::event::Entry;
use msvc_system::id::{EdgeId, Party, ServiceName};
use msvc_system::model::{Protocol, PublishedPort};
use msvc_system::problem::{Problem, Problems};

use super::{Publish, Survey, field};
use crate::ports::{Book, Slot, Want};

/// Ports on which nobody speaks HTTP.
const NO_HTTP: [u16; 17] = [
    22, 25, 53, 389, 587, 1433, 1521, 1883, 2525, 3306, 4222, 5432, 5672, 6379, 9092, 27017, 50051,
];

/// An edge before its addresses are known.
#[derive(Debug)]
pub(crate) struct WantedEdge {
    caller: Party,
    callee: ServiceName,
    port: u16,
    reasons: Vec<String>,
    admission: Admission,
    /// How the host reaches it, when it is published.
    published: Option<Published>,
}

#[derive(Debug)]
struct Published {
    key: String,
    want: Want,
}

/// The key in the book of an edge's address. Edges to several ports of one callee share it, so
/// that a bare host name is right for each of them.
pub(crate) fn edge_key(lane: &str, caller: &Party, replica: Option<u32>, callee: &str) -> String {
    let replica = replica.map_or_else(String::new, |replica| format!("/{replica}"));
    format!("{lane}/{}{replica}->{callee}", caller.key())
}

/// The keys in the book of a published port: as the file says, and on any free port.
pub(crate) fn published_keys(lane: &str, service: &str, port: u16) -> [String; 2] {
    let key = format!("{lane}/{}->{service}:{port}", Party::Client.key());
    let any = format!("{key} any");
    [key, any]
}

/// Every edge that the chosen services need.
pub(crate) fn edges(survey: &Survey<'_>, problems: &mut Problems) -> Vec<WantedEdge> {
    let mut edges = Edges {
        survey,
        edges: Vec::new(),
    };
    for edge in &survey.system.edges {
        // Where no port is known there is nothing to listen on.
        let (Party::Service(caller), Some(port)) = (&edge.caller, edge.port) else {
            continue;
        };
        if survey.chosen.contains(caller) {
            let reasons = edge.reasons.iter().map(ToString::to_string);
            edges.add(edge.caller.clone(), &edge.callee, port, reasons);
        }
    }
    for name in &survey.chosen {
        let Some(draft) = survey.drafts.get(name) else {
            continue;
        };
        for (spot, references) in &draft.spots {
            for reference in references {
                for port in &reference.ports {
                    let reason = std::iter::once(spot.at.to_string());
                    let caller = Party::Service(name.clone());
                    edges.add(caller, &reference.callee, *port, reason);
                }
            }
        }
    }
    for further in &survey.options.further_edges {
        let ports = match (further.port, survey.drafts.get(&further.callee)) {
            (Some(port), _) => vec![port],
            (None, Some(draft)) => draft.ways.keys().copied().collect(),
            (None, None) => Vec::new(),
        };
        for port in ports {
            let reason = std::iter::once(further.caller.shown().to_owned());
            edges.add(further.caller.clone(), &further.callee, port, reason);
        }
    }
    edges.published(problems);
    edges.without_network(problems);
    edges.edges
}

struct Edges<'a> {
    survey: &'a Survey<'a>,
    edges: Vec<WantedEdge>,
}

impl Edges<'_> {
    fn add(
        &mut self,
        caller: Party,
        callee: &ServiceName,
        port: u16,
        reasons: impl Iterator<Item = String>,
    ) {
        // Who lives in another's namespace calls and is called as that one.
        let names = &self.survey.names;
        let callee = names.home(callee);
        let caller = match caller {
            Party::Service(name) => Party::Service(names.home(&name).clone()),
            other => other,
        };
        if caller.key() == callee.as_str() {
            return;
        }
        let there = self
            .edges
            .iter()
            .position(|edge| edge.caller == caller && edge.callee == *callee && edge.port == port);
        let index = there.unwrap_or_else(|| {
            self.edges.push(WantedEdge {
                caller,
                callee: callee.clone(),
                port,
                reasons: Vec::new(),
                admission: self.admission(callee),
                published: None,
            });
            self.edges.len() - 1
        });
        for reason in reasons {
            if !self.edges[index].reasons.contains(&reason) {
                self.edges[index].reasons.push(reason);
            }
        }
    }

    /// Only who may be running is drafted: the others refuse.
    fn admission(&self, callee: &ServiceName) -> Admission {
        if self.survey.drafts.contains_key(callee) {
            Admission::Accept
        } else {
            Admission::Refuse
        }
    }

    fn published(&mut self, problems: &mut Problems) {
        let survey = self.survey;
        if survey.options.publish == Publish::Nothing {
            return;
        }
        for name in &survey.chosen {
            let Some(draft) = survey.drafts.get(name) else {
                continue;
            };
            let mut seen = BTreeSet::new();
            for port in &draft.service.ports {
                if port.protocol == Protocol::Udp {
                    continue;
                }
                if !seen.insert(port.target) {
                    problems.push(
                        Problem::error(format!(
                            "port {} of {name} is published more than once",
                            port.target
                        ))
                        .at(port.place.clone())
                        .hint("a client's edge has one place to listen; keep one of them"),
                    );
                    continue;
                }
                let reason = std::iter::once("ports".to_owned());
                self.add(Party::Client, name, port.target, reason);
                if let Some(edge) = self.edges.last_mut() {
                    edge.published = Some(published(survey, name, port, problems));
                }
            }
        }
    }

    /// Services without a network in common do not reach each other.
    fn without_network(&mut self, problems: &mut Problems) {
        for edge in &mut self.edges {
            let services = &self.survey.system.services;
            let caller = services.get(edge.caller.key());
            let (Some(caller), Some(callee)) = (caller, services.get(&edge.callee)) else {
                continue;
            };
            let networks = field::networks(callee);
            if field::networks(caller)
                .iter()
                .any(|network| networks.contains(network))
            {
                continue;
            }
            edge.admission = Admission::Refuse;
            problems.push(
                Problem::warning(format!(
                    "{} and {} have no network in common: the edge refuses",
                    caller.name, callee.name
                ))
                .at(caller.place.clone())
                .hint("give them one in `networks`"),
            );
        }
    }
}

fn published(
    survey: &Survey<'_>,
    service: &ServiceName,
    port: &PublishedPort,
    problems: &mut Problems,
) -> Published {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let ip = match port.host_ip.as_deref().map(str::parse::<IpAddr>) {
        None => localhost,
        Some(Ok(ip)) if ip.is_unspecified() => localhost,
        Some(Ok(ip)) => ip,
        Some(Err(_)) => {
            problems.push(
                Problem::error(format!(
                    "{service} is published at no address of this machine"
                ))
                .at(port.place.clone())
                .hint("write an address as `127.0.0.1:8080:8080`"),
            );
            localhost
        }
    };
    let lane = survey.options.lane.as_str();
    let [key, any] = published_keys(lane, service.as_str(), port.target);
    match (survey.options.publish, port.published) {
        (Publish::AsTheFileSays, Some(number)) => Published {
            key,
            want: Want::Exactly {
                address: SocketAddr::new(ip, number),
                last: port.published_to.unwrap_or(number),
                hint: format!(
                    "end what has it, or let {service} publish another port ({})",
                    port.place
                ),
            },
        },
        (Publish::AsTheFileSays, None) => Published {
            key: any,
            want: Want::FreePorts(ip),
        },
        (Publish::AnyFreePort | Publish::Nothing, _) => Published {
            key: any,
            want: Want::FreePorts(localhost),
        },
    }
}

impl WantedEdge {
    /// The replicas of the caller, each with a listener of its own.
    fn caller_replicas(&self, survey: &Survey<'_>) -> Vec<Option<u32>> {
        let Party::Service(caller) = &self.caller else {
            return vec![None];
        };
        let replicas = survey.household(caller).map(|draft| draft.service.replicas);
        match replicas.max() {
            Some(replicas) => (1..=replicas).map(Some).collect(),
            None => vec![None],
        }
    }

    fn key(&self, survey: &Survey<'_>, replica: Option<u32>) -> String {
        match &self.published {
            Some(published) => published.key.clone(),
            None => edge_key(
                survey.options.lane.as_str(),
                &self.caller,
                replica,
                self.callee.as_str(),
            ),
        }
    }
}

/// What the edges need addresses for.
pub(crate) fn slots(survey: &Survey<'_>) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for edge in &survey.edges {
        let published = edge.published.as_ref();
        let want = published.map_or(Want::OwnAddress, |published| published.want.clone());
        for replica in edge.caller_replicas(survey) {
            let key = edge.key(survey, replica);
            match slots.iter_mut().find(|slot| slot.key == key) {
                Some(slot) => {
                    slot.ports.insert(edge.port);
                }
                None => slots.push(Slot {
                    key,
                    ports: [edge.port].into(),
                    want: want.clone(),
                }),
            }
        }
    }
    slots
}

/// Where a caller's replica finds a port of a callee.
pub(crate) fn listen_of(
    survey: &Survey<'_>,
    book: &Book,
    caller: &ServiceName,
    replica: u32,
    callee: &ServiceName,
    port: u16,
) -> Option<SocketAddr> {
    let caller = Party::Service(survey.names.home(caller).clone());
    let callee = survey.names.home(callee);
    let lane = survey.options.lane.as_str();
    let key = edge_key(lane, &caller, Some(replica), callee.as_str());
    book.address(&key, port)
}

/// The edges at their addresses.
pub(crate) fn specs(survey: &Survey<'_>, book: &Book) -> Vec<EdgeSpec> {
    let mut specs = Vec::new();
    for edge in &survey.edges {
        for replica in edge.caller_replicas(survey) {
            let Some(listen) = book.address(&edge.key(survey, replica), edge.port) else {
                continue;
            };
            specs.push(EdgeSpec {
                id: EdgeId {
                    lane: survey.options.lane.clone(),
                    caller: edge.caller.clone(),
                    callee: edge.callee.clone(),
                    port: edge.port,
                },
                caller_replica: replica,
                listen,
                backends: backends(survey, book, edge),
                admission: edge.admission,
                also_known_as: survey
                    .names
                    .of_service(&edge.callee)
                    .map(|name| HostPort {
                        host: name.to_owned(),
                        port: edge.port,
                    })
                    .collect(),
                reasons: edge.reasons.clone(),
                transport: Transport::Tcp,
            });
        }
    }
    specs
}

fn backends(survey: &Survey<'_>, book: &Book, edge: &WantedEdge) -> Vec<Backend> {
    if edge.admission == Admission::Refuse {
        return Vec::new();
    }
    let callee = survey.household(&edge.callee);
    let listening = callee.flat_map(|draft| {
        let replicas = 1..=draft.service.replicas;
        replicas.filter_map(|replica| draft.backend(survey, book, replica, edge.port))
    });
    listening.map(Backend::Tcp).collect()
}

/// How the host calls a port: as HTTP, unless nobody speaks that there.
pub(crate) fn url_of(port: u16, address: SocketAddr) -> String {
    match NO_HTTP.contains(&port) {
        true => address.to_string(),
        false => format!("http://{address}"),
    }
}

/// Where the host reaches published ports.
pub(crate) fn entries(edges: &[EdgeSpec]) -> Vec<Entry> {
    edges
        .iter()
        .filter(|edge| edge.id.caller == Party::Client)
        .map(|edge| Entry {
            service: edge.id.callee.clone(),
            port: edge.id.port,
            url: url_of(edge.id.port, edge.listen),
        })
        .collect()
}
