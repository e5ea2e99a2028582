//! What the name of a setting says about its value: a host, or surely no address. Edges are
//! inferred by it and settings rewritten by it, so that both see the same.

/// Last words of keys whose bare value is a host. (`BROKER`, `BACKEND` and `SERVICE` are not among
/// them: what stands there is as often a kind, as in `CACHE_BACKEND=redis`.)
const HOST: [&str; 19] = [
    "HOST",
    "HOSTS",
    "HOSTNAME",
    "HOSTNAMES",
    "ADDR",
    "ADDRS",
    "ADDRESS",
    "ADDRESSES",
    "SERVER",
    "SERVERS",
    "SEEDS",
    "BROKERS",
    "ENDPOINT",
    "ENDPOINTS",
    "PEERS",
    "UPSTREAM",
    "UPSTREAMS",
    "CONTACTPOINTS",
    "NAMESERVERS",
];

/// Last words of keys that name those who may come, or by which name they come, and nobody who is
/// called, not even in a URL: `CORS_ALLOWED_ORIGINS`, `ALLOWED_HOSTS`, `NO_PROXY`.
const VISITORS: [&[&str]; 17] = [
    &["ORIGIN"],
    &["ORIGINS"],
    &["ALLOWED", "HOST"],
    &["ALLOWED", "HOSTS"],
    &["ALLOWED", "DOMAINS"],
    &["TRUSTED", "HOSTS"],
    &["TRUSTED", "DOMAINS"],
    &["TRUSTED", "PROXIES"],
    &["VIRTUAL", "HOST"],
    &["VHOST"],
    &["VHOSTS"],
    &["NO", "PROXY"],
    &["REDIRECT", "URI"],
    &["REDIRECT", "URIS"],
    &["REDIRECT", "URL"],
    &["CALLBACK", "URL"],
    &["CALLBACK", "URI"],
];

/// Last words of keys whose value is a user, password, database, topic or some other name, even
/// when it equals a service's (`POSTGRES_DB=gitea`).
const NO_ADDRESS: [&str; 37] = [
    "USER",
    "USERS",
    "USERNAME",
    "LOGIN",
    "OWNER",
    "ROLE",
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PASS",
    "PW",
    "SECRET",
    "TOKEN",
    "DB",
    "DBNAME",
    "DATABASE",
    "DATABASES",
    "SCHEMA",
    "TABLE",
    "TOPIC",
    "TOPICS",
    "QUEUE",
    "EXCHANGE",
    "STREAM",
    "BUCKET",
    "INDEX",
    "GROUP",
    "ID",
    "NAME",
    "NAMESPACE",
    "IMAGE",
    "TAG",
    "VERSION",
    "PREFIX",
    "LABEL",
    "LABELS",
    "REALM",
];

/// The key's words, in capitals.
fn words(key: &str) -> Vec<String> {
    key.split(['_', '-', '.'])
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_uppercase)
        .collect()
}

fn ends_with_host_name(words: &[String]) -> bool {
    matches!(words, [.., host, name] if host == "HOST" && name == "NAME")
}

/// Whether a bare name under this key is a host.
#[must_use]
pub fn says_host(key: &str) -> bool {
    // `-h NAME` is how database clients take a host; a bare `HOSTNAME` is the machine's own name.
    if key == "-h" {
        return true;
    }
    let words = words(key);
    match words.as_slice() {
        [only] if only == "HOSTNAME" => false,
        _ if names_visitors(key) => false,
        // `PGHOST`, `redisHost`
        [.., last] => {
            HOST.contains(&last.as_str()) || last.ends_with("HOST") || ends_with_host_name(&words)
        }
        [] => false,
    }
}

/// Whether what stands under this key are those who come, whom nobody calls: origins that are
/// allowed, names that are answered to, where a browser is sent back to.
#[must_use]
pub fn names_visitors(key: &str) -> bool {
    let words = words(key);
    let ends =
        |last: &&[&str]| words.len() >= last.len() && words[words.len() - last.len()..] == **last;
    VISITORS.iter().any(ends)
}

/// Whether what stands under this key is surely no address, unless it is a URL.
#[must_use]
pub fn is_no_address(key: &str) -> bool {
    let words = words(key);
    !ends_with_host_name(&words)
        && words
            .last()
            .is_some_and(|last| NO_ADDRESS.contains(&last.as_str()))
}

/// The key under which the port beside a host stands: `DB_PORT` for `DB_HOST`.
#[must_use]
pub fn port_key(key: &str) -> Option<String> {
    let (stem, last) = split(key)?;
    let port = if last.chars().any(|c| c.is_ascii_lowercase()) {
        "port"
    } else {
        "PORT"
    };
    Some(format!("{stem}{port}"))
}

/// What stands before the last word of a key, and that word (of `…_HOST_NAME` both). A key of one
/// word has no stem.
fn split(key: &str) -> Option<(&str, &str)> {
    let cut = key.rfind(['_', '-', '.'])?;
    let (stem, last) = key.split_at(cut + 1);
    Some(match stem.strip_suffix("HOST_") {
        Some(stem) if last == "NAME" => (stem, last),
        _ => (stem, last),
    })
}

/// Ports that stand beside a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// That of [`port_key`].
    pub own: Option<u16>,
    /// Those of other keys that begin like the host's and have the word `PORT` in them:
    /// `OTEL_PORT_GRPC` beside `OTEL_HOST`. They may be of something else.
    pub further: Vec<u16>,
}

/// The ports beside a host, among all settings of a service.
pub fn ports_beside<'a>(key: &str, settings: impl Iterator<Item = (&'a str, &'a str)>) -> Beside {
    let mut beside = Beside::default();
    let Some((stem, _)) = split(key).filter(|(stem, _)| stem.len() > 1) else {
        return beside;
    };
    let own = port_key(key);
    for (other, value) in settings {
        let Some(rest) = other.strip_prefix(stem) else {
            continue;
        };
        let Some(port) = value.trim().parse().ok().filter(|port| *port > 0) else {
            continue;
        };
        if own.as_deref() == Some(other) {
            beside.own = Some(port);
        } else if words(rest).iter().any(|word| word == "PORT") {
            beside.further.push(port);
        }
    }
    beside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_host_or_something_else_by_its_last_word() {
        for key in [
            "DB_HOST",
            "REDIS_ADDR",
            "SMTP_SERVER",
            "db-host",
            "MQ_HOSTNAME",
            "-h",
            "KAFKA_HOST_NAME",
            "PGHOST",
            "redisHost",
            "POSTGRES_SEEDS",
            "discovery.seed_hosts",
        ] {
            assert!(says_host(key), "{key}");
        }
        for key in [
            "DB",
            "HOSTNAME",
            "HOST_PATH",
            "POSTGRES_DB",
            "SERVICE",
            "RABBITMQ_DEFAULT_VHOST",
            "VIRTUAL_HOST",
            "ALLOWED_HOSTS",
            "CACHE_BACKEND",
            "",
        ] {
            assert!(!says_host(key), "{key}");
        }
        for key in [
            "POSTGRES_DB",
            "DB_USER",
            "OTEL_SERVICE_NAME",
            "ORDERS_TOPIC",
            "db.password",
        ] {
            assert!(is_no_address(key), "{key}");
        }
        for key in ["DATABASE_URL", "DB_HOST", "SERVICE", "KAFKA_HOST_NAME", ""] {
            assert!(!is_no_address(key), "{key}");
        }
    }

    #[test]
    fn who_may_come_is_nobody_who_is_called() {
        for key in ["CORS_ALLOWED_ORIGINS", "no_proxy", "OAUTH_REDIRECT_URI"] {
            assert!(names_visitors(key), "{key}");
        }
        for key in ["ORIGINS_URL", "HTTP_PROXY", "API_URL", "DB_HOST", ""] {
            assert!(!names_visitors(key), "{key}");
        }
    }

    #[test]
    fn further_ports_stand_beside_a_host_under_keys_that_begin_like_its_own() {
        let settings = [
            ("X_PORT", "1"),
            ("X_PORT_GRPC", "2"),
            ("X_WEB_PORT", "3"),
            ("X_EXPORT", "4"),
            ("Y_PORT", "5"),
            ("X_PORTS", "6"),
            ("PORT", "7"),
        ];
        let beside = ports_beside("X_HOST", settings.into_iter());
        assert_eq!((beside.own, beside.further), (Some(1), vec![2, 3]));
        assert_eq!(
            ports_beside("HOST", settings.into_iter()),
            Beside::default()
        );
    }

    #[test]
    fn the_port_stands_beside_its_host() {
        assert_eq!(port_key("DB_HOST").as_deref(), Some("DB_PORT"));
        assert_eq!(port_key("KAFKA_HOST_NAME").as_deref(), Some("KAFKA_PORT"));
        assert_eq!(port_key("--db-host").as_deref(), Some("--db-port"));
        assert_eq!(port_key("HOST"), None);
    }
}
