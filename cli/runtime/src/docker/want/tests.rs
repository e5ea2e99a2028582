//! What is asked of the engine, as text.

use std::collections::BTreeMap;
use std::path::PathBuf;

use msvc_system::files::Files;
use msvc_system::id::LaneName;
use msvc_system::load::{LoadRequest, load};
use msvc_system::model::System;
use serde_json::Value;

use super::addresses::Subnet;
use super::{MeshWish, Wish, wanted};
use crate::docker::engine::ApiVersion;
use crate::instance::Program;
use crate::lane::{LaneOptions, Publish, Subset, Wanted};
use crate::provision::Kind;

mod mesh;

fn system(text: &str) -> System {
    let path = PathBuf::from("/system/compose.yaml");
    let files = BTreeMap::from([(path, text.as_bytes().to_vec())]);
    let request = LoadRequest {
        directory: PathBuf::from("/system"),
        project: Some("shop".to_owned()),
        ..LoadRequest::default()
    };
    let loaded = load(&request, &Files::in_memory(files));
    loaded
        .unwrap_or_else(|problems| panic!("{problems}"))
        .system
}

fn options() -> LaneOptions {
    LaneOptions {
        project: "shop".parse().unwrap(),
        lane: LaneName::main(),
        home: PathBuf::from("/system/.msvc/shop"),
        services: Subset::All,
        publish: Publish::AsTheFileSays,
        environment: BTreeMap::new(),
        further_edges: Vec::new(),
        caller: BTreeMap::new(),
        lenient: false,
        is_folder: |_| false,
    }
}

/// An engine of today.
const NEW: ApiVersion = ApiVersion(1, 52);

fn want(text: &str, mesh: Option<&MeshWish>) -> Result<Wanted, String> {
    let system = system(text);
    let (options, images) = (options(), BTreeMap::new());
    let wish = Wish {
        system: &system,
        options: &options,
        images: &images,
        mesh,
        api: NEW,
    };
    wanted(&wish).map_err(|problems| problems.to_string())
}

#[test]
fn another_list_of_files_makes_nothing_anew() {
    let read = |files: &[&str]| {
        let text = "services: {web: {image: x, ports: [\"80:80\"]}}";
        let all = [("compose.yaml", text), ("nothing.yaml", "x-a: 1")];
        let all = all.map(|(name, text)| (PathBuf::from("/system").join(name), text.into()));
        let request = LoadRequest {
            directory: PathBuf::from("/system"),
            files: files.iter().map(PathBuf::from).collect(),
            project: Some("shop".to_owned()),
            ..LoadRequest::default()
        };
        let system = load(&request, &Files::in_memory(all.into()))
            .unwrap()
            .system;
        let mesh = mesh("shop_default", "10.9.0.0/24");
        let wish = Wish {
            system: &system,
            options: &options(),
            images: &BTreeMap::new(),
            mesh: Some(&mesh),
            api: NEW,
        };
        let wanted = wanted(&wish).unwrap();
        let label =
            create(&wanted, "web")["Labels"]["com.docker.compose.project.config_files"].clone();
        let instances = wanted.instances.iter().map(|it| it.hash.clone());
        let provisions = wanted.provisions.iter().map(|it| it.hash.clone());
        (label, instances.chain(provisions).collect::<Vec<_>>())
    };
    let (one, before) = read(&["compose.yaml"]);
    let (two, after) = read(&["compose.yaml", "nothing.yaml"]);
    assert_ne!(one, two);
    assert_eq!(before, after);
}

fn create(wanted: &Wanted, service: &str) -> Value {
    let found = wanted
        .instances
        .iter()
        .find(|it| it.id.service == *service)
        .unwrap();
    let Program::Container(program) = &found.program else {
        panic!("a container");
    };
    program.create.clone()
}

#[test]
fn every_field_is_handed_to_the_engine() {
    let fields = [
        ("user: \"1000:1000\"", "/User", "\"1000:1000\""),
        ("hostname: h", "/Hostname", "\"h\""),
        ("tty: true", "/Tty", "true"),
        ("read_only: true", "/HostConfig/ReadonlyRootfs", "true"),
        ("privileged: true", "/HostConfig/Privileged", "true"),
        ("init: true", "/HostConfig/Init", "true"),
        (
            "cap_add: [NET_ADMIN]",
            "/HostConfig/CapAdd",
            "[\"NET_ADMIN\"]",
        ),
        ("tmpfs: /run", "/HostConfig/Tmpfs", "{\"/run\":\"\"}"),
        ("mem_limit: 64m", "/HostConfig/Memory", "67108864"),
        ("cpus: 1.5", "/HostConfig/NanoCpus", "1500000000"),
        (
            "deploy: {resources: {limits: {memory: 1g, pids: 9}}}",
            "/HostConfig/PidsLimit",
            "9",
        ),
        (
            "ulimits: {nofile: {soft: 1, hard: 2}}",
            "/HostConfig/Ulimits/0/Hard",
            "2",
        ),
        (
            "extra_hosts: [\"far=10.0.0.1\"]",
            "/HostConfig/ExtraHosts",
            "[\"far:10.0.0.1\"]",
        ),
        (
            "sysctls: {a.b: 1}",
            "/HostConfig/Sysctls",
            "{\"a.b\":\"1\"}",
        ),
        (
            "logging: {driver: json-file, options: {max-size: 1m}}",
            "/HostConfig/LogConfig/Config",
            "{\"max-size\":\"1m\"}",
        ),
        (
            "restart: on-failure:3",
            "/HostConfig/RestartPolicy/MaximumRetryCount",
            "3",
        ),
        ("stop_signal: SIGINT", "/StopSignal", "\"SIGINT\""),
        ("working_dir: /w", "/WorkingDir", "\"/w\""),
        ("labels: {a: b}", "/Labels/a", "\"b\""),
        (
            "ports: [\"127.0.0.1:80:8080\"]",
            "/HostConfig/PortBindings/8080~1tcp/0/HostPort",
            "\"80\"",
        ),
        (
            "volumes: [\"./x:/y:ro\"]",
            "/HostConfig/Binds",
            "[\"/system/x:/y:ro\"]",
        ),
        (
            "healthcheck: {disable: true}",
            "/Healthcheck/Test",
            "[\"NONE\"]",
        ),
        ("network_mode: host", "/HostConfig/NetworkMode", "\"host\""),
    ];
    for (field, at, expected) in fields {
        let wanted = want(&format!("services:\n  web: {{image: x, {field}}}\n"), None);
        let create = create(
            &wanted.unwrap_or_else(|why| panic!("{field}: {why}")),
            "web",
        );
        let found = create.pointer(at).map(ToString::to_string);
        assert_eq!(found.as_deref(), Some(expected), "{field}\n{create:#}");
    }
}

#[test]
fn what_the_engine_would_not_get_is_named_with_its_place() {
    for (field, expected) in [
        (
            "use_api_socket: true",
            "a container cannot honour `use_api_socket`",
        ),
        (
            "ports: [\"8080:80\"], scale: 2",
            "only one of them can have the host's port 8080",
        ),
    ] {
        let told = want(&format!("services:\n  web: {{image: x, {field}}}\n"), None);
        let told = told.unwrap_err();
        assert!(
            told.contains(expected) && told.contains("compose.yaml:2:"),
            "{told}"
        );
    }
}

#[test]
fn names_are_composes_own_and_a_copy_takes_none_that_the_file_fixes() {
    let text = "services:\n  web: {image: x, container_name: ww, volumes: [\"d:/d\"], networks: [n]}\nvolumes: {d: {name: dd}}\nnetworks: {n: {name: nn}}\n".replace("d:/d", "data:/d").replace("{d: ", "{data: ");
    let system = system(&text);
    let names = |lane: &str| {
        let mut options = options();
        options.lane = lane.parse().unwrap();
        let images = BTreeMap::new();
        let wish = Wish {
            system: &system,
            options: &options,
            images: &images,
            mesh: None,
            api: NEW,
        };
        let wanted = wanted(&wish).unwrap();
        let mut names: Vec<String> = wanted.provisions.into_iter().map(|it| it.name).collect();
        let Program::Container(program) = &wanted.instances[0].program else {
            panic!("a container");
        };
        names.push(program.name.clone());
        names
    };
    assert_eq!(names("main"), ["nn", "dd", "ww"]);
    let copy = ["shop-second_n", "shop-second_data", "shop-second-web-1"];
    assert_eq!(names("second"), copy);
}

fn mesh(network: &str, subnet: &str) -> MeshWish {
    MeshWish {
        subnets: BTreeMap::from([(network.to_owned(), subnet.parse::<Subnet>().unwrap())]),
        ..MeshWish::default()
    }
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

/// A file of `last` services that each depend on the next one, and of that one.
fn chain(last: usize) -> String {
    let service = |n: usize| {
        let next = n + 1;
        format!("  s{n}: {{image: x, expose: [80], depends_on: [s{next}]}}\n")
    };
    let services: String = (0..last).map(service).collect();
    format!("services:\n{services}  s{last}: {{image: x, expose: [80]}}\n")
}

#[test]
fn where_a_network_has_no_room_for_all_pairs_the_declared_have_it_and_the_rest_is_told() {
    let text = chain(20);
    // 48 addresses: 21 containers, the mesh, the gateway and the network's own leave 24 for edges.
    let mesh = mesh("shop_default", "10.9.0.0/26");
    let wanted = want(&text, Some(&mesh)).unwrap();
    let is_declared = |edge: &&msvc_mesh::spec::EdgeSpec| !edge.reasons.is_empty();
    assert_eq!(wanted.edges.iter().filter(is_declared).count(), 20);
    assert_eq!(wanted.edges.len(), 24);
    for instance in &wanted.instances {
        let Program::Container(program) = &instance.program else {
            panic!("a container");
        };
        let place = &program.create["NetworkingConfig"]["EndpointsConfig"]["shop_default"];
        assert!(place["IPAMConfig"]["IPv4Address"].is_string(), "{place}");
    }
    let told: Vec<String> = wanted.warnings.iter().map(|it| it.what.clone()).collect();
    let expected = "some of the calls on network shop_default that no file names: it has no room for an \
                    address for every pair of its 21 services";
    assert!(told.iter().any(|it| it.contains(expected)), "{told:?}");
}

#[test]
fn declared_calls_that_find_no_room_are_told_and_containers_keep_their_addresses() {
    let text = chain(40);
    let wanted = want(&text, Some(&mesh("shop_default", "10.9.0.0/26"))).unwrap();
    assert_eq!(wanted.edges.len(), 4);
    let told: Vec<String> = wanted.warnings.iter().map(|it| it.what.clone()).collect();
    let expected = "36 of the calls on network shop_default that the files name";
    assert!(told.iter().any(|it| it.contains(expected)), "{told:?}");
}

#[test]
fn a_name_without_a_value_takes_the_images_variable_away() {
    let wanted = want(
        "services:\n  web: {image: x, environment: [FOO, BAR=1]}\n",
        None,
    )
    .unwrap();
    let set = &create(&wanted, "web")["Env"];
    assert_eq!(*set, serde_json::json!(["BAR=1", "FOO"]));
}

#[test]
fn datagrams_of_expose_are_opened_and_no_annotations_ask_for_nothing() {
    let text =
        "services:\n  web: {image: x, annotations: {}, expose: [\"55/udp\", \"100-101/udp\", 7]}\n";
    let wanted = want(text, None).unwrap();
    let exposed = create(&wanted, "web")["ExposedPorts"].clone();
    for port in ["55/udp", "100/udp", "101/udp", "7/tcp"] {
        assert!(exposed.to_string().contains(port), "{port} in {exposed}");
    }
}

#[test]
fn a_range_of_the_hosts_ports_for_one_port_is_handed_to_the_engine() {
    let text = "services:\n  web: {image: x, ports: [\"28900-28901:80\"]}\n";
    let alone = want(text, None).unwrap();
    let bindings = create(&alone, "web")["HostConfig"]["PortBindings"].clone();
    assert_eq!(bindings["80/tcp"][0]["HostPort"], "28900-28901");
    let carried = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    let mut provisions = carried.provisions.iter();
    let mesh = provisions.find(|it| it.kind == Kind::Mesh).unwrap();
    let bindings = &mesh.create["create"]["HostConfig"]["PortBindings"];
    assert_eq!(bindings["20000/tcp"][0]["HostPort"], "28900-28901");
    let too_many = "services:\n  web: {image: x, scale: 3, ports: [\"28900-28901:80\"]}\n";
    let told = want(too_many, None).unwrap_err().to_string();
    assert!(
        told.contains("only 2 of them can have the host's ports 28900-28901"),
        "{told}"
    );
}
