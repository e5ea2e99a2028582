//! Paths under a mount's target, moved to where the mount's data really is.

use std::path::PathBuf;

/// A mount as a process sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Where the Compose file mounts it, without a slash at the end.
    pub(crate) target: String,
    /// Where it is on the host.
    pub(crate) host: PathBuf,
    /// What it is, for people: `volume orders-data`.
    pub(crate) what: String,
}

/// `text` with every path under a mount's target moved, and the mounts that were met.
pub(crate) fn move_paths<'a>(text: &str, mounts: &'a [Moved]) -> (String, Vec<&'a Moved>) {
    let mut out = String::with_capacity(text.len());
    let mut met = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        // The longest target wins, so that a mount within a mount is found.
        let mount = mounts
            .iter()
            .filter(|mount| rest.starts_with(&mount.target))
            .filter(|mount| ends_path_word(&rest[mount.target.len()..]))
            .max_by_key(|mount| mount.target.len());
        match mount {
            Some(mount) if begins_path(&text[..at]) => {
                out.push_str(&mount.host.to_string_lossy());
                at += mount.target.len();
                met.push(mount);
            }
            _ => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..length]);
                at += length;
            }
        }
    }
    (out, met)
}

/// Whether an absolute path may begin after `before`. `sqlite:///data` has one after its `//`,
/// `s3://data` and `http://host/data` have none.
fn begins_path(before: &str) -> bool {
    match before.chars().next_back() {
        None => true,
        Some('/') => before.ends_with("://"),
        Some(c) => {
            c.is_whitespace()
                || matches!(
                    c,
                    '=' | ':' | ',' | ';' | '"' | '\'' | '(' | '[' | '{' | '>' | '<' | '|'
                )
        }
    }
}

fn ends_path_word(after: &str) -> bool {
    after
        .chars()
        .next()
        .is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_under_a_target_move() {
        let moved = |target: &str, host: &str| Moved {
            target: target.into(),
            host: host.into(),
            what: String::new(),
        };
        let mounts = [
            moved("/data", "/v/a"),
            moved("/data/in", "/v/b"),
            moved("/etc/x.yml", "/h/x.yml"),
        ];
        let table = [
            ("/data", "/v/a"),
            ("/data/", "/v/a/"),
            ("/data/orders.db", "/v/a/orders.db"),
            ("/data/in/y", "/v/b/y"),
            ("/database", "/database"),
            ("/data.db", "/data.db"),
            ("/var/data", "/var/data"),
            (
                "sqlite:///data/x.db?mode=rwc",
                "sqlite:///v/a/x.db?mode=rwc",
            ),
            ("sqlite:/data/x.db", "sqlite:/v/a/x.db"),
            ("s3://data/x", "s3://data/x"),
            ("http://orders:8080/data", "http://orders:8080/data"),
            ("--config=/etc/x.yml", "--config=/h/x.yml"),
            ("/usr/bin:/data/bin", "/usr/bin:/v/a/bin"),
            ("cat /data/ä.txt ö", "cat /v/a/ä.txt ö"),
        ];
        for (from, to) in table {
            assert_eq!(move_paths(from, &mounts).0, to, "{from}");
        }
    }
}
