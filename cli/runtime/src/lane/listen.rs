//! How a service is told where to listen: by which variables and words, and in which form.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use msvc_system::model::Service;
use msvc_system::problem::{Problem, Problems};

/// Hosts that mean "every address".
const WILDCARDS: [&str; 6] = ["0.0.0.0", "[::]", "::", "*", "+", ""];

/// How one port's place is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// Variables that hold it.
    pub(crate) keys: Vec<String>,
    /// Words of the command that hold it.
    pub(crate) words: Vec<usize>,
    /// Whether any of them takes an address; else the service listens on every address and is
    /// told a number only.
    pub(crate) takes_address: bool,
}

/// A value that says where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value<'a> {
    /// What stands before the host: a flag with `=`, a scheme.
    before: &'a str,
    /// `None` when the value is a number only.
    host: Option<&'a str>,
    port: u16,
    after: &'a str,
}

impl<'a> Value<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let flag = match text.split_once('=') {
            Some((flag, _)) if text.starts_with('-') => flag.len() + 1,
            _ => 0,
        };
        let scheme = text[flag..].find("://").map_or(flag, |at| flag + at + 3);
        let (before, rest) = text.split_at(scheme);
        let (place, after) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (Some(host), port),
            None => (None, place),
        };
        if host.is_some_and(|host| host.contains([' ', ',', '@'])) {
            return None;
        }
        Some(Self {
            before,
            host,
            port: port.parse().ok().filter(|port| *port > 0)?,
            after,
        })
    }

    fn is_wildcard(&self) -> bool {
        self.host.is_some_and(|host| WILDCARDS.contains(&host))
    }
}

/// The value with the place in it replaced.
pub(crate) fn told(value: Option<&str>, key: &str, place: SocketAddr) -> String {
    match value.and_then(Value::read) {
        Some(Value {
            before,
            host: Some(_),
            after,
            ..
        }) => format!("{before}{place}{after}"),
        Some(Value {
            before,
            host: None,
            after,
            ..
        }) => format!("{before}{}{after}", place.port()),
        None if takes_number(key) => place.port().to_string(),
        None => place.to_string(),
    }
}

/// The ways by which `service` learns where each of its `ports` is. `environment` and `command` are
/// what it is to be started with, before any rewriting.
pub(crate) fn ways(
    service: &Service,
    ports: &[u16],
    environment: &BTreeMap<String, String>,
    command: &[String],
) -> Result<BTreeMap<u16, Way>, Problems> {
    let mut ways = BTreeMap::new();
    let mut problems = Problems::default();
    for port in ports {
        let way = match service.x_msvc.process.port.get(port) {
            Some(key) => named(&key.value, environment),
            None => inferred(*port, environment, command),
        };
        if way.keys.is_empty() && way.words.is_empty() {
            problems.push(untold(service, *port));
        }
        ways.insert(*port, way);
    }
    problems.or(ways)
}

fn named(key: &str, environment: &BTreeMap<String, String>) -> Way {
    let value = environment.get(key).and_then(|value| Value::read(value));
    Way {
        keys: vec![key.to_owned()],
        words: Vec::new(),
        takes_address: value.map_or(!takes_number(key), |value| value.host.is_some()),
    }
}

fn inferred(port: u16, environment: &BTreeMap<String, String>, command: &[String]) -> Way {
    let mut way = Way::default();
    for (key, value) in environment {
        let Some(value) = Value::read(value).filter(|value| value.port == port) else {
            continue;
        };
        let is_number = value.host.is_none() && key == "PORT";
        if value.is_wildcard() || is_number {
            way.keys.push(key.clone());
            way.takes_address |= value.is_wildcard();
        }
    }
    for (index, word) in command.iter().enumerate() {
        let value = Value::read(word).filter(|value| value.port == port);
        if value.is_some_and(|value| value.is_wildcard()) {
            way.words.push(index);
            way.takes_address = true;
        }
    }
    way
}

fn takes_number(key: &str) -> bool {
    key.rsplit(['_', '-', '.'])
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case("port"))
}

fn untold(service: &Service, port: u16) -> Problem {
    Problem::error(format!(
        "{} listens on port {port} and no setting tells it where to",
        service.name
    ))
    .at(service.place.clone())
    .hint(format!(
        "name the variable that does, as `x-msvc: {{process: {{port: {{\"{port}\": LISTEN}}}}}}`; it \
         gets an address with the port, or a number only where its value is a number"
    ))
}

/// Where a port told by `way` is bound, as the service is to be told: an address of its own, or
/// all addresses with the number alone.
pub(crate) fn reached_at(way: &Way, place: SocketAddr) -> SocketAddr {
    if way.takes_address {
        place
    } else {
        SocketAddr::new(IpAddr::from([127, 0, 0, 1]), place.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_told_in_the_form_of_the_value() {
        let place: SocketAddr = "127.64.1.2:8080".parse().unwrap();
        let table = [
            (Some("0.0.0.0:8080"), "LISTEN", "127.64.1.2:8080"),
            (Some("[::]:8080"), "LISTEN", "127.64.1.2:8080"),
            (Some(":8080"), "LISTEN", "127.64.1.2:8080"),
            (Some("http://+:8080"), "URLS", "http://127.64.1.2:8080"),
            (
                Some("http://*:8080/base"),
                "URLS",
                "http://127.64.1.2:8080/base",
            ),
            (
                Some("--listen=0.0.0.0:8080"),
                "",
                "--listen=127.64.1.2:8080",
            ),
            (Some("80"), "PORT", "8080"),
            (None, "HTTP_PORT", "8080"),
            (None, "LISTEN", "127.64.1.2:8080"),
            (Some("yes"), "LISTEN", "127.64.1.2:8080"),
        ];
        for (value, key, expected) in table {
            assert_eq!(told(value, key, place), expected, "{key}={value:?}");
        }
    }

    #[test]
    fn the_way_is_inferred_from_port_and_from_wildcard_addresses_only() {
        let environment = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let keys = |pairs: &[(&str, &str)]| inferred(8080, &environment(pairs), &[]).keys;
        assert_eq!(keys(&[("PORT", "8080")]), ["PORT"]);
        assert_eq!(keys(&[("BIND", "0.0.0.0:8080")]), ["BIND"]);
        assert_eq!(keys(&[("BIND", "[::]:8080")]), ["BIND"]);
        assert_eq!(keys(&[("BIND", ":8080")]), ["BIND"]);
        for other in [
            ("PORT", "9090"),
            ("OTHER_PORT", "8080"),
            ("LIMIT", "8080"),
            ("URL", "http://db:8080"),
            ("PEERS", "0.0.0.0:1,0.0.0.0:8080"),
        ] {
            assert_eq!(keys(&[other]), [""; 0], "{other:?}");
        }
        let both = inferred(
            8080,
            &environment(&[("PORT", "8080"), ("BIND", ":8080")]),
            &[],
        );
        assert!(both.takes_address && both.keys.len() == 2);
        let words = ["serve".to_owned(), "--bind=0.0.0.0:8080".to_owned()];
        assert_eq!(inferred(8080, &BTreeMap::new(), &words).words, [1]);
    }
}
