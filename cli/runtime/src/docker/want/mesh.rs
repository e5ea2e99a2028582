//! The mesh of a lane in containers: which edges, at which addresses, under which names, and the
//! containers that carry them.
//!
//! Every service that stands on a network with another, and whose ports are known, is called over
//! an edge, declared or not: each caller finds the callee's names in its own `/etc/hosts`, with the
//! address of its own edge. Where a network has no room for all pairs, those that nobody declares go
//! without. What cannot be carried is told.
//!
//! Layout: `pairs` are those that have an address, `hosts` the names they are called by, `edges` what
//! the mesh is given, `carrier` its containers, `openings` the host's ports, `known_ports` those a
//! service listens on (`said_ports` what it says of its own), `limits` what is not carried.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

use msvc_system::id::{Party, ServiceName};
use msvc_system::model::{Edge, Service};

use super::addresses::{Addresses, Subnet};
use super::networks::Place;
use super::{Names, networks};
use crate::docker::image::ImageFacts;

mod carrier;
mod edges;
mod hosts;
mod known_ports;
mod limits;
mod openings;
pub(in crate::docker) mod pairs;
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

impl MeshWish {
    /// The ports of the host that its containers have.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let own = self.carrier.iter().flat_map(|it| &it.openings);
        let doors = self.doors.iter().map(|it| &it.opening);
        own.chain(doors)
            .filter_map(|it| it.opening.asked())
            .flatten()
            .collect()
    }
}

/// The mesh of a lane.
pub(super) struct MeshPlan<'a> {
    names: &'a Names<'a>,
    wish: &'a MeshWish,
    /// All services of the system: an address does not depend on which of them run.
    services: Vec<&'a Service>,
    /// Where each of them stands.
    places: Vec<Vec<Place>>,
    ports: BTreeMap<&'a ServiceName, KnownPorts>,
    declared: HashMap<(&'a Party, &'a ServiceName), Vec<&'a Edge>>,
    addresses: BTreeMap<String, Addresses>,
    /// The ways of each service to others, these by their number.
    ways: Vec<BTreeMap<usize, Way<'a>>>,
    /// The services with known ports that a name stands for, on each network.
    called: HashMap<&'a str, HashMap<String, Vec<usize>>>,
    /// The networks without room for all pairs.
    full: Vec<pairs::Full>,
}

/// The network on which a caller calls a callee.
struct Way<'a> {
    network: &'a str,
    /// How far behind the caller's first network it is.
    nth: usize,
    /// The edge's address there.
    address: Ipv4Addr,
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
        let mut declared: HashMap<_, Vec<&Edge>> = HashMap::new();
        for edge in &names.system.edges {
            let pair = (&edge.caller, &edge.callee);
            declared.entry(pair).or_default().push(edge);
        }
        let of_each = services.iter();
        let places = of_each.map(|service| networks::places(names, service));
        let mut plan = Self {
            names,
            wish,
            places: places.collect(),
            ways: services.iter().map(|_| BTreeMap::new()).collect(),
            services,
            ports,
            declared,
            addresses: BTreeMap::new(),
            called: HashMap::new(),
            full: Vec::new(),
        };
        plan.give();
        plan.call();
        plan
    }

    /// Where a service is among all.
    fn number(&self, name: &str) -> Option<usize> {
        self.names.system.services.get_index_of(name)
    }

    fn places(&self, service: &Service) -> &[Place] {
        let number = self.number(service.name.as_str());
        let places = number.and_then(|number| self.places.get(number));
        places.map(Vec::as_slice).unwrap_or_default()
    }

    fn stands_on(&self, service: &Service, network: &str) -> bool {
        let mut places = self.places(service).iter();
        places.any(|place| place.name == network)
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
            .filter_map(|place| place.settings.ipam_config.as_ref()?.ipv4_address.clone());
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
            .iter()
            .find(|place| place.name == network)
            .and_then(|place| place.settings.ipam_config.as_ref()?.ipv4_address.as_ref());
        match fixed {
            Some(fixed) => fixed.parse().ok(),
            None => self
                .addresses
                .get(network)?
                .of(&replica_key(service.name.as_str(), replica)),
        }
    }

    fn ports(&self, service: &Service) -> Option<&KnownPorts> {
        let ports = self.ports.get(&service.name);
        ports.filter(|ports| !ports.is_empty())
    }

    /// The ways of a service to others, in the order of the file.
    fn ways(&self, caller: &Service) -> impl Iterator<Item = (&'a Service, &Way<'a>)> {
        let number = self.number(caller.name.as_str());
        let ways = number.and_then(|number| self.ways.get(number));
        let ways = ways.into_iter().flatten();
        ways.filter_map(|(callee, way)| Some((*self.services.get(*callee)?, way)))
    }

    /// The way of a service to another.
    fn way(&self, caller: &Service, callee: &Service) -> Option<&Way<'a>> {
        let (caller, callee) = (caller.name.as_str(), callee.name.as_str());
        self.ways
            .get(self.number(caller)?)?
            .get(&self.number(callee)?)
    }

    /// The first carried network of a service.
    fn network_of(&self, service: &Service) -> Option<String> {
        let mut places = self.places(service).iter();
        let carried = places.find(|place| self.carries(&place.name));
        carried.map(|place| place.name.clone())
    }
}
