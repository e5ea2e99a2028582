//! Contexts: the parts of a repository that are, or would become, services of their own. Found,
//! best evidence first: named by the Compose file, folders with a build manifest of their own,
//! folders by convention.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose::Compose;
use crate::tree::{is_foreign, is_source, is_test};

/// Files that say how a part is built.
pub const MANIFESTS: [&str; 14] = [
    "Cargo.toml",
    "package.json",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "Gemfile",
    "composer.json",
    "mix.exs",
    "build.sbt",
    "Dockerfile",
];

/// Folders whose subfolders are parts by convention.
const PARENTS: [&str; 11] = [
    "services",
    "apps",
    "modules",
    "packages",
    "components",
    "domains",
    "contexts",
    "internal",
    "app",
    "src",
    "lib",
];

/// Folders of the top level that are no part of a system.
const NO_PARTS: [&str; 12] = [
    "docs",
    "doc",
    "scripts",
    "tools",
    "test",
    "tests",
    "examples",
    "config",
    "deploy",
    "infra",
    "ci",
    "migrations",
];

/// A context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Its folders, relative to the repository.
    pub folders: Vec<String>,
}

/// How contexts were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The Compose file builds or names them.
    Compose,
    /// Each has a build manifest.
    Manifest,
    /// By the layout of folders.
    Folders,
}

impl Known {
    /// For people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compose => "built by the Compose file",
            Self::Manifest => "folders with a build manifest of their own",
            Self::Folders => "folders by convention",
        }
    }
}

/// All contexts of a repository.
#[derive(Debug, Clone)]
pub struct Contexts {
    /// By name.
    pub all: Vec<Context>,
    /// How they were found.
    pub known: Known,
    /// The only part that was found, where there is one alone.
    pub only: Option<String>,
    /// Folders that the Compose file builds and that have no tracked source.
    pub without_source: Vec<String>,
}

impl Contexts {
    /// Finds them; fewer than two say nothing about boundaries and come back empty.
    #[must_use]
    pub fn find(paths: &[String], compose: Option<&Compose>) -> Self {
        let ways = [
            (Known::Compose, compose.map(composed).unwrap_or_default()),
            (Known::Manifest, manifests(paths)),
            (Known::Folders, conventional(paths)),
        ];
        let built = ways[0].1.values().flatten();
        let has_source = |folder: &str| paths.iter().any(|p| is_source(p) && is_below(p, folder));
        let without_source: Vec<String> = built.filter(|it| !has_source(it)).cloned().collect();
        let mut only = None;
        for (known, folders) in ways {
            let all: Vec<Context> = folders
                .into_iter()
                .map(|(name, folders)| Context {
                    name,
                    folders: folders.into_iter().collect(),
                })
                .filter(|context| paths.iter().any(|p| is_source(p) && context.has(p)))
                .collect();
            if all.len() > 1 {
                return Self {
                    all,
                    known,
                    only: None,
                    without_source,
                };
            }
            only = only.or_else(|| all.into_iter().next().map(|context| context.name));
        }
        Self {
            all: Vec::new(),
            known: Known::Folders,
            only,
            without_source,
        }
    }

    /// The number of the context that a file belongs to: of nested ones the innermost.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<usize> {
        let depth = |context: &Context| {
            let within = context
                .folders
                .iter()
                .filter(|folder| is_below(path, folder));
            within.map(String::len).max()
        };
        let found = self.all.iter().enumerate();
        found
            .filter_map(|(number, context)| Some((depth(context)?, number)))
            .max()
            .map(|(_, number)| number)
    }

    /// Whether a file is of a part; where fewer than two are known, whether it may be.
    #[must_use]
    pub fn may_run(&self, path: &str) -> bool {
        let top = path.split_once('/').map(|(top, _)| top);
        match self.all.is_empty() {
            true => top.is_none_or(|top| !NO_PARTS.contains(&top)),
            false => self.of(path).is_some(),
        }
    }

    /// A context's name.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.all.get(number).map_or("", |context| &context.name)
    }
}

impl Context {
    /// Whether a file lies in it.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.folders.iter().any(|folder| is_below(path, folder))
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

type Folders = BTreeMap<String, BTreeSet<String>>;

fn composed(compose: &Compose) -> Folders {
    let mut found = Folders::new();
    let all = compose.services.iter().chain(&compose.variants);
    let built = all.filter_map(|service| {
        let folder = service.build.as_ref().filter(|folder| !folder.is_empty())?;
        Some((service, folder))
    });
    let unnamed = built
        .clone()
        .filter(|(service, _)| service.context.is_none());
    let names = names(unnamed.map(|(_, folder)| folder.as_str()).collect());
    for (service, folder) in built {
        let name = service.context.clone();
        if let Some(name) = name.or_else(|| names.get(folder.as_str()).cloned()) {
            found.entry(name).or_default().insert(folder.clone());
        }
    }
    found
}

fn manifests(paths: &[String]) -> Folders {
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    for path in paths {
        if let Some((folder, name)) = path.rsplit_once('/')
            && MANIFESTS.contains(&name)
            && !is_foreign(path)
            && !is_test(folder)
        {
            folders.insert(folder);
        }
    }
    // What only holds other parts is none itself.
    let holds = |folder: &str| {
        folders
            .iter()
            .filter(|other| is_below(other, folder))
            .count()
            > 1
    };
    let parts = folders.iter().filter(|folder| !holds(folder));
    let inner = |folder: &str| {
        folders
            .iter()
            .any(|other| !holds(other) && is_below(folder, other))
    };
    let parts: BTreeSet<&str> = parts.filter(|folder| !inner(folder)).copied().collect();
    let names = names(parts).into_iter();
    names
        .map(|(folder, name)| (name, BTreeSet::from([folder.to_owned()])))
        .collect()
}

fn conventional(paths: &[String]) -> Folders {
    let sources: Vec<&String> = paths
        .iter()
        .filter(|path| is_source(path) && !is_test(path))
        .collect();
    for parent in PARENTS {
        let mut found = Folders::new();
        for path in &sources {
            let mut parts = path.split('/');
            // The parent may stand one level down: `backend/services/orders`.
            let before: Vec<&str> = parts.by_ref().take_while(|part| *part != parent).collect();
            let (Some(child), Some(_)) = (parts.next(), parts.next()) else {
                continue;
            };
            if before.len() <= 1 {
                let folder: Vec<&str> = before.iter().copied().chain([parent, child]).collect();
                found
                    .entry(child.to_owned())
                    .or_default()
                    .insert(folder.join("/"));
            }
        }
        if found.len() > 1 {
            return found;
        }
    }
    let mut found = Folders::new();
    for path in &sources {
        if let Some((folder, _)) = path.split_once('/')
            && !NO_PARTS.contains(&folder)
            && !folder.starts_with('.')
        {
            let folders = found.entry(folder.to_owned()).or_default();
            folders.insert(folder.to_owned());
        }
    }
    found
}

/// What each folder's part is called: by its last name, and by as many before it as tell it from
/// the others, `orders/api` from `users/api`.
fn names(folders: BTreeSet<&str>) -> BTreeMap<&str, String> {
    let bare = |folder: &str| folder.strip_suffix("/src").unwrap_or(folder).to_owned();
    let bare_ones: BTreeSet<String> = folders.iter().map(|it| bare(it)).collect();
    // `cart/src` is the part `cart`: where a source stands says nothing of whose it is.
    if bare_ones.len() == folders.len() && folders.iter().any(|it| bare(it) != *it) {
        let named = names(bare_ones.iter().map(String::as_str).collect());
        let name = |it: &str| named.get(bare(it).as_str()).cloned().unwrap_or_default();
        return folders.iter().map(|it| (*it, name(it))).collect();
    }
    let end = |folder: &str, length: usize| -> String {
        let parts: Vec<&str> = folder.split('/').collect();
        let from = parts.len().saturating_sub(length);
        parts.get(from..).unwrap_or_default().join("/")
    };
    let name = |folder: &str| {
        let is_alone = |length: &usize| {
            let mut same = folders
                .iter()
                .filter(|it| end(it, *length) == end(folder, *length));
            same.next().is_some() && same.next().is_none()
        };
        let length = (1..=folder.split('/').count()).find(is_alone);
        length.map_or_else(|| folder.to_owned(), |length| end(folder, length))
    };
    folders
        .iter()
        .map(|folder| (*folder, name(folder)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str]) -> (Known, Vec<String>) {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let contexts = Contexts::find(&paths, None);
        let names = contexts.all.iter().map(|c| c.folders.join(","));
        (contexts.known, names.collect())
    }

    #[test]
    fn parts_are_found_by_manifest_then_by_folders() {
        let (known, parts) = found(&[
            "Cargo.toml",
            "a/Cargo.toml",
            "a/src/main.rs",
            "b/go.mod",
            "b/main.go",
        ]);
        assert_eq!(
            (known, parts),
            (Known::Manifest, vec!["a".to_owned(), "b".to_owned()])
        );
        let (known, parts) = found(&["pom.xml", "src/orders/A.java", "src/users/B.java"]);
        assert_eq!(known, Known::Folders);
        assert_eq!(parts, ["src/orders", "src/users"]);
        let (_, parts) = found(&["orders/a.py", "users/b.py", "docs/c.py", "tests/d.py"]);
        assert_eq!(parts, ["orders", "users"]);
        assert_eq!(found(&["main.py"]).1, Vec::<String>::new());
    }

    #[test]
    fn parts_of_one_name_are_told_apart_by_what_stands_before() {
        let paths = ["a/orders/api/go.mod", "a/users/api/go.mod", "a/web/go.mod"];
        let paths = paths.map(|path| [path.to_owned(), path.replace("go.mod", "main.go")]);
        let contexts = Contexts::find(&paths.concat(), None);
        let names: Vec<&str> = contexts.all.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["orders/api", "users/api", "web"]);
    }

    #[test]
    fn a_part_is_called_by_its_own_folder_and_not_by_that_of_its_source() {
        let folders = BTreeSet::from(["src/cart/src", "src/ads", "src/a/src/src", "src"]);
        let found: Vec<String> = names(folders).into_values().collect();
        assert_eq!(found, ["src", "a", "ads", "cart"]);
        let folders = BTreeSet::from(["cart/src", "cart"]);
        let found: Vec<String> = names(folders).into_values().collect();
        assert_eq!(found, ["cart", "src"]);
    }

    #[test]
    fn a_workspace_that_only_holds_parts_is_none() {
        let (_, parts) = found(&[
            "s/Cargo.toml",
            "s/a/Cargo.toml",
            "s/a/x.rs",
            "s/b/Cargo.toml",
            "s/b/y.rs",
        ]);
        assert_eq!(parts, ["s/a", "s/b"]);
    }
}
