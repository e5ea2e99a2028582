//! One service as containers: everything joined, hashed, and given its labels.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bollard::models::{ContainerCreateBody, HostConfig, NetworkingConfig, RestartPolicyNameEnum};
use msvc_system::id::InstanceId;
use msvc_system::model::{RestartPolicy, Service};
use msvc_system::problem::{Problem, Problems};
use serde_json::Value;

use super::mesh::listens;
use super::networks::Place;
use super::ports::Ports;
use super::value::sorted;
use super::{MeshPlan, Names, Wish, fields, files, health, mounts, networks, ports};
use crate::docker::engine::ApiVersion;
use crate::docker::image::{ImageFacts, platform};
use crate::docker::labels::{self, compose};
use crate::instance::{
    ContainerFile, ContainerProgram, Hook, Hooks, InstanceSpec, Listen, Program,
};
use crate::lane::fill::hex;
use crate::provision::{Kind, Provision};

/// A service before its replica is known.
pub(super) struct Draft<'a> {
    names: &'a Names<'a>,
    service: &'a Service,
    facts: ImageFacts,
    body: ContainerCreateBody,
    places: Vec<Place>,
    listens: BTreeSet<u16>,
    /// Hashes of the networks that it stands on.
    networks: Vec<String>,
    /// Lines of its hosts that nobody declares: a change of theirs alone starts nothing anew.
    undeclared: Vec<String>,
    files: Vec<ContainerFile>,
    mesh: Option<&'a MeshPlan<'a>>,
    api: ApiVersion,
}

/// A service made ready.
pub(super) fn draft<'a>(
    wish: &Wish<'_>,
    names: &'a Names<'a>,
    service: &'a Service,
    facts: &ImageFacts,
    provisions: &[Provision],
    mesh: Option<&'a MeshPlan<'a>>,
    problems: &mut Problems,
) -> Draft<'a> {
    let listens = listens(service, Some(facts));
    let Ports {
        bindings,
        exposed,
        opened,
    } = match mesh.filter(|mesh| mesh.opens(service)) {
        // The mesh opens them to the host.
        Some(_) => Ports::past_the_mesh(names, service, &listens, problems),
        None => ports::ports(names, service, &listens, problems),
    };
    let mut host = HostConfig {
        port_bindings: (!bindings.is_empty()).then_some(bindings),
        restart_policy: Some(restart(service.restart)),
        ..HostConfig::default()
    };
    let mut body = ContainerCreateBody {
        image: Some(facts.reference.clone()),
        entrypoint: service.entrypoint.clone(),
        cmd: service.command.clone(),
        env: Some(environment(names, service)),
        working_dir: service.working_dir.as_ref().map(|it| it.value.clone()),
        stop_signal: service.stop_signal.as_ref().map(|it| it.value.clone()),
        stop_timeout: i64::try_from(service.stop_grace_period.as_secs()).ok(),
        exposed_ports: (!exposed.is_empty()).then(|| exposed.into_iter().collect()),
        healthcheck: health::config(wish, service, problems),
        ..ContainerCreateBody::default()
    };
    if let Some(program) = &facts.program {
        body.cmd = Some(words(service, program));
        body.entrypoint = None;
    }
    mounts::apply(wish, names, service, &mut host, problems);
    let files = files::apply(service, &mut host, problems);
    fields::apply(wish, names, service, &mut body, &mut host, problems);
    problems.0.extend(networks::problems(wish, service));
    network_mode(names, service, &mut host, problems);
    if host
        .network_mode
        .as_ref()
        .is_some_and(|mode| mode.starts_with("container:"))
    {
        // They are the ports of whose namespace it is; the engine refuses them here.
        body.exposed_ports = None;
        host.port_bindings = None;
    }
    let mut undeclared = Vec::new();
    if let Some(mesh) = mesh
        && !service.other_fields.contains_key("network_mode")
    {
        undeclared = known_by_the_mesh(mesh, service, host.extra_hosts.get_or_insert_default());
    }
    let places = networks::places(names, service);
    if let Some(first) = places.first() {
        host.network_mode = Some(first.name.clone());
    }
    body.host_config = Some(host);
    body.labels = Some(labels_of(names, service, &opened, &listens));
    let on: Vec<String> = places.iter().map(|place| place.name.clone()).collect();
    let networks = provisions
        .iter()
        .filter(|it| it.kind == Kind::Network && on.contains(&it.name))
        .map(|it| it.hash.clone())
        .collect();
    Draft {
        names,
        service,
        facts: facts.clone(),
        body,
        places,
        listens,
        networks,
        undeclared,
        files,
        mesh,
        api: wish.api,
    }
}

/// Adds the names that the mesh knows to a container's hosts; returns those that nobody declares.
fn known_by_the_mesh(
    mesh: &MeshPlan<'_>,
    service: &Service,
    hosts: &mut Vec<String>,
) -> Vec<String> {
    // What the file says of a name holds.
    let said: BTreeSet<String> = hosts
        .iter()
        .filter_map(|it| Some(it.split_once(':')?.0.to_owned()))
        .collect();
    let mut undeclared = Vec::new();
    for known in mesh.hosts(service) {
        let name = known.entry.split_once(':').map(|it| it.0);
        if name.is_some_and(|name| said.contains(name)) {
            continue;
        }
        if !known.is_declared {
            undeclared.push(known.entry.clone());
        }
        hosts.push(known.entry);
    }
    undeclared
}

impl Draft<'_> {
    /// One replica.
    pub(super) fn instance(&self, replica: u32) -> InstanceSpec {
        let Self {
            names,
            service,
            facts,
            ..
        } = self;
        let options = names.options;
        let mut body = self.body.clone();
        let mut joins = Vec::new();
        let mut stands = BTreeMap::new();
        for (number, place) in self.places.iter().enumerate() {
            let mut settings = place.settings.clone();
            let own = self.mesh.filter(|mesh| mesh.carries(&place.name));
            if let Some(own) = own.and_then(|mesh| mesh.own(service, replica, &place.name)) {
                let addresses = settings.ipam_config.get_or_insert_default();
                addresses.ipv4_address = Some(own.to_string());
            }
            let fixed = settings.ipam_config.as_ref();
            let fixed = fixed.and_then(|it| it.ipv4_address.clone());
            // The engine's own network has another name in each.
            if !service.other_fields.contains_key("network_mode") {
                stands.insert(&place.name, fixed.unwrap_or_default());
            }
            if number == 0 {
                body.networking_config = Some(NetworkingConfig {
                    endpoints_config: Some(HashMap::from([(place.name.clone(), settings)])),
                });
            } else {
                let settings = serde_json::to_value(&settings).unwrap_or_default();
                joins.push((place.name.clone(), sorted(settings)));
            }
        }
        if let Some(labels) = &mut body.labels {
            labels.insert(compose::NUMBER.to_owned(), replica.to_string());
            labels.insert(labels::REPLICA.to_owned(), replica.to_string());
        }
        // Of a packed image the name tells what it was made of, as its id does.
        let image = body.image.take_if(|_| facts.program.is_some());
        let mut create = sorted(serde_json::to_value(&body).unwrap_or_default());
        networks::address_as_of_old(self.api, &mut create);
        let name = names.container(service, replica);
        let mut told = create.clone();
        labels::forget_files(&mut told);
        if let Some(Value::Array(hosts)) = told.pointer_mut("/HostConfig/ExtraHosts") {
            hosts.retain(|it| !self.undeclared.iter().any(|other| it == other));
        }
        let files = serde_json::to_value(&self.files).unwrap_or_default();
        let hooks = hooks(service);
        let run = match hooks.is_none() {
            true => String::new(),
            false => serde_json::to_string(&hooks).unwrap_or_default(),
        };
        let told = format!("{name} {told} {joins:?} {:?} {files}{run}", self.networks);
        let settings = hex(told.as_bytes());
        let hosts = create["HostConfig"]["ExtraHosts"].to_string();
        create["Labels"][labels::HOSTS] = Value::from(hex(hosts.as_bytes()));
        let stands = serde_json::to_string(&stands).unwrap_or_default();
        create["Labels"][labels::STANDS] = Value::from(stands);
        if let Some(id) = &facts.id {
            create["Labels"][compose::IMAGE] = Value::from(id.as_str());
        }
        // Of the image its id counts, or what is in it: its name may be the same and it another.
        let hash = match facts.contents.as_ref().or(facts.id.as_ref()) {
            Some(image) => settings + &hex(image.as_bytes()),
            None => settings,
        };
        if let Some(image) = image {
            create["Image"] = Value::from(image);
        }
        InstanceSpec {
            id: InstanceId {
                project: options.project.clone(),
                lane: options.lane.clone(),
                service: service.name.clone(),
                replica,
                incarnation: 1,
            },
            hash,
            program: Program::Container(Arc::new(ContainerProgram {
                name,
                create,
                joins,
                files: self.files.clone(),
                platform: platform::asked(service).map(str::to_owned),
            })),
            listens: self
                .listens
                .iter()
                .map(|port| Listen {
                    port: *port,
                    // The engine gives the address when it starts.
                    backend: SocketAddr::from((Ipv4Addr::UNSPECIFIED, *port)),
                })
                .collect(),
            health: health::spec(service, facts),
            restart: service.restart,
            stop_signal: signal_of(service),
            stop_grace: service.stop_grace_period,
            hooks,
        }
    }
}

fn hooks(service: &Service) -> Hooks {
    Hooks {
        post_start: service.post_start.iter().map(Hook::of).collect(),
        pre_stop: service.pre_stop.iter().map(Hook::of).collect(),
    }
}

/// The name of the signal that asks it to end; the engine knows what an image says of that.
fn signal_of(service: &Service) -> String {
    let asked = service.stop_signal.as_ref();
    asked.map_or_else(|| "SIGTERM".to_owned(), |it| it.value.clone())
}

fn environment(names: &Names<'_>, service: &Service) -> Vec<String> {
    let declared = service
        .environment
        .iter()
        .map(|(key, value)| (key, &value.value));
    let over = names.options.environment.get(&service.name);
    let all: BTreeMap<&String, &String> = declared.chain(over.into_iter().flatten()).collect();
    // A name alone takes the image's away.
    let unset = service.unset.iter().filter(|key| !all.contains_key(key));
    let unset: BTreeSet<String> = unset.cloned().collect();
    all.into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .chain(unset)
        .collect()
}

/// The words that start a packed program: what the file says, or the program with its flags.
fn words(service: &Service, program: &str) -> Vec<String> {
    let given = [&service.entrypoint, &service.command];
    let mut words: Vec<String> = given.into_iter().flatten().flatten().cloned().collect();
    if words.first().is_none_or(|word| word.starts_with('-')) {
        words.insert(0, program.to_owned());
    }
    words
}

fn restart(policy: RestartPolicy) -> bollard::models::RestartPolicy {
    use RestartPolicyNameEnum as Name;
    let (name, count) = match policy {
        RestartPolicy::No => (Name::NO, None),
        RestartPolicy::Always => (Name::ALWAYS, None),
        RestartPolicy::UnlessStopped => (Name::UNLESS_STOPPED, None),
        RestartPolicy::OnFailure(count) => (Name::ON_FAILURE, count.map(i64::from)),
    };
    bollard::models::RestartPolicy {
        name: Some(name),
        maximum_retry_count: count,
    }
}

/// `network_mode`: the host's, none, or another's namespace.
fn network_mode(
    names: &Names<'_>,
    service: &Service,
    host: &mut HostConfig,
    problems: &mut Problems,
) {
    let Some(field) = service.other_fields.get("network_mode") else {
        return;
    };
    let mode = field.value.as_str().unwrap_or_default();
    host.network_mode = Some(match mode.strip_prefix("service:") {
        None => mode.to_owned(),
        Some(other) => match names.system.service(other) {
            Some(other) => format!("container:{}", names.container(other, 1)),
            None => {
                let what =
                    format!("`network_mode` names the service `{other}`, which is not there");
                problems.push(Problem::error(what).at(field.place.clone()));
                return;
            }
        },
    });
    let shares = mode.starts_with("service:") || mode.starts_with("container:");
    if shares && !service.ports.is_empty() {
        let what = format!(
            "{} publishes ports and lives in another's network namespace",
            service.name
        );
        problems.push(
            Problem::error(what)
                .at(field.place.clone())
                .hint("publish them at the service whose namespace it is"),
        );
    }
}

fn labels_of(
    names: &Names<'_>,
    service: &Service,
    opened: &[labels::Opened],
    listens: &BTreeSet<u16>,
) -> HashMap<String, String> {
    let (system, options) = (names.system, names.options);
    let dependencies: Vec<String> = service
        .depends_on
        .iter()
        .map(|it| {
            let condition = serde_json::to_value(it.condition).unwrap_or_default();
            let condition = condition.as_str().unwrap_or_default().to_owned();
            format!("{}:{condition}:{}", it.service, it.restart)
        })
        .collect();
    let ports: Vec<String> = listens.iter().map(ToString::to_string).collect();
    let own = [
        (compose::SERVICE, service.name.to_string()),
        (compose::ONE_OFF, "False".to_owned()),
        (compose::FILES, labels::files(system)),
        (compose::DEPENDS_ON, dependencies.join(",")),
        (labels::SERVICE, service.name.to_string()),
        (labels::LISTENS, ports.join(",")),
        (
            labels::OPENED,
            serde_json::to_value(opened)
                .map(|v: Value| v.to_string())
                .unwrap_or_default(),
        ),
    ];
    let mut labels: HashMap<String, String> = service.labels.clone().into_iter().collect();
    labels.extend(labels::of_lane(
        &options.project,
        &options.lane,
        &system.root,
    ));
    labels.extend(own.map(|(key, value)| (key.to_owned(), value)));
    if !service.pre_stop.is_empty() {
        let hooks = serde_json::to_string(&hooks(service).pre_stop).unwrap_or_default();
        labels.insert(labels::PRE_STOP.to_owned(), hooks);
    }
    labels
}
