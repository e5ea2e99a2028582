//! What `cargo metadata --no-deps` says of a workspace: its root, its packages, their binaries.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A Cargo workspace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(super) root: PathBuf,
    pub(super) packages: Vec<Package>,
    /// Ids of the packages that a plain `cargo build` means; absent in cargo before 1.71.
    #[serde(rename = "workspace_default_members")]
    default_members: Option<Vec<String>>,
}

/// A package of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    manifest_path: PathBuf,
    default_run: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    /// The package whose manifest stands in `folder`.
    pub(super) fn package_in(&self, folder: &Path) -> Option<&Package> {
        let mut packages = self.packages.iter();
        packages.find(|package| package.manifest_path.parent() == Some(folder))
    }

    /// Whether a plain build from the root builds `package`.
    pub(super) fn builds_by_default(&self, package: &Package) -> bool {
        let members = self.default_members.as_ref();
        members.is_none_or(|members| members.contains(&package.id))
    }

    /// The packages that have a binary of this name.
    pub(super) fn packages_with(&self, bin: &str) -> impl Iterator<Item = &Package> {
        let packages = self.packages.iter();
        packages.filter(move |package| package.bins().any(|other| other == bin))
    }
}

impl Package {
    /// The names of its binaries.
    pub(super) fn bins(&self) -> impl Iterator<Item = &str> {
        let targets = self.targets.iter();
        targets
            .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
            .map(|target| target.name.as_str())
    }

    /// The binary that stands for `service`: of its name, else the default one, else the only one.
    pub(super) fn bin_of(&self, service: &str) -> Option<&str> {
        let named = self.bins().find(|bin| *bin == service);
        let only = || {
            let mut bins = self.bins();
            bins.next().filter(|_| bins.next().is_none())
        };
        named.or(self.default_run.as_deref()).or_else(only)
    }
}
