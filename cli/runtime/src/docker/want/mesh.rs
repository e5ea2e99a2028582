//! The mesh of a lane in containers: which edges, at which addresses, under which names, and the
//! containers that carry them.
//!
//! Every service that stands on a network with another, and whose ports are known, is called over
//! an edge, declared or not: each caller finds the callee's names in its own `/etc/hosts`, with the
//! address of its own edge. What cannot be carried is told.
//!
//! Layout: `edges` are what the mesh is given, `carrier` its containers, `openings` the host's
//! ports, `known_ports` those a service listens on (`said_ports` what it says of its own), `limits` what is not carried.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use msvc_system::id::{Party, ServiceName};
use msvc_system::model::Service;

use super::addresses::{Addresses, Subnet};
use super::networks::Place;
use super::value::text;
use super::{Names, networks};
use crate::docker::image::ImageFacts;

mod carrier;
mod edges;
mod known_ports;
mod limits;
mod openings;
mod said_ports;

pub use carrier::{Carrier, Door};
pub(crate) use carrier::{SERVICE, place_hash, place_name};
use known_ports::KnownPorts;
pub(super) use known_ports::listens;
pub(crate) use openings::OpeningAt;

/// What the mesh needs to be planned.
#[derive(Debug, Clone, Default)]
pub struct MeshWish {
    /// The range of each network that is made here, by its name in the engine.
    pub subnets: BTreeMap<String, Subnet>,
    /// The image of this program.
    pub image: ImageFacts,
    /// Addresses that are given already, by what they are given to: those stay.
    pub held: BTreeMap<String, BTreeSet<Ipv4Addr>>,
    /// The lane's mesh that runs: it is kept as it is.
    pub carrier: Option<Carrier>,
    /// The containers that open further ports to the host.
    pub doors: Vec<Door>,
}

/// The mesh of a lane.
pub(super) struct MeshPlan<'a> {
    names: &'a Names<'a>,
    wish: &'a MeshWish,
    /// All services of the system: an address does not depend on which of them run.
    services: Vec<&'a Service>,
    ports: BTreeMap<&'a ServiceName, KnownPorts>,
    addresses: BTreeMap<String, Addresses>,
}

/// A line of a caller's `/etc/hosts`.
pub(super) struct Known {
    /// `name:address`, as the engine takes it.
    pub(super) entry: String,
    /// Whether anybody says that this caller calls whose name it is.
    pub(super) is_declared: bool,
}

/// What a replica's address is given to.
pub(crate) fn replica_key(service: &str, replica: u32) -> String {
    format!("{service}/{replica}")
}

/// What an edge's address is given to.
pub(crate) fn edge_key(caller: &str, callee: &str) -> String {
    format!("{caller}->{callee}")
}

impl<'a> MeshPlan<'a> {
    pub(super) fn of(
        names: &'a Names<'a>,
        wish: &'a MeshWish,
        images: &BTreeMap<ServiceName, ImageFacts>,
    ) -> Self {
        let services: Vec<&Service> = names.system.services.values().collect();
        let mut ports: BTreeMap<&ServiceName, KnownPorts> = services
            .iter()
            .map(|service| (&service.name, KnownPorts::of(service, images)))
            .collect();
        // Who lives in another's network namespace listens at that one's addresses.
        for guest in &services {
            let host = networks::housed_by(guest).and_then(|host| names.system.service(host));
            if let Some(host) = host {
                let more = ports.get(&guest.name).cloned().unwrap_or_default();
                let all = ports.entry(&host.name).or_default();
                all.tcp.extend(more.tcp);
                all.udp.extend(more.udp);
            }
        }
        let mut plan = Self {
            names,
            wish,
            services,
            ports,
            addresses: BTreeMap::new(),
        };
        for (network, subnet) in &wish.subnets {
            let addresses = plan.give(network, *subnet);
            plan.addresses.insert(network.clone(), addresses);
        }
        plan
    }

    fn give(&self, network: &str, subnet: Subnet) -> Addresses {
        let here: Vec<&&Service> = self
            .services
            .iter()
            .filter(|service| self.stands_on(service, network))
            .collect();
        let mut keys = BTreeSet::from([SERVICE.to_owned()]);
        for one in &here {
            keys.extend((1..=one.replicas.max(1)).map(|n| replica_key(one.name.as_str(), n)));
            let others = here.iter().filter(|other| other.name != one.name);
            keys.extend(others.map(|other| edge_key(one.name.as_str(), other.name.as_str())));
        }
        Addresses::give(subnet, &self.taken(network), &keys, &self.wish.held)
    }

    fn places(&self, service: &Service) -> Vec<Place> {
        networks::places(self.names, service)
    }

    fn stands_on(&self, service: &Service, network: &str) -> bool {
        let places = self.places(service);
        places.iter().any(|place| place.name == network)
    }

    /// What the file fixes on a network: gateways, reserved addresses, services' own.
    fn taken(&self, network: &str) -> BTreeSet<Ipv4Addr> {
        let declared = self.names.system.networks.iter();
        let of_it = declared.filter(|(key, _)| self.names.network(key).0 == network);
        let of_it = of_it.flat_map(|(_, network)| &network.subnets);
        let fixed = of_it.flat_map(|subnet| {
            let reserved = subnet.reserved.values();
            reserved.chain(&subnet.gateway).cloned().collect::<Vec<_>>()
        });
        let places = self
            .services
            .iter()
            .flat_map(|service| self.places(service));
        let own = places
            .filter(|place| place.name == network)
            .filter_map(|place| place.settings.ipam_config?.ipv4_address);
        fixed
            .chain(own)
            .filter_map(|text| text.parse().ok())
            .collect()
    }

    /// Whether the network's edges are carried.
    pub(super) fn carries(&self, network: &str) -> bool {
        self.addresses.contains_key(network)
    }

    /// The range that a network is made with.
    pub(super) fn subnet(&self, network: &str) -> Option<Subnet> {
        self.wish.subnets.get(network).copied()
    }

    /// The address of a replica, where the file fixes none.
    pub(super) fn own(&self, service: &Service, replica: u32, network: &str) -> Option<Ipv4Addr> {
        let fixed = self
            .places(service)
            .into_iter()
            .find(|place| place.name == network)
            .and_then(|place| place.settings.ipam_config?.ipv4_address);
        match fixed {
            Some(fixed) => fixed.parse().ok(),
            None => self
                .addresses
                .get(network)?
                .of(&replica_key(service.name.as_str(), replica)),
        }
    }

    fn ports(&self, service: &Service) -> KnownPorts {
        self.ports.get(&service.name).cloned().unwrap_or_default()
    }

    /// The network on which `caller` calls `callee`, with the edge's address there.
    fn way(&self, caller: &Service, callee: &Service) -> Option<(String, Ipv4Addr)> {
        if caller.name == callee.name || self.ports(callee).is_empty() {
            return None;
        }
        let key = edge_key(caller.name.as_str(), callee.name.as_str());
        self.places(caller).into_iter().find_map(|place| {
            let there = self.stands_on(callee, &place.name);
            let address = self.addresses.get(&place.name)?.of(&key)?;
            there.then_some((place.name, address))
        })
    }

    /// The names that a caller knows callees by, each with those it may mean. One edge stands for
    /// a callee on all the networks that the two have in common.
    fn claims(&self, caller: &Service) -> BTreeMap<String, BTreeMap<&ServiceName, Ipv4Addr>> {
        let mut claims: BTreeMap<String, BTreeMap<&ServiceName, Ipv4Addr>> = BTreeMap::new();
        let common: Vec<String> = self.places(caller).into_iter().map(|it| it.name).collect();
        let mut own = BTreeSet::from([caller.name.to_string()]);
        own.extend(hostname(caller));
        for network in &common {
            own.extend(self.names_of(caller, network));
        }
        for callee in &self.services {
            let Some((_, address)) = self.way(caller, callee) else {
                continue;
            };
            for network in common.iter().filter(|it| self.stands_on(callee, it)) {
                for name in self.names_of(callee, network) {
                    for name in [format!("{name}.{network}"), name] {
                        let meant = claims.entry(name).or_default();
                        meant.insert(&callee.name, address);
                    }
                }
            }
        }
        // What it calls itself is itself.
        claims.retain(|name, _| !own.contains(name));
        // A link means the one it names, whoever else has that name.
        for link in &caller.links {
            let linked = self.services.iter().find(|it| it.name == link.service);
            let way = linked.and_then(|linked| Some((&linked.name, self.way(caller, linked)?.1)));
            claims.extend(way.map(|way| (link.alias.clone(), [way].into())));
        }
        claims
    }

    /// What stands in a caller's `/etc/hosts`. A name that several services have is left to the
    /// engine.
    pub(super) fn hosts(&self, caller: &Service) -> Vec<Known> {
        let party = Party::Service(caller.name.clone());
        let edges = &self.names.system.edges;
        let is_declared = |callee: &ServiceName| {
            edges
                .iter()
                .any(|e| e.caller == party && e.callee == *callee)
        };
        self.claims(caller)
            .into_iter()
            .filter(|(_, meant)| meant.len() == 1)
            .flat_map(|(name, meant)| {
                meant
                    .into_iter()
                    .map(move |(callee, address)| (name.clone(), callee, address))
            })
            .map(|(name, callee, address)| Known {
                entry: format!("{name}:{address}"),
                is_declared: is_declared(callee),
            })
            .collect()
    }

    /// Every name by which the engine would find a service on a network, but for those of single
    /// replicas: an edge leads to any of them. A fixed name that is another service's means that
    /// one.
    fn names_of(&self, service: &Service, network: &str) -> BTreeSet<String> {
        let mut places = self.places(service).into_iter();
        let place = places.find(|place| place.name == network);
        let aliases = place.and_then(|place| place.settings.aliases);
        let is_one = service.replicas == 1;
        let containers = is_one.then(|| self.names.container(service, 1));
        aliases
            .unwrap_or_default()
            .into_iter()
            .chain(containers)
            .chain(hostname(service))
            .filter(|name| {
                *name == service.name.as_str() || self.names.system.service(name).is_none()
            })
            .collect()
    }

    /// The first carried network of a service.
    fn network_of(&self, service: &Service) -> Option<String> {
        let places = self.places(service).into_iter();
        places
            .map(|place| place.name)
            .find(|name| self.carries(name))
    }
}

fn hostname(service: &Service) -> Option<String> {
    let field = service.other_fields.get("hostname")?;
    text(&field.value)
}
