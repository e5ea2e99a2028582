//! A service's data as folders and files of the host.

use std::path::{Path, PathBuf};

use msvc_system::id::LaneName;
use msvc_system::model::{Mount, MountSource, Service, System};
use msvc_system::problem::{Problem, Problems};

use crate::names::path::Moved;

/// A service's mounts as its process sees them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mounts {
    /// Where paths move to.
    pub(crate) moved: Vec<Moved>,
    /// Folders that must exist before it starts.
    pub(crate) folders: Vec<PathBuf>,
}

/// The mounts of one replica of `service` in `lane` of the project whose home is `home`.
pub(crate) fn mounts(
    system: &System,
    service: &Service,
    lane: &LaneName,
    home: &Path,
    problems: &mut Problems,
) -> Mounts {
    let mut mounts = Mounts::default();
    let lane_home = home.join(lane.as_str());
    for mount in &service.mounts {
        let of_service = format!("{}{}", service.name, mount.target.replace('/', "-"));
        let (host, what) = match &mount.source {
            MountSource::Volume(name) => {
                if system
                    .volumes
                    .get(name)
                    .is_some_and(|volume| volume.external)
                {
                    problems.push(
                        Problem::error(format!("volume `{name}` is external"))
                            .at(mount.place.clone())
                            .hint("a process cannot use an engine's volume; declare it without `external`"),
                    );
                }
                (
                    lane_home.join("volumes").join(name),
                    format!("volume {name}"),
                )
            }
            MountSource::Anonymous => (
                lane_home.join("volumes").join(of_service),
                "a volume without a name".to_owned(),
            ),
            MountSource::Tmpfs => (lane_home.join("tmpfs").join(of_service), "tmpfs".to_owned()),
            MountSource::Bind(path) => {
                one_lane_only(mount, lane, problems);
                (path.clone(), "bind mount".to_owned())
            }
        };
        if !matches!(mount.source, MountSource::Bind(_)) {
            mounts.folders.push(host.clone());
        }
        let target = mount.target.trim_end_matches('/');
        if target.is_empty() {
            problems.push(
                Problem::error(format!("{} mounts over `/`", service.name))
                    .at(mount.place.clone())
                    .hint("a process has the host's own root folder; mount a folder under it"),
            );
            continue;
        }
        mounts.moved.push(Moved {
            target: target.to_owned(),
            host,
            what,
        });
    }
    mounts
}

fn one_lane_only(mount: &Mount, lane: &LaneName, problems: &mut Problems) {
    if !mount.read_only && *lane != LaneName::main() {
        problems.push(
            Problem::error(format!(
                "`{}` is a writable folder of the host: only one lane can have it",
                mount.target
            ))
            .at(mount.place.clone())
            .hint("mount it read-only (`:ro`), or use a named volume"),
        );
    }
}

/// A warning for each mount that no setting names: the process would look at the host's path of
/// that name instead.
pub(crate) fn unnamed(service: &Service, mounts: &Mounts, met: &[String], problems: &mut Problems) {
    for (mount, moved) in service.mounts.iter().zip(&mounts.moved) {
        if !met.contains(&moved.target) {
            problems.push(
                Problem::warning(format!(
                    "no setting of {} names {}, where {} is mounted",
                    service.name, moved.target, moved.what
                ))
                .at(mount.place.clone())
                .hint(format!(
                    "as a process it would use the host's own {0}; give it a setting that holds {0}",
                    moved.target
                )),
            );
        }
    }
}
