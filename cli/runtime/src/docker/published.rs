//! Ports that containers open to the host themselves: where they are, and who has one already.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::ListContainersOptionsBuilder;
use fancy_regex::Regex;
use msvc_system::id::Party;

use super::container::Found;
use super::engine::{Engine, EngineError};
use super::labels::{self, Opened};
use super::want::{MeshWish, OpeningAt};
use crate::contract::RuntimeError;
use crate::observed::Published;
use crate::ports::Binding as _;
use crate::ports::machine_binding::MachineBinding;
use crate::provision::{Kind, Provision};

/// What a container opens, as the engine shows it.
pub(super) fn of(found: &Found) -> Vec<Published> {
    let bound = bound(&found.seen);
    let opened: Vec<Opened> = match found.labels.get(labels::OPENED) {
        Some(text) => serde_json::from_str(text).unwrap_or_default(),
        // Not made by msvc: whatever is open is so for the host's callers.
        None => {
            let tcp = bound.keys().filter_map(|key| key.strip_suffix("/tcp"));
            tcp.filter_map(|port| port.parse().ok())
                .map(|port| Opened {
                    port,
                    caller: Party::Client,
                })
                .collect()
        }
    };
    let mut published: Vec<Published> = Vec::new();
    for it in opened {
        let all = bound.get(&format!("{}/tcp", it.port));
        for address in all.into_iter().flatten() {
            let one = Published {
                lane: found.id.lane.clone(),
                caller: it.caller.clone(),
                service: found.id.service.clone(),
                port: it.port,
                address: *address,
            };
            // A port that is published twice is opened twice.
            if !published.contains(&one) {
                published.push(one);
            }
        }
    }
    published
}

/// Where the host reaches a container's ports, by port and protocol: each at one place or more.
pub(super) fn bound(seen: &ContainerInspectResponse) -> BTreeMap<String, Vec<SocketAddr>> {
    let settings = seen.network_settings.as_ref();
    let ports = settings.and_then(|settings| settings.ports.as_ref());
    let all = ports.into_iter().flatten();
    all.map(|(key, bindings)| {
        let addresses = bindings.iter().flatten().filter_map(|binding| {
            // Podman names no address where it means all of them.
            let ip = match binding.host_ip.as_deref()? {
                "" => Ipv4Addr::UNSPECIFIED.into(),
                ip => ip.parse::<IpAddr>().ok()?,
            };
            let port = binding.host_port.as_ref()?.parse().ok()?;
            // The engine tells every address twice, once for each family.
            let is_own = ip.is_ipv4() || !ip.is_unspecified();
            is_own.then(|| reached(ip, port))
        });
        let mut addresses: Vec<SocketAddr> = addresses.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        (key.clone(), addresses)
    })
    .collect()
}

/// Every address is reached at loopback as well.
fn reached(ip: IpAddr, port: u16) -> SocketAddr {
    let ip = if ip.is_unspecified() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        ip
    };
    SocketAddr::new(ip, port)
}

/// The engine's refusal of a port that is taken, with who has it.
pub(super) async fn taken(engine: &Engine, error: &EngineError) -> Option<RuntimeError> {
    let EngineError::Refused { why, .. } = error else {
        return None;
    };
    if !why.contains("port is already allocated") && !why.contains("address already in use") {
        return None;
    }
    let address = Regex::new(r"(\d+\.\d+\.\d+\.\d+):(\d+)").ok()?;
    let mut found = address.captures_iter(why).filter_map(Result::ok);
    let (address, port) = found.find_map(|found| {
        let port: u16 = found
            .get(2)?
            .as_str()
            .parse()
            .ok()
            .filter(|port| *port > 0)?;
        Some((found.get(0)?.as_str().to_owned(), port))
    })?;
    let owner = owner_of(engine, address.parse().ok()?).await;
    Some(RuntimeError::PortTaken {
        address,
        owner,
        hint: format!("end what has it, or publish another port than {port}"),
    })
}

/// The port of the host that a new door needs and that the mesh's own container keeps, because it
/// leads elsewhere there: two addresses of the host that one listener of the mesh stands for.
pub(super) fn by_the_mesh<'a>(
    mesh: &MeshWish,
    new: impl Iterator<Item = &'a Provision>,
) -> Option<RuntimeError> {
    let carrier = mesh.carrier.as_ref()?;
    let mut doors = new.filter(|it| it.kind == Kind::Door);
    doors.find_map(|door| {
        let label = door.create["create"]["Labels"][labels::DOOR].as_str()?;
        let door: OpeningAt = serde_json::from_str(label).ok()?;
        let mut held = carrier.openings.iter();
        held.find(|it| it.opening.meets(&door.opening))?;
        let ip = Some(door.opening.ip.as_str()).filter(|ip| !ip.is_empty());
        let port = door.opening.published?;
        Some(RuntimeError::PortTaken {
            address: format!("{}:{port}", ip.unwrap_or("0.0.0.0")),
            owner: Some(format!("{}, and leads elsewhere there", carrier.name)),
            hint: format!("`msvc down` gives {port} back; or publish another port"),
        })
    })
}

/// Who has an address that the host's callers are to reach, for people: a container, the system
/// it belongs to, or a process.
pub async fn owner_of(engine: &Engine, address: SocketAddr) -> Option<String> {
    if let Some(container) = owner(engine, address.port()).await {
        return Some(container);
    }
    let beside = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    let process = MachineBinding.owner(address);
    process.or_else(|| MachineBinding.owner(beside))
}

/// The container that publishes a port.
async fn owner(engine: &Engine, port: u16) -> Option<String> {
    let options = ListContainersOptionsBuilder::default().build();
    let containers = engine.docker.list_containers(Some(options));
    let containers = engine.ask("listing containers", containers).await.ok()?;
    containers.into_iter().find_map(|container| {
        let ports = container.ports?;
        ports
            .iter()
            .any(|it| it.public_port == Some(port))
            .then(|| container.names?.into_iter().next())?
            .map(|name| {
                let name = name.trim_start_matches('/');
                let labels = container.labels.unwrap_or_default();
                match labels.get(labels::PROJECT) {
                    Some(project) => format!("the system {project} (container {name})"),
                    None => format!("container {name}"),
                }
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_bound_everywhere_is_reached_at_loopback_once_however_the_engine_writes_it() {
        let bound_as = |bindings: serde_json::Value| {
            let seen = serde_json::json!({"NetworkSettings": {"Ports": {"80/tcp": bindings}}});
            let seen = serde_json::from_value(seen).unwrap();
            let all = bound(&seen)["80/tcp"].clone();
            all.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let at = |ip: &str| serde_json::json!({"HostIp": ip, "HostPort": "8080"});
        for everywhere in [vec![at("0.0.0.0"), at("::")], vec![at("")]] {
            let all = bound_as(everywhere.into());
            assert_eq!(all, ["127.0.0.1:8080"]);
        }
        assert_eq!(bound_as(vec![at("::1")].into()), ["[::1]:8080"]);
    }
}
