//! What is wanted of systems built by hand.

use std::net::SocketAddr;
use std::time::Duration;

use indexmap::IndexMap;
use msvc_mesh::spec::{Admission, Backend};
use msvc_system::model::{
    Build, Call, Condition, Edge, EdgeReason, HealthTest, Healthcheck, Mount, MountSource, Placed,
    Protocol, PublishedPort, RestartPolicy, ServiceExtension, SystemExtension, Volume,
};
use msvc_system::problem::Place;

use super::*;
use crate::build::Built;
use crate::instance::Program;
use crate::ports::{Binding, seed};

pub(crate) fn place(line: u32) -> Place {
    Place {
        file: "compose.yaml".into(),
        line,
        column: 5,
    }
}

pub(crate) fn name(name: &str) -> ServiceName {
    name.parse().unwrap()
}

fn placed<T>(value: T) -> Placed<T> {
    Placed {
        value,
        place: place(9),
    }
}

/// A service that is built from a folder of its own, listens on 8080 as LISTEN says, and tells
/// its health.
pub(crate) fn service(of: &str) -> Service {
    let mut service = Service {
        name: name(of),
        place: place(3),
        image: None,
        build: Some(Build {
            context: format!("/project/{of}").into(),
            dockerfile: "Dockerfile".into(),
            place: place(4),
            args: IndexMap::new(),
            target: None,
        }),
        entrypoint: None,
        command: Some(vec![of.to_owned()]),
        environment: IndexMap::new(),
        working_dir: None,
        ports: Vec::new(),
        listens: vec![8080],
        depends_on: Vec::new(),
        healthcheck: Some(Healthcheck {
            test: HealthTest::Command(vec![of.to_owned(), "healthcheck".to_owned()]),
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            retries: 3,
            start_period: Duration::from_secs(10),
            place: place(5),
        }),
        mounts: Vec::new(),
        restart: RestartPolicy::UnlessStopped,
        stop_grace_period: Duration::from_secs(10),
        stop_signal: "SIGTERM".to_owned(),
        replicas: 1,
        profiles: Vec::new(),
        labels: IndexMap::new(),
        other_fields: IndexMap::new(),
        x_msvc: ServiceExtension::default(),
    };
    set(&mut service, "LISTEN", "0.0.0.0:8080");
    service
}

pub(crate) fn set(service: &mut Service, key: &str, value: &str) {
    let value = placed(value.to_owned());
    service.environment.insert(key.to_owned(), value);
}

pub(crate) fn depends(service: &mut Service, on: &str, condition: Condition) {
    service.depends_on.push(Dependency {
        service: name(on),
        condition,
        required: true,
        restart: false,
        place: place(6),
    });
}

pub(crate) fn publish(service: &mut Service, published: Option<u16>, target: u16) {
    service.ports.push(PublishedPort {
        host_ip: None,
        published,
        target,
        protocol: Protocol::Tcp,
        place: place(7),
    });
}

pub(crate) fn system(services: Vec<Service>) -> System {
    System {
        name: "shop".parse().unwrap(),
        files: vec!["compose.yaml".into()],
        root: "/project".into(),
        services: services.into_iter().map(|s| (s.name.clone(), s)).collect(),
        volumes: IndexMap::new(),
        edges: Vec::new(),
        x_msvc: SystemExtension::default(),
        hash: String::new(),
    }
}

/// Three services as the shop has them: gateway to orders over HTTP, orders to a broker.
pub(crate) fn shop() -> System {
    let mut gateway = service("gateway");
    set(&mut gateway, "ORDERS_URL", "http://orders:8080");
    depends(&mut gateway, "orders", Condition::ServiceHealthy);
    publish(&mut gateway, Some(8080), 8080);
    let mut orders = service("orders");
    set(&mut orders, "KAFKA_BROKERS", "broker:9092");
    set(&mut orders, "DATA_DIR", "/data");
    depends(&mut orders, "broker", Condition::ServiceHealthy);
    orders.mounts.push(Mount {
        source: MountSource::Volume("orders-data".into()),
        target: "/data".into(),
        read_only: false,
        place: place(8),
    });
    let mut broker = service("broker");
    broker.listens = vec![9092];
    set(&mut broker, "LISTEN", "0.0.0.0:9092");
    set(&mut broker, "ADVERTISED", "broker:9092");
    let mut shop = system(vec![gateway, orders, broker]);
    shop.volumes.insert("orders-data".into(), Volume::default());
    shop.edges.push(Edge {
        caller: Party::Service(name("gateway")),
        callee: name("orders"),
        port: 8080,
        reasons: vec![
            EdgeReason::Environment {
                key: "ORDERS_URL".into(),
                place: place(9),
            },
            EdgeReason::DependsOn { place: place(6) },
        ],
    });
    shop
}

pub(crate) fn options() -> LaneOptions {
    LaneOptions {
        project: "shop".parse().unwrap(),
        lane: LaneName::main(),
        home: "/project/.msvc/shop".into(),
        services: Subset::All,
        publish: Publish::AsTheFileSays,
        environment: BTreeMap::new(),
        further_edges: Vec::new(),
        caller: [("PATH", "/bin"), ("HOME", "/home/me"), ("SECRET", "x")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        lenient: false,
    }
}

/// A machine where nothing is taken but these ports.
#[derive(Default)]
pub(crate) struct Empty(pub(crate) Vec<u16>);

impl Binding for Empty {
    fn is_free(&mut self, address: SocketAddr) -> bool {
        !self.0.contains(&address.port())
    }
    fn has_loopback_network(&mut self) -> bool {
        true
    }
    fn owner(&mut self, _: SocketAddr) -> Option<String> {
        None
    }
}

pub(crate) fn want_on(
    system: &System,
    options: &LaneOptions,
    machine: &mut Empty,
) -> Result<(Wanted, Book), Problems> {
    let folder = Built {
        folder: Some("/project/target/debug".into()),
        program: None,
        fingerprint: None,
    };
    let services = system
        .services
        .keys()
        .map(|name| (name.clone(), folder.clone()));
    let built = BuildOutcome {
        services: services.collect(),
        changed: false,
    };
    let survey = Survey::of(system, options, &built)?;
    let mut book = Book::default();
    let seed = seed(&options.home, "shop");
    book.settle(seed, &survey.slots(), &BTreeSet::new(), machine)
        .unwrap();
    Ok((survey.wanted(&book)?, book))
}

pub(crate) fn want(system: &System, options: &LaneOptions) -> Result<Wanted, Problems> {
    want_on(system, options, &mut Empty::default()).map(|(wanted, _)| wanted)
}

fn environment(wanted: &Wanted, of: &str) -> BTreeMap<String, String> {
    let instance = wanted
        .instances
        .iter()
        .find(|i| i.id.service == of)
        .unwrap();
    let Program::Process(process) = &instance.program;
    process.environment.iter().cloned().collect()
}

fn edge<'a>(wanted: &'a Wanted, shown: &str) -> &'a EdgeSpec {
    let mut edges = wanted.edges.iter();
    edges.find(|edge| edge.id.to_string() == shown).unwrap()
}

fn backend(wanted: &Wanted, of: &str) -> SocketAddr {
    wanted
        .instances
        .iter()
        .find(|i| i.id.service == of)
        .unwrap()
        .listens[0]
        .backend
}

fn refused(system: &System) -> Vec<String> {
    let problems = want(system, &options()).unwrap_err().0;
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn settings_lead_to_the_edge_and_the_edge_to_the_callee() {
    let wanted = want(&shop(), &options()).unwrap();
    let shown: Vec<String> = wanted
        .edges
        .iter()
        .map(|edge| edge.id.to_string())
        .collect();
    assert_eq!(
        shown,
        [
            "gateway->orders:8080",
            "orders->broker:9092",
            "client->gateway:8080"
        ]
    );
    let orders = edge(&wanted, "gateway->orders:8080");
    let url = format!("http://{}", orders.listen);
    assert_eq!(environment(&wanted, "gateway")["ORDERS_URL"], url);
    assert_eq!(orders.listen.port(), 8080);
    assert_eq!(orders.backends, [Backend::Tcp(backend(&wanted, "orders"))]);
    assert_eq!(orders.reasons, ["ORDERS_URL", "depends_on"]);
    assert_eq!(orders.caller_replica, Some(1));
    assert_ne!(orders.listen.ip(), backend(&wanted, "orders").ip());

    let broker = edge(&wanted, "orders->broker:9092");
    assert_eq!(
        environment(&wanted, "orders")["KAFKA_BROKERS"],
        broker.listen.to_string()
    );
    assert_eq!(broker.also_known_as[0].to_string(), "broker:9092");
    assert_eq!(
        broker.reasons,
        ["KAFKA_BROKERS"],
        "found though no file declares it"
    );

    let client = edge(&wanted, "client->gateway:8080");
    assert_eq!(client.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(wanted.entries[0].url, "http://127.0.0.1:8080");
}

#[test]
fn a_service_listens_at_its_own_address_and_names_itself_by_it() {
    let wanted = want(&shop(), &options()).unwrap();
    let broker = environment(&wanted, "broker");
    assert_eq!(broker["LISTEN"], backend(&wanted, "broker").to_string());
    assert_eq!(broker["ADVERTISED"], broker["LISTEN"]);
}

#[test]
fn a_process_has_few_of_the_callers_variables_and_its_build_leads_its_path() {
    let wanted = want(&shop(), &options()).unwrap();
    let gateway = environment(&wanted, "gateway");
    assert_eq!(gateway["PATH"], "/project/target/debug:/bin");
    assert_eq!(gateway["HOME"], "/home/me");
    assert!(!gateway.contains_key("SECRET"));
}

#[test]
fn data_lives_in_the_lanes_volumes() {
    let wanted = want(&shop(), &options()).unwrap();
    let folder = "/project/.msvc/shop/main/volumes/orders-data";
    assert_eq!(environment(&wanted, "orders")["DATA_DIR"], folder);
    let orders = wanted
        .instances
        .iter()
        .find(|i| i.id.service == "orders")
        .unwrap();
    let Program::Process(process) = &orders.program;
    assert_eq!(process.folders, [PathBuf::from(folder)]);
}

#[test]
fn each_rewriting_is_told_with_its_reason() {
    let wanted = want(&shop(), &options()).unwrap();
    let why: Vec<String> = wanted
        .rewritings
        .iter()
        .map(|r| format!("{} {}: {}", r.service, r.key, r.why))
        .collect();
    assert_eq!(
        why,
        [
            "gateway LISTEN: where gateway listens",
            "gateway ORDERS_URL: the edge to orders",
            "orders DATA_DIR: volume orders-data",
            "orders KAFKA_BROKERS: the edge to broker",
            "orders LISTEN: where orders listens",
            "broker ADVERTISED: itself",
            "broker LISTEN: where broker listens",
        ]
    );
    let shown = wanted.rewritings[1].to_string();
    assert!(
        shown.starts_with("gateway ORDERS_URL: http://orders:8080 => http://127."),
        "{shown}"
    );
}

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
fn a_number_moves_the_port_and_an_address_keeps_it() {
    let mut web = service("web");
    web.environment.shift_remove("LISTEN");
    set(&mut web, "PORT", "8080");
    let wanted = want(&system(vec![web]), &options()).unwrap();
    let backend = backend(&wanted, "web");
    assert_eq!(backend.ip().to_string(), "127.0.0.1");
    assert_ne!(backend.port(), 8080);
    assert_eq!(
        environment(&wanted, "web")["PORT"],
        backend.port().to_string()
    );
}

#[test]
fn where_a_port_is_taken_everywhere_the_neighbouring_setting_follows() {
    let mut web = service("web");
    set(&mut web, "DB_HOST", "db");
    set(&mut web, "DB_PORT", "5432");
    let mut db = service("db");
    db.listens = vec![5432];
    set(&mut db, "LISTEN", "0.0.0.0:5432");
    let mut machine = Empty(vec![5432]);
    let (wanted, _) = want_on(
        &system(vec![web.clone(), db.clone()]),
        &options(),
        &mut machine,
    )
    .unwrap();
    let listen = edge(&wanted, "web->db:5432").listen;
    let settings = environment(&wanted, "web");
    assert_eq!(settings["DB_HOST"], listen.ip().to_string());
    assert_eq!(settings["DB_PORT"], listen.port().to_string());
    assert_ne!(listen.port(), 5432);

    web.environment.shift_remove("DB_PORT");
    let problems = want_on(&system(vec![web, db]), &options(), &mut machine).unwrap_err();
    assert!(
        problems.to_string().contains("names the host db alone"),
        "{problems}"
    );
}

#[test]
fn bare_host_names_hold_for_every_port_of_the_callee() {
    let mut web = service("web");
    set(&mut web, "MAIL_HOST", "mailbox");
    let mut mailbox = service("mailbox");
    mailbox.listens = vec![8080, 2525];
    set(&mut mailbox, "LISTEN_SMTP", "0.0.0.0:2525");
    let wanted = want(&system(vec![web, mailbox]), &options()).unwrap();
    let http = edge(&wanted, "web->mailbox:8080").listen;
    let smtp = edge(&wanted, "web->mailbox:2525").listen;
    assert_eq!(
        (http.ip(), http.port(), smtp.port()),
        (smtp.ip(), 8080, 2525)
    );
    assert_eq!(
        environment(&wanted, "web")["MAIL_HOST"],
        http.ip().to_string()
    );
}

#[test]
fn a_replica_has_an_address_and_edges_of_its_own() {
    let mut shop = shop();
    shop.services.get_mut("orders").unwrap().replicas = 2;
    let wanted = want(&shop, &options()).unwrap();
    assert_eq!(edge(&wanted, "gateway->orders:8080").backends.len(), 2);
    let to_broker: Vec<_> = wanted
        .edges
        .iter()
        .filter(|edge| edge.id.to_string() == "orders->broker:9092")
        .map(|edge| (edge.caller_replica, edge.listen))
        .collect();
    assert_eq!(to_broker.len(), 2);
    assert_ne!(to_broker[0].1, to_broker[1].1);
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
            "deploy",
            serde_json::json!({"resources": {"limits": {"memory": "1g"}}}),
        ),
        ("container_name", serde_json::json!("web")),
        ("devices", serde_json::json!([])),
    ] {
        odd.other_fields.insert(field.to_owned(), placed(value));
    }
    let told = refused(&system(vec![odd.clone()])).join("\n");
    for field in [
        "`privileged`",
        "`cap_add`",
        "`networks.ipv4_address`",
        "`deploy.resources.limits.memory`",
    ] {
        assert!(told.contains(field), "{told}");
    }
    assert!(
        !told.contains("container_name") && !told.contains("devices"),
        "{told}"
    );
    let lenient = LaneOptions {
        lenient: true,
        ..options()
    };
    assert_eq!(
        want(&system(vec![odd]), &lenient).unwrap().warnings.len(),
        4
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
fn calls_name_key_and_callee() {
    let mut web = service("web");
    set(&mut web, "STORE", "db");
    web.x_msvc.calls.push(Call {
        service: name("db"),
        port: Some(8080),
        key: Some("STORE".into()),
        place: place(4),
    });
    let wanted = want(&system(vec![web, service("db")]), &options()).unwrap();
    let listen = edge(&wanted, "web->db:8080").listen;
    assert_eq!(
        environment(&wanted, "web")["STORE"],
        listen.ip().to_string()
    );
}
