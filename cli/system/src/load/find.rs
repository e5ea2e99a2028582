//! Which files a system is read from: those named, those of `COMPOSE_FILE`, or Compose's own names
//! in the project directory, else the working one, and above it, with the override beside them. `-` is standard input.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::LoadRequest;
use crate::files::Files;
use crate::problem::Problem;
use crate::shown_path::shown_path;
use crate::typed::normal;

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

/// The variable that lists the files.
pub(super) const LIST: &str = "COMPOSE_FILE";

/// The files of a system, first one first, absolute when `directory` is; `None` where none is named
/// and none is found.
pub(super) fn files(
    request: &LoadRequest,
    environment: &BTreeMap<String, String>,
    files: &Files,
) -> Result<Option<Vec<PathBuf>>, Problem> {
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
    let mut told = Vec::new();
    for (path, names, what) in found
        .iter()
        .zip([(&NAMES, "Compose files"), (&OVERRIDES, "override files")])
        .map(|(path, (names, what))| (path, names, what))
    {
        let others = names.iter().map(|name| path.with_file_name(name));
        let mut others = others.filter(|other| other != path && files.exists(other));
        let Some(other) = others.next() else { continue };
        let taken = shown_path(path, shown_from);
        let left = shown_path(&other, shown_from);
        let what = format!(
            "of the {what} beside each other {} is taken, and {} is not",
            taken.display(),
            left.display()
        );
        let hint = "take one of them away, or name what you mean with -f FILE";
        told.push(Problem::warning(what).hint(hint));
    }
    told
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
