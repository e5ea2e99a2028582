//! The networks of a lane, and how a container stands on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{
    EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkCreateRequest,
};
use msvc_system::fields::asks_nothing;
use msvc_system::model::{Network, Service};
use msvc_system::problem::Problem;
use serde_json::Value;

use super::addresses::Subnet;
use super::value::{number, pairs, sorted, text, texts};
use super::{MeshPlan, Names, Wish};
use crate::docker::engine::ApiVersion;
use crate::docker::labels;
use crate::fields::In;
use crate::lane::fill::hex;
use crate::provision::{Kind, Provision};

mod room;

pub(super) use room::too_small;

/// The option of the engine's that names a container's interface.
const INTERFACE_NAME: &str = "com.docker.network.endpoint.ifname";
/// What of a service's place on a network older engines drop.
const NEWER: [&str; 2] = ["gw_priority", "interface_name"];
/// What is asked of a network, and not of whom one stands in the network of.
const OF_A_NETWORK: [&str; 4] = ["dns", "extra_hosts", "hostname", "mac_address"];
/// Before that API a container has one address of hardware, on its main network.
const OWN_ADDRESSES: ApiVersion = ApiVersion(1, 44);

/// The engine's name for an address of hardware.
pub(in crate::docker) const MAC_ADDRESS: &str = "MacAddress";

/// A container's place on one network.
pub(super) struct Place {
    /// Its name in the engine.
    pub(super) name: String,
    pub(super) settings: EndpointSettings,
}

pub(super) use crate::names::home::housed_by;

/// The networks of the services that are made here.
pub(super) fn provisions(
    names: &Names<'_>,
    services: &[&Service],
    mesh: Option<&MeshPlan<'_>>,
) -> Vec<Provision> {
    let own = own(names, services).into_iter();
    own.map(|(key, name)| provision(names, &key, name, mesh))
        .collect()
}

/// Keys and names of the networks that are made here.
pub(in crate::docker) fn own(names: &Names<'_>, services: &[&Service]) -> Vec<(String, String)> {
    let keys: BTreeSet<String> = services
        .iter()
        .filter(|service| !service.other_fields.contains_key("network_mode"))
        .flat_map(|service| keys(service))
        .collect();
    keys.iter()
        .filter_map(|key| {
            let (name, is_external) = names.network(key);
            (!is_external).then(|| (key.clone(), name))
        })
        .collect()
}

fn provision(names: &Names<'_>, key: &str, name: String, mesh: Option<&MeshPlan<'_>>) -> Provision {
    let network = names.system.networks.get(key);
    let options = names.options;
    let mut labels: BTreeMap<String, String> = network
        .iter()
        .flat_map(|network| network.labels.clone())
        .chain(labels::of_lane(
            &options.project,
            &options.lane,
            &names.system.root,
        ))
        .collect();
    labels.insert(labels::compose::NETWORK.to_owned(), key.to_owned());
    let request = NetworkCreateRequest {
        name: name.clone(),
        driver: Some(driver(network)),
        internal: network.map(|network| network.internal),
        attachable: network.map(|network| network.attachable),
        enable_ipv6: network.map(|network| network.enable_ipv6),
        options: network.map(|network| network.options.clone().into_iter().collect()),
        ipam: match mesh.and_then(|mesh| mesh.subnet(&name)) {
            Some(subnet) => Some(carried(network, subnet)),
            None => network.and_then(ipam),
        },
        ..NetworkCreateRequest::default()
    };
    let mut create = sorted(serde_json::to_value(&request).unwrap_or_default());
    // Labels of msvc's say nothing of what the file asks for.
    let written = network.map(|network| network.labels.iter().collect::<BTreeMap<_, _>>());
    let written = written.filter(|it| !it.is_empty());
    let written = written.map(|it| format!("{it:?}")).unwrap_or_default();
    let hash = hex(format!("{create}{written}").as_bytes());
    labels.insert(labels::HASH.to_owned(), hash.clone());
    create["Labels"] = serde_json::to_value(labels).unwrap_or_default();
    Provision {
        kind: Kind::Network,
        name,
        hash,
        create,
    }
}

fn driver(network: Option<&Network>) -> String {
    let named = network.and_then(|network| network.driver.clone());
    named.unwrap_or_else(|| "bridge".to_owned())
}

/// The range of a network whose addresses msvc gives; the engine has its top quarter.
fn carried(network: Option<&Network>, subnet: Subnet) -> Ipam {
    let mut ipam = network.and_then(ipam).unwrap_or_default();
    let configs = ipam.config.get_or_insert_default();
    // Beside it there may be ranges of IPv6, before it or after.
    let is_v6 = |it: &IpamConfig| it.subnet.as_deref().is_some_and(is_ipv6);
    let at = configs.iter().position(|it| !is_v6(it));
    let at = at.unwrap_or_else(|| {
        configs.push(IpamConfig::default());
        configs.len() - 1
    });
    if let Some(own) = configs.get_mut(at) {
        own.subnet = Some(subnet.to_string());
        own.ip_range = Some(subnet.of_the_engine().to_string());
        own.gateway.get_or_insert_with(|| subnet.at(1).to_string());
    }
    ipam
}

/// Whether a range is one of IPv6, which no mesh gives addresses of.
pub(in crate::docker) fn is_ipv6(range: &str) -> bool {
    range.contains(':')
}

/// What of networks the engine, or the mesh, would not get.
pub(super) fn problems(wish: &Wish<'_>, service: &Service) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(without_a_network(service));
    let field = service.other_fields.get("networks");
    let Some((Value::Object(map), place)) = field.map(|it| (&it.value, &it.place)) else {
        return problems;
    };
    let main = keys(service).into_iter().next();
    for (network, asked) in map {
        if asked.get("mac_address").is_some_and(|it| !it.is_null())
            && main.as_ref() != Some(network)
        {
            let what = format!(
                "{}: `mac_address` on the network {network}, which is not its first,",
                service.name
            );
            problems.extend(wish.needs(OWN_ADDRESSES, &what, place));
        }
        for key in NEWER {
            let least = In::Containers.fate(&format!("networks.{key}")).since;
            if asked.get(key).is_some_and(|value| !value.is_null()) {
                let what = format!("{}: `{key}` on the network {network}", service.name);
                problems.extend(least.and_then(|it| wish.needs(it, &what, place)));
            }
        }
    }
    problems
}

/// What is asked of a service's own network, where it has none: the engine takes none of it.
fn without_a_network(service: &Service) -> impl Iterator<Item = Problem> {
    let mode = mode(service).unwrap_or_default();
    OF_A_NETWORK.into_iter().filter_map(move |name| {
        let field = service.other_fields.get(name)?;
        if !has_no(name, mode) || asks_nothing(&field.value) {
            return None;
        }
        let what = format!(
            "{}: `{name}` needs a network of its own, and `network_mode` is `{mode}`",
            service.name
        );
        let hint = match name {
            "mac_address" => "take one of them out".to_owned(),
            _ => "take it out: there it is that of whose network it shares".to_owned(),
        };
        Some(Problem::error(what).at(field.place.clone()).hint(hint))
    })
}

/// Whether a field asks for what a service does not have, as its `network_mode` is.
pub(super) fn has_nothing_of(service: &Service, field: &str) -> bool {
    OF_A_NETWORK.contains(&field) && mode(service).is_some_and(|mode| has_no(field, mode))
}

fn has_no(field: &str, mode: &str) -> bool {
    let mut anothers = ["service:", "container:"].into_iter();
    let is_anothers = anothers.any(|it| mode.starts_with(it));
    is_anothers || (field == "mac_address" && matches!(mode, "host" | "none"))
}

fn mode(service: &Service) -> Option<&str> {
    service.other_fields.get("network_mode")?.value.as_str()
}

/// Puts a container's address on its main network where older engines read it: at the container.
pub(super) fn address_as_of_old(api: ApiVersion, create: &mut Value) {
    if api >= OWN_ADDRESSES {
        return;
    }
    let places = create.pointer_mut("/NetworkingConfig/EndpointsConfig");
    let mut places = places.and_then(Value::as_object_mut).into_iter().flatten();
    let address = places.find_map(|(_, place)| place.as_object_mut()?.remove(MAC_ADDRESS));
    if let (Some(address), Some(create)) = (address, create.as_object_mut()) {
        create.insert(MAC_ADDRESS.to_owned(), address);
    }
}

/// What of the declared networks nobody would get.
pub(super) fn declared(names: &Names<'_>) -> Vec<Problem> {
    let networks = names.system.networks.iter();
    let without = networks.filter(|(_, network)| network.enable_ipv4 == Some(false));
    let told = without.map(|(key, network)| {
        let only = In::Containers.fate("/networks.enable_ipv4").note;
        let what = format!("a container cannot honour `enable_ipv4: false` of the network {key}");
        Problem::error(what).at(network.place.clone()).hint(format!(
            "only {only}; else take it out, or `--lenient` to go without it"
        ))
    });
    told.collect()
}

fn ipam(network: &Network) -> Option<Ipam> {
    let config: Vec<IpamConfig> = network
        .subnets
        .iter()
        .map(|subnet| IpamConfig {
            subnet: subnet.subnet.clone(),
            gateway: subnet.gateway.clone(),
            ip_range: subnet.ip_range.clone(),
            auxiliary_addresses: (!subnet.reserved.is_empty()).then(|| {
                let reserved: HashMap<_, _> = subnet.reserved.clone().into_iter().collect();
                reserved
            }),
        })
        .collect();
    let options: HashMap<_, _> = network.ipam_options.clone().into_iter().collect();
    let ipam = Ipam {
        driver: network.ipam_driver.clone(),
        config: (!config.is_empty()).then_some(config),
        options: (!options.is_empty()).then_some(options),
    };
    (ipam != Ipam::default()).then_some(ipam)
}

/// The keys of a service's networks, the one with the highest priority first.
fn keys(service: &Service) -> Vec<String> {
    let field = service.other_fields.get("networks");
    let Some(Value::Object(map)) = field.map(|field| &field.value) else {
        return vec!["default".to_owned()];
    };
    let priority = |value: &Value| value.get("priority").and_then(number).unwrap_or_default();
    let mut keys: Vec<(&String, &Value)> = map.iter().collect();
    keys.sort_by_key(|(_, value)| std::cmp::Reverse(priority(value)));
    if keys.is_empty() {
        return vec!["default".to_owned()];
    }
    keys.into_iter().map(|(key, _)| key.clone()).collect()
}

/// Where a service's containers stand; nowhere when `network_mode` says otherwise.
pub(super) fn places(names: &Names<'_>, service: &Service) -> Vec<Place> {
    let own = service.other_fields.get("mac_address");
    let own = own.and_then(|it| text(&it.value));
    if let Some(mode) = mode(service) {
        // The engine's own network, where nothing else can be asked of a place.
        let is_bridge = matches!(mode, "bridge" | "default");
        return own
            .filter(|_| is_bridge)
            .map(|own| addressed(mode, own))
            .into_iter()
            .collect();
    }
    let field = service.other_fields.get("networks").map(|it| &it.value);
    let keys = keys(service);
    let mut places: Vec<Place> = keys
        .into_iter()
        .map(|key| {
            let asked = field.and_then(|field| field.get(&key));
            let settings = settings(names, service, asked);
            let (name, _) = names.network(&key);
            Place { name, settings }
        })
        .collect();
    if let (Some(first), Some(own)) = (places.first_mut(), own) {
        first.settings.mac_address.get_or_insert(own);
    }
    places
}

fn addressed(network: &str, address: String) -> Place {
    Place {
        name: network.to_owned(),
        settings: EndpointSettings {
            mac_address: Some(address),
            ..EndpointSettings::default()
        },
    }
}

/// The names of the networks that a service stands on.
pub(super) fn stands(names: &Names<'_>, service: &Service) -> BTreeSet<String> {
    if service.other_fields.contains_key("network_mode") {
        return BTreeSet::new();
    }
    let keys = keys(service).into_iter();
    keys.map(|key| names.network(&key).0).collect()
}

/// Names that this one alone has for others, as the engine's resolver takes them.
fn links(names: &Names<'_>, service: &Service) -> Option<Vec<String>> {
    let links = service.links.iter().filter_map(|link| {
        let linked = names.system.services.get(&link.service)?;
        let replicas = 1..=linked.replicas;
        let each = replicas.map(|it| format!("{}:{}", names.container(linked, it), link.alias));
        Some(each.collect::<Vec<_>>())
    });
    let links: Vec<String> = links.flatten().collect();
    (!links.is_empty()).then_some(links)
}

fn settings(names: &Names<'_>, service: &Service, asked: Option<&Value>) -> EndpointSettings {
    let asked_text = |key: &str| asked.and_then(|asked| asked.get(key)).and_then(text);
    let mut aliases: Vec<String> = vec![service.name.to_string()];
    aliases.extend(names.fixed(service).map(str::to_owned));
    let named = asked.and_then(|asked| asked.get("aliases")).and_then(texts);
    aliases.extend(named.unwrap_or_default());
    let mut seen = BTreeSet::new();
    aliases.retain(|alias| seen.insert(alias.clone()));
    let addresses = EndpointIpamConfig {
        ipv4_address: asked_text("ipv4_address"),
        ipv6_address: asked_text("ipv6_address"),
        link_local_ips: asked.and_then(|a| a.get("link_local_ips")).and_then(texts),
    };
    let mut options: HashMap<String, String> = asked
        .and_then(|asked| asked.get("driver_opts"))
        .and_then(|options| pairs(options, '='))
        .map(|options| options.into_iter().collect())
        .unwrap_or_default();
    if let Some(name) = asked_text("interface_name") {
        options.insert(INTERFACE_NAME.to_owned(), name);
    }
    let has_addresses = addresses != EndpointIpamConfig::default();
    EndpointSettings {
        aliases: Some(aliases),
        ipam_config: has_addresses.then_some(addresses),
        links: links(names, service),
        mac_address: asked_text("mac_address"),
        gw_priority: asked.and_then(|it| it.get("gw_priority")).and_then(number),
        driver_opts: (!options.is_empty()).then_some(options),
        ..EndpointSettings::default()
    }
}
