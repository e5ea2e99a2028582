//! The ends of edges, edges, and how people name them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdError, LaneName, ServiceName};
use crate::problem::nearest;

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

    /// Whether it is a service whose name is also what people see of a caller that is none.
    fn is_mistaken(&self) -> bool {
        let others = [Self::Client, Self::Verifier, Self::External];
        matches!(self, Self::Service(_)) && others.iter().any(|it| it.shown() == self.key())
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
        // A service `client` is not the host.
        if self.caller.is_mistaken() {
            return f.write_str(&self.url_form());
        }
        write!(f, "{}->{}:{}", self.caller.shown(), self.callee, self.port)
    }
}

/// What a user writes to name edges: `a->b`, `a->b:port` or `a~b~port`. Without a port every port
/// of the callee is meant. `client->b` are the host's calls; a service `client` has `client~b`.
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

    /// Which of `known` was meant, when none is selected: the same the other way round, the same
    /// at another port, or the one that is spelt nearly so.
    #[must_use]
    pub fn nearest<'a>(&self, known: &'a [EdgeId]) -> Option<&'a EdgeId> {
        let (caller, callee) = (self.caller.key(), self.callee.as_str());
        let between = |from: &str, to: &str| {
            let mut known = known.iter();
            known.find(|edge| edge.caller.key() == from && edge.callee.as_str() == to)
        };
        let same = between(caller, callee).or_else(|| between(callee, caller));
        same.or_else(|| {
            let shown: Vec<String> = known.iter().map(|edge| self.shown_as(edge)).collect();
            let near = nearest(&self.to_string(), shown.iter().map(String::as_str))?;
            let at = shown.iter().position(|text| text == near)?;
            known.get(at)
        })
    }

    /// An edge in this selector's form: with its port only where this one has it.
    fn shown_as(&self, edge: &EdgeId) -> String {
        Self {
            caller: edge.caller.clone(),
            callee: edge.callee.clone(),
            port: self.port.map(|_| edge.port),
        }
        .to_string()
    }
}

impl FromStr for EdgeSelector {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Edge(text.to_owned());
        let (caller, callee, port) = if let Some((caller, rest)) = text.split_once("->") {
            // People see `client`; no file of theirs can have a caller of that spelling with an `@`.
            let caller = match caller.trim() {
                "client" => "@client",
                caller => caller,
            };
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
        Ok(Self {
            caller: caller.trim().parse().map_err(|_| wrong())?,
            callee: callee.trim().parse().map_err(|_| wrong())?,
            port: port
                .map(|p| p.trim().parse().map_err(|_| wrong()))
                .transpose()?,
        })
    }
}

impl fmt::Display for EdgeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.caller.is_mistaken() {
            write!(f, "{}~{}", self.caller.shown(), self.callee)?;
            return self.port.map_or(Ok(()), |port| write!(f, "~{port}"));
        }
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
    fn the_nearest_edge_is_the_reversed_one_first() {
        let known = [
            edge("gateway", "orders", 8080),
            edge("orders", "payments", 8080),
            edge("orders", "payment", 1),
        ];
        let near = |wanted: &str| {
            let wanted: EdgeSelector = wanted.parse().unwrap();
            wanted.nearest(&known).map(ToString::to_string)
        };
        let payments = Some("orders->payments:8080".to_owned());
        assert_eq!(near("payments->orders"), payments);
        assert_eq!(near("orders->payments:9"), payments);
        assert_eq!(near("orders->paymnets"), payments);
        assert_eq!(near("somebody->nobody-at-all"), None);
    }

    #[test]
    fn a_service_that_is_called_client_is_told_from_the_host_in_what_is_shown_and_what_is_written()
    {
        let (host, service) = (edge("@client", "gw", 80), edge("client", "gw", 80));
        assert_eq!(service.to_string(), "client~gw~80");
        for id in [&host, &service] {
            let shown: EdgeSelector = id.to_string().parse().unwrap();
            assert!(shown.selects(id), "{id}");
            assert_eq!(
                [&host, &service]
                    .iter()
                    .filter(|it| shown.selects(it))
                    .count(),
                1
            );
        }
        let wanted: EdgeSelector = "client->gw".parse().unwrap();
        let near = wanted.nearest(std::slice::from_ref(&service));
        assert_eq!(near, Some(&service));
        for form in ["client~gw", "client~gw~80"] {
            assert_eq!(form.parse::<EdgeSelector>().unwrap().to_string(), form);
        }
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
}
