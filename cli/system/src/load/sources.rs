//! The first steps: which files a request means, what is set where they are read, and the tree of
//! each.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{LoadRequest, find, or_report};
use crate::dotenv::{self, Earlier};
use crate::files::Files;
use crate::problem::{Blame, Place, Problem, Problems};
use crate::shown_path::shown_path;
use crate::switch::switch;
use crate::yaml::{self, Node};

/// The variable that says whether `.env` is read, be it by what stands there.
const DISABLED: &str = "COMPOSE_DISABLE_ENV_FILE";

/// Where a project is read from.
pub(super) struct Sources {
    /// Its files.
    pub(super) paths: Vec<PathBuf>,
    /// The project directory.
    pub(super) root: PathBuf,
    /// What is set for interpolation.
    pub(super) environment: BTreeMap<String, String>,
    /// Where files of settings set what is set by them.
    pub(super) places: BTreeMap<String, Place>,
    /// Where a person sets a variable but in the environment ("in .env"); nothing where nowhere.
    pub(super) set_in: String,
    /// Whether all files that set something can be read.
    pub(super) are_settings_whole: bool,
}

/// What is set, and where files set it.
#[derive(Clone, Default)]
struct Set {
    values: BTreeMap<String, String>,
    places: BTreeMap<String, Place>,
}

/// The files, the project directory, and what is set for interpolation.
pub(super) fn sources(
    request: &LoadRequest,
    files: &Files,
    problems: &mut Problems,
) -> Option<Sources> {
    let here = environment_here(request, files);
    let paths = find::files(request, &here.values, files);
    let found = paths.and_then(|found| found.ok_or_else(|| find::none(request.looked_in())));
    let mut paths = or_report(found, problems)?;
    if request.files.is_empty() {
        if find::are_listed(&here.values) {
            let place = here.places.get(find::LIST);
            let before = problems.errors();
            problems.0.extend(unread(&paths, place, files));
            if problems.errors() > before {
                return None;
            }
        } else {
            let shown_from = request.shown_from();
            problems
                .0
                .extend(find::passed_over(&paths, shown_from, files));
        }
    }
    // What comes on standard input stands where its reader does.
    let mut on_disk = paths.iter().filter(|path| !find::is_standard_input(path));
    let beside = match on_disk.next() {
        Some(path) => path.parent()?.to_path_buf(),
        None => request.directory.clone(),
    };
    if !request.without_msvc
        && let Some((own, other)) = find::own(&beside, &paths, request.shown_from(), files)
    {
        paths.push(own);
        problems.0.extend(other);
    }
    let root = request.project_directory.clone().unwrap_or(beside);
    let before = problems.errors();
    let Set {
        values: mut environment,
        places,
    } = with_dotenv(&root, request, files, &here, problems);
    let are_settings_whole = problems.errors() == before;
    let folder = request.directory.to_string_lossy().into_owned();
    environment.entry("PWD".to_owned()).or_insert(folder);
    Some(Sources {
        paths,
        set_in: set_in(request, &here, &root),
        root,
        environment,
        places,
        are_settings_whole,
    })
}

/// What cannot be read of the files that COMPOSE_FILE lists; `place` is where a file sets it.
fn unread(paths: &[PathBuf], place: Option<&Place>, files: &Files) -> Vec<Problem> {
    let on_disk = paths.iter().filter(|path| !find::is_standard_input(path));
    let wrong = on_disk.filter_map(|path| Some((path, files.read(path).err()?)));
    let told = wrong.map(|(path, error)| {
        let list = find::LIST;
        let what = match place {
            Some(_) => format!("`{list}`"),
            None => format!("the variable `{list}`"),
        };
        let named = path.display();
        let problem = Problem::error(format!(
            "{what} names the file {named}, which cannot be read: {error}"
        ));
        let problem = problem.hint(files.advice(path, &error, "mend the list, or take it away"));
        match place {
            Some(place) => problem.at(place.clone()),
            None => problem,
        }
    });
    told.collect()
}

/// What is set where the files are looked for: `.env` of the directory may say COMPOSE_FILE, as
/// the environment may.
fn environment_here(request: &LoadRequest, files: &Files) -> Set {
    let outside = Set {
        values: request.environment.clone(),
        places: BTreeMap::new(),
    };
    if !request.files.is_empty() {
        return outside;
    }
    let mut ignored = Problems::default();
    with_dotenv(request.looked_in(), request, files, &outside, &mut ignored)
}

/// The files that a request means: those it names, those of `COMPOSE_FILE`, or those found from
/// its directory upwards. `None` when it names none and none is found, which is no error to
/// somebody who is about to write one.
///
/// # Errors
/// When files are named in a way that cannot be read.
pub fn sources_of(request: &LoadRequest, files: &Files) -> Result<Option<Vec<PathBuf>>, Problems> {
    let here = environment_here(request, files);
    Ok(find::files(request, &here.values, files)?)
}

/// What is set over the files of settings: those named, else the `.env` of a directory.
fn with_dotenv(
    directory: &Path,
    request: &LoadRequest,
    files: &Files,
    outer: &Set,
    problems: &mut Problems,
) -> Set {
    let mut all = outer.clone();
    let set = &outer.values;
    let mut named = env_files(request);
    let asked = !named.is_empty();
    if !asked {
        if is_disabled(set, problems) {
            return all;
        }
        named.push(directory.join(".env"));
    }
    let mut earlier = Earlier::default();
    let mut places = BTreeMap::new();
    for path in named {
        let shown = shown_path(&path, request.shown_from());
        let bytes = match files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                // A folder of that name is somebody's Python, as is usual.
                let none = [io::ErrorKind::NotFound, io::ErrorKind::IsADirectory];
                if asked || !none.contains(&error.kind()) {
                    earlier.lacks_some = true;
                    let what = format!("{} cannot be read: {error}", shown.display());
                    let problem = Problem::error(what);
                    problems.push(if asked {
                        let by = match request.env_files.is_empty() {
                            true => "in COMPOSE_ENV_FILES",
                            false => "with --env-file",
                        };
                        let hint = format!("is the path given {by} right?");
                        problem.hint(files.advice(&path, &error, &hint))
                    } else {
                        problem.hint("let it be read, or set COMPOSE_DISABLE_ENV_FILE=1")
                    });
                }
                continue;
            }
        };
        match dotenv::parse_after(&shown, &bytes, set, &earlier) {
            Ok(settings) => {
                if !earlier.lacks_some {
                    problems.0.extend(settings.warnings);
                }
                for (name, setting) in settings.values {
                    places.insert(name.clone(), setting.place);
                    earlier.set.insert(name, setting.value);
                }
            }
            Err(wrong) => {
                earlier.lacks_some = true;
                problems.0.extend(wrong.0);
            }
        }
    }
    let mut found = earlier.set;
    // What is Docker Compose's own it takes from there all the same.
    if !asked && !set.contains_key(DISABLED) && is_disabled(&found, problems) {
        found.retain(|key, _| key.starts_with("COMPOSE_"));
    }
    for (key, value) in found {
        if !set.contains_key(&key) {
            if let Some(place) = places.remove(&key) {
                all.places.insert(key.clone(), place);
            }
            all.values.insert(key, value);
        }
    }
    all
}

/// The files of settings that are read in place of `.env`.
fn env_files(request: &LoadRequest) -> Vec<PathBuf> {
    if !request.env_files.is_empty() {
        return request.env_files.clone();
    }
    let listed = request.environment.get("COMPOSE_ENV_FILES");
    let listed = listed.map_or("", String::as_str).split(',');
    let listed = listed.filter(|it| !it.is_empty());
    listed.map(|it| request.directory.join(it)).collect()
}

/// Where a person sets a variable but in the environment: what is set in the last file counts.
fn set_in(request: &LoadRequest, here: &Set, root: &Path) -> String {
    let named = env_files(request).pop();
    if named.is_none() && is_disabled(&here.values, &mut Problems::default()) {
        return String::new();
    }
    let file = named.unwrap_or_else(|| root.join(".env"));
    format!("in {}", shown_path(&file, request.shown_from()).display())
}

/// Whether `.env` is not to be read.
fn is_disabled(set: &BTreeMap<String, String>, problems: &mut Problems) -> bool {
    let said = set.get(DISABLED).map(|said| switch(DISABLED, said));
    let said = said.and_then(|said| or_report(said, problems));
    said.unwrap_or_default()
}

/// The documents of each file; all files are tried. `from` is where each is named, when a file does.
pub(super) fn read(
    paths: &[PathBuf],
    from: &[Place],
    shown_from: &Path,
    files: &Files,
    problems: &mut Problems,
) -> Option<Vec<Node>> {
    let mut all = Vec::with_capacity(paths.len());
    let mut is_whole = true;
    for (at, path) in paths.iter().enumerate() {
        match read_one(path, from.get(at), shown_from, files, problems) {
            Ok(trees) => all.extend(trees),
            Err(found) => {
                is_whole = false;
                problems.0.extend(found.0);
            }
        }
    }
    if is_whole && all.is_empty() && from.is_empty() {
        problems.push(empty(paths, shown_from));
        return None;
    }
    is_whole.then_some(all)
}

/// That there is nothing in any of the files.
fn empty(paths: &[PathBuf], shown_from: &Path) -> Problem {
    let problem = Problem::error("the file is empty").hint("fill it, or name another file");
    match begins(paths, shown_from) {
        Some(place) => problem.at(place),
        None => problem,
    }
}

/// Where the first of the files begins.
pub(super) fn begins(paths: &[PathBuf], shown_from: &Path) -> Option<Place> {
    let path = paths.first()?;
    Some(Place {
        file: shown_path(path, shown_from).into(),
        line: 1,
        column: 1,
    })
}

fn read_one(
    path: &Path,
    from: Option<&Place>,
    shown_from: &Path,
    files: &Files,
    problems: &mut Problems,
) -> Result<Vec<Node>, Problems> {
    let bytes = files.read(path).map_err(|error| {
        if error.kind() == io::ErrorKind::Interrupted {
            return Problem::error("interrupted").blaming(Blame::Interrupt);
        }
        if let Some(place) = from {
            let what = format!(
                "the included file {} cannot be read: {error}",
                files.named(path).display()
            );
            let hint = "a relative path counts from the folder of the file that names it";
            let hint = files.advice(path, &error, hint);
            return Problem::error(what).at(place.clone()).hint(hint);
        }
        let what = format!(
            "the Compose file {} cannot be read: {error}",
            path.display()
        );
        let otherwise = match error.kind() {
            io::ErrorKind::NotFound => "is the path given with -f right?",
            _ => "name a file that can be read with -f",
        };
        Problem::error(what).hint(files.advice(path, &error, otherwise))
    })?;
    files.as_compose(path);
    documents(&files.shown(path, shown_from), &bytes, problems)
}

/// The documents of a Compose file, each a mapping; what is wrong with them beside what else is, is added.
pub(crate) fn documents(
    shown: &Path,
    bytes: &[u8],
    problems: &mut Problems,
) -> Result<Vec<Node>, Problems> {
    let (trees, beside) = yaml::read_documents(shown, bytes)?;
    problems.0.extend(beside.0);
    for (at, tree) in trees.iter().enumerate() {
        if tree.as_map().is_none() {
            let problem = tree.expected("a Compose file", "a mapping with `services`");
            let hint = match at {
                0 => "begin it with `services:`, each service below that by its name",
                _ => "take what follows `---` away, or write it under `services:` too",
            };
            return Err(problem.hint(hint).into());
        }
    }
    Ok(trees)
}
