//! What a journey is handed: where to call, whom to trust, what to play with, which run this is,
//! and the clock. A journey knows nothing else of the system that it plays on.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use msvc_machine::clock::Clock;
use serde_json::{Map, Value};

use crate::masked::Masked;
use crate::source::Operation;
use crate::trust::Trusted;

/// From connecting to the last byte of one answer, unless the entry says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The way into a system, for one play.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where the system can be called.
    pub bases: Bases,
    /// Who vouches for what answers over HTTPS.
    pub trust: Vec<Trusted>,
    /// Inputs by name; each workflow takes those that it declares, a command all.
    pub inputs: Map<String, Value>,
    /// The secrets among them.
    pub masked: Masked,
    /// The id of this play: short, lower-case letters and digits, unlike that of any other play
    /// on the same data. It becomes the input `run` and the first part of the baggage.
    pub run: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// From connecting to the last byte of one answer.
    pub request_timeout: Duration,
    /// What a play may take.
    pub limits: Limits,
    /// Where and with what environment a command journey runs.
    pub command: CommandPlace,
}

/// What a play may take before it counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attempts at steps, all together: ends a `goto` that goes round in a circle.
    pub attempts: u32,
    /// From its beginning to its end.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts: 10_000,
            time: Duration::from_secs(300),
        }
    }
}

/// Where a command journey runs.
#[derive(Debug, Clone, Default)]
pub struct CommandPlace {
    /// Its working directory.
    pub directory: PathBuf,
    /// Its whole environment, but for what [`crate::command`] adds.
    pub environment: Vec<(OsString, OsString)>,
}

/// Base URLs by name: the name of a source description, a server URL of an OpenAPI document, its
/// host with or without port, or a service. Without a match the only base URL is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bases {
    named: IndexMap<String, String>,
}

/// Nothing says where an operation is to be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing says where to call `{server}`: the system's entries are {known}")]
pub struct NoBase {
    /// The source description and server of the operation.
    server: String,
    known: String,
}

impl Bases {
    /// The only way in.
    pub fn only(url: impl Into<String>) -> Self {
        Self::default().with("", url)
    }

    /// The same with one more way in, `http://host:port`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        let url: String = url.into();
        let url = url.trim_end_matches('/').to_owned();
        self.named.insert(name.into(), url);
        self
    }

    /// Every name with its URL.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.named.iter().map(|(n, u)| (n.as_str(), u.as_str()))
    }

    /// The only URL, when all names lead to one.
    #[must_use]
    pub fn single(&self) -> Option<&str> {
        let mut urls = self.named.values();
        let first = urls.next()?;
        urls.all(|url| url == first).then_some(first.as_str())
    }

    /// Where to call the operation: its base, with the path of its server behind it.
    ///
    /// # Errors
    /// When no name fits and there are several bases, or none.
    pub fn of(&self, operation: &Operation) -> Result<String, NoBase> {
        let server = operation.server.as_deref().unwrap_or("/");
        let (authority, path) = match server.split_once("://") {
            Some((_, rest)) => match rest.find('/') {
                Some(at) => rest.split_at(at),
                None => (rest, ""),
            },
            None => ("", server),
        };
        let host = authority.split(':').next().unwrap_or_default();
        let origin = server.strip_suffix(path).unwrap_or(server);
        let names = [operation.source.as_str(), server, origin, authority, host];
        let base = names
            .into_iter()
            .filter(|name| !name.is_empty())
            .find_map(|name| self.named.get(name).map(String::as_str))
            .or_else(|| self.single());
        match base {
            Some(base) => Ok(format!("{base}{}", path.trim_end_matches('/'))),
            None => {
                let known: Vec<_> = self.named.iter().map(|(n, u)| format!("{n}={u}")).collect();
                Err(NoBase {
                    server: format!("{} ({server})", operation.source),
                    known: if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    },
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(source: &str, server: Option<&str>) -> Operation {
        Operation::for_test(source, "GET", "/x", server)
    }

    #[test]
    fn the_only_base_serves_every_operation_and_keeps_the_servers_path() {
        let bases = Bases::only("http://127.0.0.1:9000/");
        for (server, base) in [
            (None, "http://127.0.0.1:9000"),
            (Some("http://localhost:8080"), "http://127.0.0.1:9000"),
            (
                Some("http://localhost:8080/v1/"),
                "http://127.0.0.1:9000/v1",
            ),
            (Some("/v2"), "http://127.0.0.1:9000/v2"),
        ] {
            assert_eq!(bases.of(&operation("shop", server)).unwrap(), base);
        }
    }

    #[test]
    fn of_several_bases_the_one_named_by_source_server_or_host_is_taken() {
        let bases = Bases::default()
            .with("gateway", "http://127.0.0.1:1")
            .with("http://billing:8080", "http://127.0.0.1:2")
            .with("mails", "http://127.0.0.1:3");
        let of = |source, server| bases.of(&operation(source, server));
        assert_eq!(
            of("a", Some("http://gateway:8080/v1")).unwrap(),
            "http://127.0.0.1:1/v1"
        );
        assert_eq!(
            of("a", Some("http://billing:8080")).unwrap(),
            "http://127.0.0.1:2"
        );
        assert_eq!(of("mails", Some("http://x")).unwrap(), "http://127.0.0.1:3");
        let error = of("a", Some("http://x:1")).unwrap_err().to_string();
        assert!(
            error.contains("a (http://x:1)") && error.contains("gateway=http"),
            "{error}"
        );
        assert!(Bases::default().of(&operation("a", None)).is_err());
    }
}
