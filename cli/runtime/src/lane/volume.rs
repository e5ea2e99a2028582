//! A service's data as folders and files of the host.

use std::path::{Path, PathBuf};

use msvc_system::id::LaneName;
use msvc_system::model::{FileSource, GivenFile, Mount, MountSource, Service, System, Volume};
use msvc_system::problem::{Problem, Problems};

use crate::fields::In;
use crate::instance::ProcessFile;
use crate::names::path::Moved;

/// The folder of a lane with the files that are written for its services; gone with `down`.
pub(crate) const FILES: &str = "files";

/// A service's mounts as its process sees them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mounts {
    /// Where paths move to.
    pub(crate) moved: Vec<Moved>,
    /// Folders that must exist before it starts.
    pub(crate) folders: Vec<PathBuf>,
    /// Files that must be written before it starts.
    pub(crate) files: Vec<ProcessFile>,
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
        let (host, what) = placed(service, mount, &lane_home);
        match &mount.source {
            MountSource::Volume(name) => {
                let volume = system.volumes.get(name);
                let foreign = volume.and_then(|it| of_an_engine(name, it, mount));
                problems.0.extend(foreign);
            }
            MountSource::Bind(_) => one_lane_only(mount, lane, problems),
            MountSource::Anonymous | MountSource::Tmpfs => {}
        }
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
    for file in &service.files {
        match &file.source {
            FileSource::Host(path) => mounts.moved.push(Moved {
                target: file.target.clone(),
                host: path.clone(),
                what: file.what.clone(),
            }),
            // Told with all that is refused.
            FileSource::Elsewhere => {}
            FileSource::Variable { name, value: None } => {
                let what = format!(
                    "{}: {} is in the variable `{name}`, which is not set",
                    service.name, file.what
                );
                let problem = Problem::error(what).at(file.place.clone());
                problems.push(problem.hint(format!("set `{name}`, or keep it in a `file`")));
            }
            FileSource::Text(text)
            | FileSource::Variable {
                value: Some(text), ..
            } => {
                let path = written(service, file, &lane_home);
                mounts.moved.push(Moved {
                    target: file.target.clone(),
                    host: path.clone(),
                    what: file.what.clone(),
                });
                let text = text.clone();
                mounts.files.push(ProcessFile { path, text });
            }
        }
    }
    mounts
}

/// Where the host has a file that a service of `lane` keeps in a mount, or is given; none where the
/// path is in neither.
#[must_use]
pub fn host_file(service: &Service, lane: &LaneName, home: &Path, path: &str) -> Option<PathBuf> {
    let given = service.files.iter().find(|file| file.target == path);
    if let Some(file) = given {
        return match &file.source {
            FileSource::Host(path) => Some(path.clone()),
            FileSource::Text(_) | FileSource::Variable { .. } => {
                Some(written(service, file, &home.join(lane.as_str())))
            }
            FileSource::Elsewhere => None,
        };
    }
    let (mount, rest) = service.mount_of(path)?;
    let (host, _) = placed(service, mount, &home.join(lane.as_str()));
    Some(host.join(rest))
}

/// Where a file is written whose text no file of the host holds.
fn written(service: &Service, file: &GivenFile, lane_home: &Path) -> PathBuf {
    let name = format!("{}{}", service.name, file.target.replace('/', "-"));
    lane_home.join(FILES).join(name)
}

/// Where the host has what is mounted, and what that is for people.
fn placed(service: &Service, mount: &Mount, lane_home: &Path) -> (PathBuf, String) {
    let of_service = format!("{}{}", service.name, mount.target.replace('/', "-"));
    match &mount.source {
        MountSource::Volume(name) => (
            lane_home.join("volumes").join(name),
            format!("volume {name}"),
        ),
        MountSource::Anonymous => (
            lane_home.join("volumes").join(of_service),
            "a volume without a name".to_owned(),
        ),
        MountSource::Tmpfs => (lane_home.join("tmpfs").join(of_service), "tmpfs".to_owned()),
        MountSource::Bind(path) => (path.clone(), "bind mount".to_owned()),
    }
}

/// A volume that only an engine has.
fn of_an_engine(name: &str, volume: &Volume, mount: &Mount) -> Option<Problem> {
    if volume.external {
        return Some(
            Problem::error(format!("volume `{name}` is external"))
                .at(mount.place.clone())
                .hint(In::Processes.fate("/volumes.external").note),
        );
    }
    let mut options = volume.options.iter();
    let (what, place) = match (&volume.driver, options.next()) {
        (Some(driver), _) => (format!("the driver `{}`", driver.value), &driver.place),
        (None, Some((key, option))) => (format!("the driver's option `{key}`"), &option.place),
        (None, None) => return None,
    };
    let what = format!("a host process cannot honour {what} of the volume {name}");
    let problem = Problem::error(what).at(place.clone());
    Some(problem.hint(In::Processes.fate("/volumes.driver").note))
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
    let mounted = service.mounts.iter().map(|mount| &mount.place);
    let is_there = |file: &&GivenFile| mounts.moved.iter().any(|it| it.target == file.target);
    let given = service
        .files
        .iter()
        .filter(is_there)
        .map(|file| &file.place);
    for (place, moved) in mounted.chain(given).zip(&mounts.moved) {
        if !met.contains(&moved.target) {
            problems.push(
                Problem::warning(format!(
                    "no setting of {} names {}, where {} is mounted",
                    service.name, moved.target, moved.what
                ))
                .at(place.clone())
                .hint(format!(
                    "as a process it would use the host's own {0}; give it a setting that holds {0}",
                    moved.target
                )),
            );
        }
    }
}
