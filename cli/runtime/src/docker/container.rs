//! Containers of the engine, as instances: made and started, ended, looked at.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, ContainerStateStatusEnum,
    HealthStatusEnum,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, ListContainersOptionsBuilder};
use msvc_machine::clock::Clock;
use msvc_system::id::InstanceId;

use super::engine::{Engine, EngineError, called};
use super::labels;
use super::{files, hooks, network, published};
use crate::contract::RuntimeError;
use crate::instance::{ContainerProgram, InstanceSpec, Listen, Program};
use crate::observed::{MADE_ELSEWHERE, ObservedInstance, Phase};

mod as_of_old;
mod end;
mod not_taken;
pub(super) mod probe;

pub(super) use end::{end_of, remove, stop};
use not_taken::While;
pub use not_taken::fields_meant;
pub(super) use not_taken::network as network_not_taken;

/// A container as the engine shows it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: InstanceId,
    pub(super) container: String,
    pub(super) labels: HashMap<String, String>,
    pub(super) seen: ContainerInspectResponse,
}

/// Makes a container, joins it to its networks and starts it. When that fails nothing of it stays.
pub(super) async fn start(
    engine: &Engine,
    spec: &InstanceSpec,
    clock: &dyn Clock,
) -> Result<Found, RuntimeError> {
    let refused = |why: String| RuntimeError::Start {
        instance: spec.id.clone(),
        why,
    };
    let Program::Container(program) = &spec.program else {
        return Err(refused("it is a host process".to_owned()));
    };
    let mut body: ContainerCreateBody = serde_json::from_value(program.create.clone())
        .map_err(|why| refused(format!("what it is made from cannot be read: {why}")))?;
    let all = body.labels.get_or_insert_default();
    let own = [
        (labels::INCARNATION, spec.id.incarnation.to_string()),
        (labels::HASH, spec.hash.clone()),
        (labels::compose::CONFIG_HASH, spec.hash.clone()),
    ];
    all.extend(own.map(|(key, value)| (key.to_owned(), value)));
    let mut options = CreateContainerOptionsBuilder::default().name(&program.name);
    if let Some(platform) = &program.platform {
        options = options.platform(platform);
    }
    let labels = body.labels.clone();
    let docker = as_of_old::addressed(&engine.docker, &program.create, &body);
    let made = docker.create_container(Some(options.build()), body);
    let what = format!("making container {}", of(spec, program));
    let container = match engine.ask(what, made).await {
        Ok(made) => {
            let questions = &engine.questions;
            questions.call(&made.id, &program.name, labels.as_ref());
            made.id
        }
        Err(error) => return Err(not_taken::refusal(&spec.id, error, While::Making)),
    };
    match run(engine, spec, program, &container).await {
        Ok(()) => {
            if let Some((number, why)) = hooks::post_start(engine, spec, &container, clock).await {
                let _ = remove(engine, &container).await;
                return Err(RuntimeError::PostStart {
                    instance: spec.id.clone(),
                    number,
                    why,
                });
            }
            inspect(engine, &container)
                .await?
                .ok_or_else(|| refused("it was gone as soon as it was started".to_owned()))
        }
        Err(error) => {
            // The error is what matters; a container that cannot be removed is told by the next.
            let _ = remove(engine, &container).await;
            match published::taken(engine, &error).await {
                Some(taken) => Err(taken),
                None => Err(not_taken::refusal(&spec.id, error, While::Starting)),
            }
        }
    }
}

/// The container of an instance, for people.
fn of(spec: &InstanceSpec, program: &ContainerProgram) -> String {
    called(&program.name, Some(spec.id.service.as_str()))
}

async fn run(
    engine: &Engine,
    spec: &InstanceSpec,
    program: &ContainerProgram,
    container: &str,
) -> Result<(), EngineError> {
    for (name, settings) in &program.joins {
        network::join(engine, container, name, settings).await?;
    }
    files::lay(engine, container, &program.files).await?;
    let started = engine.docker.start_container(container, None);
    let what = format!("starting container {}", of(spec, program));
    engine.ask(what, started).await
}

/// A container that is an instance; none when it is gone or no instance.
pub(super) async fn inspect(
    engine: &Engine,
    container: &str,
) -> Result<Option<Found>, EngineError> {
    let seen = engine.docker.inspect_container(container, None);
    let what = format!("looking at container {container}");
    let seen = match engine.ask(what, seen).await {
        Err(error) if error.is_missing() => return Ok(None),
        seen => seen?,
    };
    let config = seen.config.clone().unwrap_or_default();
    let labels = config.labels.unwrap_or_default();
    Ok(instance(&labels).map(|id| Found {
        id,
        container: seen.id.clone().unwrap_or_else(|| container.to_owned()),
        labels,
        seen,
    }))
}

/// The key of a container: msvc's, or one that Compose made under the same project.
fn instance(labels: &HashMap<String, String>) -> Option<InstanceId> {
    use labels::compose;
    if labels.contains_key(labels::MESH) || labels.contains_key(labels::DOOR) {
        return None;
    }
    labels::instance(labels).or_else(|| {
        Some(InstanceId {
            project: labels.get(compose::PROJECT)?.parse().ok()?,
            lane: msvc_system::id::LaneName::main(),
            service: labels.get(compose::SERVICE)?.parse().ok()?,
            // What ran beside its service has no number.
            replica: labels
                .get(compose::NUMBER)
                .map_or(Ok(1), |it| it.parse())
                .ok()?,
            incarnation: MADE_ELSEWHERE,
        })
    })
}

/// The ids of the containers with all of some labels, each a key or `key=value`.
pub(super) async fn labelled(engine: &Engine, all: &[&str]) -> Result<Vec<String>, EngineError> {
    let filters = HashMap::from([("label", all.to_vec())]);
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters)
        .build();
    let found = engine.docker.list_containers(Some(options));
    let found = engine.ask("listing containers", found).await?;
    let ids = found.into_iter().filter_map(|container| {
        let (id, names) = (container.id?, container.names.unwrap_or_default());
        if let Some(name) = names.first() {
            engine.questions.call(&id, name, container.labels.as_ref());
        }
        Some(id)
    });
    Ok(ids.collect())
}

/// A time of the engine's, in nanoseconds since the Unix epoch.
pub(super) fn epoch_ns(written: &str) -> Option<u64> {
    let at = humantime::parse_rfc3339_weak(written).ok()?;
    u64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

impl Found {
    /// What it does, as far as the engine tells.
    pub(super) fn phase(&self) -> Phase {
        let state = self.seen.state.clone().unwrap_or_default();
        use ContainerStateStatusEnum as Status;
        match state.status {
            Some(Status::RUNNING) => match state.health.and_then(|health| health.status) {
                Some(HealthStatusEnum::STARTING) => Phase::Starting,
                Some(HealthStatusEnum::UNHEALTHY) => Phase::Unhealthy,
                _ => Phase::Ready,
            },
            Some(Status::PAUSED) => Phase::HeldDown,
            Some(Status::RESTARTING) => Phase::Restarting,
            Some(Status::EXITED | Status::DEAD | Status::REMOVING | Status::STOPPING) => {
                Phase::Exited {
                    status: state.exit_code.and_then(|code| i32::try_from(code).ok()),
                    signal: None,
                }
            }
            Some(Status::CREATED | Status::EMPTY) | None => Phase::Starting,
        }
    }

    /// Whether it was made and never started.
    pub(super) fn never_ran(&self) -> bool {
        let state = self.seen.state.as_ref();
        state.and_then(|state| state.status) == Some(ContainerStateStatusEnum::CREATED)
    }

    /// Whether it is no instance of its service but ran beside it, as `docker compose run` has it.
    pub(super) fn is_run_once(&self) -> bool {
        let once = self.labels.get(labels::compose::ONE_OFF);
        once.is_some_and(|once| once == "True")
    }

    /// Its name, as the engine's commands take it.
    pub(super) fn name(&self) -> &str {
        let name = self.seen.name.as_deref().unwrap_or(&self.container);
        name.trim_start_matches('/')
    }

    /// The container whose network it is in.
    pub(super) fn shares_network_of(&self) -> Option<&str> {
        let mode = self.seen.host_config.as_ref()?.network_mode.as_deref()?;
        mode.strip_prefix("container:")
    }

    pub(super) fn hash(&self) -> String {
        self.labels.get(labels::HASH).cloned().unwrap_or_default()
    }

    pub(super) fn folder(&self) -> Option<&str> {
        self.labels.get(labels::compose::FOLDER).map(String::as_str)
    }

    /// Where the host reaches it, when it has an address of its own.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let host = self.seen.host_config.as_ref();
        if host.and_then(|host| host.network_mode.as_deref()) == Some("host") {
            return Some(Ipv4Addr::LOCALHOST.into());
        }
        let networks = self.seen.network_settings.as_ref()?.networks.as_ref()?;
        let mut addresses: Vec<IpAddr> = networks
            .values()
            .filter_map(|place| place.ip_address.as_ref()?.parse().ok())
            .collect();
        addresses.sort();
        addresses.into_iter().next()
    }

    /// The ports that the file says it listens on; of what msvc did not make, those that the
    /// container tells.
    pub(super) fn listens(&self) -> Vec<Listen> {
        let address = self.address().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let ports: Vec<u16> = match self.labels.get(labels::LISTENS) {
            Some(ports) => ports.split(',').filter_map(|it| it.parse().ok()).collect(),
            None => self.exposed(),
        };
        ports
            .into_iter()
            .map(|port| Listen {
                port,
                backend: SocketAddr::new(address, port),
            })
            .collect()
    }

    /// The TCP ports that the container itself tells.
    fn exposed(&self) -> Vec<u16> {
        let config = self.seen.config.as_ref();
        let exposed = config.and_then(|config| config.exposed_ports.as_ref());
        let tcp = exposed.into_iter().flatten();
        tcp.filter_map(|port| port.strip_suffix("/tcp")?.parse().ok())
            .collect()
    }

    /// The host's number of its first process, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        let pid = self.seen.state.as_ref()?.pid?;
        u32::try_from(pid).ok().filter(|pid| *pid > 0)
    }

    /// The name of the engine's first reason for what it does: its last probe, its error.
    fn detail(&self, phase: &Phase) -> Option<String> {
        let state = self.seen.state.as_ref()?;
        let said = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match phase {
            Phase::Unhealthy => state.health.as_ref().map(probe::last),
            Phase::HeldDown => Some("paused".to_owned()),
            Phase::Exited { .. } if state.oom_killed == Some(true) => {
                Some("out of memory".to_owned())
            }
            _ => state.error.as_ref().and_then(said),
        }
    }

    /// As `ps` and planning see it.
    pub(super) fn observed(&self, now: SystemTime) -> ObservedInstance {
        let phase = self.phase();
        ObservedInstance {
            id: self.id.clone(),
            runtime: super::RUNTIME.to_owned(),
            hash: self.hash(),
            pid: self.pid(),
            since_ms: self.since(&phase, now),
            restarts: self.restarts(),
            detail: self.detail(&phase),
            held_by: None,
            was_stopped: false,
            displaced: None,
            listens: self.listens(),
            phase,
        }
    }

    /// How often the engine has started it again.
    pub(super) fn restarts(&self) -> u32 {
        let count = self.seen.restart_count.unwrap_or_default();
        u32::try_from(count).unwrap_or_default()
    }

    /// When it was started last, in nanoseconds since the Unix epoch by the engine's clock.
    pub(super) fn started_at_ns(&self) -> Option<u64> {
        epoch_ns(self.seen.state.as_ref()?.started_at.as_deref()?)
    }

    /// When it ended last, told in the same way.
    pub(super) fn ended_at_ns(&self) -> Option<u64> {
        epoch_ns(self.seen.state.as_ref()?.finished_at.as_deref()?)
    }

    /// How long ago it was started; long ago where the engine's clock is ahead of this host's.
    pub(super) fn runs_for(&self, now: SystemTime) -> Duration {
        let started = self.seen.state.as_ref();
        let started = started.and_then(|state| state.started_at.as_deref());
        let started = started.and_then(|at| humantime::parse_rfc3339_weak(at).ok());
        let since = started.and_then(|started| now.duration_since(started).ok());
        since.unwrap_or(Duration::MAX)
    }

    fn since(&self, phase: &Phase, now: SystemTime) -> u64 {
        let at = |pick: fn(&ContainerState) -> Option<&String>| {
            let text = self.seen.state.as_ref().and_then(pick)?;
            humantime::parse_rfc3339_weak(text).ok()
        };
        let since = if phase.runs() {
            at(|state| state.started_at.as_ref())
        } else {
            at(|state| state.finished_at.as_ref())
        };
        let since = since.and_then(|since| now.duration_since(since).ok());
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }
}
