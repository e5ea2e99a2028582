//! Which files a system is read from: those named, those of `COMPOSE_FILE`, or Compose's own names
//! in the project directory, else the working one, and above it, with the override beside them. `-` is standard input.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::LoadRequest;
use crate::files::Files;
use crate::normal_path::normal;
use crate::problem::Problem;
use crate::shown_path::shown_path;

/// Names looked for, the first one found counts.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];
/// Names of the file laid over it, the first one found counts.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Names of the file that is laid over both without being named, for `x-msvc` where they are somebody
/// else's; the first one found counts.
const OWN: [&str; 2] = ["compose.msvc.yaml", "compose.msvc.yml"];

/// The variable that lists the files.
pub(super) const LIST: &str = "COMPOSE_FILE";

/// The files of a system, first one first, absolute when `directory` is; `None` where none is named
/// and none is found.
pub(super) fn files(
    request: &LoadRequest,
    environment: &BTreeMap<String, String>,
    files: &Files,
) -> Result<Option<Vec<PathBuf>>, Problem> {
    is_folder(request, files)?;
    let listed;
    let named = if request.files.is_empty() {
        listed = from_environment(environment);
        &listed
    } else {
        &request.files
    };
    if named.is_empty() {
        return search(&normal(request.looked_in()), files);
    }
    let whole = |path: &PathBuf| match is_standard_input(path) {
        true => path.clone(),
        false => normal(&request.directory.join(path)),
    };
    Ok(Some(named.iter().map(whole).collect()))
}

/// That the project directory can be one: what does not exist is Docker Compose's affair, too.
fn is_folder(request: &LoadRequest, files: &Files) -> Result<(), Problem> {
    let Some(directory) = &request.project_directory else {
        return Ok(());
    };
    // A file is not read: whatever stands below one is told so by the system.
    let below = files.read(&directory.join(".env"));
    if !below.is_err_and(|error| error.kind() == io::ErrorKind::NotADirectory) {
        return Ok(());
    }
    let shown = shown_path(directory, request.shown_from());
    let what = format!(
        "`--project-directory` names {}, which is no folder",
        shown.display()
    );
    let hint = "name the folder that relative paths count from, or a Compose file with -f FILE";
    Err(Problem::error(what).hint(hint))
}

/// The file beside a Compose file that is laid over it without being named, with what is to be told of
/// others of its kind; `None` where none is there, or one is among the `named` files.
pub(super) fn own(
    beside: &Path,
    named: &[PathBuf],
    shown_from: &Path,
    files: &Files,
) -> Option<(PathBuf, Option<Problem>)> {
    let all = OWN.map(|name| beside.join(name));
    if all.iter().any(|own| named.contains(own)) {
        return None;
    }
    let found = all.into_iter().find(|own| files.exists(own))?;
    let other = passed_over_by(&found, &OWN, "files of msvc", shown_from, files);
    Some((found, other))
}

/// Whether a path stands for what is handed in on standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn from_environment(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let separator = environment
        .get("COMPOSE_PATH_SEPARATOR")
        .map(String::as_str)
        .filter(|separator| !separator.is_empty())
        .unwrap_or(":");
    let Some(list) = environment.get(LIST).filter(|list| !list.is_empty()) else {
        return Vec::new();
    };
    list.split(separator)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect()
}

/// Whether a variable lists the files.
pub(super) fn are_listed(environment: &BTreeMap<String, String>) -> bool {
    !from_environment(environment).is_empty()
}

/// Files that stand beside those that were found, and count for nothing: a person may take one of them
/// for the one that is read.
pub(super) fn passed_over(found: &[PathBuf], shown_from: &Path, files: &Files) -> Vec<Problem> {
    let kinds = [(&NAMES, "Compose files"), (&OVERRIDES, "override files")];
    let found = found.iter().zip(kinds);
    found
        .filter_map(|(path, (names, what))| passed_over_by(path, names, what, shown_from, files))
        .collect()
}

/// The same of one that was taken, of the `names` that each counts in place of the others.
fn passed_over_by(
    path: &Path,
    names: &[&str],
    what: &str,
    shown_from: &Path,
    files: &Files,
) -> Option<Problem> {
    let mut others = names.iter().map(|name| path.with_file_name(name));
    let other = others.find(|other| other != path && files.exists(other))?;
    let taken = shown_path(path, shown_from);
    let left = shown_path(&other, shown_from);
    let what = format!(
        "of the {what} beside each other {} is taken, and {} is not",
        taken.display(),
        left.display()
    );
    let hint = "take one of them away, or name what you mean with -f FILE";
    Some(Problem::warning(what).hint(hint))
}

fn search(directory: &Path, files: &Files) -> Result<Option<Vec<PathBuf>>, Problem> {
    let first = |folder: &Path, names: &[&str]| {
        names
            .iter()
            .map(|name| folder.join(name))
            .find(|path| files.exists(path))
    };
    for folder in directory.ancestors() {
        if let Some(found) = first(folder, &NAMES) {
            let all = [Some(found), first(folder, &OVERRIDES)];
            return Ok(Some(all.into_iter().flatten().collect()));
        }
        let mut all = NAMES.iter().map(|name| folder.join(name));
        if let Some(lost) = all.find(|path| files.is_named(path)) {
            let what = format!("{} is a link that leads nowhere", lost.display());
            let hint = "mend the link, or name the Compose file with -f FILE";
            return Err(Problem::error(what).hint(hint));
        }
    }
    Ok(None)
}

/// That no Compose file is there.
pub(super) fn none(directory: &Path) -> Problem {
    Problem::error(format!(
        "no Compose file in {} or the folders above it",
        directory.display()
    ))
    .hint(format!("looked for {}; go to the system's folder, or name the file with -f FILE or the folder with -C DIR", NAMES.join(", ")))
}
