//! Which database a part is told to use, by the Compose file: a URL, the words of a connection, a
//! host and a name, or a file of SQLite in a volume. Two parts that are told the same have one
//! database, whatever it is called in their source.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::problem::Place;

use crate::compose::{Compose, Mount, Service, Setting};
use crate::repository::Repository;
use crate::tree::{TextFile, is_source, is_test};

mod address;

use address::{by_keys, of_text, sqlite_paths};

/// The databases of one part, each with what tells of it.
pub type Databases = BTreeMap<String, Told>;

/// What tells of a database.
#[derive(Debug, Clone)]
pub struct Told {
    /// Where it stands.
    pub place: Place,
    /// What of the variables there it rests on.
    pub rests_on: Vec<String>,
}

impl Told {
    fn by(setting: &Setting) -> Self {
        Self {
            place: setting.place.clone(),
            rests_on: setting.rests_on.clone(),
        }
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            rests_on: Vec::new(),
        }
    }
}

/// The databases that each part is told to use, by the part's number.
#[must_use]
pub fn of_parts(repository: &Repository) -> BTreeMap<usize, Databases> {
    let Some(compose) = &repository.compose else {
        return BTreeMap::new();
    };
    let services: Vec<(usize, &Service)> = compose
        .services
        .iter()
        .filter_map(|service| Some((part_of(service, repository)?, service)))
        .collect();
    let shared = shared_sources(&services);
    let mut found: BTreeMap<usize, Databases> = BTreeMap::new();
    for (part, service) in &services {
        let databases = found.entry(*part).or_default();
        for (name, by) in told(service, compose) {
            databases.entry(name).or_insert(by);
        }
        let mounts: Vec<&Mount> = service.volumes.iter().collect();
        for (name, by) in files_told(service, &mounts) {
            databases.entry(name).or_insert(by);
        }
        let mounts: Vec<&Mount> = mounts
            .into_iter()
            .filter(|it| shared.contains(it.source.as_str()))
            .collect();
        for (name, place) in files_named(repository, *part, &mounts) {
            databases.entry(name).or_insert(Told::at(place));
        }
    }
    found
}

/// The part that a service is built of, or is called as.
fn part_of(service: &Service, repository: &Repository) -> Option<usize> {
    let contexts = &repository.contexts;
    let built = service.build.as_ref().filter(|folder| !folder.is_empty());
    let inside = built.and_then(|folder| contexts.of(&format!("{folder}/x")));
    let called = |name: &str| contexts.all.iter().position(|it| it.name == name);
    match (&service.build, inside) {
        (_, Some(part)) => Some(part),
        (Some(_), None) => called(&service.name),
        (None, None) => None,
    }
}

/// What services of several parts mount.
fn shared_sources<'a>(services: &[(usize, &'a Service)]) -> BTreeSet<&'a str> {
    let mut parts: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (part, service) in services {
        for mount in &service.volumes {
            parts.entry(&mount.source).or_default().insert(*part);
        }
    }
    parts.retain(|_, parts| parts.len() > 1);
    parts.into_keys().collect()
}

/// What a service's settings say of servers.
fn told(service: &Service, compose: &Compose) -> Vec<(String, Told)> {
    let host = |name: &str| compose.host(service, name);
    let whole = |it: &Setting| Some(format!("{}={}", it.key.as_ref()?, it.value));
    // A word of a command may be a connection by itself: `Server=db;Database=shop`.
    let address = |it: &Setting| of_text(&it.value, &host).or_else(|| of_text(&whole(it)?, &host));
    let by_text = |it: &Setting| Some((address(it)?, Told::by(it)));
    let by_variable = |it: &Setting| Some((variable(it)?, Told::at(it.place.clone())));
    let mut found: Vec<(String, Told)> = service.settings.iter().filter_map(by_text).collect();
    found.extend(service.settings.iter().filter_map(by_variable));
    found.extend(by_keys(&service.settings, &host));
    found
}

/// The variable that is a database's address, where a setting says nothing else: who is given the
/// same has the same.
fn variable(setting: &Setting) -> Option<String> {
    const KEYS: [&str; 4] = ["database_url", "db_url", "database_uri", "datasource_url"];
    let is_address = |name: &str| KEYS.iter().any(|key| name.to_lowercase().ends_with(key));
    let value = setting.written.trim();
    let name = match &setting.key {
        None => value,
        Some(key) if is_address(key) => {
            let inner = value.strip_prefix("${").and_then(|it| it.strip_suffix('}'));
            let inner = inner.or_else(|| value.strip_prefix('$'))?;
            inner.split([':', '-', '?']).next()?
        }
        Some(_) => return None,
    };
    let is_name = name.chars().all(|it| it.is_alphanumeric() || it == '_');
    (is_name && is_address(name)).then(|| format!("the database of `${name}`"))
}

/// Files of SQLite in what a service mounts, as its settings name them.
fn files_told(service: &Service, mounts: &[&Mount]) -> Vec<(String, Told)> {
    let mut found = Vec::new();
    for mount in mounts {
        // The file itself is mounted.
        if sqlite_paths(&format!("/{}", mount.source)).next().is_some() {
            let name = format!("the file `{}`", mount.source);
            found.push((name, Told::at(mount.place.clone())));
        }
    }
    for setting in &service.settings {
        for path in sqlite_paths(&setting.value) {
            let name = mounts.iter().find_map(|mount| within(mount, &path));
            found.extend(name.map(|name| (name, Told::by(setting))));
        }
    }
    found
}

/// Files of SQLite in what a part's services mount, as its source and its files of settings name
/// them.
fn files_named(repository: &Repository, part: usize, mounts: &[&Mount]) -> Vec<(String, Place)> {
    if mounts.is_empty() {
        return Vec::new();
    }
    const SETTINGS: [&str; 8] = [
        ".env",
        ".yaml",
        ".yml",
        ".json",
        ".toml",
        ".ini",
        ".properties",
        "Dockerfile",
    ];
    let speaks = |file: &&TextFile| {
        let path = &file.path;
        let is_told = is_source(path) || SETTINGS.iter().any(|end| path.ends_with(end));
        is_told && !is_test(path) && repository.contexts.of(path) == Some(part)
    };
    let mut found = Vec::new();
    for file in repository.tree.texts.iter().filter(speaks) {
        for (number, line) in (1..).zip(file.text.lines()) {
            for path in sqlite_paths(line) {
                let name = mounts.iter().find_map(|mount| within(mount, &path));
                let place = repository.tree.place(&file.path, number);
                found.extend(name.map(|name| (name, place)));
            }
        }
    }
    found
}

/// The file at `path` of a container, by what is mounted there.
fn within(mount: &Mount, path: &str) -> Option<String> {
    let rest = path.strip_prefix(mount.target.trim_end_matches('/'))?;
    let rest = match rest {
        "" => "",
        rest => rest.strip_prefix('/')?,
    };
    let of = format!("{}/{rest}", mount.source);
    Some(format!("the file `{}`", of.trim_end_matches('/')))
}
