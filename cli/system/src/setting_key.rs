//! What the name of a setting says about its value: a host, or surely no address. Edges are
//! inferred by it and settings rewritten by it, so that both see the same.

/// Last words of keys whose bare value is a host.
const HOST: [&str; 10] = [
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
        [.., last] => HOST.contains(&last.as_str()) || ends_with_host_name(&words),
        [] => false,
    }
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
    let cut = key.rfind(['_', '-', '.'])?;
    let (stem, last) = key.split_at(cut + 1);
    let stem = match (last, stem.len()) {
        ("NAME", length) if stem.ends_with("HOST_") => &stem[..length - "HOST_".len()],
        _ => stem,
    };
    let port = if last.chars().any(|c| c.is_ascii_lowercase()) {
        "port"
    } else {
        "PORT"
    };
    Some(format!("{stem}{port}"))
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
        ] {
            assert!(says_host(key), "{key}");
        }
        for key in ["DB", "HOSTNAME", "HOST_PATH", "POSTGRES_DB", "SERVICE", ""] {
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
    fn the_port_stands_beside_its_host() {
        assert_eq!(port_key("DB_HOST").as_deref(), Some("DB_PORT"));
        assert_eq!(port_key("KAFKA_HOST_NAME").as_deref(), Some("KAFKA_PORT"));
        assert_eq!(port_key("--db-host").as_deref(), Some("--db-port"));
        assert_eq!(port_key("HOST"), None);
    }
}
