//! Fields that reach the engine as they are, and those that cannot.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{NEW, create, mesh, options, system, want};
use crate::docker::engine::ApiVersion;
use crate::docker::want::{ImageFacts, Wish, wanted};
use crate::lane::LaneOptions;
use crate::provision::Kind;

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

#[test]
fn an_address_of_hardware_stands_where_each_engine_reads_it() {
    const ADDRESS: &str = "02:42:ac:11:65:43";
    let text = format!("services:\n  web: {{image: x, mac_address: \"{ADDRESS}\"}}\n");
    let system = system(&text);
    let asked = |api| {
        let wish = Wish {
            system: &system,
            options: &options(),
            images: &BTreeMap::new(),
            mesh: None,
            api,
        };
        let create = create(&wanted(&wish).unwrap(), "web");
        let place = &create["NetworkingConfig"]["EndpointsConfig"]["shop_default"];
        (create["MacAddress"].clone(), place["MacAddress"].clone())
    };
    assert_eq!(asked(NEW), (Value::Null, Value::from(ADDRESS)));
    assert_eq!(
        asked(ApiVersion(1, 43)),
        (Value::from(ADDRESS), Value::Null)
    );
    for mode in ["host", "service:db"] {
        let text = text.replace("image: x,", &format!("image: x, network_mode: \"{mode}\","));
        let told = want(&format!("{text}  db: {{image: x}}\n"), None).unwrap_err();
        assert!(
            told.contains("`mac_address` needs a network of its own"),
            "{told}"
        );
    }
}

#[test]
fn what_is_asked_of_anothers_network_is_told_and_with_lenient_left_out() {
    let all = "dns: 1.1.1.1, extra_hosts: ['x:10.0.0.1'], hostname: y";
    for mode in ["service:db", "container:far"] {
        let text = format!(
            "services:\n  web: {{image: x, network_mode: '{mode}', {all}}}\n  db: {{image: x}}\n"
        );
        let told = want(&text, None).unwrap_err();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        for (line, field) in lines.iter().zip(["dns", "extra_hosts", "hostname"]) {
            assert!(line.contains("compose.yaml:2:"), "{line}");
            let needs = format!("web: `{field}` needs a network of its own");
            assert!(line.contains(&needs), "{line}");
        }
        let lenient = LaneOptions {
            lenient: true,
            ..options()
        };
        let system = system(&text);
        let wish = Wish {
            system: &system,
            options: &lenient,
            images: &BTreeMap::new(),
            mesh: None,
            api: NEW,
        };
        let create = create(&wanted(&wish).unwrap(), "web");
        assert_eq!(create["Hostname"], Value::Null);
        assert_eq!(create["HostConfig"]["Dns"], Value::Null);
        assert_eq!(create["HostConfig"]["ExtraHosts"], Value::Null);
    }
    let none = "services:\n  web: {image: x, network_mode: 'service:db', dns: [], extra_hosts: {}}\n  db: {image: x}\n";
    want(none, None).unwrap();
    let host = format!("services:\n  web: {{image: x, network_mode: host, {all}}}\n");
    assert!(!want(&host, None).is_err_and(|told| told.contains("of its own")));
}

#[test]
fn a_program_of_this_machine_is_asked_for_no_other() {
    let asked = |platform: &str, is_packed: bool| {
        let system = system(&format!(
            "services:\n  web: {{image: x, platform: {platform}}}\n"
        ));
        let facts = ImageFacts {
            reference: "x".to_owned(),
            program: is_packed.then(|| "web".to_owned()),
            ..ImageFacts::default()
        };
        let wish = Wish {
            system: &system,
            options: &options(),
            images: &BTreeMap::from([("web".parse().unwrap(), facts)]),
            mesh: None,
            api: NEW,
        };
        wanted(&wish).map(drop).map_err(|told| told.to_string())
    };
    let here = format!("linux/{}", std::env::consts::ARCH);
    asked(&here, true).unwrap();
    asked("linux/s390x", false).unwrap();
    let told = asked("linux/s390x", true).unwrap_err();
    assert!(told.contains("compose.yaml:2:"), "{told}");
    assert!(
        told.contains("web: its program is built on this machine") && told.contains("linux/s390x"),
        "{told}"
    );
}
