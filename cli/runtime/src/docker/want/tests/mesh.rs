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
        listens: Vec::new(),
    }
}

fn steps(observed: &Observed, wanted: &Wanted, about: &str) -> Vec<String> {
    let plan = decide(observed, wanted, &Book::default()).to_string();
    let lines = plan.lines().filter(|line| line.contains(about));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn names_on_every_common_network_lead_to_the_one_edge_and_own_names_to_oneself() {
    let text = "services:\n  \
        web: {image: x, expose: [80], container_name: front, networks: {a: {aliases: [site]}, b: {}}}\n  \
        db: {image: x, expose: [5432], networks: {a: {aliases: [store, site]}, b: {aliases: [deep]}}}\n\
        networks: {a: {}, b: {}}\n";
    let wanted = want(text, Some(&two("shop_a", "shop_b"))).unwrap();
    let address = edge(&wanted, "web->db:5432").listen.ip();
    let hosts = hosts(&wanted, "web");
    for name in [
        "db",
        "store",
        "deep",
        "deep.shop_b",
        "db.shop_b",
        "db.shop_a",
    ] {
        assert!(
            hosts.contains(&format!("{name}:{address}")),
            "{name}: {hosts:?}"
        );
    }
    assert!(
        !hosts
            .iter()
            .any(|it| it.starts_with("site:") || it.starts_with("front:"))
    );
}

#[test]
fn a_name_that_two_services_share_is_left_to_the_engine_and_told() {
    let text = "services:\n  web: {image: x}\n  \
        one: {image: x, expose: [80], networks: {default: {aliases: [any]}}}\n  \
        two: {image: x, expose: [80], networks: {default: {aliases: [any]}}}\n";
    let wanted = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    assert!(
        !hosts(&wanted, "web")
            .iter()
            .any(|it| it.starts_with("any:"))
    );
    let told: Vec<&String> = wanted.warnings.iter().map(|it| &it.what).collect();
    assert!(
        told[0].contains("web: its calls to any, a name that one and two share"),
        "{told:?}"
    );
}

#[test]
fn an_address_written_into_settings_is_told_as_not_carried() {
    let text = "services:\n  \
        web: {image: x, environment: {DB: \"pg://10.9.0.7:5432/x\"}}\n  \
        db: {image: x, expose: [5432], networks: {default: {ipv4_address: 10.9.0.7}}}\n\
        networks: {default: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}\n";
    let wanted = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    let told: Vec<&String> = wanted.warnings.iter().map(|it| &it.what).collect();
    assert!(
        told[0].contains("web: its calls to 10.9.0.7, the address of db that `DB`"),
        "{told:?}"
    );
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
fn a_port_added_while_a_mesh_runs_gets_a_door_and_the_mesh_stays() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = "services:\n  web: {image: x, ports: [\"8080:80\"]}\n";
    let first = want(text, Some(&wish)).unwrap();
    let there = running(&first, &wish);
    let more = "services:\n  web: {image: x, ports: [\"8080:80\", \"9090:90\"]}\n";
    let wanted = want(more, Some(&there)).unwrap();
    let mesh = of_kind(&first, Kind::Mesh)[0];
    assert_eq!(of_kind(&wanted, Kind::Mesh)[0].hash, mesh.hash);
    assert_eq!(
        edge(&wanted, "client->web:80").listen.to_string(),
        "0.0.0.0:20000"
    );
    assert_eq!(
        edge(&wanted, "client->web:90").listen.to_string(),
        "0.0.0.0:20001"
    );
    let door = of_kind(&wanted, Kind::Door)[0];
    let program = &door.create["create"];
    assert_eq!(
        program["HostConfig"]["PortBindings"]["20001/tcp"][0]["HostPort"],
        "9090"
    );
    assert!(
        program["Cmd"][3].as_str().unwrap().ends_with(":20001"),
        "{program}"
    );
    let plan = steps(&observed(&[mesh]), &wanted, "msvc-mesh");
    let made = ["make place of", "make door"].map(|it| plan.iter().any(|line| line.contains(it)));
    assert_eq!((made, plan.len()), ([true, true], 2), "{plan:?}");
}

#[test]
fn a_port_that_moved_or_is_given_up_is_closed_and_told_and_a_door_goes() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = |port: &str| format!("services:\n  web: {{image: x, ports: [{port}]}}\n");
    let first = want(&text("\"8080:80\""), Some(&wish)).unwrap();
    let mut there = running(&first, &wish);
    let moved = want(&text("\"9090:80\""), Some(&there)).unwrap();
    // Whoever comes in by the port that was given up meets nobody.
    assert_eq!(
        edge(&moved, "client->web:80").listen.to_string(),
        "0.0.0.0:20001"
    );
    let told: Vec<&String> = moved.warnings.iter().map(|it| &it.what).collect();
    assert!(
        told[0].contains("the host's port 8080 leads nowhere any more"),
        "{told:?}"
    );

    let door = of_kind(&moved, Kind::Door)[0].clone();
    let label = door.create["create"]["Labels"]["msvc.door"].clone();
    let opening = serde_json::from_str(label.as_str().unwrap()).unwrap();
    there.doors = vec![Door { number: 3, opening }];
    let again = want(&text("\"9090:80\""), Some(&there)).unwrap();
    assert_eq!(
        of_kind(&again, Kind::Door)[0].hash,
        door.hash,
        "it stays as it is"
    );

    let back = want(&text("\"8080:80\""), Some(&there)).unwrap();
    assert!(of_kind(&back, Kind::Door).is_empty() && back.warnings.is_empty());
    assert_eq!(
        edge(&back, "client->web:80").listen.to_string(),
        "0.0.0.0:20000"
    );
    let mesh = of_kind(&back, Kind::Mesh)[0];
    let plan = steps(&observed(&[mesh, &door]), &back, "door");
    assert_eq!(
        plan,
        ["1  remove door shop-msvc-mesh-3  (no longer wanted)"]
    );
}

#[test]
fn a_port_of_the_meshs_own_leads_to_whoever_asks_for_it_now() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = |web: &str, gate: &str| {
        format!(
            "services:\n  web: {{image: x, expose: [80], ports: [{web}]}}\n  \
             gate: {{image: x, expose: [80], ports: [{gate}]}}\n"
        )
    };
    let first = want(&text("\"8080:80\", \"8081:80\"", ""), Some(&wish)).unwrap();
    let there = running(&first, &wish);
    let listens = |wanted: &Wanted| {
        let edges = wanted.edges.iter();
        let own = edges.filter(|it| it.listen.ip().is_unspecified());
        let own = own.map(|it| format!("{} {} {:?}", it.id, it.listen.port(), it.caller_replica));
        own.collect::<Vec<_>>()
    };
    let both = ["client->web:80 20000 None", "client->web:80 20001 Some(2)"];
    assert_eq!(listens(&first), both);
    for (web, gate, wanted, told) in [
        (
            "\"8080:80\"",
            "\"8081:80\"",
            ["client->web:80 20000 None", "client->gate:80 20001 None"],
            "",
        ),
        (
            "\"8081:80\"",
            "\"127.0.0.1:8080:80\"",
            ["client->web:80 20001 None", "client->gate:80 20000 None"],
            "8080 stays open at every address, and not at 127.0.0.1 alone",
        ),
    ] {
        let moved = want(&text(web, gate), Some(&there)).unwrap();
        let mut got = listens(&moved);
        got.sort_unstable();
        let mut wanted = wanted.map(str::to_owned);
        wanted.sort_unstable();
        assert_eq!(got, wanted);
        assert!(of_kind(&moved, Kind::Door).is_empty());
        let warnings: Vec<&String> = moved.warnings.iter().map(|it| &it.what).collect();
        assert_eq!(warnings.is_empty(), told.is_empty(), "{warnings:?}");
        assert!(
            told.is_empty() || warnings[0].contains(told),
            "{warnings:?}"
        );
    }
    // Two addresses of the host where one listener stands for all of them: a door could not have it.
    let split = text("\"127.0.0.1:8080:80\"", "\"127.0.0.2:8080:80\"");
    let split = want(&split, Some(&there)).unwrap();
    let doors = of_kind(&split, Kind::Door);
    let error = crate::docker::published::by_the_mesh(&there, doors.into_iter()).unwrap();
    assert!(
        error
            .to_string()
            .contains("127.0.0.2:8080 is taken by shop-msvc-mesh-1"),
        "{error}"
    );
}

#[test]
fn who_takes_a_port_of_the_host_starts_once_all_that_ends_has_ended() {
    let text = |web: &str, gate: &str| {
        format!("services:\n  web: {{image: x{web}}}\n  gate: {{image: x{gate}}}\n")
    };
    let port = ", ports: [\"8080:80\"]";
    let before = want(&text(port, ""), None).unwrap();
    let mut there = observed(&[]);
    let ready = before.instances.iter();
    there
        .instances
        .extend(ready.map(|spec| ready_at(&spec.id, &spec.hash)));
    let after = want(&text("", port), None).unwrap();
    let plan = decide(&there, &after, &Book::default());
    let place = |words: &str| {
        let mut steps = plan.steps.iter();
        steps.position(|it| it.step.deed.to_string().contains(words))
    };
    let (stop, start) = (
        place("stop shop/main/web/1"),
        place("start shop/main/gate/1"),
    );
    let start = &plan.steps[start.unwrap()];
    assert!(start.after.contains(&stop.unwrap()), "{plan}");
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
fn a_link_is_a_name_that_its_caller_alone_has_and_it_beats_a_service_of_that_name() {
    let text = "services:\n  web: {image: x, links: [\"db:store\"]}\n  other: {image: x}\n  db: {image: x, expose: [80]}\n  store: {image: x, expose: [80]}\n";
    let wanted = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    let at = |service: &str, name: &str| {
        let hosts = hosts(&wanted, service).into_iter();
        let mut found = hosts.filter(|it| it.split(':').next() == Some(name));
        let found = (found.next().unwrap(), found.next());
        assert_eq!(found.1, None, "{name} stands once");
        found.0.rsplit(':').next().unwrap().to_owned()
    };
    assert_eq!(at("web", "store"), at("web", "db"));
    assert_ne!(at("other", "store"), at("other", "db"));
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
