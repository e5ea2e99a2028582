//! Where a play calls: base URLs by name, and which of them an operation means.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use indexmap::IndexMap;

use crate::source::Operation;

/// Base URLs by name: the name of a source description, a server URL of an OpenAPI document, its
/// host with or without port, or a service; and by the port that the host knows one by. Without a
/// match the only base URL is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bases {
    named: IndexMap<String, String>,
    published: BTreeMap<u16, String>,
}

/// The parts of a server's URL that name something.
struct Server<'a> {
    /// `https://localhost:8443`, as written.
    origin: &'a str,
    is_https: bool,
    /// `localhost:8443`.
    authority: &'a str,
    host: &'a str,
    port: Option<u16>,
    /// `/v1`.
    path: &'a str,
}

impl<'a> Server<'a> {
    fn read(server: &'a str) -> Self {
        let (scheme, rest) = server.split_once("://").unwrap_or_default();
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None if scheme.is_empty() => ("", server),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (authority, None),
        };
        let is_https = scheme.eq_ignore_ascii_case("https");
        Self {
            origin: server.strip_suffix(path).unwrap_or(server),
            is_https,
            authority,
            host,
            port: port.or((!host.is_empty()).then_some(if is_https { 443 } else { 80 })),
            path,
        }
    }

    /// Whether its host is a name, which a certificate can bear, and no address.
    fn is_named(&self) -> bool {
        !self.host.starts_with('[') && self.host.parse::<Ipv4Addr>().is_err()
    }

    /// Whether it stands for a port of this host.
    fn is_here(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"].contains(&host.as_str())
    }
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

    /// The same with the port of the host that the Compose file gives a way in.
    #[must_use]
    pub fn published(mut self, port: u16, url: impl Into<String>) -> Self {
        self.published.entry(port).or_insert_with(|| url.into());
        self
    }

    /// Where to call the operation: its base, with the path of its server behind it. A server's
    /// URL that names a port says how that port is spoken to: `https` is kept, with the name that
    /// the certificate is to bear.
    ///
    /// # Errors
    /// When no name fits and there are several bases, or none.
    pub fn of(&self, operation: &Operation) -> Result<String, NoBase> {
        let url = operation.server.as_deref().unwrap_or("/");
        let server = Server::read(url);
        let path = server.path.trim_end_matches('/');
        if let Some(base) = self.by_port(operation, &server) {
            let rest = base.strip_prefix("http://").filter(|_| server.is_https);
            return Ok(match rest.and_then(|rest| rest.rsplit_once(':')) {
                Some((_, port)) if server.is_named() => {
                    format!("https://{}:{port}{path}", server.host)
                }
                Some((address, port)) => format!("https://{address}:{port}{path}"),
                None => format!("{base}{path}"),
            });
        }
        let names = [&operation.source, url, server.origin, server.host];
        let base = names
            .into_iter()
            .filter(|name| !name.is_empty())
            .find_map(|name| self.named.get(name).map(String::as_str))
            .or_else(|| self.single());
        match base {
            Some(base) => Ok(format!("{base}{path}")),
            None => {
                let known: Vec<_> = self.named.iter().map(|(n, u)| format!("{n}={u}")).collect();
                Err(NoBase {
                    server: format!("{} ({url})", operation.source),
                    known: if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    },
                })
            }
        }
    }

    /// The base that the server's port names: of the source description's own service, of the
    /// service that is its host, or one that this host publishes.
    fn by_port(&self, operation: &Operation, server: &Server<'_>) -> Option<&str> {
        let port = server.port?;
        let own = format!("{}:{port}", operation.source);
        let named = |name: &str| self.named.get(name);
        let base = named(&own).or_else(|| named(server.authority));
        let here = || self.published.get(&port).filter(|_| server.is_here());
        base.or_else(here).map(String::as_str)
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

    #[test]
    fn a_servers_port_says_which_way_in_and_how_it_is_spoken_to() {
        let bases = Bases::default()
            .with("gateway:80", "http://127.0.0.1:1")
            .with("gateway", "http://127.0.0.1:1")
            .with("gateway:8443", "http://127.0.0.1:2")
            .with("other:80", "http://127.0.0.1:3")
            .with("other", "http://127.0.0.1:3")
            .published(8080, "http://127.0.0.1:1")
            .published(8443, "http://127.0.0.1:2")
            .published(9090, "http://127.0.0.1:3");
        let of = |source, server| bases.of(&operation(source, Some(server))).unwrap();
        for (source, server, base) in [
            (
                "gateway",
                "https://localhost:8443/v1",
                "https://localhost:2/v1",
            ),
            ("tls", "https://[::1]:8443", "https://127.0.0.1:2"),
            ("tls", "https://gateway:8443", "https://gateway:2"),
            ("gateway", "http://localhost:8080", "http://127.0.0.1:1"),
            ("x", "http://localhost:9090/", "http://127.0.0.1:3"),
            // The port of a service that is not the source's own does not overrule its name.
            ("other", "http://localhost:80", "http://127.0.0.1:3"),
            // A public name says nothing of how the system here is spoken to.
            (
                "gateway",
                "https://shop.example/v1",
                "http://127.0.0.1:1/v1",
            ),
        ] {
            assert_eq!(of(source, server), base, "{source} {server}");
        }
    }
}
