//! What a service finds in its files: mounts, volumes, secrets and configs.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Placed, Service};
use crate::problem::Place;

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Where, inside the service.
    pub target: String,
    /// Whether it is read-only.
    pub read_only: bool,
    /// What else the file says of it, by name (`bind.propagation`, `volume.nocopy`,
    /// `tmpfs.size`): a runtime that cannot honour one reports it.
    pub other_fields: IndexMap<String, Placed<serde_json::Value>>,
    /// Where it stands.
    pub place: Place,
}

impl Service {
    /// The mount that a path inside the service lies in, and what is behind its target.
    #[must_use]
    pub fn mount_of<'a>(&'a self, path: &'a str) -> Option<(&'a Mount, &'a str)> {
        let below = |mount: &'a Mount| {
            let rest = path.strip_prefix(mount.target.trim_end_matches('/'))?;
            let is_below = rest.is_empty() || rest.starts_with('/');
            is_below.then(|| (mount, rest.trim_start_matches('/')))
        };
        let mounts = self.mounts.iter().filter_map(below);
        mounts.min_by_key(|(_, rest)| rest.len())
    }
}

/// What a mount mounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// A named volume.
    Volume(String),
    /// A folder or file of the host, absolute.
    Bind(PathBuf),
    /// A volume without a name.
    Anonymous,
    /// Memory.
    Tmpfs,
}

/// A named volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// `external: true`.
    pub external: bool,
    /// `name`, when given.
    pub name: Option<String>,
    /// `labels`.
    pub labels: IndexMap<String, String>,
    /// `driver`, when it is another than `local`.
    pub driver: Option<Placed<String>>,
    /// `driver_opts`.
    pub options: IndexMap<String, Placed<String>>,
}

/// A secret or config that a service is given, as one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFile {
    /// What it is, for people: ``secret `password` ``.
    pub what: String,
    /// What is in it.
    pub source: FileSource,
    /// Where it stands inside the service, absolute.
    pub target: String,
    /// Its owner, when given.
    pub uid: Option<u32>,
    /// Its group, when given.
    pub gid: Option<u32>,
    /// Its permissions, when given.
    pub mode: Option<u32>,
    /// What its declaration says besides what is in it, by the field's path (`/secrets.external`): a
    /// runtime that cannot honour one reports it.
    pub other_fields: IndexMap<String, Placed<serde_json::Value>>,
    /// Where the service asks for it.
    pub place: Place,
    /// Where the file says what is in it.
    pub source_place: Place,
}

/// What is in a secret or config.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSource {
    /// A file of the host, absolute.
    Host(PathBuf),
    /// This text.
    Text(String),
    /// Nothing of the files: it is kept elsewhere, as its other fields say.
    Elsewhere,
    /// What a variable of the caller's holds.
    Variable {
        /// Its name.
        name: String,
        /// What it holds; nothing when it is not set.
        value: Option<String>,
    },
}

impl fmt::Debug for FileSource {
    /// What is in it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(path) => f.debug_tuple("Host").field(path).finish(),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Elsewhere => f.write_str("Elsewhere"),
            Self::Variable { name, value } => {
                let length = value.as_ref().map(String::len);
                write!(f, "Variable({name}, {length:?} bytes)")
            }
        }
    }
}
