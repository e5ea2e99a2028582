//! The volumes of a lane, and what a container mounts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{HostConfig, Mount, MountType, VolumeCreateRequest};
use msvc_system::model::{MountSource, Service};

use super::Names;
use super::value::sorted;
use crate::docker::labels;
use crate::lane::fill::hex;
use crate::provision::{Kind, Provision};

/// The volumes of the services that are made here.
pub(super) fn provisions(names: &Names<'_>, services: &[&Service]) -> Vec<Provision> {
    let mounts = services.iter().flat_map(|service| &service.mounts);
    let keys: BTreeSet<&String> = mounts
        .filter_map(|mount| match &mount.source {
            MountSource::Volume(key) => Some(key),
            MountSource::Bind(_) | MountSource::Anonymous | MountSource::Tmpfs => None,
        })
        .collect();
    keys.into_iter()
        .filter_map(|key| {
            let (name, is_external) = names.volume(key);
            (!is_external).then(|| provision(names, key, name))
        })
        .collect()
}

fn provision(names: &Names<'_>, key: &str, name: String) -> Provision {
    let options = names.options;
    let declared = names.system.volumes.get(key);
    let mut labels: BTreeMap<String, String> = declared
        .iter()
        .flat_map(|volume| volume.labels.clone())
        .chain(labels::of_lane(
            &options.project,
            &options.lane,
            &names.system.root,
        ))
        .collect();
    labels.insert(labels::compose::VOLUME.to_owned(), key.to_owned());
    let request = VolumeCreateRequest {
        name: Some(name.clone()),
        labels: Some(labels.into_iter().collect()),
        ..VolumeCreateRequest::default()
    };
    Provision {
        kind: Kind::Volume,
        hash: hex(name.as_bytes()),
        name,
        create: sorted(serde_json::to_value(request).unwrap_or_default()),
    }
}

/// Puts a service's mounts into `host`.
pub(super) fn apply(names: &Names<'_>, service: &Service, host: &mut HostConfig) {
    let mut mounts = Vec::new();
    let mut binds = Vec::new();
    let mut tmpfs = HashMap::new();
    for mount in &service.mounts {
        let (typ, source) = match &mount.source {
            MountSource::Volume(key) => (MountType::VOLUME, Some(names.volume(key).0)),
            MountSource::Anonymous => (MountType::VOLUME, None),
            MountSource::Bind(path) => {
                let path = path.to_string_lossy().into_owned();
                // In this form the engine makes a folder that is missing, as Compose has it; a
                // path with a colon needs the other form.
                if !path.contains(':') && !mount.target.contains(':') {
                    let mode = if mount.read_only { "ro" } else { "rw" };
                    binds.push(format!("{path}:{}:{mode}", mount.target));
                    continue;
                }
                (MountType::BIND, Some(path))
            }
            MountSource::Tmpfs => {
                tmpfs.insert(mount.target.clone(), String::new());
                continue;
            }
        };
        mounts.push(Mount {
            typ: Some(typ),
            source,
            target: Some(mount.target.clone()),
            read_only: Some(mount.read_only),
            ..Mount::default()
        });
    }
    host.mounts = (!mounts.is_empty()).then_some(mounts);
    host.binds = (!binds.is_empty()).then_some(binds);
    host.tmpfs = (!tmpfs.is_empty()).then_some(tmpfs);
}
