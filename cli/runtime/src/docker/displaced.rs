//! Who no longer stands where it was put: taken off a network, or put back at another address, by
//! whoever else uses the engine; or left in a network that nobody else is in, since the container
//! whose network it is was started again by itself.
//!
//! What comes in: containers as the engine shows them, and those of others whose network they share.
//! What leaves: for each of these the reason, for people; `up` makes it anew. What must not enter:
//! asking the engine.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bollard::models::EndpointSettings;
use msvc_mesh::spec::EdgeStatus;

use super::container::Found;
use super::guests::{Host, Lenders};
use super::want::addresses::Subnet;
use super::{labels, mesh_container, network};
use crate::observed::{ObservedInstance, Phase};

/// A container that runs and does not stand where it was put.
struct Displaced {
    /// Why, for people.
    why: String,
    /// Whether nobody reaches it, and it nobody.
    is_cut_off: bool,
}

/// Says of a container that runs when it does not stand where it was put; `all` are those of its
/// project, `lenders` those of others. One that nobody hears is not ready, whatever its ports or its
/// healthcheck say, which are asked where it stands.
pub(super) fn mark(
    observed: &mut ObservedInstance,
    found: &Found,
    all: &[Found],
    lenders: &Lenders,
) {
    let Some(displaced) = displaced(found, all, lenders) else {
        return;
    };
    if displaced.is_cut_off && observed.phase.runs() {
        observed.phase = Phase::Unhealthy;
    }
    observed.displaced = Some(displaced.why);
}

fn displaced(found: &Found, all: &[Found], lenders: &Lenders) -> Option<Displaced> {
    if !found.phase().runs() || found.never_ran() {
        return None;
    }
    let told = |is_cut_off| move |why| Displaced { why, is_cut_off };
    let off = off_its_network(found).map(told(false));
    off.or_else(|| left_behind(found, all, lenders).map(told(true)))
}

fn off_its_network(found: &Found) -> Option<String> {
    let put: BTreeMap<String, String> =
        serde_json::from_str(found.labels.get(labels::STANDS)?).ok()?;
    let networks = found.seen.network_settings.as_ref()?.networks.as_ref()?;
    put.into_iter().find_map(|(network, address)| {
        // One of others may be called by its id.
        let by_id = |it: &&EndpointSettings| {
            let id = it.network_id.as_deref();
            id.is_some_and(|id| id.starts_with(&network))
        };
        let place = networks.get(&network);
        let Some(place) = place.or_else(|| networks.values().find(by_id)) else {
            return Some(format!("it was taken off its network {network}"));
        };
        let now = place.ip_address.as_deref().unwrap_or_default();
        // Either may be written in more than one way, or be none.
        let has_another = address_of(&address)
            .zip(address_of(now))
            .is_some_and(|(own, now)| own != now);
        has_another.then(|| {
            format!("on the network {network} it has {now}, in place of its own {address}")
        })
    })
}

fn address_of(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|it: IpAddr| it.to_canonical())
}

/// A guest of a container that was started after it; or that is not there any more, where nobody but
/// its owner brings it back.
fn left_behind(found: &Found, all: &[Found], lenders: &Lenders) -> Option<String> {
    let shared = found.shares_network_of()?;
    let own = all.iter().find(|it| it.container == shared);
    let own = own.map(|it| Host {
        name: it.id.service.to_string(),
        runs: it.phase().runs(),
        started_at_ns: it.started_at_ns(),
    });
    let is_others = own.is_none();
    let Some(host) = own.or_else(|| lenders.get(shared).cloned().flatten()) else {
        let is_gone = lenders.contains_key(shared);
        return is_gone.then(|| "the container whose network it shares is gone".to_owned());
    };
    if !host.runs {
        let name = &host.name;
        return is_others.then(|| format!("{name}, whose network it shares, does not run"));
    }
    (found.started_at_ns()? < host.started_at_ns?).then(|| {
        format!(
            "{}, whose network it shares, was started again without it",
            host.name
        )
    })
}

/// Why a mesh that runs does not stand where its edges are: for each of `networks` on which it has
/// edges and is not, or at an address that is not its own.
pub(super) fn off_its_edges(
    mesh: &mesh_container::Found,
    edges: &[EdgeStatus],
    networks: &[network::Found],
) -> Vec<String> {
    let told = networks.iter().filter_map(|found| {
        let (network, ranges) = (found.observed.name.as_str(), &found.subnets);
        let is_on = |ip: IpAddr, range: &Subnet| matches!(ip, IpAddr::V4(ip) if range.contains(ip));
        let has = |edge: &&EdgeStatus| ranges.iter().any(|it| is_on(edge.listen.ip(), it));
        let edges = match edges.iter().filter(has).count() {
            0 => return None,
            1 => "its edge there leads".to_owned(),
            many => format!("its {many} edges there lead"),
        };
        let name = &mesh.observed.name;
        let Some(now) = mesh.places.get(network) else {
            return Some(format!(
                "the mesh ({name}) was taken off its network {network}: {edges} nowhere"
            ));
        };
        // What the engine gives by itself is never the mesh's own.
        let ip = address_of(now)?;
        let mut given = ranges.iter().map(|it| it.of_the_engine());
        let is_given = given.any(|range| is_on(ip, &range));
        is_given.then(|| {
            format!(
                "the mesh ({name}) was put back on its network {network} at {now}, which is not its \
                 own address"
            )
        })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::{
        ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, HostConfig,
        NetworkSettings,
    };
    use msvc_mesh::spec::EdgeCounts;
    use msvc_system::id::{InstanceId, LaneName};

    use super::*;
    use crate::provision::{Kind, ObservedProvision};

    fn found(container: &str, mode: &str, started: &str, networks: &[(&str, &str)]) -> Found {
        let place = |address: &str| EndpointSettings {
            ip_address: Some(address.to_owned()),
            ..EndpointSettings::default()
        };
        let networks = networks.iter();
        let networks = networks.map(|(name, address)| ((*name).to_owned(), place(address)));
        let stands = r#"{"front":"10.9.0.7","back":""}"#.to_owned();
        let put = !mode.starts_with("container:");
        Found {
            id: InstanceId {
                project: "shop".parse().unwrap(),
                lane: LaneName::main(),
                service: container.parse().unwrap(),
                replica: 1,
                incarnation: 1,
            },
            container: container.to_owned(),
            labels: put
                .then(|| (labels::STANDS.to_owned(), stands))
                .into_iter()
                .collect::<HashMap<_, _>>(),
            seen: ContainerInspectResponse {
                host_config: Some(HostConfig {
                    network_mode: Some(mode.to_owned()),
                    ..HostConfig::default()
                }),
                network_settings: Some(NetworkSettings {
                    networks: Some(networks.collect()),
                    ..NetworkSettings::default()
                }),
                state: Some(ContainerState {
                    status: Some(ContainerStateStatusEnum::RUNNING),
                    started_at: Some(format!("2026-11-01T10:00:{started}Z")),
                    ..ContainerState::default()
                }),
                ..ContainerInspectResponse::default()
            },
        }
    }

    #[test]
    fn a_container_off_its_network_or_at_another_address_is_seen() {
        let why = |found: &Found| displaced(found, &[], &Lenders::new()).map(|it| it.why);
        let on = |networks: &[(&str, &str)]| why(&found("web", "front", "00", networks));
        let back = ("back", "10.8.0.3");
        assert_eq!(on(&[("front", "10.9.0.7"), back]), None);
        assert_eq!(on(&[("front", ""), back, ("more", "10.7.0.2")]), None);
        let off = on(&[("front", "10.9.0.7")]).unwrap();
        assert!(off.contains("taken off its network back"), "{off}");
        let moved = on(&[("front", "10.9.0.9"), back]).unwrap();
        assert!(
            moved.contains("10.9.0.9, in place of its own 10.9.0.7"),
            "{moved}"
        );
        // As the file may write what the engine shows in its own words.
        let mut written = found("web", "front", "00", &[("front", "10.9.0.7"), back]);
        let stands = r#"{"front":"::ffff:10.9.0.7","8f3c":""}"#;
        let label = labels::STANDS.to_owned();
        written.labels.insert(label, stands.to_owned());
        assert!(why(&written).unwrap().contains("off its network 8f3c"));
        let networks = written.seen.network_settings.as_mut().unwrap();
        let networks = networks.networks.as_mut().unwrap();
        networks.get_mut("back").unwrap().network_id = Some("8f3c07".to_owned());
        assert_eq!(why(&written), None);
        let mut ended = found("web", "front", "00", &[]);
        ended.seen.state.as_mut().unwrap().status = Some(ContainerStateStatusEnum::EXITED);
        assert_eq!(why(&ended), None);
    }

    /// What is said of `guest` beside `all`: why it is displaced, and how it stands.
    fn said(guest: &Found, all: &[Found], lenders: &Lenders) -> (Option<String>, Phase) {
        let mut observed = guest.observed(std::time::SystemTime::UNIX_EPOCH);
        mark(&mut observed, guest, all, lenders);
        (observed.displaced, observed.phase)
    }

    #[test]
    fn a_guest_that_is_older_than_the_network_that_it_shares_is_seen() {
        let hosted = |host_since: &str| {
            let places = [("front", "10.9.0.7"), ("back", "")];
            let host = found("web", "front", host_since, &places);
            let guest = found("guest", "container:web", "10", &[]);
            said(&guest, &[host, guest.clone()], &Lenders::new())
        };
        assert_eq!(hosted("09"), (None, Phase::Ready));
        let (why, phase) = hosted("11");
        assert!(why.unwrap().starts_with("web, whose network it shares"));
        assert_eq!(phase, Phase::Unhealthy);
        let guest = found("guest", "container:far", "10", &[]);
        assert_eq!(said(&guest, &[], &Lenders::new()), (None, Phase::Ready));
    }

    #[test]
    fn a_guest_of_a_container_of_others_that_went_away_or_began_anew_is_seen() {
        let since = |host: Option<(bool, &str)>| {
            let host = host.map(|(runs, since)| Host {
                name: "far".to_owned(),
                runs,
                started_at_ns: found("far", "bridge", since, &[]).started_at_ns(),
            });
            let lenders = Lenders::from([("8f3c".to_owned(), host)]);
            let guest = found("guest", "container:8f3c", "10", &[]);
            said(&guest, std::slice::from_ref(&guest), &lenders)
        };
        assert_eq!(since(Some((true, "09"))), (None, Phase::Ready));
        for (host, why) in [
            (
                Some((true, "11")),
                "far, whose network it shares, was started again without it",
            ),
            (
                Some((false, "09")),
                "far, whose network it shares, does not run",
            ),
            (None, "the container whose network it shares is gone"),
        ] {
            assert_eq!(since(host), (Some(why.to_owned()), Phase::Unhealthy));
        }
    }

    #[test]
    fn a_mesh_off_the_network_of_its_edges_is_seen() {
        let edge = |ip: [u8; 4]| -> EdgeStatus {
            serde_json::from_value(serde_json::json!({
                "id": {"lane": "main", "caller": "client", "callee": "web", "port": 80},
                "listen": std::net::SocketAddr::from((ip, 80)),
                "reasons": [], "admission": "accept", "accepting": true, "speaks": "tcp",
                "counts": EdgeCounts::default(),
            }))
            .unwrap()
        };
        let provision = |kind, name: &str| ObservedProvision {
            kind,
            name: name.to_owned(),
            hash: String::new(),
            lane: None,
        };
        let at = |network: &str, ip: &str| (network.to_owned(), ip.to_owned());
        let told = |places: &[(String, String)]| {
            let mesh = mesh_container::Found {
                container: "8f3c".to_owned(),
                lane: LaneName::main(),
                observed: provision(Kind::Mesh, "shop-mesh"),
                is_running: true,
                is_paused: false,
                openings: Vec::new(),
                places: places.iter().cloned().collect(),
            };
            let edges = [edge([10, 9, 0, 5]), edge([10, 9, 0, 6]), edge([0, 0, 0, 0])];
            let networks = [("front", "10.9.0.0/24"), ("back", "10.8.0.0/24")];
            let networks = networks.map(|(name, range)| network::Found {
                observed: provision(Kind::Network, name),
                labels: HashMap::new(),
                subnets: vec![range.parse().unwrap()],
                is_carried: true,
            });
            off_its_edges(&mesh, &edges, &networks)
        };
        assert_eq!(told(&[at("front", "10.9.0.7")]), Vec::<String>::new());
        let off = told(&[at("back", "10.8.0.7")]).concat();
        let words = "the mesh (shop-mesh) was taken off its network front: its 2 edges there";
        assert!(off.starts_with(words), "{off}");
        let given = told(&[at("front", "10.9.0.193")]).concat();
        assert!(
            given.contains("put back on its network front at 10.9.0.193"),
            "{given}"
        );
    }
}
