//! What keepers hold down, written before each deed beside the project's other records: a file for
//! each keeper. Any later command reads from it what is held and by whom, and completes what a keeper
//! that was killed has left.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use msvc_machine::atomic_write::atomic_write;
use serde::{Deserialize, Serialize};

use super::{Kept, comes_back};
use crate::contract::RuntimeError;
use crate::docker::container;
use crate::docker::guests;
use crate::docker::runtime::DockerRuntime;
use crate::process::ProcessIdentity;

/// The form of the record.
const SCHEMA: &str = "msvc.held/1";

/// What is held down, by container.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Held {
    schema: String,
    /// The keeper's process.
    keeper: u32,
    /// The same for certain.
    #[serde(default)]
    process: Option<ProcessIdentity>,
    containers: Vec<String>,
    /// By which command, by container.
    #[serde(default)]
    by: HashMap<String, String>,
}

/// Each keeper's record begins so, and goes on with its process.
const RECORD: &str = "held-";

fn folder(root: &Path, project: &str) -> PathBuf {
    root.join(".msvc").join(project)
}

/// The records of all keepers of a project.
fn all_records(runtime: &DockerRuntime) -> Vec<(PathBuf, Held)> {
    let folder = folder(runtime.root(), runtime.project().as_str());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(RECORD));
    ours.filter_map(|entry| {
        let text = std::fs::read_to_string(entry.path()).ok()?;
        Some((
            entry.path(),
            serde_json::from_str(&text).unwrap_or_default(),
        ))
    })
    .collect()
}

/// What is held down by keepers that live: by container, with the command as far as it said so.
pub(in crate::docker) fn held(runtime: &DockerRuntime) -> HashMap<String, Option<String>> {
    let mut all = HashMap::new();
    for (_, mut held) in all_records(runtime) {
        if held.process.as_ref().is_some_and(ProcessIdentity::lives) {
            for container in held.containers {
                let by = held.by.remove(&container);
                all.insert(container, by);
            }
        }
    }
    all
}

pub(super) fn records(path: &Path) -> impl FnOnce(std::io::Error) -> RuntimeError + use<> {
    let path = path.to_owned();
    move |source| RuntimeError::Records { path, source }
}

/// Writes down what this keeper holds; nothing held, no record.
pub(super) fn write(runtime: &DockerRuntime, held: Vec<Kept>) -> Result<(), RuntimeError> {
    let own = format!("{RECORD}{}.json", std::process::id());
    let path = folder(runtime.root(), runtime.project().as_str()).join(own);
    if held.is_empty() {
        let _ = std::fs::remove_file(&path);
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(records(folder))?;
    }
    let held = Held {
        schema: SCHEMA.to_owned(),
        keeper: std::process::id(),
        process: ProcessIdentity::own(),
        containers: held.iter().map(|it| it.container.clone()).collect(),
        by: held
            .into_iter()
            .filter_map(|it| Some((it.container, it.by?)))
            .collect(),
    };
    let text = serde_json::to_vec(&held).unwrap_or_default();
    atomic_write(&path, &text).map_err(records(&path))
}

/// Brings back what a keeper that was killed had held down.
///
/// # Errors
/// When the engine does not answer.
pub(in crate::docker) async fn heal(runtime: &DockerRuntime) -> Result<(), RuntimeError> {
    for (path, held) in all_records(runtime) {
        heal_one(runtime, &path, held).await?;
    }
    Ok(())
}

async fn heal_one(runtime: &DockerRuntime, path: &Path, held: Held) -> Result<(), RuntimeError> {
    let keeper = held.process.or_else(|| ProcessIdentity::of(held.keeper));
    if keeper.is_some_and(|keeper| keeper.lives()) {
        return Ok(());
    }
    for container in &held.containers {
        if let Some(found) = container::inspect(runtime.engine(), container).await?
            && comes_back(&found)
        {
            // One that runs already was brought back by somebody else.
            let _ = guests::bring_back(runtime, container).await;
        }
    }
    let _ = std::fs::remove_file(path);
    Ok(())
}
