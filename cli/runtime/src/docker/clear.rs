//! All of a project, gone: by label, so that any crash is cleared the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use msvc_system::id::ServiceName;
use msvc_system::problem::Problem;

use super::container::{self, Found};
use super::engine::EngineError;
use super::runtime::DockerRuntime;
use super::strangers::{self, Owner};
use super::{labels, logs, network, volume};
use crate::contract::RuntimeError;
use crate::observed::Phase;
use crate::process::{self, ProjectHome};

/// Containers ended at once.
const AT_ONCE: usize = 16;

/// So many of the last lines of each container outlive it.
const KEPT: u32 = 10_000;

/// What `down` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Containers that ran.
    pub stopped: usize,
    /// Everything that was removed, containers included.
    pub removed: usize,
    /// What did not go well on the way: hooks that failed, networks that others stand on.
    pub told: Vec<Problem>,
}

/// Ends every container of the project, dependents first, and removes containers and networks;
/// with `volumes` its data too. Without, what the containers wrote last is kept among the
/// project's records, where `msvc logs` finds it.
///
/// # Errors
/// When the engine does not answer, or something is still used by others.
pub async fn down(runtime: &DockerRuntime, volumes: bool) -> Result<Cleared, RuntimeError> {
    let mut cleared = end_all(runtime, !volumes).await?;
    if volumes {
        cleared.removed += remove_data(runtime, &BTreeSet::new()).await?;
    }
    Ok(cleared)
}

/// Ends all of the project, as [`down`] does, with its data but for what is in `before`. What was
/// written last is kept: it tells why.
///
/// # Errors
/// As [`down`].
pub async fn undo(
    runtime: &DockerRuntime,
    before: &BTreeSet<String>,
) -> Result<Cleared, RuntimeError> {
    let mut cleared = end_all(runtime, true).await?;
    cleared.removed += remove_data(runtime, before).await?;
    Ok(cleared)
}

/// The names of the project's volumes.
///
/// # Errors
/// When the engine does not answer.
pub async fn data(runtime: &DockerRuntime) -> Result<BTreeSet<String>, RuntimeError> {
    let mut names = BTreeSet::new();
    for label in labels_of(runtime) {
        let found = volume::labelled(runtime.engine(), &label).await?;
        let own = found.into_iter().filter(|it| is_own(runtime, &it.1));
        names.extend(own.map(|it| it.0.name));
    }
    Ok(names)
}

/// Removes the project's volumes but for `kept`; how many.
async fn remove_data(
    runtime: &DockerRuntime,
    kept: &BTreeSet<String>,
) -> Result<usize, RuntimeError> {
    let names: Vec<String> = data(runtime).await?.difference(kept).cloned().collect();
    for name in &names {
        volume::remove(runtime.engine(), name).await?;
    }
    Ok(names.len())
}

/// By which labels something is the project's: msvc's, and Compose's.
fn labels_of(runtime: &DockerRuntime) -> [String; 2] {
    [labels::PROJECT, labels::compose::PROJECT].map(|key| format!("{key}={}", runtime.project()))
}

/// Ends and removes all but data. `lines`: whether what was written last is to be kept.
async fn end_all(runtime: &DockerRuntime, lines: bool) -> Result<Cleared, RuntimeError> {
    let engine = runtime.engine();
    let found = runtime.found_and_run_once().await?;
    let mut cleared = Cleared {
        stopped: found
            .iter()
            .filter(|one| one.phase().runs() || one.phase() == Phase::HeldDown)
            .count(),
        removed: found.len(),
        told: Vec::new(),
    };
    for level in levels(&found) {
        let level: Vec<Found> = level.into_iter().cloned().collect();
        let each = stream::iter(level).map(|one| async move {
            // A paused one takes no signal.
            if one.phase() == Phase::HeldDown {
                let resumed = engine.docker.unpause_container(&one.container);
                let what = format!("resuming container {}", one.container);
                let _ = engine.ask(what, resumed).await;
            }
            let told = container::end_of(engine, &one, runtime.clock()).await?;
            if lines {
                keep_lines(runtime, &one).await;
            }
            container::remove(engine, &one.container).await?;
            Ok::<_, EngineError>(told)
        });
        let ended = each.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>();
        cleared.told.extend(ended.await?.into_iter().flatten());
    }
    for mesh in runtime.found_carriers().await? {
        container::remove(engine, &mesh.container).await?;
        cleared.removed += 1;
    }
    remove_networks(runtime, &mut cleared).await?;
    Ok(cleared)
}

/// Removes the project's networks. One on which containers of others stand is kept, as Docker Compose
/// does it: whose they are is told.
async fn remove_networks(
    runtime: &DockerRuntime,
    cleared: &mut Cleared,
) -> Result<(), RuntimeError> {
    let engine = runtime.engine();
    let project = runtime.project().as_str();
    let mut names = BTreeSet::new();
    for label in labels_of(runtime) {
        let found = network::labelled(engine, &label).await?;
        let own = found.into_iter().filter(|it| is_own(runtime, &it.labels));
        names.extend(own.map(|it| it.observed.name));
    }
    for name in &names {
        let Err(error) = network::remove(engine, name).await else {
            cleared.removed += 1;
            continue;
        };
        let owner = Owner {
            project,
            as_compose_knows: project,
        };
        match &strangers::others_on(engine, name, &owner).await?[..] {
            [] => return Err(error.into()),
            others => cleared.told.push(strangers::kept(name, others)),
        }
    }
    Ok(())
}

/// Keeps the last lines of a container that has ended.
async fn keep_lines(runtime: &DockerRuntime, one: &Found) {
    let lines = logs::last(runtime.engine(), one, KEPT).await;
    // A disk that is full is no reason to leave the container there.
    if let Ok(home) = ProjectHome::new(runtime.root(), runtime.project().clone(), None) {
        let _ = process::keep_lines(&home, &one.id, &lines);
    }
}

/// Another copy's, whose folder is there, is not ours.
fn is_own(runtime: &DockerRuntime, labels: &std::collections::HashMap<String, String>) -> bool {
    let folder = labels.get(labels::compose::FOLDER).map(Path::new);
    folder.is_none_or(|folder| folder == runtime.root() || !folder.exists())
}

/// Containers in the order in which they end: whoever depends on others before those.
fn levels(found: &[Found]) -> Vec<Vec<&Found>> {
    let mut depends: BTreeMap<&ServiceName, BTreeSet<String>> = BTreeMap::new();
    for one in found {
        let on = one.labels.get(labels::compose::DEPENDS_ON);
        let on = on.map(String::as_str).unwrap_or_default().split(',');
        let on = on
            .filter_map(|it| it.split(':').next())
            .filter(|it| !it.is_empty());
        depends
            .entry(&one.id.service)
            .or_default()
            .extend(on.map(str::to_owned));
    }
    let mut levels: BTreeMap<usize, Vec<&Found>> = BTreeMap::new();
    for one in found {
        let depth = depth(&depends, one.id.service.as_str(), 0);
        levels.entry(depth).or_default().push(one);
    }
    levels.into_values().rev().collect()
}

/// The longest chain of dependencies below a service.
fn depth(depends: &BTreeMap<&ServiceName, BTreeSet<String>>, service: &str, above: usize) -> usize {
    if above > depends.len() {
        return 0;
    }
    let on = depends.iter().find(|(name, _)| name.as_str() == service);
    let on = on.map(|(_, on)| on);
    on.into_iter()
        .flatten()
        .map(|name| 1 + depth(depends, name, above + 1))
        .max()
        .unwrap_or_default()
}

impl From<Cleared> for crate::process::Down {
    fn from(cleared: Cleared) -> Self {
        Self {
            stopped: cleared.stopped,
            in_order: true,
            told: cleared.told,
        }
    }
}
