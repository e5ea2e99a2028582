//! Labels: Compose's own, so that `docker compose` finds what msvc made, and msvc's, which are
//! the state: any later command reads from them what runs and as what.

use std::collections::HashMap;
use std::path::Path;

use msvc_system::id::{InstanceId, LaneName, Party, ProjectName};
use msvc_system::model::System;
use serde::{Deserialize, Serialize};

/// The project that everything of a system carries, all its lanes.
pub(crate) const PROJECT: &str = "msvc.project";
/// The lane.
pub(crate) const LANE: &str = "msvc.lane";
/// An instance's service.
pub(crate) const SERVICE: &str = "msvc.service";
/// An instance's replica.
pub(crate) const REPLICA: &str = "msvc.replica";
/// An instance's incarnation.
pub(crate) const INCARNATION: &str = "msvc.incarnation";
/// The hash of what it was made from.
pub(crate) const HASH: &str = "msvc.hash";
/// The ports an instance listens on, with commas.
pub(crate) const LISTENS: &str = "msvc.listens";
/// For whom a port is published, as JSON of [`Opened`].
pub(crate) const OPENED: &str = "msvc.opened";
/// What a mesh's container opens to the host, as JSON.
pub(crate) const MESH: &str = "msvc.mesh";
/// What a door's container opens to the host, as JSON.
pub(crate) const DOOR: &str = "msvc.door";
/// Over the names that the mesh gives a container; what of them nobody declares needs no new one.
pub(crate) const HOSTS: &str = "msvc.hosts";
/// Where a container was put: its networks, each with the address that it is to have there or with
/// nothing, as JSON.
pub(crate) const STANDS: &str = "msvc.stands";
/// For which project msvc made an image. Containers inherit it from theirs, where nothing reads it.
pub(crate) const IMAGE: &str = "msvc.image";
/// What the context held that an image was built of, where a command of the file has made it.
pub(crate) const MADE_OF: &str = "msvc.made-of";
/// What is run in a container before it is asked to end, as JSON: whoever ends it may have no files.
pub(crate) const PRE_STOP: &str = "msvc.pre-stop";
/// The form of these labels.
pub(crate) const SCHEMA: &str = "msvc.schema";
/// This form.
pub(crate) const SCHEMA_NOW: &str = "msvc.container/1";

/// Compose's names for the same.
pub(crate) mod compose {
    pub(crate) const PROJECT: &str = "com.docker.compose.project";
    pub(crate) const SERVICE: &str = "com.docker.compose.service";
    pub(crate) const NUMBER: &str = "com.docker.compose.container-number";
    pub(crate) const ONE_OFF: &str = "com.docker.compose.oneoff";
    pub(crate) const CONFIG_HASH: &str = "com.docker.compose.config-hash";
    pub(crate) const FOLDER: &str = "com.docker.compose.project.working_dir";
    pub(crate) const FILES: &str = "com.docker.compose.project.config_files";
    pub(crate) const DEPENDS_ON: &str = "com.docker.compose.depends_on";
    pub(crate) const IMAGE: &str = "com.docker.compose.image";
    pub(crate) const NETWORK: &str = "com.docker.compose.network";
    pub(crate) const VOLUME: &str = "com.docker.compose.volume";
    pub(crate) const VERSION: &str = "com.docker.compose.version";
    /// The Compose whose labels these are.
    pub(crate) const VERSION_NOW: &str = "2.40.3";
}

/// Whose a container is, for people: a service, or a system's mesh.
pub(crate) fn whose(labels: &HashMap<String, String>) -> Option<String> {
    if labels.contains_key(MESH) || labels.contains_key(DOOR) {
        return Some(format!("the mesh of {}", labels.get(PROJECT)?));
    }
    let service = labels.get(SERVICE).or_else(|| labels.get(compose::SERVICE));
    service.cloned()
}

/// A port that a container opens to the host itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) port: u16,
    pub(crate) caller: Party,
}

/// The name of a lane's project as Compose knows it.
pub(crate) fn compose_project(project: &ProjectName, lane: &LaneName) -> String {
    if *lane == LaneName::main() {
        project.to_string()
    } else {
        format!("{project}-{lane}")
    }
}

/// The files of a system, as Compose lists them.
pub(crate) fn files(system: &System) -> String {
    let files = system.files.iter().map(|file| file.display().to_string());
    files.collect::<Vec<_>>().join(",")
}

/// Forgets from which files a container's settings come: the same of others is no other container,
/// as for Compose.
pub(crate) fn forget_files(create: &mut serde_json::Value) {
    if let Some(labels) = create.get_mut("Labels").and_then(|it| it.as_object_mut()) {
        labels.remove(compose::FILES);
    }
}

/// What the image of a service carries: what Compose's own do, and that msvc made it.
pub(crate) fn of_image(project: &str, service: &str) -> [(String, String); 4] {
    [
        (IMAGE, project),
        (compose::PROJECT, project),
        (compose::SERVICE, service),
        (compose::VERSION, compose::VERSION_NOW),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
}

/// What everything in a lane carries.
pub(crate) fn of_lane(
    project: &ProjectName,
    lane: &LaneName,
    root: &Path,
) -> Vec<(String, String)> {
    [
        (compose::PROJECT, compose_project(project, lane)),
        (compose::FOLDER, root.display().to_string()),
        (compose::VERSION, compose::VERSION_NOW.to_owned()),
        (PROJECT, project.to_string()),
        (LANE, lane.to_string()),
        (SCHEMA, SCHEMA_NOW.to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The key that a container's labels spell; none when it is no instance of msvc's.
pub(crate) fn instance(labels: &HashMap<String, String>) -> Option<InstanceId> {
    let get = |key: &str| labels.get(key);
    Some(InstanceId {
        project: get(PROJECT)?.parse().ok()?,
        lane: get(LANE)?.parse().ok()?,
        service: get(SERVICE)?.parse().ok()?,
        replica: get(REPLICA)?.parse().ok()?,
        incarnation: get(INCARNATION)?.parse().ok()?,
    })
}
