//! Names and keys. Everything that runs is keyed by one [`InstanceId`], every way between two
//! parties by one [`EdgeId`]; nothing is ever keyed by a service name alone.

use std::fmt;
use std::str::FromStr;

/// What carries the edges stands under this name among a project's containers: no service has it.
pub const MESH: &str = "msvc-mesh";

use serde::{Deserialize, Serialize};

mod edge;

pub use edge::{EdgeId, EdgeSelector, Party};

/// A name or key that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The project name has characters that Compose refuses.
    #[error(
        "`{0}` is no project name: lower-case letters, digits, `-` and `_`, beginning with a letter or digit"
    )]
    Project(String),
    /// The lane name has characters outside lower-case letters, digits and `-`.
    #[error("`{0}` is no lane name: lower-case letters, digits and `-`")]
    Lane(String),
    /// The service name has characters that Compose refuses.
    #[error("`{0}` is no service name: letters, digits, `.`, `_` and `-`")]
    Service(String),
    /// An edge is neither `a->b`, `a->b:port` nor `a~b~port`.
    #[error(
        "`{0}` is no edge: write `caller->callee`, `caller->callee:port` or `caller~callee~port`"
    )]
    Edge(String),
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $error:ident, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name, checked.
            ///
            /// # Errors
            /// When it has characters that such a name cannot have.
            pub fn new(name: impl Into<String>) -> Result<Self, IdError> {
                let name = name.into();
                let ok: fn(&str) -> bool = $ok;
                if ok(&name) { Ok(Self(name)) } else { Err(IdError::$error(name)) }
            }

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(name: String) -> Result<Self, IdError> {
                Self::new(name)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(name: &str) -> Result<Self, IdError> {
                Self::new(name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

fn project_like(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

name!(
    /// The name of a system: Compose's project name.
    ProjectName,
    Project,
    project_like
);
name!(
    /// The name of a lane: an isolated copy of part or all of a system.
    LaneName,
    Lane,
    |n| project_like(n) && !n.contains('_')
);
name!(
    /// The name of a service, as in the Compose file.
    ServiceName,
    Service,
    |n| !n.is_empty()
        && n.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
);

impl LaneName {
    /// The lane that `up` boots.
    #[must_use]
    pub fn main() -> Self {
        Self("main".to_owned())
    }
}

/// One running copy of a service: project, lane, service, replica, and which start of it this is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId {
    /// The system.
    pub project: ProjectName,
    /// The copy of the system.
    pub lane: LaneName,
    /// The service.
    pub service: ServiceName,
    /// Which replica, from 1.
    pub replica: u32,
    /// Which start of this replica, from 1; a restart is a new incarnation.
    pub incarnation: u32,
}

impl InstanceId {
    /// The same replica, whichever start.
    #[must_use]
    pub fn same_replica(&self, other: &Self) -> bool {
        self.project == other.project
            && self.lane == other.lane
            && self.service == other.service
            && self.replica == other.replica
    }

    /// The same replica's next start.
    #[must_use]
    pub fn next(&self) -> Self {
        Self {
            incarnation: self.incarnation + 1,
            ..self.clone()
        }
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            project,
            lane,
            service,
            replica,
            incarnation,
        } = self;
        write!(f, "{project}/{lane}/{service}/{replica}#{incarnation}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_compose_refuses() {
        assert!(ProjectName::new("Shop").is_err());
        assert!(ProjectName::new("").is_err());
        assert!(ServiceName::new("@client").is_err());
        assert!(ServiceName::new("a/b").is_err());
        assert!(ServiceName::new("web.1_x-y").is_ok());
    }
}
