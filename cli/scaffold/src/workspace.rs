//! Which Cargo workspace takes a new package: that of a folder above whose `members` name it, else
//! the package gets one of its own. Read as Cargo reads it, without running it.

use std::path::{Component, Path, PathBuf};

use msvc_system::problem::{Place, Problem, Problems};
use serde::Deserialize;

use crate::error::ScaffoldError;

/// Manifests above this many bytes are refused.
const MAX_BYTES: u64 = 1_000_000;

/// The workspace above a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its manifest.
    pub manifest: PathBuf,
    /// Whether it takes the package by its patterns.
    pub takes: bool,
    /// The packages that it has, by name, with their folders.
    pub packages: Vec<(String, PathBuf)>,
}

#[derive(Debug, Default, Deserialize)]
struct Manifest {
    package: Option<Package>,
    workspace: Option<Members>,
}

#[derive(Debug, Default, Deserialize)]
struct Package {
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Members {
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

/// The workspace that cargo would find from `target` upwards, where there is one.
///
/// # Errors
/// When a manifest on the way cannot be read.
pub fn above(target: &Path) -> Result<Option<Workspace>, ScaffoldError> {
    for folder in target.ancestors().skip(1) {
        let path = folder.join("Cargo.toml");
        let Some(manifest) = read(&path)? else {
            continue;
        };
        let Some(members) = manifest.workspace else {
            continue;
        };
        let relative = target.strip_prefix(folder).unwrap_or(target);
        let excluded = members.exclude.iter().any(|exclude| {
            let named = members.members.iter().any(|m| Path::new(m) == relative);
            !named && relative.starts_with(exclude)
        });
        let takes = !excluded && members.members.iter().any(|m| matches(m, relative));
        let mut packages = Vec::new();
        let own = manifest.package.and_then(|package| package.name);
        packages.extend(own.map(|name| (name, folder.to_path_buf())));
        for pattern in &members.members {
            for member in expand(folder, pattern) {
                let package = read(&member.join("Cargo.toml"))?.and_then(|m| m.package);
                let name = package.and_then(|package| package.name);
                packages.extend(name.map(|name| (name, member)));
            }
        }
        return Ok(Some(Workspace {
            manifest: path,
            takes,
            packages,
        }));
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Option<Manifest>, ScaffoldError> {
    let failed = |source| ScaffoldError::Read {
        path: path.to_path_buf(),
        source,
    };
    let kind = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
        other => other.map_err(failed)?,
    };
    if !kind.is_file() || kind.len() > MAX_BYTES {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    toml::from_str(&text).map(Some).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        let problem = Problem::error(format!("cargo could not read this: {}", error.message()));
        Problems::from(problem.at(Place {
            file: path.into(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: 1,
        }))
        .into()
    })
}

/// Whether a pattern of `members` names the folder. `*` and `?` stay within one name, `**` is any
/// number of folders.
fn matches(pattern: &str, folder: &Path) -> bool {
    let parts = |path: &Path| -> Vec<String> {
        let normal = path
            .components()
            .filter(|c| !matches!(c, Component::CurDir));
        normal
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    let (pattern, folder) = (parts(Path::new(pattern)), parts(folder));
    all_match(&pattern, &folder)
}

fn all_match(pattern: &[String], names: &[String]) -> bool {
    match (pattern.split_first(), names.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((first, rest)), _) if first == "**" => {
            (0..=names.len()).any(|skip| all_match(rest, names.get(skip..).unwrap_or_default()))
        }
        (Some(_), None) => false,
        (Some((first, rest)), Some((name, names))) => {
            let (first, name): (Vec<char>, Vec<char>) =
                (first.chars().collect(), name.chars().collect());
            one_matches(&first, &name) && all_match(rest, names)
        }
    }
}

fn one_matches(pattern: &[char], name: &[char]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            (0..=name.len()).any(|skip| one_matches(rest, name.get(skip..).unwrap_or_default()))
        }
        (Some(('?', rest)), Some((_, name))) => one_matches(rest, name),
        (Some((wanted, rest)), Some((first, name))) => wanted == first && one_matches(rest, name),
        _ => false,
    }
}

/// The folders that a pattern names, as far as `*` and `?` in single names go.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.to_path_buf()];
    for part in Path::new(pattern).components() {
        let part = part.as_os_str().to_string_lossy().into_owned();
        if !part.contains(['*', '?']) {
            for folder in &mut folders {
                folder.push(&part);
            }
            continue;
        }
        let wanted: Vec<char> = part.chars().collect();
        let mut found = Vec::new();
        for folder in folders {
            // A folder that cannot be listed has no members that cargo could see.
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name: Vec<char> = entry.file_name().to_string_lossy().chars().collect();
                if entry.path().is_dir() && one_matches(&wanted, &name) {
                    found.push(entry.path());
                }
            }
        }
        found.sort();
        folders = found;
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_workspace(manifest: &str, target: &str) -> Option<Workspace> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        let member = folder.path().join("services/old");
        std::fs::create_dir_all(&member).unwrap();
        std::fs::write(member.join("Cargo.toml"), "[package]\nname = \"elder\"\n").unwrap();
        above(&folder.path().join(target)).unwrap()
    }

    #[test]
    fn a_pattern_takes_the_package_unless_it_is_excluded() {
        for (manifest, takes) in [
            ("[workspace]\nmembers = [\"services/*\"]", true),
            ("[workspace]\nmembers = [\"./services/n?w\"]", true),
            ("[workspace]\nmembers = [\"**\"]", true),
            ("[workspace]\nmembers = [\"services/new\"]", true),
            ("[workspace]\nmembers = [\"services/old\"]", false),
            ("[workspace]\nmembers = [\"*\"]", false),
            (
                "[workspace]\nmembers = [\"services/*\"]\nexclude = [\"services/new\"]",
                false,
            ),
            ("[workspace]", false),
        ] {
            let found = in_workspace(manifest, "services/new").unwrap();
            assert_eq!(found.takes, takes, "{manifest}");
        }
    }

    #[test]
    fn its_packages_are_known_by_name() {
        let found =
            in_workspace("[workspace]\nmembers = [\"services/*\"]", "services/new").unwrap();
        let names: Vec<_> = found
            .packages
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["elder"]);
    }

    #[test]
    fn a_package_above_is_no_workspace_and_a_broken_manifest_is_told_with_its_line() {
        assert_eq!(
            in_workspace("[package]\nname = \"x\"", "services/new"),
            None
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), "[workspace]\nmembers = [").unwrap();
        let Err(ScaffoldError::Problems(problems)) = above(&folder.path().join("x")) else {
            panic!("taken");
        };
        assert_eq!(problems.0[0].place.as_ref().unwrap().line, 2);
    }
}
