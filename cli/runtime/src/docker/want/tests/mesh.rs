//! The mesh of a lane: what stays when a system changes, and what is carried of odd files.

use std::collections::{BTreeMap, BTreeSet};

use msvc_mesh::spec::{EdgeSpec, Transport};
use msvc_system::id::InstanceId;
use serde_json::Value;

use super::{NEW, create, mesh, options, system, want};
use crate::docker::image::ImageFacts;
use crate::docker::want::{Carrier, Door, MeshWish, Wish, edge_key, replica_key, wanted};
use crate::lane::Wanted;
use crate::observed::{Observed, ObservedInstance, Phase};
use crate::plan::decide;
use crate::ports::Book;
use crate::provision::{Kind, ObservedProvision, Provision};

mod names;
mod ports;

fn hosts(wanted: &Wanted, service: &str) -> Vec<String> {
    let hosts = create(wanted, service)["HostConfig"]["ExtraHosts"].clone();
    let hosts = hosts.as_array().cloned().unwrap_or_default();
    let hosts = hosts.iter().filter_map(Value::as_str);
    hosts.map(str::to_owned).collect()
}

fn edge<'a>(wanted: &'a Wanted, name: &str) -> &'a EdgeSpec {
    let mut edges = wanted.edges.iter();
    edges.find(|it| it.id.to_string() == name).unwrap()
}

fn of_kind(wanted: &Wanted, kind: Kind) -> Vec<&Provision> {
    let provisions = wanted.provisions.iter();
    provisions.filter(|it| it.kind == kind).collect()
}

fn hash<'a>(wanted: &'a Wanted, service: &str) -> &'a str {
    let mut instances = wanted.instances.iter();
    &instances.find(|it| it.id.service == *service).unwrap().hash
}

fn two(first: &str, second: &str) -> MeshWish {
    let mut wish = mesh(first, "10.9.0.0/24");
    let more = mesh(second, "10.9.1.0/24");
    wish.subnets.extend(more.subnets);
    wish
}

/// What is there once a mesh was made as planned.
fn running(wanted: &Wanted, wish: &MeshWish) -> MeshWish {
    let made = of_kind(wanted, Kind::Mesh)[0];
    let label = made.create["create"]["Labels"]["msvc.mesh"].clone();
    let carrier = Carrier {
        name: made.name.clone(),
        hash: made.hash.clone(),
        openings: serde_json::from_str(label.as_str().unwrap()).unwrap(),
    };
    MeshWish {
        carrier: Some(carrier),
        ..wish.clone()
    }
}

fn observed(provisions: &[&Provision]) -> Observed {
    let there = provisions.iter().map(|it| ObservedProvision {
        kind: it.kind,
        name: it.name.clone(),
        hash: it.hash.clone(),
        lane: Some(msvc_system::id::LaneName::main()),
    });
    Observed {
        provisions: there.collect(),
        ..Observed::default()
    }
}

/// A container that is ready, made from what has this hash.
fn ready_at(id: &InstanceId, hash: &str) -> ObservedInstance {
    ObservedInstance {
        id: id.clone(),
        runtime: "docker".to_owned(),
        hash: hash.to_owned(),
        phase: Phase::Ready,
        pid: None,
        since_ms: 0,
        restarts: 0,
        detail: None,
        held_by: None,
        was_stopped: false,
        displaced: None,
        listens: Vec::new(),
    }
}

fn steps(observed: &Observed, wanted: &Wanted, about: &str) -> Vec<String> {
    let plan = decide(observed, wanted, &Book::default()).to_string();
    let lines = plan.lines().filter(|line| line.contains(about));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_pair_with_known_ports_has_an_edge_and_finds_it_by_every_name() {
    let text = "services:\n  web: {image: x, ports: [\"80\"]}\n  db: {image: x, expose: [5432], container_name: store, hostname: web}\n  idle: {image: x}\n";
    let mesh = mesh("shop_default", "10.9.0.0/24");
    let wanted = want(text, Some(&mesh)).unwrap();
    let mut edges: Vec<String> = wanted.edges.iter().map(|it| it.id.to_string()).collect();
    edges.sort();
    assert_eq!(
        edges,
        [
            "client->web:80",
            "db->web:80",
            "idle->db:5432",
            "idle->web:80",
            "web->db:5432"
        ]
    );
    let hosts = create(&wanted, "web")["HostConfig"]["ExtraHosts"].clone();
    let hosts: Vec<&str> = hosts
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let edge = wanted
        .edges
        .iter()
        .find(|it| it.id.to_string() == "web->db:5432")
        .unwrap();
    for name in ["db", "store", "db.shop_default"] {
        let line = format!("{name}:{}", edge.listen.ip());
        assert!(hosts.contains(&line.as_str()), "{line} in {hosts:?}");
    }
    // A name that is another service's means that one.
    assert!(
        !hosts.iter().any(|line| line.starts_with("web:")),
        "{hosts:?}"
    );
    // The host's ports are opened by the mesh alone.
    assert!(create(&wanted, "web")["HostConfig"]["PortBindings"].is_null());
    let carrier = wanted
        .provisions
        .iter()
        .find(|it| it.kind == Kind::Mesh)
        .unwrap();
    let bindings = &carrier.create["create"]["HostConfig"]["PortBindings"];
    assert!(bindings["20000/tcp"][0]["HostPort"] == "", "{bindings}");
    // The engine hands out nothing that is an edge's or a container's.
    let network = wanted
        .provisions
        .iter()
        .find(|it| it.kind == Kind::Network)
        .unwrap();
    assert_eq!(
        network.create["IPAM"]["Config"][0]["IPRange"],
        "10.9.0.192/26"
    );
}

#[test]
fn a_service_more_moves_no_address_of_the_others() {
    let mesh = mesh("shop_default", "10.9.0.0/20");
    let text = "services:\n  web: {image: x, expose: [80]}\n  db: {image: x, expose: [80]}\n";
    let before = want(text, Some(&mesh)).unwrap();
    let after = want(&format!("{text}  a: {{image: x}}\n"), Some(&mesh)).unwrap();
    for edge in &before.edges {
        let same = after.edges.iter().find(|it| it.id == edge.id).unwrap();
        assert_eq!((same.listen, &same.backends), (edge.listen, &edge.backends));
    }
    for service in ["web", "db"] {
        assert_eq!(create(&before, service), create(&after, service));
    }
}

#[test]
fn what_the_mesh_does_not_carry_is_told() {
    let text = "services:\n  web: {image: x, network_mode: host}\n  db: {image: x, networks: [far]}\n  dns: {image: x, ports: [\"53:53/udp\"]}\nnetworks: {far: {external: true}}\n";
    let mesh = mesh("shop_default", "10.9.0.0/24");
    let wanted = want(text, Some(&mesh)).unwrap();
    let told: Vec<String> = wanted.warnings.iter().map(|it| it.what.clone()).collect();
    let told = told.join("\n");
    for expected in [
        "web: it uses the host's own",
        "db: network far",
        "dns: the host's calls to its UDP port 53",
    ] {
        assert!(told.contains(expected), "{told}");
    }
    let udp = &create(&wanted, "dns")["HostConfig"]["PortBindings"]["53/udp"];
    assert_eq!(udp[0]["HostPort"], "53");
}

#[test]
fn datagrams_and_ports_of_those_who_live_with_another_have_edges() {
    let text = "services:\n  web: {image: x}\n  \
        dns: {image: x, expose: [\"53\", \"53/udp\", \"5353-5354/udp\"]}\n  \
        log: {image: x, ports: [\"514:514/udp\"]}\n  \
        guest: {image: x, expose: [9090], network_mode: \"service:dns\"}\n";
    let wanted = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    let carries = |name| edge(&wanted, name).transport;
    assert_eq!(carries("web->dns:53"), Transport::TcpAndUdp);
    assert_eq!(carries("web->dns:5354"), Transport::Udp);
    assert_eq!(carries("web->dns:9090"), Transport::Tcp);
    assert_eq!(carries("web->log:514"), Transport::Udp);
}

#[test]
fn an_address_of_what_an_image_opens_for_udp_alone_is_an_edge_of_datagrams_and_nothing_to_wait_for()
{
    let text = "services:\n  web: {image: x, environment: {STATS: \"stats:8125\", HTTP: \"stats:80\"}}\n  \
        stats: {image: y}\n";
    let system = system(text);
    let (options, mesh) = (options(), mesh("shop_default", "10.9.0.0/24"));
    let of_stats = ImageFacts {
        datagrams: vec![8125],
        ..ImageFacts::default()
    };
    let images = BTreeMap::from([("stats".parse().unwrap(), of_stats)]);
    let wish = Wish {
        system: &system,
        options: &options,
        images: &images,
        mesh: Some(&mesh),
        api: NEW,
    };
    let wanted = wanted(&wish).unwrap();
    assert_eq!(edge(&wanted, "web->stats:8125").transport, Transport::Udp);
    assert_eq!(edge(&wanted, "web->stats:80").transport, Transport::Tcp);
    let mut instances = wanted.instances.iter();
    let stats = instances.find(|it| it.id.service == *"stats").unwrap();
    let listens: Vec<u16> = stats.listens.iter().map(|it| it.port).collect();
    assert_eq!(listens, [80]);
}

#[test]
fn a_service_more_starts_nobody_anew_who_does_not_say_that_he_calls_it() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = "services:\n  web: {image: x, environment: {DB: \"db:80\"}}\n  db: {image: x, expose: [80]}\n";
    let before = want(text, Some(&wish)).unwrap();
    let more = format!("{text}  late: {{image: x, expose: [80]}}\n");
    let after = want(&more, Some(&wish)).unwrap();
    for service in ["web", "db"] {
        assert_eq!(hash(&before, service), hash(&after, service), "{service}");
        assert_ne!(
            hosts(&before, service),
            hosts(&after, service),
            "it is for its next start"
        );
    }
    let calls = more.replace("\"db:80\"", "\"db:80\", L: \"late:80\"");
    let calls = want(&calls, Some(&wish)).unwrap();
    assert_ne!(hash(&calls, "web"), hash(&after, "web"));
}

#[test]
fn what_is_given_already_stays_whoever_comes() {
    let mut wish = mesh("shop_default", "10.9.0.0/26");
    let at = |n: u8| BTreeSet::from([format!("10.9.0.{n}").parse().unwrap()]);
    wish.held = BTreeMap::from([
        (edge_key("web", "db"), at(9)),
        (replica_key("db", 1), at(11)),
    ]);
    let text = "services:\n  web: {image: x, expose: [80]}\n  db: {image: x, expose: [80]}\n  a: {image: x, expose: [80]}\n";
    let wanted = want(text, Some(&wish)).unwrap();
    let edge = edge(&wanted, "web->db:80");
    assert_eq!(edge.listen.to_string(), "10.9.0.9:80");
    assert_eq!(
        edge.backends[0].address().unwrap().to_string(),
        "10.9.0.11:80"
    );
}

#[test]
fn a_network_more_is_joined_by_the_mesh_that_runs_and_its_edges_are_told_again() {
    let wish = two("shop_a", "shop_b");
    let one = "services:\n  web: {image: x, networks: [a]}\n  db: {image: x, expose: [80], networks: [a]}\nnetworks: {a: {}}\n";
    let first = want(one, Some(&mesh("shop_a", "10.9.0.0/24"))).unwrap();
    let there = running(&first, &wish);
    let both = one.replace(
        "[a]}\nnetworks: {a: {}}",
        "[a, b]}\nnetworks: {a: {}, b: {}}",
    );
    let wanted = want(&both, Some(&there)).unwrap();
    let places: Vec<&String> = of_kind(&wanted, Kind::Place)
        .iter()
        .map(|it| &it.name)
        .collect();
    assert_eq!(
        places,
        ["shop-msvc-mesh-1 on shop_a", "shop-msvc-mesh-1 on shop_b"]
    );
    let mesh = of_kind(&wanted, Kind::Mesh)[0];
    let place = of_kind(&wanted, Kind::Place)[0];
    let plan = steps(&observed(&[mesh, place]), &wanted, "place of");
    assert_eq!(
        plan,
        ["2  make place of shop-msvc-mesh-1 on shop_b  (not there yet)"]
    );
}

#[test]
fn ahead_of_the_images_come_what_needs_none_and_then_only_the_rest() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = "services:\n  web: {image: x, ports: [\"8080:80\"], volumes: [\"data:/data\"]}\n\
                volumes:\n  data:\n";
    let wanted = want(text, Some(&wish)).unwrap();
    let plan = decide(&Observed::default(), &wanted, &Book::default());
    let ahead = plan.ahead();
    let expected = "  1  make network shop_default  (not there yet)\n  \
                      1  make volume shop_data  (not there yet)\n  \
                      2  make mesh shop-msvc-mesh-1  (not there yet)\n";
    assert_eq!(ahead.to_string(), expected);
    let made: Vec<&Provision> = wanted.provisions.iter().collect();
    let there = want(text, Some(&running(&wanted, &wish))).unwrap();
    let rest = steps(&observed(&made), &there, "make ");
    assert!(
        rest.iter().all(|line| line.contains("make place of")),
        "{rest:?}"
    );
}

#[test]
fn nothing_is_made_ahead_of_what_has_to_end_first() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = "services:\n  web: {image: x}\n";
    let wanted = want(text, Some(&wish)).unwrap();
    let mut there = observed(&of_kind(&wanted, Kind::Network));
    "another".clone_into(&mut there.provisions[0].hash);
    let spec = &wanted.instances[0];
    there.instances.push(ready_at(&spec.id, "another"));
    let plan = decide(&there, &wanted, &Book::default());
    assert!(plan.to_string().contains("stop shop/main/web/1"), "{plan}");
    assert!(plan.ahead().is_empty(), "{}", plan.ahead());
}

#[test]
fn who_only_has_something_of_another_is_not_told_to_call_it() {
    let is_told = |more: &str| {
        let text = format!("services:\n  b: {{image: x}}\n  a: {{image: x, {more}}}\n");
        let wanted = want(&text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
        let mut warnings = wanted.warnings.iter();
        warnings.any(|it| it.what.contains("a: its calls to b, if there are any"))
    };
    for shares in [
        "network_mode: \"service:b\"",
        "network_mode: \"service:b\", depends_on: [b]",
        "pid: \"service:b\"",
        "ipc: \"service:b\"",
        "volumes_from: [b]",
    ] {
        assert!(!is_told(shares), "{shares}");
    }
    for calls in [
        "depends_on: [b]",
        "links: [b]",
        "pid: \"service:b\", depends_on: [b]",
        "volumes_from: [b], links: [\"b:c\"]",
    ] {
        assert!(is_told(calls), "{calls}");
    }
}
