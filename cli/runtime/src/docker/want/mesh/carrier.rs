//! The containers that carry a lane's edges: the mesh, and a door for each of the host's ports
//! that came to be while it ran. A mesh that runs is never made anew: live edges pass it.
//!
//! The ports that the host reaches lead to listeners of the mesh, numbered from 20000: through its
//! own container where that was made with them, else through a door, which is this program too.

use std::collections::{BTreeSet, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkingConfig,
    PortBinding, RestartPolicyNameEnum,
};
use msvc_system::id::ServiceName;
use serde_json::{Value, json};

use super::super::ports::written;
use super::super::value::sorted;
use super::MeshPlan;
use super::openings::{By, Led, Opening, OpeningAt, opening_at};
use crate::docker::labels::{self, compose};
use crate::instance::ContainerProgram;
use crate::lane::fill::hex;
use crate::provision::{Kind, Provision};

/// The name of the mesh among a project's services; no service has it.
pub(crate) const SERVICE: &str = msvc_system::id::MESH;

/// The first port of the mesh's container that carries one of the host's.
pub(super) const FIRST_PORT: u16 = 20_000;

/// The mesh's own number among its project's carriers; the doors' come after it.
const OWN_NUMBER: u16 = 1;

/// A mesh's container that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) openings: Vec<OpeningAt>,
}

/// A container that opens one more port to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its own among its project's carriers.
    pub(crate) number: u16,
    pub(crate) opening: OpeningAt,
}

impl MeshPlan<'_> {
    /// The mesh's containers; none when there is no edge for them to carry.
    pub(in super::super) fn provisions(
        &self,
        chosen: &BTreeSet<ServiceName>,
        networks: &[Provision],
    ) -> Vec<Provision> {
        let on = self.on(chosen);
        let Some(first) = on.first() else {
            return Vec::new();
        };
        let openings = self.openings(chosen);
        let Some(carrier) = &self.wish.carrier else {
            return vec![self.mesh(&on, &openings, networks)];
        };
        let mut provisions = vec![Provision {
            kind: Kind::Mesh,
            name: carrier.name.clone(),
            hash: carrier.hash.clone(),
            create: Value::Null,
        }];
        provisions.extend(
            on.iter()
                .map(|network| self.place_of(carrier, network, networks)),
        );
        let doors = openings.iter().filter_map(|led| match led.by {
            By::Mesh(_) => None,
            By::Door(number) => self.door(number, led, first, networks),
        });
        provisions.extend(doors);
        provisions
    }

    /// The networks that the mesh stands on; the first leads the host's ports in.
    fn on(&self, chosen: &BTreeSet<ServiceName>) -> Vec<&String> {
        let mut on: Vec<&String> = self.addresses.keys().collect();
        on.retain(|name| {
            let mut services = self.services.iter().filter(|it| chosen.contains(&it.name));
            services.any(|service| self.stands_on(service, name))
        });
        // Only from a network with a way out the host's ports lead in.
        on.sort_by_key(|name| self.is_internal(name));
        on
    }

    fn mesh(&self, on: &[&String], led: &[Led<'_>], networks: &[Provision]) -> Provision {
        let name = self.name(OWN_NUMBER);
        let openings = led.iter().map(|it| (it.at, it.opening.clone()));
        let openings: Vec<(u16, Opening)> = openings.collect();
        let opened: Vec<Value> = openings
            .iter()
            .map(|(at, it)| opening_at(*at, it))
            .collect();
        let label = (labels::MESH, Value::Array(opened).to_string());
        let words = vec!["internal-mesh".to_owned()];
        let labels = self.labels(OWN_NUMBER, label);
        let body = self.body(words, on, true, &openings, labels);
        let joins = on
            .iter()
            .skip(1)
            .map(|name| {
                let settings = serde_json::to_value(self.place(name)).unwrap_or_default();
                ((*name).clone(), sorted(settings))
            })
            .collect();
        provision(Kind::Mesh, name, body, joins, &hashes(on, networks))
    }

    /// The name of a carrier's container.
    fn name(&self, number: u16) -> String {
        format!("{}-{SERVICE}-{number}", self.names.project)
    }

    /// A door's container: what comes to its port goes on to the mesh's.
    fn door(
        &self,
        number: u16,
        Led { at, opening, .. }: &Led<'_>,
        first: &String,
        networks: &[Provision],
    ) -> Option<Provision> {
        let name = self.name(number);
        let mesh = self.addresses.get(first)?.of(SERVICE)?;
        let words = ["internal-mesh", "door", &format!("{mesh}:{at}")];
        let words = words.map(str::to_owned).into();
        let openings = [(*at, opening.clone())];
        let label = (labels::DOOR, opening_at(*at, opening).to_string());
        let on = [first];
        let labels = self.labels(number, label);
        let body = self.body(words, &on, false, &openings, labels);
        let hashes = hashes(&on, networks);
        Some(provision(Kind::Door, name, body, Vec::new(), &hashes))
    }

    fn body(
        &self,
        words: Vec<String>,
        on: &[&String],
        is_mesh: bool,
        openings: &[(u16, Opening)],
        labels: HashMap<String, String>,
    ) -> ContainerCreateBody {
        let bindings = bindings(openings);
        let image = &self.wish.image;
        let program = image.program.clone().unwrap_or_default();
        let exposed: BTreeSet<String> = bindings.keys().cloned().collect();
        let first = on.first().map(|it| (*it).clone());
        ContainerCreateBody {
            image: Some(image.reference.clone()),
            cmd: Some(std::iter::once(program).chain(words).collect()),
            hostname: Some(SERVICE.to_owned()),
            exposed_ports: Some(exposed.into_iter().collect()),
            host_config: Some(HostConfig {
                // The mesh holds the edges' addresses in its own network namespace.
                cap_add: is_mesh.then(|| vec!["NET_ADMIN".to_owned()]),
                network_mode: first.clone(),
                port_bindings: Some(bindings),
                // A name that the engine does not know is asked of nobody else.
                dns_options: Some(vec!["ndots:1".to_owned()]),
                restart_policy: Some(bollard::models::RestartPolicy {
                    name: Some(RestartPolicyNameEnum::ALWAYS),
                    maximum_retry_count: None,
                }),
                ..HostConfig::default()
            }),
            // Nobody calls a door by its address: the engine gives it one.
            networking_config: first.filter(|_| is_mesh).map(|first| NetworkingConfig {
                endpoints_config: Some([(first.clone(), self.place(&first))].into()),
            }),
            labels: Some(labels),
            ..ContainerCreateBody::default()
        }
    }

    /// The mesh's place on a network that it was not made with, or has lost.
    fn place_of(&self, carrier: &Carrier, network: &str, networks: &[Provision]) -> Provision {
        let settings = serde_json::to_value(self.place(network)).unwrap_or_default();
        let address = self.addresses.get(network).and_then(|it| it.of(SERVICE));
        let address = address.map(|it| it.to_string()).unwrap_or_default();
        let made = networks
            .iter()
            .find(|it| it.kind == Kind::Network && it.name == network);
        let made = made.map(|it| it.hash.as_str()).unwrap_or_default();
        Provision {
            kind: Kind::Place,
            name: place_name(&carrier.name, network),
            hash: place_hash(&address, made),
            create: json!({
                "container": carrier.name,
                "network": network,
                "settings": sorted(settings),
            }),
        }
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

    /// Compose's labels too: its `ps` shows a carrier with the ports it opens, its `down` takes it.
    fn labels(&self, number: u16, label: (&str, String)) -> HashMap<String, String> {
        let (system, options) = (self.names.system, self.names.options);
        let mut labels: HashMap<String, String> =
            labels::of_lane(&options.project, &options.lane, &system.root)
                .into_iter()
                .collect();
        let own = [
            (compose::SERVICE, SERVICE.to_owned()),
            (compose::NUMBER, number.to_string()),
            (compose::ONE_OFF, "False".to_owned()),
            (compose::FILES, labels::files(system)),
            label,
        ];
        labels.extend(own.map(|(key, value)| (key.to_owned(), value)));
        labels
    }
}

/// The name of a mesh's place on a network.
pub(crate) fn place_name(mesh: &str, network: &str) -> String {
    format!("{mesh} on {network}")
}

/// What a mesh's place on a network is told by.
pub(crate) fn place_hash(address: &str, network: &str) -> String {
    format!("{address} {network}")
}

fn bindings(openings: &[(u16, Opening)]) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for (at, opening) in openings {
        let published = opening.asked().map(|it| written(&it));
        let binding = PortBinding {
            host_ip: Some(opening.ip.clone()),
            host_port: Some(published.unwrap_or_default()),
        };
        let of_it = bindings.entry(format!("{at}/tcp")).or_default();
        of_it.get_or_insert_default().push(binding);
    }
    bindings
}

fn hashes(on: &[&String], networks: &[Provision]) -> Vec<String> {
    let networks = networks.iter();
    networks
        .filter(|it| it.kind == Kind::Network && on.contains(&&it.name))
        .map(|it| it.hash.clone())
        .collect()
}

fn provision(
    kind: Kind,
    name: String,
    body: ContainerCreateBody,
    joins: Vec<(String, Value)>,
    networks: &[String],
) -> Provision {
    let program = ContainerProgram {
        name: name.clone(),
        create: sorted(serde_json::to_value(body).unwrap_or_default()),
        joins,
        files: Vec::new(),
        platform: None,
    };
    let mut create = serde_json::to_value(&program).unwrap_or_default();
    // Another build of this program does as well.
    let mut told = create.clone();
    told["create"]["Image"] = Value::Null;
    labels::forget_files(&mut told["create"]);
    let hash = hex(format!("{told} {networks:?}").as_bytes());
    // Compose takes no container for its own that does not carry its hash too.
    for label in [labels::HASH, compose::CONFIG_HASH] {
        create["create"]["Labels"][label] = Value::from(hash.as_str());
    }
    Provision {
        kind,
        name,
        hash,
        create,
    }
}
