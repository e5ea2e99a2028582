//! Names and keys. Everything that runs is keyed by one [`InstanceId`], every way between two
//! parties by one [`EdgeId`]; nothing is ever keyed by a service name alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

/// One end of an edge. Callers that are no service begin with `@`, which no service name can.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Party {
    /// The host's own calls to a published port, shown as `client`.
    Client,
    /// The contract verifier.
    Verifier,
    /// Somebody the mesh cannot name.
    External,
    /// A service of the system.
    Service(ServiceName),
}

impl Party {
    /// The key form: `@client`, `@verifier`, `@external` or the service's name.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Client => "@client",
            Self::Verifier => "@verifier",
            Self::External => "@external",
            Self::Service(name) => name.as_str(),
        }
    }

    /// The form for people: without the `@`.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.key().trim_start_matches('@')
    }
}

impl FromStr for Party {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "@client" => Ok(Self::Client),
            "@verifier" => Ok(Self::Verifier),
            "@external" => Ok(Self::External),
            name => ServiceName::new(name).map(Self::Service),
        }
    }
}

impl TryFrom<String> for Party {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Party> for String {
    fn from(party: Party) -> Self {
        party.key().to_owned()
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.shown())
    }
}

/// The way from a caller to one port of a callee, within a lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EdgeId {
    /// The copy of the system it belongs to.
    pub lane: LaneName,
    /// Who calls.
    pub caller: Party,
    /// Who is called.
    pub callee: ServiceName,
    /// The callee's own port (not where the edge listens).
    pub port: u16,
}

impl EdgeId {
    /// `caller~callee~port`, for URLs and file names (`>` and `:` are refused by HTTP libraries
    /// and by artefact stores).
    #[must_use]
    pub fn url_form(&self) -> String {
        format!("{}~{}~{}", self.caller.key(), self.callee, self.port)
    }
}

impl fmt::Display for EdgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}:{}", self.caller.shown(), self.callee, self.port)
    }
}

/// What a user writes to name edges: `a->b`, `a->b:port` or `a~b~port`. Without a port every port
/// of the callee is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EdgeSelector {
    /// Who calls.
    pub caller: Party,
    /// Who is called.
    pub callee: ServiceName,
    /// Which port, or all.
    pub port: Option<u16>,
}

impl EdgeSelector {
    /// Whether `edge` is meant.
    #[must_use]
    pub fn selects(&self, edge: &EdgeId) -> bool {
        self.caller == edge.caller
            && self.callee == edge.callee
            && self.port.is_none_or(|port| port == edge.port)
    }
}

impl FromStr for EdgeSelector {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Edge(text.to_owned());
        let (caller, callee, port) = if let Some((caller, rest)) = text.split_once("->") {
            match rest.rsplit_once(':') {
                Some((callee, port)) => (caller, callee, Some(port)),
                None => (caller, rest, None),
            }
        } else {
            let mut parts = text.split('~');
            let (Some(caller), Some(callee), port, None) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                return Err(wrong());
            };
            (caller, callee, port)
        };
        // People see `client`; no file of theirs can have a caller of that spelling with an `@`.
        let caller = if caller.trim() == "client" {
            "@client"
        } else {
            caller.trim()
        };
        Ok(Self {
            caller: caller.parse().map_err(|_| wrong())?,
            callee: callee.trim().parse().map_err(|_| wrong())?,
            port: port
                .map(|p| p.trim().parse().map_err(|_| wrong()))
                .transpose()?,
        })
    }
}

impl fmt::Display for EdgeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}", self.caller.shown(), self.callee)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(caller: &str, callee: &str, port: u16) -> EdgeId {
        EdgeId {
            lane: LaneName::main(),
            caller: caller.parse().unwrap(),
            callee: callee.parse().unwrap(),
            port,
        }
    }

    #[test]
    fn an_edge_is_named_in_three_forms() {
        let id = edge("orders", "payments", 8080);
        for form in [
            "orders->payments",
            "orders->payments:8080",
            "orders~payments~8080",
        ] {
            assert!(form.parse::<EdgeSelector>().unwrap().selects(&id), "{form}");
        }
        assert!(
            !"orders->payments:9090"
                .parse::<EdgeSelector>()
                .unwrap()
                .selects(&id)
        );
        assert!("orders".parse::<EdgeSelector>().is_err());
        assert!("a~b~c~d".parse::<EdgeSelector>().is_err());
    }

    #[test]
    fn the_client_is_written_with_or_without_its_mark() {
        let id = edge("@client", "gateway", 8080);
        assert_eq!(id.to_string(), "client->gateway:8080");
        assert_eq!(id.url_form(), "@client~gateway~8080");
        for form in [
            "client->gateway",
            "@client->gateway",
            "@client~gateway~8080",
        ] {
            assert!(form.parse::<EdgeSelector>().unwrap().selects(&id), "{form}");
        }
    }

    #[test]
    fn names_refuse_what_compose_refuses() {
        assert!(ProjectName::new("Shop").is_err());
        assert!(ProjectName::new("").is_err());
        assert!(ServiceName::new("@client").is_err());
        assert!(ServiceName::new("a/b").is_err());
        assert!(ServiceName::new("web.1_x-y").is_ok());
    }
}
