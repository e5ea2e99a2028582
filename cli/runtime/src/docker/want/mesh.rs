//! The mesh of a lane in containers: which edges, at which addresses, under which names, and the
//! container that carries them.
//!
//! Every service that stands on a network with another, and whose ports are known, is called over
//! an edge, declared or not: each caller finds the callee's names in its own `/etc/hosts`, with the
//! address of its own edge. What cannot be carried is told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkingConfig,
    PortBinding, RestartPolicyNameEnum,
};
use msvc_mesh::spec::{Admission, Backend, EdgeSpec, HostPort, Transport};
use msvc_system::id::{EdgeId, Party, ServiceName};
use msvc_system::model::{Protocol, Service};
use msvc_system::problem::Problem;
use serde_json::{Value, json};

use super::addresses::{Addresses, Subnet};
use super::value::{sorted, text, texts};
use super::{Names, networks};
use crate::docker::image::ImageFacts;
use crate::docker::labels::{self, Opened, compose};
use crate::instance::ContainerProgram;
use crate::lane::Publish;
use crate::lane::fill::hex;
use crate::provision::{Kind, Provision};

/// The name of the mesh among a project's services; no service has it.
pub(crate) const SERVICE: &str = "msvc-mesh";

/// The first port of the mesh's container that carries one of the host's.
const FIRST_PORT: u16 = 20_000;

/// What the mesh needs to be planned.
#[derive(Debug, Clone)]
pub struct MeshWish {
    /// The range of each network that is made here, by its name in the engine.
    pub subnets: BTreeMap<String, Subnet>,
    /// The image of this program.
    pub image: ImageFacts,
}

/// The mesh of a lane.
pub(super) struct MeshPlan<'a> {
    names: &'a Names<'a>,
    wish: &'a MeshWish,
    /// All services of the system: an address does not depend on which of them run.
    services: Vec<&'a Service>,
    ports: BTreeMap<&'a ServiceName, BTreeSet<u16>>,
    addresses: BTreeMap<String, Addresses>,
}

fn replica_key(service: &str, replica: u32) -> String {
    format!("{service}/{replica}")
}

fn edge_key(caller: &str, callee: &str) -> String {
    format!("{caller}->{callee}")
}

impl<'a> MeshPlan<'a> {
    pub(super) fn of(
        names: &'a Names<'a>,
        wish: &'a MeshWish,
        images: &BTreeMap<ServiceName, ImageFacts>,
    ) -> Self {
        let services: Vec<&Service> = names.system.services.values().collect();
        let ports = services
            .iter()
            .map(|service| (&service.name, ports_of(service, images)))
            .collect();
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
        Addresses::give(subnet, &self.taken(network), &keys)
    }

    fn stands_on(&self, service: &Service, network: &str) -> bool {
        let places = networks::places(self.names, service);
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
            .flat_map(|service| networks::places(self.names, service));
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
        let fixed = networks::places(self.names, service)
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

    /// The network on which `caller` calls `callee`, with the edge's address there.
    fn way(&self, caller: &Service, callee: &Service) -> Option<(String, Ipv4Addr)> {
        if caller.name == callee.name || self.ports.get(&callee.name)?.is_empty() {
            return None;
        }
        let key = edge_key(caller.name.as_str(), callee.name.as_str());
        networks::places(self.names, caller)
            .into_iter()
            .find_map(|place| {
                let there = self.stands_on(callee, &place.name);
                let address = self.addresses.get(&place.name)?.of(&key)?;
                there.then_some((place.name, address))
            })
    }

    /// What stands in a caller's `/etc/hosts`.
    pub(super) fn hosts(&self, caller: &Service) -> Vec<String> {
        let mut claims: BTreeMap<String, BTreeSet<Ipv4Addr>> = BTreeMap::new();
        for callee in &self.services {
            let Some((network, address)) = self.way(caller, callee) else {
                continue;
            };
            for name in self.names_of(callee, &network) {
                claims
                    .entry(format!("{name}.{network}"))
                    .or_default()
                    .insert(address);
                claims.entry(name).or_default().insert(address);
            }
        }
        claims.remove(caller.name.as_str());
        // A name that several services have is left to the engine.
        claims
            .into_iter()
            .filter(|(_, addresses)| addresses.len() == 1)
            .flat_map(|(name, addresses)| addresses.into_iter().map(move |a| format!("{name}:{a}")))
            .collect()
    }

    /// Every name by which the engine would find a service on a network. A fixed name that is
    /// another service's means that one.
    fn names_of(&self, service: &Service, network: &str) -> BTreeSet<String> {
        let places = networks::places(self.names, service);
        let place = places.into_iter().find(|place| place.name == network);
        let aliases = place
            .and_then(|place| place.settings.aliases)
            .unwrap_or_default();
        let containers =
            (1..=service.replicas).map(|replica| self.names.container(service, replica));
        let hostname = service.other_fields.get("hostname");
        let hostname = hostname.and_then(|field| text(&field.value));
        aliases
            .into_iter()
            .chain(containers)
            .chain(hostname)
            .filter(|name| {
                *name == service.name.as_str() || self.names.system.service(name).is_none()
            })
            .collect()
    }

    /// The edges of the services that run.
    pub(super) fn edges(&self, chosen: &BTreeSet<ServiceName>) -> Vec<EdgeSpec> {
        let mut edges = Vec::new();
        for caller in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            for callee in &self.services {
                let Some((network, address)) = self.way(caller, callee) else {
                    continue;
                };
                for port in self.ports.get(&callee.name).into_iter().flatten() {
                    let party = Party::Service(caller.name.clone());
                    let listen = SocketAddr::from((address, *port));
                    edges.push(self.edge(party, callee, *port, listen, &network));
                }
            }
        }
        for (number, (callee, port, party)) in self.opened(chosen).into_iter().enumerate() {
            let Some(network) = self.network_of(callee) else {
                continue;
            };
            let at = FIRST_PORT.saturating_add(u16::try_from(number).unwrap_or(u16::MAX));
            let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, at));
            edges.push(self.edge(party, callee, port, listen, &network));
        }
        edges
    }

    fn edge(
        &self,
        caller: Party,
        callee: &Service,
        port: u16,
        listen: SocketAddr,
        network: &str,
    ) -> EdgeSpec {
        let declared =
            self.names.system.edges.iter().find(|edge| {
                edge.caller == caller && edge.callee == callee.name && edge.port == port
            });
        let mut reasons: Vec<String> = declared
            .iter()
            .flat_map(|edge| &edge.reasons)
            .map(ToString::to_string)
            .collect();
        reasons.dedup();
        match caller {
            Party::Client => reasons = vec!["ports".to_owned()],
            Party::Verifier | Party::External => reasons = vec![caller.shown().to_owned()],
            Party::Service(_) => {}
        }
        let backends = (1..=callee.replicas)
            .filter_map(|replica| self.own(callee, replica, network))
            .map(|address| Backend::Tcp(SocketAddr::from((address, port))))
            .collect();
        let also_known_as = self.names_of(callee, network).into_iter();
        EdgeSpec {
            id: EdgeId {
                lane: self.names.options.lane.clone(),
                caller,
                callee: callee.name.clone(),
                port,
            },
            caller_replica: None,
            listen,
            backends,
            admission: Admission::Accept,
            also_known_as: also_known_as.map(|host| HostPort { host, port }).collect(),
            reasons,
            transport: Transport::Tcp,
        }
    }

    /// The first carried network of a service.
    fn network_of(&self, service: &Service) -> Option<String> {
        let places = networks::places(self.names, service).into_iter();
        places
            .map(|place| place.name)
            .find(|name| self.carries(name))
    }

    /// The ports that the host reaches, in a fixed order, with for whom.
    fn opened(&self, chosen: &BTreeSet<ServiceName>) -> Vec<(&'a Service, u16, Party)> {
        let options = self.names.options;
        let mut opened = Vec::new();
        for service in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            if options.publish != Publish::Nothing {
                let ports = service
                    .ports
                    .iter()
                    .filter(|it| it.protocol == Protocol::Tcp);
                opened.extend(ports.map(|port| (*service, port.target, Party::Client)));
            }
            for edge in options
                .further_edges
                .iter()
                .filter(|it| it.callee == service.name)
            {
                let all = self.ports.get(&service.name).cloned().unwrap_or_default();
                let ports = edge.port.map_or(all, |port| [port].into());
                opened.extend(
                    ports
                        .into_iter()
                        .map(|port| (*service, port, edge.caller.clone())),
                );
            }
        }
        opened.dedup_by_key(|(service, port, party)| (service.name.clone(), *port, party.clone()));
        opened.retain(|(service, ..)| self.network_of(service).is_some());
        opened
    }

    /// Whether the host reaches this service's ports over the mesh.
    pub(super) fn opens(&self, service: &Service) -> bool {
        self.network_of(service).is_some()
    }

    /// The mesh's container; none when there is no edge for it to carry.
    pub(super) fn provision(
        &self,
        chosen: &BTreeSet<ServiceName>,
        provisions: &[Provision],
    ) -> Option<Provision> {
        let mut on: Vec<&String> = self.addresses.keys().collect();
        let used = |name: &&String| {
            let mut services = self.services.iter().filter(|it| chosen.contains(&it.name));
            services.any(|service| self.stands_on(service, name))
        };
        on.retain(used);
        // Only from a network with a way out the host's ports lead in.
        on.sort_by_key(|name| self.is_internal(name));
        let first = on.first()?;
        let (bindings, opened) = self.bindings(chosen);
        let image = &self.wish.image;
        let name = format!("{}-{SERVICE}-1", self.names.project);
        let body = ContainerCreateBody {
            image: Some(image.reference.clone()),
            cmd: Some(vec![
                image.program.clone().unwrap_or_default(),
                "internal-mesh".to_owned(),
            ]),
            hostname: Some(SERVICE.to_owned()),
            exposed_ports: Some(
                bindings
                    .keys()
                    .cloned()
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect(),
            ),
            host_config: Some(HostConfig {
                cap_add: Some(vec!["NET_ADMIN".to_owned()]),
                network_mode: Some((*first).clone()),
                port_bindings: Some(bindings),
                restart_policy: Some(bollard::models::RestartPolicy {
                    name: Some(RestartPolicyNameEnum::ALWAYS),
                    maximum_retry_count: None,
                }),
                ..HostConfig::default()
            }),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some([((*first).clone(), self.place(first))].into()),
            }),
            labels: Some(self.labels(&opened)),
            ..ContainerCreateBody::default()
        };
        let joins = on
            .iter()
            .skip(1)
            .map(|name| {
                let settings = serde_json::to_value(self.place(name)).unwrap_or_default();
                ((*name).clone(), sorted(settings))
            })
            .collect();
        let program = ContainerProgram {
            name: name.clone(),
            create: sorted(serde_json::to_value(body).unwrap_or_default()),
            joins,
        };
        let hashes: Vec<&String> = provisions
            .iter()
            .filter(|it| it.kind == Kind::Network && on.contains(&&it.name))
            .map(|it| &it.hash)
            .collect();
        let create = serde_json::to_value(&program).unwrap_or_default();
        let hash = hex(format!("{create} {hashes:?}").as_bytes());
        let mut create = create;
        create["create"]["Labels"][labels::HASH] = Value::from(hash.as_str());
        Some(Provision {
            kind: Kind::Mesh,
            name,
            hash,
            create,
        })
    }

    fn is_internal(&self, network: &str) -> bool {
        let mut declared = self.names.system.networks.iter();
        declared.any(|(key, it)| it.internal && self.names.network(key).0 == network)
    }

    fn place(&self, network: &str) -> EndpointSettings {
        let address = self.addresses.get(network).and_then(|it| it.of(SERVICE));
        EndpointSettings {
            ipam_config: address.map(|address| EndpointIpamConfig {
                ipv4_address: Some(address.to_string()),
                ..EndpointIpamConfig::default()
            }),
            ..EndpointSettings::default()
        }
    }

    fn bindings(
        &self,
        chosen: &BTreeSet<ServiceName>,
    ) -> (
        std::collections::HashMap<String, Option<Vec<PortBinding>>>,
        Value,
    ) {
        let mut bindings = std::collections::HashMap::new();
        let mut opened = Vec::new();
        for (number, (service, port, party)) in self.opened(chosen).into_iter().enumerate() {
            let at = FIRST_PORT.saturating_add(u16::try_from(number).unwrap_or(u16::MAX));
            let asked = service.ports.iter().find(|it| it.target == port);
            let (ip, published) = match (&party, self.names.options.publish, asked) {
                (Party::Client, Publish::AsTheFileSays, Some(asked)) => {
                    (asked.host_ip.clone().unwrap_or_default(), asked.published)
                }
                _ => ("127.0.0.1".to_owned(), None),
            };
            let binding = PortBinding {
                host_ip: Some(ip),
                host_port: Some(published.map(|it| it.to_string()).unwrap_or_default()),
            };
            bindings.insert(format!("{at}/tcp"), Some(vec![binding]));
            let it = Opened {
                port,
                caller: party,
            };
            opened.push(json!({ "at": at, "service": service.name, "opened": it }));
        }
        (bindings, Value::Array(opened))
    }

    fn labels(&self, opened: &Value) -> std::collections::HashMap<String, String> {
        let (system, options) = (self.names.system, self.names.options);
        let mut labels: std::collections::HashMap<String, String> =
            labels::of_lane(&options.project, &options.lane, &system.root)
                .into_iter()
                .collect();
        let own = [
            (compose::SERVICE, SERVICE.to_owned()),
            (compose::NUMBER, "1".to_owned()),
            (compose::ONE_OFF, "False".to_owned()),
            (labels::MESH, opened.to_string()),
        ];
        labels.extend(own.map(|(key, value)| (key.to_owned(), value)));
        labels
    }

    /// What is not carried, with why.
    pub(super) fn not_carried(&self, chosen: &BTreeSet<ServiceName>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for service in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            let mode = service.other_fields.get("network_mode");
            let why = match mode.and_then(|mode| mode.value.as_str()) {
                Some("host") => Some("it uses the host's own network".to_owned()),
                Some(other) if other.starts_with("container:") => {
                    Some("it lives in the network namespace of a container of others".to_owned())
                }
                Some(_) => None,
                None => networks::places(self.names, service)
                    .into_iter()
                    .find(|place| !self.carries(&place.name))
                    .map(|place| {
                        format!(
                            "network {} is not msvc's own or has too few addresses",
                            place.name
                        )
                    }),
            };
            if let Some(why) = why {
                let what = format!("not carried by the mesh: {}: {why}", service.name);
                problems.push(Problem::warning(what).at(service.place.clone()));
            }
            if service
                .ports
                .iter()
                .any(|port| port.protocol == Protocol::Udp)
            {
                let what = format!("not carried by the mesh: {}: its UDP ports", service.name);
                problems.push(Problem::warning(what).at(service.place.clone()));
            }
        }
        problems
    }
}

/// The TCP ports that a service listens on, as far as file and image tell.
fn ports_of(service: &Service, images: &BTreeMap<ServiceName, ImageFacts>) -> BTreeSet<u16> {
    let exposed = images.get(&service.name).map(|facts| facts.exposed.clone());
    let field = service.other_fields.get("expose").map(|field| &field.value);
    let field = field.and_then(texts).unwrap_or_default();
    let field = field.iter().filter_map(|port| port.parse().ok());
    service
        .listens
        .iter()
        .copied()
        .chain(exposed.into_iter().flatten())
        .chain(field)
        .collect()
}
