//! The mesh's container from outside: made, found, spoken with over the engine's exec.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, ContainerState, ExecConfig};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use msvc_machine::clock::Clock;
use msvc_machine::this_program::this_program;
use msvc_mesh::client;
use msvc_mesh::protocol::{Hello, ProtocolError, Session};
use msvc_mesh::spec::{EdgeSpec, EdgeStatus};
use msvc_report::event::Event;
use msvc_system::id::LaneName;
use serde::Deserialize;
use tokio_util::io::StreamReader;

use super::aboard::NO_ADDRESS;
use super::engine::{Engine, EngineError};
use super::image::{self, ImageFacts};
use super::labels;
use super::want::OpeningAt;
use super::{container, network, published};
use crate::contract::RuntimeError;
use crate::instance::ContainerProgram;
use crate::observed::Published;
use crate::provision::{Kind, ObservedProvision, Provision};

/// How long a mesh may take from its start to its first word.
const FIRST_WORD: Duration = Duration::from_secs(20);
/// How long an address may be kept by connections of the edge that left it.
const LEFT: Duration = Duration::from_secs(2);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A mesh's container as the engine shows it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) container: String,
    pub(super) lane: LaneName,
    pub(super) observed: ObservedProvision,
    /// Whether it carries anything: one that somebody paused does not.
    pub(super) is_running: bool,
    /// Whether somebody paused it.
    pub(super) is_paused: bool,
    /// What it opens to the host: the mesh's ports, and where on the host each is.
    pub(super) openings: Vec<(OpeningAt, Option<SocketAddr>)>,
    /// Its address on each of its networks.
    pub(super) places: BTreeMap<String, String>,
}

impl Found {
    /// Where the host reaches ports of services: at those of its openings where an edge listens, be it
    /// another one than the opening was made for.
    pub(super) fn published(&self, edges: &[EdgeStatus]) -> Vec<Published> {
        let open = self.openings.iter().filter_map(|(it, address)| {
            let edge = edges.iter().find(|edge| {
                edge.listen.port() == it.at
                    && edge.listen.ip().is_unspecified()
                    && edge.id.lane == self.lane
            })?;
            Some(Published {
                lane: self.lane.clone(),
                caller: edge.id.caller.clone(),
                service: edge.id.callee.clone(),
                port: edge.id.port,
                address: (*address)?,
            })
        });
        open.collect()
    }
}

/// The image that meshes run: this very program.
pub(super) async fn image(
    engine: &Engine,
    sink: &(dyn Fn(Event) + Send + Sync),
    clock: &dyn Clock,
) -> Result<ImageFacts, EngineError> {
    let program = this_program().map_err(|why| EngineError::File {
        path: Path::new("msvc").to_owned(),
        why: format!("the running program cannot be found: {why}"),
    })?;
    image::of_program(engine, &program, "msvc-mesh", sink, clock).await
}

/// Makes a mesh; one of that name goes first.
pub(super) async fn make(engine: &Engine, wanted: &Provision) -> Result<(), RuntimeError> {
    let what = format!("making the mesh {}", wanted.name);
    let unreadable = |why: serde_json::Error| EngineError::Refused {
        what: what.clone(),
        status: 400,
        why: why.to_string(),
    };
    let program: ContainerProgram =
        serde_json::from_value(wanted.create.clone()).map_err(unreadable)?;
    let body: ContainerCreateBody =
        serde_json::from_value(program.create.clone()).map_err(unreadable)?;
    container::remove(engine, &program.name).await?;
    let options = CreateContainerOptionsBuilder::default()
        .name(&program.name)
        .build();
    let labels = body.labels.clone();
    let made = engine.docker.create_container(Some(options), body);
    let container = engine.ask(what.as_str(), made).await?.id;
    let questions = &engine.questions;
    questions.call(&container, &program.name, labels.as_ref());
    let started = async {
        for (name, settings) in &program.joins {
            network::join(engine, &container, name, settings).await?;
        }
        let started = engine.docker.start_container(&container, None);
        engine.ask(what.as_str(), started).await
    };
    if let Err(error) = started.await {
        // The error is what matters; a container that cannot be removed is told by the next.
        let _ = container::remove(engine, &container).await;
        return Err(match published::taken(engine, &error).await {
            Some(taken) => taken,
            None => error.into(),
        });
    }
    Ok(())
}

/// Where a running mesh is to stand too.
#[derive(Deserialize)]
struct Place {
    container: String,
    network: String,
    settings: serde_json::Value,
}

/// Lets a running mesh stand on one more network.
pub(super) async fn join(engine: &Engine, wanted: &Provision) -> Result<(), RuntimeError> {
    let place: Place =
        serde_json::from_value(wanted.create.clone()).map_err(|why| EngineError::Refused {
            what: format!("making {}", wanted.name),
            status: 400,
            why: why.to_string(),
        })?;
    let Place {
        container,
        network,
        settings,
    } = place;
    network::leave(engine, &container, &network).await?;
    network::join(engine, &container, &network, &settings).await?;
    Ok(())
}

/// The meshes and doors of a project.
pub(super) async fn find(
    engine: &Engine,
    project: &str,
    root: &Path,
) -> Result<Vec<Found>, EngineError> {
    let own = format!("{}={project}", labels::PROJECT);
    let (mesh, door) = ([own.as_str(), labels::MESH], [own.as_str(), labels::DOOR]);
    let (meshes, doors) = tokio::try_join!(
        container::labelled(engine, &mesh),
        container::labelled(engine, &door)
    )?;
    let ids: BTreeSet<String> = meshes.into_iter().chain(doors).collect();
    let each = ids.iter().map(|id| async move {
        let seen = engine.docker.inspect_container(id, None);
        match engine.ask(format!("looking at container {id}"), seen).await {
            Ok(seen) => Ok(read(id, &seen, root)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    });
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

fn read(id: &str, seen: &ContainerInspectResponse, root: &Path) -> Option<Found> {
    let labels = seen.config.as_ref()?.labels.as_ref()?;
    let (kind, openings) = match (labels.get(labels::MESH), labels.get(labels::DOOR)) {
        (Some(text), _) => (Kind::Mesh, serde_json::from_str(text).unwrap_or_default()),
        (None, Some(text)) => {
            let opening: Option<OpeningAt> = serde_json::from_str(text).ok();
            (Kind::Door, opening.into_iter().collect::<Vec<_>>())
        }
        (None, None) => return None,
    };
    let folder = labels.get(labels::compose::FOLDER).map(Path::new);
    let is_own = folder.is_none_or(|folder| folder == root || !folder.exists());
    let lane: LaneName = labels.get(labels::LANE)?.parse().ok()?;
    let name = seen.name.clone().unwrap_or_default();
    let bound = published::bound(seen);
    let is = |pick: fn(&ContainerState) -> Option<bool>| {
        seen.state.as_ref().and_then(pick) == Some(true)
    };
    let is_paused = is(|state| state.paused);
    is_own.then(|| Found {
        container: id.to_owned(),
        observed: ObservedProvision {
            kind,
            name: name.trim_start_matches('/').to_owned(),
            hash: labels.get(labels::HASH).cloned().unwrap_or_default(),
            lane: Some(lane.clone()),
        },
        lane,
        is_running: is(|state| state.running) && !is_paused,
        is_paused,
        openings: places_of(openings, &bound),
        places: places(seen),
    })
}

/// Each opening with its place on the host: the one that it asks for, else one that no other of the
/// same port does.
fn places_of(
    openings: Vec<OpeningAt>,
    bound: &BTreeMap<String, Vec<SocketAddr>>,
) -> Vec<(OpeningAt, Option<SocketAddr>)> {
    let asked = |at: u16, port: u16| {
        let mut all = openings.iter();
        all.any(|it| it.at == at && it.opening.asked() == Some(port..=port))
    };
    let place = |it: &OpeningAt| {
        let all = bound.get(&format!("{}/tcp", it.at))?;
        let mut all = all.iter().copied();
        match it.opening.asked() {
            Some(ports) if ports.start() == ports.end() => {
                all.find(|address| ports.contains(&address.port()))
            }
            Some(ports) => {
                all.find(|address| ports.contains(&address.port()) && !asked(it.at, address.port()))
            }
            None => all.find(|address| !asked(it.at, address.port())),
        }
    };
    let found: Vec<_> = openings.iter().map(place).collect();
    openings.into_iter().zip(found).collect()
}

/// A container's address on each of its networks.
pub(super) fn places(seen: &ContainerInspectResponse) -> BTreeMap<String, String> {
    let settings = seen.network_settings.as_ref();
    let networks = settings.and_then(|it| it.networks.as_ref());
    let networks = networks.into_iter().flatten();
    networks
        .filter_map(|(name, place)| Some((name.clone(), place.ip_address.clone()?)))
        .collect()
}

/// Whether a mesh that ran still does.
pub(super) async fn runs(engine: &Engine, container: &str) -> Result<bool, EngineError> {
    let seen = engine.docker.inspect_container(container, None);
    let what = format!("looking at container {container}");
    match engine.ask(what, seen).await {
        Err(error) if error.is_missing() => Ok(false),
        seen => Ok(seen?.state.and_then(|state| state.running) == Some(true)),
    }
}

/// A session with a mesh, once it answers.
pub(super) async fn session(
    engine: &Engine,
    container: &str,
    clock: &dyn Clock,
) -> Result<Session, RuntimeError> {
    let deadline = clock.now() + FIRST_WORD;
    loop {
        let failed = match attach(engine, container, clock).await {
            Ok(session) => return Ok(session),
            // One that was taken away never answers.
            Err(RuntimeError::Engine(gone)) if gone.is_missing() => return Err(gone.into()),
            Err(failed) => failed,
        };
        if clock.now() >= deadline {
            return Err(silent(engine, container, failed).into());
        }
        clock.sleep(PAUSE).await;
    }
}

/// That a mesh in a container that runs does not answer, because of what was seen last.
fn silent(engine: &Engine, container: &str, failed: RuntimeError) -> EngineError {
    let called = engine.questions.named(container);
    let why = match failed {
        RuntimeError::Engine(EngineError::Refused { why, .. }) => format!("the engine says: {why}"),
        RuntimeError::Engine(EngineError::Lost { why, .. }) => format!("the engine is gone: {why}"),
        other => other.to_string(),
    };
    let container = called.split(' ').next().unwrap_or_default().to_owned();
    EngineError::Mesh {
        mesh: format!("container {called}"),
        container,
        why,
    }
}

async fn attach(
    engine: &Engine,
    container: &str,
    clock: &dyn Clock,
) -> Result<Session, RuntimeError> {
    let what = || format!("speaking with container {container}");
    let seen = engine.docker.inspect_container(container, None);
    let config = engine.ask(what(), seen).await?.config.unwrap_or_default();
    let command = config.cmd.unwrap_or_default();
    let config = ExecConfig {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.into_iter().chain(["attach".to_owned()]).collect()),
        ..ExecConfig::default()
    };
    let made = engine.docker.create_exec(container, config);
    let id = engine.ask(what(), made).await?.id;
    let started = engine.docker.start_exec(&id, None::<StartExecOptions>);
    let StartExecResults::Attached { output, input } = engine.ask(what(), started).await? else {
        return Err(RuntimeError::Refused(
            "the engine attached nothing".to_owned(),
        ));
    };
    let words = output.filter_map(|item| async move {
        match item {
            Ok(LogOutput::StdOut { message }) => Some(Ok::<Bytes, std::io::Error>(message)),
            Ok(_) => None,
            Err(why) => Some(Err(std::io::Error::other(why.to_string()))),
        }
    });
    let stream = tokio::io::join(StreamReader::new(Box::pin(words)), input);
    let hello = Hello::client(env!("CARGO_PKG_VERSION"), 0);
    let session = tokio::select! {
        session = Session::connect(stream, hello) => session,
        () = clock.sleep(FIRST_WORD) => Err(ProtocolError::Closed("it says nothing".to_owned())),
    };
    session.map_err(|why| RuntimeError::Refused(why.to_string()))
}

/// Has a mesh carry an edge. One that left its address just now may have it for a moment still.
pub(super) async fn open(
    session: &Session,
    spec: &EdgeSpec,
    clock: &dyn Clock,
) -> Result<(), ProtocolError> {
    let deadline = clock.now() + LEFT;
    loop {
        match client::put_edge(session, spec).await {
            Ok(_) => return Ok(()),
            Err(ProtocolError::Refused { kind, .. })
                if kind == NO_ADDRESS && clock.now() < deadline =>
            {
                clock.sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The edges that a mesh carries.
pub(super) async fn edges(session: &Session) -> Result<Vec<EdgeStatus>, RuntimeError> {
    let edges = client::edges(session).await;
    edges.map_err(|why| RuntimeError::Refused(format!("the mesh does not tell its edges: {why}")))
}
