//! What runs alone, beside others or not at all.

use msvc_system::model::Link;

use super::*;
use crate::instance::Program;

#[test]
fn a_service_booted_alone_finds_its_edges_refusing() {
    let options = LaneOptions {
        services: Subset::Alone(vec![name("orders")]),
        publish: Publish::Nothing,
        further_edges: vec![FurtherEdge {
            caller: Party::Verifier,
            callee: name("orders"),
            port: None,
        }],
        environment: [(
            name("orders"),
            [("PROVIDER_STATES".to_owned(), "on".to_owned())].into(),
        )]
        .into(),
        ..options()
    };
    let wanted = want(&shop(), &options).unwrap();
    assert_eq!(wanted.instances.len(), 1);
    assert!(wanted.whole && wanted.dependencies[&name("orders")].is_empty());
    let broker = edge(&wanted, "orders->broker:9092");
    assert_eq!(
        (broker.admission, broker.backends.len()),
        (Admission::Refuse, 0)
    );
    let verifier = edge(&wanted, "verifier->orders:8080");
    assert_eq!(
        verifier.backends,
        [Backend::Tcp(backend(&wanted, "orders"))]
    );
    assert_eq!(verifier.caller_replica, None);
    assert_eq!(environment(&wanted, "orders")["PROVIDER_STATES"], "on");
}

#[test]
fn a_subset_takes_its_dependencies_along_and_leaves_the_rest() {
    let mut options = options();
    options.services = Subset::WithDependencies(vec![name("orders")]);
    let wanted = want(&shop(), &options).unwrap();
    let services: Vec<_> = wanted
        .instances
        .iter()
        .map(|i| i.id.service.as_str())
        .collect();
    assert_eq!(services, ["orders", "broker"]);
    assert!(!wanted.whole);
    options.services = Subset::Alone(vec![name("oders")]);
    let problems = want(&shop(), &options).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "shop has no service `oders` (did you mean `orders`?)"
    );
}

#[test]
fn lanes_and_copies_share_no_address_and_no_folder() {
    let one = want(&shop(), &options()).unwrap();
    let lane = LaneOptions {
        lane: "two".parse().unwrap(),
        publish: Publish::AnyFreePort,
        ..options()
    };
    let copy = LaneOptions {
        home: "/copy/.msvc/shop".into(),
        publish: Publish::AnyFreePort,
        ..options()
    };
    for other in [lane, copy] {
        let other = want(&shop(), &other).unwrap();
        for (a, b) in one.edges.iter().zip(&other.edges) {
            assert_ne!(a.listen, b.listen);
        }
        assert_ne!(
            environment(&one, "orders")["DATA_DIR"],
            environment(&other, "orders")["DATA_DIR"]
        );
        assert_ne!(backend(&one, "orders"), backend(&other, "orders"));
    }
}

#[test]
fn what_cannot_run_as_a_process_is_refused_by_name_and_line() {
    let mut image = service("db");
    image.build = None;
    image.image = Some(placed("postgres:17".to_owned()));
    let told = refused(&system(vec![image]));
    assert!(
        told[0].starts_with("compose.yaml:9:5: db is an image `postgres:17`"),
        "{told:?}"
    );
    assert!(told[0].contains("x-msvc: {process: {command:"), "{told:?}");

    let mut untold = service("web");
    untold.environment.clear();
    let told = refused(&system(vec![untold]));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("web listens on port 8080") && told[0].contains("process: {port"),
        "{told:?}"
    );

    let mut odd = service("web");
    for (field, value) in [
        ("privileged", serde_json::json!(true)),
        ("cap_add", serde_json::json!(["NET_ADMIN"])),
        (
            "networks",
            serde_json::json!({"a": {"ipv4_address": "10.0.0.2"}}),
        ),
        (
            "deploy.resources",
            serde_json::json!({"limits": {"memory": "1g"}, "reservations": {"cpus": "1"}}),
        ),
        ("container_name", serde_json::json!("web")),
        ("devices", serde_json::json!([])),
        ("build.cache_from", serde_json::json!(["registry/web"])),
        ("deploy.mode", serde_json::json!("replicated")),
    ] {
        odd.other_fields.insert(field.to_owned(), placed(value));
    }
    let told = refused(&system(vec![odd.clone()])).join("\n");
    for field in [
        "`privileged`",
        "`cap_add`",
        "`networks.ipv4_address`",
        "`deploy.resources.limits`",
    ] {
        assert!(told.contains(field), "{told}");
    }
    assert!(
        !["devices", "build", "mode"]
            .iter()
            .any(|field| told.contains(&format!("`{field}"))),
        "{told}"
    );
    assert!(
        told.contains("web runs as a host process and goes without `container_name` ("),
        "{told}"
    );
    let lenient = LaneOptions {
        lenient: true,
        ..options()
    };
    assert_eq!(
        want(&system(vec![odd]), &lenient).unwrap().warnings.len(),
        5
    );
}

#[test]
fn a_mount_that_no_setting_names_is_told() {
    let mut shop = shop();
    shop.services
        .get_mut("orders")
        .unwrap()
        .environment
        .shift_remove("DATA_DIR");
    let wanted = want(&shop, &options()).unwrap();
    let warning = wanted.warnings[0].to_string();
    assert!(
        warning.contains("no setting of orders names /data"),
        "{warning}"
    );
}

#[test]
fn services_without_a_common_network_refuse_each_other() {
    let mut shop = shop();
    let networks = |name: &str| placed(serde_json::json!({ name: null }));
    for (service, network) in [("gateway", "front"), ("orders", "back"), ("broker", "back")] {
        let service = shop.services.get_mut(service).unwrap();
        service
            .other_fields
            .insert("networks".into(), networks(network));
    }
    let wanted = want(&shop, &options()).unwrap();
    assert_eq!(
        edge(&wanted, "gateway->orders:8080").admission,
        Admission::Refuse
    );
    assert_eq!(
        edge(&wanted, "orders->broker:9092").admission,
        Admission::Accept
    );
    assert_eq!(wanted.warnings.len(), 1);
}

#[test]
fn only_what_matters_to_the_service_changes_its_hash() {
    let hash = |system: &System, options: &LaneOptions| {
        let wanted = want(system, options).unwrap();
        wanted.instances[0].hash.clone()
    };
    let before = hash(&shop(), &options());
    let mut elsewhere = options();
    elsewhere.caller.insert("PATH".into(), "/other/bin".into());
    assert_eq!(
        hash(&shop(), &elsewhere),
        before,
        "another terminal is no other system"
    );
    let mut changed = shop();
    set(
        changed.services.get_mut("orders").unwrap(),
        "LEVEL",
        "debug",
    );
    assert_eq!(hash(&changed, &options()), before, "a neighbour's setting");
    set(
        changed.services.get_mut("gateway").unwrap(),
        "LEVEL",
        "debug",
    );
    assert_ne!(hash(&changed, &options()), before);
}

#[test]
fn a_writable_folder_of_the_host_is_for_one_lane_and_an_engines_volume_for_none() {
    let mut shop = shop();
    let orders = shop.services.get_mut("orders").unwrap();
    orders.mounts[0].source = MountSource::Bind("/project/data".into());
    let second = LaneOptions {
        lane: "two".parse().unwrap(),
        ..options()
    };
    let wanted = want(&shop, &options()).unwrap();
    assert_eq!(environment(&wanted, "orders")["DATA_DIR"], "/project/data");
    let told = want(&shop, &second).unwrap_err().to_string();
    assert!(told.contains("only one lane can have it"), "{told}");
    shop.services.get_mut("orders").unwrap().mounts[0].read_only = true;
    assert!(want(&shop, &second).is_ok());

    let mut shop = super::shop();
    shop.volumes.insert(
        "orders-data".into(),
        Volume {
            external: true,
            name: None,
            ..Volume::default()
        },
    );
    assert!(refused(&shop)[0].contains("volume `orders-data` is external"));
}

#[test]
fn a_volume_of_a_driver_is_an_engines_and_what_a_folder_cannot_be_is_told() {
    let mut shop = shop();
    let volume = shop.volumes.get_mut("orders-data").unwrap();
    let size = placed("size=1m".to_owned());
    volume.options.insert("o".into(), size);
    let told = refused(&shop);
    assert!(
        told[0].contains("the driver's option `o` of the volume orders-data"),
        "{told:?}"
    );

    let mut shop = super::shop();
    let orders = shop.services.get_mut("orders").unwrap();
    orders.mounts[0].source = MountSource::Tmpfs;
    let size = placed(serde_json::json!("1m"));
    let fields = &mut orders.mounts[0].other_fields;
    fields.insert("tmpfs.size".into(), size);
    let wanted = want(&shop, &options()).unwrap();
    let told: Vec<&str> = wanted.warnings.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(
        told,
        ["orders runs as a host process and goes without `volumes.tmpfs.size`"]
    );
}

#[test]
fn a_link_leads_to_whom_it_names_for_its_caller_alone() {
    let mut shop = shop();
    let gateway = shop.services.get_mut("gateway").unwrap();
    gateway.links.push(Link {
        service: name("orders"),
        alias: "shelf".to_owned(),
        place: place(9),
    });
    set(gateway, "ORDERS_URL", "http://shelf:8080");
    set(
        shop.services.get_mut("orders").unwrap(),
        "OTHER_URL",
        "http://shelf:8080",
    );
    let wanted = want(&shop, &options()).unwrap();
    let url = format!("http://{}", edge(&wanted, "gateway->orders:8080").listen);
    assert_eq!(environment(&wanted, "gateway")["ORDERS_URL"], url);
    assert_eq!(
        environment(&wanted, "orders")["OTHER_URL"],
        "http://shelf:8080"
    );
}

#[test]
fn all_that_a_service_goes_without_is_one_warning_with_a_reason_for_each() {
    let mut web = service("web");
    for (field, value) in [
        ("hostname", serde_json::json!("hh")),
        ("tty", serde_json::json!(true)),
        ("annotations", serde_json::json!({})),
        (
            "networks",
            serde_json::json!({"a": {"priority": 1, "aliases": ["x"]}}),
        ),
        ("logging", serde_json::json!({"driver": "json-file"})),
    ] {
        web.other_fields.insert(field.to_owned(), placed(value));
    }
    let wanted = want(&system(vec![web]), &options()).unwrap();
    let told: Vec<String> = wanted.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "compose.yaml:9:5: web runs as a host process and goes without `hostname`, `tty`, \
          `networks.priority` (hostname: it sees this machine's, settings may still name it so; \
          tty: what it writes is captured; networks.priority: edges carry its calls)"
        ]
    );
}

#[test]
fn a_working_dir_is_a_folder_of_this_machine_by_itself_or_through_a_mount() {
    let directory = |asked: &str, own: Option<&str>| {
        let mut web = service("web");
        web.working_dir = Some(placed(asked.to_owned()));
        web.x_msvc.process.working_dir = own.map(Into::into);
        web.mounts.push(Mount {
            source: MountSource::Bind("/project/code".into()),
            target: "/app".into(),
            read_only: false,
            other_fields: IndexMap::new(),
            place: place(8),
        });
        let options = LaneOptions {
            is_folder: |path| path.starts_with("/project/code") || path == Path::new("/srv"),
            ..options()
        };
        let wanted = want(&system(vec![web]), &options)?;
        let Program::Process(process) = &wanted.instances[0].program else {
            panic!("no process");
        };
        Ok::<_, Problems>((process.directory.clone(), wanted.warnings.len()))
    };
    let at = |path: &str, warnings| (PathBuf::from(path), warnings);
    // The mount that it lies in is named by it; another one is not, and that is told.
    assert_eq!(
        directory("/app/sub", None).unwrap(),
        at("/project/code/sub", 0)
    );
    assert_eq!(directory("/srv", None).unwrap(), at("/srv", 1));
    assert_eq!(
        directory("code/sub", None).unwrap(),
        at("/project/code/sub", 1)
    );
    assert_eq!(directory("/none", Some("/here")).unwrap(), at("/here", 1));
    for refused in ["/none", "none", "code/../../x"] {
        let told = directory(refused, None).unwrap_err().to_string();
        assert!(
            told.starts_with("compose.yaml:9:5: web: a host process cannot honour `working_dir`"),
            "{told}"
        );
    }
}
