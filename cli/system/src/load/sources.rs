//! The first steps: which files a request means, what is set where they are read, and the tree of
//! each.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{LoadRequest, find, or_report};
use crate::files::Files;
use crate::problem::{Problem, Problems};
use crate::shown_path::shown_path;
use crate::yaml::{self, Node};
use crate::{dotenv, forms};

/// Step 1 and 3: the files, the project directory, and what is set for interpolation.
pub(super) fn sources(
    request: &LoadRequest,
    files: &Files,
    problems: &mut Problems,
) -> Option<(Vec<PathBuf>, PathBuf, BTreeMap<String, String>)> {
    let here = environment_here(request, files);
    let paths = find::files(&request.directory, &request.files, &here, files);
    let paths = or_report(paths, problems)?;
    let root = paths.first()?.parent()?.to_path_buf();
    let environment = with_dotenv(&root, request, files, problems);
    Some((paths, root, environment))
}

/// What is set where the files are looked for: `.env` of the directory may say COMPOSE_FILE, as
/// the environment may.
fn environment_here(request: &LoadRequest, files: &Files) -> BTreeMap<String, String> {
    if !request.files.is_empty() || request.environment.contains_key("COMPOSE_FILE") {
        return request.environment.clone();
    }
    let mut ignored = Problems::default();
    with_dotenv(&request.directory, request, files, &mut ignored)
}

/// The files that a request means: those it names, those of `COMPOSE_FILE`, or those found from
/// its directory upwards. `None` when it names none and none is found, which is no error to
/// somebody who is about to write one.
///
/// # Errors
/// When files are named in a way that cannot be read.
pub fn sources_of(request: &LoadRequest, files: &Files) -> Result<Option<Vec<PathBuf>>, Problems> {
    let here = environment_here(request, files);
    let named =
        !request.files.is_empty() || here.get("COMPOSE_FILE").is_some_and(|f| !f.is_empty());
    match find::files(&request.directory, &request.files, &here, files) {
        Ok(paths) => Ok(Some(paths)),
        Err(_) if !named => Ok(None),
        Err(problem) => Err(problem.into()),
    }
}

/// The caller's environment over the `.env` of a directory.
fn with_dotenv(
    directory: &Path,
    request: &LoadRequest,
    files: &Files,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let path = directory.join(".env");
    let mut environment = request.environment.clone();
    let shown = shown_path(&path, request.shown_from());
    let bytes = match files.read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                problems.push(Problem::error(format!(
                    "{} cannot be read: {error}",
                    shown.display()
                )));
            }
            return environment;
        }
    };
    match dotenv::parse(&shown, &bytes, &request.environment) {
        Ok(settings) => {
            problems.0.extend(settings.warnings);
            for (key, value) in settings.values {
                environment.entry(key).or_insert(value.value);
            }
        }
        Err(found) => problems.0.extend(found.0),
    }
    environment
}

/// Step 2: the tree of each file; all files are tried.
pub(super) fn read(
    paths: &[PathBuf],
    shown_from: &Path,
    files: &Files,
    problems: &mut Problems,
) -> Option<Vec<Node>> {
    let mut trees = Vec::with_capacity(paths.len());
    for path in paths {
        match read_one(path, shown_from, files) {
            Ok(tree) => trees.push(tree),
            Err(found) => problems.0.extend(found.0),
        }
    }
    (trees.len() == paths.len()).then_some(trees)
}

fn read_one(path: &Path, shown_from: &Path, files: &Files) -> Result<Node, Problems> {
    let shown = shown_path(path, shown_from);
    let bytes = files.read(path).map_err(|error| {
        let what = format!(
            "the Compose file {} cannot be read: {error}",
            path.display()
        );
        let problem = Problem::error(what);
        if error.kind() == io::ErrorKind::NotFound {
            problem.hint("is the path given with -f right?")
        } else {
            problem
        }
    })?;
    let mut tree = yaml::parse(&shown, &bytes)?;
    if tree.as_map().is_none() {
        let problem = tree.expected("a Compose file", "a mapping with `services`");
        return Err(problem.into());
    }
    forms::old_numbers(&mut tree);
    Ok(tree)
}
