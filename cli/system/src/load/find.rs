//! Which files a system is read from: those named, those of `COMPOSE_FILE`, or Compose's own names
//! in the directory and above it, with the override beside them. `-` is standard input.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files::Files;
use crate::problem::Problem;
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

/// The files of a system, first one first, absolute when `directory` is. At least one.
pub(super) fn files(
    directory: &Path,
    named: &[PathBuf],
    environment: &BTreeMap<String, String>,
    files: &Files,
) -> Result<Vec<PathBuf>, Problem> {
    let listed;
    let named = if named.is_empty() {
        listed = from_environment(environment);
        &listed
    } else {
        named
    };
    if named.is_empty() {
        return search(directory, files);
    }
    let whole = |path: &PathBuf| match is_standard_input(path) {
        true => path.clone(),
        false => normal(&directory.join(path)),
    };
    Ok(named.iter().map(whole).collect())
}

/// Whether a path stands for what is handed in on standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn from_environment(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let separator = environment
        .get("COMPOSE_PATH_SEPARATOR")
        .map_or(":", String::as_str);
    let Some(list) = environment
        .get("COMPOSE_FILE")
        .filter(|list| !list.is_empty())
    else {
        return Vec::new();
    };
    if separator.is_empty() {
        return vec![PathBuf::from(list)];
    }
    list.split(separator)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect()
}

fn search(directory: &Path, files: &Files) -> Result<Vec<PathBuf>, Problem> {
    let first = |folder: &Path, names: &[&str]| {
        names
            .iter()
            .map(|name| folder.join(name))
            .find(|path| files.exists(path))
    };
    for folder in directory.ancestors() {
        if let Some(found) = first(folder, &NAMES) {
            return Ok([Some(found), first(folder, &OVERRIDES)]
                .into_iter()
                .flatten()
                .collect());
        }
    }
    Err(Problem::error(format!(
        "no Compose file in {} or the folders above it",
        directory.display()
    ))
    .hint(format!("looked for {}; go to the system's folder, or name the file with -f FILE or the folder with -C DIR", NAMES.join(", "))))
}
