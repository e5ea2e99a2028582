//! Hosts in connection texts that are pairs: `Server=db;Database=x`, `host=db port=5432`,
//! `-Dredis.host=cache -Dredis.port=6379`, `Data Source=tcp:db,1433`.

use crate::setting_key::{port_key, says_host};

/// Pairs that are looked at; each host looks at all of them.
const MOST: usize = 1000;

/// A name that a pair calls a host.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host<'t> {
    pub(super) name: &'t str,
    pub(super) port: Option<u16>,
}

/// Every host of a text's pairs. One pair alone (`host=db`) is one too.
pub(super) fn hosts(text: &str) -> Vec<Host<'_>> {
    let pairs = pairs(text);
    let mut found = Vec::new();
    for (key, value) in &pairs {
        if !is_host(key) {
            continue;
        }
        let beside = port_key(key).unwrap_or_else(|| "port".to_owned());
        let mut others = pairs.iter();
        let other = others.find(|(key, _)| key.eq_ignore_ascii_case(&beside));
        let beside = other.and_then(|(_, value)| port(value));
        let value = value.strip_prefix("tcp:").unwrap_or(value);
        for piece in value.split(',') {
            // `db,1433`: SQL Server's clients write a port so.
            if let Some(port) = port(piece) {
                if let Some(Host { port: own, .. }) = found.last_mut() {
                    *own = Some(port);
                }
                continue;
            }
            let (name, own) = piece.split_once(':').unwrap_or((piece, ""));
            let port = port(own).or(beside);
            found.push(Host { name, port });
        }
    }
    found
}

fn pairs(text: &str) -> Vec<(&str, &str)> {
    // Only between semicolons a key may have a space in it.
    let ends = |c: char| match c {
        ';' | '&' | '?' | '"' | '\'' => true,
        _ => c.is_whitespace() && !text.contains(';'),
    };
    text.split(ends)
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .take(MOST)
        .collect()
}

fn is_host(key: &str) -> bool {
    says_host(key) || ["data source", "datasource"].contains(&key.to_ascii_lowercase().as_str())
}

fn port(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let shown = |host: &Host<'_>| {
            let port = host.port.map_or_else(|| "?".to_owned(), |p| p.to_string());
            format!("{}:{port}", host.name)
        };
        hosts(text).iter().map(shown).collect()
    }

    #[test]
    fn hosts_stand_in_pairs_with_their_ports_beside_them() {
        for (text, wanted) in [
            ("Server=db;Database=web;User=cache;", vec!["db:?"]),
            ("Data Source=tcp:db,1433;Initial Catalog=x", vec!["db:1433"]),
            ("Host=a,b;Port=5433", vec!["a:5433", "b:5433"]),
            ("host=db port=5432 dbname=web user=cache", vec!["db:5432"]),
            ("-Dr.host=cache -Dr.port=6379 -Xmx64m", vec!["cache:6379"]),
            ("postgres://u:p@/x?host=db&port=1", vec!["db:1"]),
            ("server=db:3306;uid=x", vec!["db:3306"]),
            ("db", vec![]),
            ("name=db;vhost=web", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(found(text), wanted, "{text}");
        }
    }
}
