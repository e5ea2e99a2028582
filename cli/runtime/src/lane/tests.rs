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
use crate::ports::{Binding, seed};

mod limits;
mod settings;

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

pub(crate) fn placed<T>(value: T) -> Placed<T> {
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
        unset: Vec::new(),
        command_place: place(6),
        working_dir: None,
        ports: Vec::new(),
        listens: vec![8080],
        told: Vec::new(),
        datagrams: Vec::new(),
        depends_on: Vec::new(),
        healthcheck: Some(Healthcheck {
            test: HealthTest::Command(vec![of.to_owned(), "healthcheck".to_owned()]),
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            retries: 3,
            start_period: Duration::from_secs(10),
            place: place(5),
        }),
        links: Vec::new(),
        mounts: Vec::new(),
        files: Vec::new(),
        post_start: Vec::new(),
        pre_stop: Vec::new(),
        restart: RestartPolicy::UnlessStopped,
        stop_grace_period: Duration::from_secs(10),
        stop_signal: None,
        replicas: 1,
        profiles: Vec::new(),
        labels: IndexMap::new(),
        labels_of_files: false,
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
        published_to: None,
        target,
        protocol: Protocol::Tcp,
        is_https: false,
        place: place(7),
    });
}

pub(crate) fn system(services: Vec<Service>) -> System {
    System {
        name: "shop".parse().unwrap(),
        files: vec!["compose.yaml".into()],
        root: "/project".into(),
        services: services.into_iter().map(|s| (s.name.clone(), s)).collect(),
        resting: IndexMap::new(),
        volumes: IndexMap::new(),
        networks: IndexMap::new(),
        edges: Vec::new(),
        x_msvc: SystemExtension::default(),
        written: msvc_system::written::Written::default(),
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
        other_fields: IndexMap::new(),
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
        port: Some(8080),
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
        is_folder: |_| false,
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
    let process = instance.process().unwrap();
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
