//! What a service runs as a host process: its words, where, and what it inherits.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use msvc_system::model::{HealthTest, Healthcheck, Service};
use msvc_system::problem::Problem;

use super::volume::Mounts;
use crate::build::Built;
use crate::names::path::move_paths;

/// What a process has of the caller's environment.
pub(crate) const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// Where programs are looked up when the caller has no PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The words that start a service.
pub(crate) fn command(service: &Service, built: Option<&Built>) -> Result<Vec<String>, Problem> {
    if let Some(command) = &service.x_msvc.process.command {
        return Ok(command.clone());
    }
    let name = &service.name;
    if service.build.is_none() {
        let image = service.image.as_ref();
        let place = image.map_or(&service.place, |image| &image.place);
        let what = image.map_or_else(String::new, |image| format!(" `{}`", image.value));
        return Err(Problem::error(format!(
            "{name} is an image{what}, which cannot run as a host process"
        ))
        .at(place.clone())
        .hint("say what to run instead, as `x-msvc: {process: {command: [PROGRAM, ARGUMENT]}}`"));
    }
    let words = [&service.entrypoint, &service.command]
        .into_iter()
        .flatten()
        .flatten();
    let mut words: Vec<String> = words.cloned().collect();
    let only_flags = words.first().is_none_or(|word| word.starts_with('-'));
    if let Some(program) = built.and_then(|built| built.program.as_ref()) {
        // The image's own entrypoint is the built binary.
        if only_flags {
            words.insert(0, program.clone());
        }
    }
    if words.first().is_none_or(|word| word.starts_with('-')) {
        return Err(Problem::error(format!("nothing says what {name} runs as a host process"))
            .at(service.place.clone())
            .hint(
                "its image would know; write `command`, or `x-msvc: {process: {command: [PROGRAM]}}`",
            ));
    }
    Ok(words)
}

/// Where a service runs, and the mounts that its `working_dir` lies in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    /// The folder.
    pub(crate) path: PathBuf,
    /// Targets of mounts.
    pub(crate) met: Vec<String>,
}

/// Where a service runs: as `x-msvc.process.working_dir` says, else in the folder of this machine
/// that its `working_dir` is, through a mount or by itself, else where it is built.
///
/// # Errors
/// When its `working_dir` is no folder here; with where it runs then.
pub(crate) fn directory(
    service: &Service,
    root: &Path,
    mounts: &Mounts,
    is_folder: fn(&Path) -> bool,
) -> Result<Directory, (Directory, Problem)> {
    let plain = |path: PathBuf| Directory {
        path,
        met: Vec::new(),
    };
    if let Some(given) = &service.x_msvc.process.working_dir {
        return Ok(plain(given.clone()));
    }
    let context = service.build.as_ref().map(|build| build.context.clone());
    let otherwise = context.unwrap_or_else(|| root.to_owned());
    let Some(asked) = &service.working_dir else {
        return Ok(plain(otherwise));
    };
    let (moved, met) = move_paths(&asked.value, &mounts.moved);
    let path = root.join(moved);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if !climbs && (mounts.folders.contains(&path) || is_folder(&path)) {
        let met = met.into_iter().map(|mount| mount.target.clone());
        return Ok(Directory {
            path,
            met: met.collect(),
        });
    }
    let what = format!(
        "{}: a host process cannot honour `working_dir`: there is no folder {} here",
        service.name, asked.value
    );
    let problem = Problem::error(what).at(asked.place.clone()).hint(
        "say where it runs here, `x-msvc: {process: {working_dir: FOLDER}}`, or `--lenient` to \
         go without it",
    );
    Err((plain(otherwise), problem))
}

/// The environment before rewriting: the caller's few, what the file declares, what holds for
/// processes only, then `extra`.
pub(crate) fn environment(
    service: &Service,
    caller: &BTreeMap<String, String>,
    extra: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let inherited = INHERITED
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), caller.get(*key)?.clone())));
    let process = &service.x_msvc.process.environment;
    let declared = service.environment.iter().chain(process);
    let declared = declared.map(|(key, value)| (key.clone(), value.value.clone()));
    let extra = extra.into_iter().flatten();
    inherited
        .chain(declared)
        .chain(extra.map(|(key, value)| (key.clone(), value.clone())))
        .collect()
}

/// The PATH of a service: the folder of its build first.
pub(crate) fn path(own: Option<&String>, built: Option<&Built>) -> String {
    let rest = own.map_or(PATH, String::as_str);
    match built.and_then(|built| built.folder.as_ref()) {
        Some(folder) => format!("{}:{rest}", folder.display()),
        None => rest.to_owned(),
    }
}

/// A healthcheck's words.
pub(crate) fn health_command(health: &Healthcheck) -> Vec<String> {
    match &health.test {
        HealthTest::Command(words) => words.clone(),
        HealthTest::Shell(script) => ["/bin/sh", "-c", script].map(str::to_owned).into(),
    }
}
