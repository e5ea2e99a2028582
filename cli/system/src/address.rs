//! Addresses of services inside settings and commands: URLs, `host:port`, comma separated lists
//! of them, wherever they stand in a text.
//!
//! What comes in: a text and which names are services. What leaves: each address with its place in
//! the text, its port and scheme. What must not enter: what is done about them. A bare name is an
//! address only where the key says so ([`crate::setting_key::says_host`]): in public files a third of the values
//! that equal a service's name are users, databases or topics.

use std::ops::Range;

/// One address found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address<'t> {
    /// The service it names.
    pub service: &'t str,
    /// The port written after it.
    pub port: Option<u16>,
    /// The URL's scheme, in lower case, when it stands in one.
    pub scheme: Option<String>,
    /// Bytes of the text that name the service.
    pub host: Range<usize>,
    /// Bytes of the text that are host and port (host alone when no port is written).
    pub span: Range<usize>,
}

impl Address<'_> {
    /// The port that is meant: the written one, else the scheme's own.
    #[must_use]
    pub fn meant_port(&self) -> Option<u16> {
        self.port.or_else(|| default_port(self.scheme.as_deref()?))
    }
}

/// The port that a client of a scheme takes when none is written (IANA's registration or, for
/// those without one, the project's own documentation).
#[must_use]
pub fn default_port(scheme: &str) -> Option<u16> {
    // `jdbc:postgresql`, `mysql+pymysql`, `redis+sentinel`: what counts is the protocol's name.
    let scheme = scheme.rsplit(':').next().unwrap_or(scheme);
    let scheme = scheme.split('+').next().unwrap_or(scheme);
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "amqp" => Some(5672),
        "amqps" => Some(5671),
        "postgres" | "postgresql" => Some(5432),
        "mysql" | "mariadb" => Some(3306),
        "mongodb" => Some(27017),
        "redis" | "rediss" | "valkey" => Some(6379),
        "nats" => Some(4222),
        "kafka" => Some(9092),
        "mqtt" => Some(1883),
        "smtp" => Some(25),
        "ldap" => Some(389),
        "memcached" | "memcache" => Some(11211),
        _ => None,
    }
}

/// Addresses that one text may have; a mistake or an attack has more.
const MOST: usize = 10_000;

/// Every address in `text` whose host is a service; of more than 10,000 not all.
#[must_use]
pub fn addresses(text: &str, is_service: impl Fn(&str) -> bool) -> Vec<Address<'_>> {
    let mut finder = Finder {
        text,
        is_service: &is_service,
        found: Vec::new(),
    };
    let mut start = 0;
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if ends_chunk(c) {
            if finder.found.len() >= MOST {
                break;
            }
            finder.chunk(start..i);
            start = i + c.len_utf8();
        }
    }
    finder.found
}

/// What cannot stand inside an address.
fn ends_chunk(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '"' | '\''
                | '`'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '<'
                | '>'
                | '|'
                | ';'
                | '\\'
                | '$'
        )
}

/// Where the scheme begins that ends a text.
fn scheme_start(text: &str) -> usize {
    text.char_indices()
        .rev()
        .find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':')))
        .map_or(0, |(i, c)| i + c.len_utf8())
}

/// The port, or the first of `2888:3888` (how ZooKeeper names its members): with several, none may
/// be so small that it could be a count (`orders:3:1`, a topic).
fn first_port(text: &str) -> Option<u16> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let Some((first, others)) = text.split_once(':') else {
        return number(text);
    };
    let high = |text: &str| number(text).filter(|port| *port >= 1024);
    others
        .split(':')
        .all(|port| high(port).is_some())
        .then(|| high(first))?
}

struct Finder<'t, 'f> {
    text: &'t str,
    is_service: &'f dyn Fn(&str) -> bool,
    found: Vec<Address<'t>>,
}

impl<'t> Finder<'t, '_> {
    fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    /// A run of characters that may hold URLs, or a list of them.
    fn chunk(&mut self, range: Range<usize>) {
        let mut start = range.start;
        while let Some(at) = self.slice(start..range.end).find("://") {
            let scheme_end = start + at;
            let scheme_at = start + scheme_start(self.slice(start..scheme_end));
            self.without_scheme(start..scheme_at);
            let scheme = self.slice(scheme_at..scheme_end).to_ascii_lowercase();
            let authority = scheme_end + "://".len();
            let rest = self.slice(authority..range.end);
            let path = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            // In a list the next URL's scheme is no part of this one's authority.
            let next = rest.find("://").map_or(rest.len(), |at| {
                scheme_start(rest.get(..at).unwrap_or_default())
            });
            let end = authority + path.min(next);
            self.authority(authority..end, &scheme);
            start = end;
        }
        self.without_scheme(start..range.end);
    }

    /// `user:password@host:port,host:port` of a URL.
    fn authority(&mut self, range: Range<usize>, scheme: &str) {
        let hosts = self.after_user(range);
        self.list(hosts, |finder, piece| finder.host(piece, Some(scheme)));
    }

    /// Text outside URLs and in their queries: `host:port`, alone, in a list, or after `=`.
    fn without_scheme(&mut self, range: Range<usize>) {
        self.list(range, |finder, piece| {
            let piece = finder.after_user(piece);
            let text = finder.slice(piece.clone());
            let end = text.find('/').map_or(piece.end, |i| piece.start + i);
            if text.contains(':') {
                finder.host(piece.start..end, None);
            }
        });
    }

    fn after_user(&self, range: Range<usize>) -> Range<usize> {
        match self.slice(range.clone()).rfind('@') {
            Some(at) => range.start + at + 1..range.end,
            None => range,
        }
    }

    fn list(&mut self, range: Range<usize>, mut take: impl FnMut(&mut Self, Range<usize>)) {
        let mut start = range.start;
        for (i, _) in self
            .slice(range.clone())
            .match_indices([',', '=', '&', '?'])
        {
            take(self, start..range.start + i);
            start = range.start + i + 1;
        }
        take(self, start..range.end);
    }

    fn host(&mut self, range: Range<usize>, scheme: Option<&str>) {
        let (host, port) = match self.slice(range.clone()).split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (self.slice(range.clone()), None),
        };
        let number = port.map(first_port);
        // Without a scheme only a port makes it an address; what is no port makes it none.
        let port = match (number, scheme) {
            (Some(Some(port)), _) => Some(port),
            (None, Some(_)) => None,
            _ => return,
        };
        if self.found.len() < MOST && (self.is_service)(host) {
            self.found.push(Address {
                service: host,
                port,
                scheme: scheme.map(str::to_owned),
                host: range.start..range.start + host.len(),
                span: range,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let services = ["db", "kafka", "web", "redis", "a-b.c", "postgres"];
        addresses(text, |name| services.contains(&name))
            .iter()
            .map(|a| {
                assert_eq!(&text[a.host.clone()], a.service);
                format!(
                    "{}:{}",
                    a.service,
                    a.meant_port().map_or("?".to_owned(), |p| p.to_string())
                )
            })
            .collect()
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        for (text, wanted) in [
            ("db:5432", vec!["db:5432"]),
            ("http://web:8080/x?y=1", vec!["web:8080"]),
            ("http://web", vec!["web:80"]),
            ("postgres://db:5432@db/x", vec!["db:5432"]),
            ("postgres://postgres:postgres@db/postgres", vec!["db:5432"]),
            ("jdbc:postgresql://db/x", vec!["db:5432"]),
            ("mongodb://u:p@db:1,web:2/x", vec!["db:1", "web:2"]),
            ("http://web:1,http://db:2", vec!["web:1", "db:2"]),
            (
                "PLAINTEXT://kafka:9092,OUT://localhost:1",
                vec!["kafka:9092"],
            ),
            ("kafka:9092,db:1", vec!["kafka:9092", "db:1"]),
            ("--url=http://web:80 --db db:5", vec!["web:80", "db:5"]),
            ("sh -c 'wait-for db:5432 && run'", vec!["db:5432"]),
            ("user:pw@tcp(db:3306)/x", vec!["db:3306"]),
            ("redirect?to=http://a-b.c:1/", vec!["a-b.c:1"]),
            ("foo://db", vec!["db:?"]),
            ("db", vec![]),
            ("db:latest", vec![]),
            ("x/db:5432", vec![]),
            ("my-db:5432", vec![]),
            ("db.example.com:1", vec![]),
            ("http://db.example.com/web:80", vec![]),
            ("1:db:80", vec![]),
            (
                "s3://x?region=y&endpoint=web:8333&style=path",
                vec!["web:8333"],
            ),
            ("server.1=db:2888:3888;2181", vec!["db:2888"]),
            ("db:3:1", vec![]),
            ("db:99999", vec![]),
            ("db:", vec![]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched_without_panic(text in "[a-c:/@,=.é0-9 ]{0,40}") {
            for address in addresses(&text, |name| name == "a") {
                proptest::prop_assert_eq!(&text[address.host], "a");
            }
        }
    }
}
