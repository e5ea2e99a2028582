//! The volumes of a lane, and what a container mounts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{HostConfig, Mount, VolumeCreateRequest};
use msvc_system::model::{MountSource, Service, Volume};
use msvc_system::problem::Problems;

use super::value::sorted;
use super::{Names, Wish};
use crate::docker::labels;
use crate::lane::fill::hex;
use crate::provision::{Kind, Provision};

mod options;

use options::Options;

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
        driver: declared.and_then(|volume| Some(volume.driver.clone()?.value)),
        driver_opts: declared.and_then(driver_options),
        ..VolumeCreateRequest::default()
    };
    Provision {
        kind: Kind::Volume,
        hash: hex(name.as_bytes()),
        name,
        create: sorted(serde_json::to_value(request).unwrap_or_default()),
    }
}

fn driver_options(volume: &Volume) -> Option<HashMap<String, String>> {
    let options = volume.options.iter();
    let options: HashMap<_, _> = options
        .map(|(key, option)| (key.clone(), option.value.clone()))
        .collect();
    (!options.is_empty()).then_some(options)
}

/// Puts a service's mounts into `host`.
pub(super) fn apply(
    wish: &Wish<'_>,
    names: &Names<'_>,
    service: &Service,
    host: &mut HostConfig,
    problems: &mut Problems,
) {
    for mount in &service.mounts {
        let mut options = Options::of(mount);
        let mut made = Mount {
            target: Some(mount.target.clone()),
            read_only: Some(mount.read_only),
            ..Mount::default()
        };
        match &mount.source {
            MountSource::Volume(key) => {
                made.source = Some(names.volume(key).0);
                options.of_volume(wish, &mut made, problems);
            }
            MountSource::Anonymous => options.of_volume(wish, &mut made, problems),
            MountSource::Bind(path) => {
                let path = path.to_string_lossy().into_owned();
                match options.of_bind(wish, &path, &mut made, problems) {
                    None => made.source = Some(path),
                    Some(bind) => {
                        host.binds.get_or_insert_default().push(bind);
                        options.rest(service, problems);
                        continue;
                    }
                }
            }
            MountSource::Tmpfs => match options.of_tmpfs(&mut made) {
                None => {}
                Some(text) => {
                    let tmpfs = host.tmpfs.get_or_insert_default();
                    tmpfs.insert(mount.target.clone(), text);
                    options.rest(service, problems);
                    continue;
                }
            },
        }
        options.rest(service, problems);
        host.mounts.get_or_insert_default().push(made);
    }
}
