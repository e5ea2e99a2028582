//! Services that command words name without an address: `--db-host db`, `nc -z db 5432`,
//! `/dev/tcp/db/5432`, also inside a script that is one word.

use crate::setting_key::{port_key, says_host};

/// Programs whose first two plain words are a host and its port.
const DIALERS: [&str; 4] = ["nc", "ncat", "netcat", "telnet"];

/// Words that are looked at; each host looks at all of them.
const MOST: usize = 2000;

/// A word that may name a service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spoken<'t> {
    pub(super) name: &'t str,
    pub(super) port: Option<u16>,
    /// Else it is one only where the service is known to listen on that port (`worker 4`).
    pub(super) sure: bool,
}

/// Whatever may be a host among the words of a command.
pub(super) fn spoken(words: &[String]) -> Vec<Spoken<'_>> {
    let words = words.iter().flat_map(|word| within(word));
    let words: Vec<&str> = words.take(MOST).collect();
    let mut found = Vec::new();
    let mut dials = false;
    for (i, word) in words.iter().copied().enumerate() {
        let before = i.checked_sub(1).and_then(|i| words.get(i)).copied();
        let after = words.get(i + 1).copied();
        let program = word.rsplit('/').next().unwrap_or(word);
        dials |= DIALERS.contains(&program);
        if let Some((_, rest)) = word.split_once("/dev/tcp/") {
            let mut parts = rest.split('/');
            let (name, at) = (
                parts.next().unwrap_or_default(),
                parts.next().and_then(port),
            );
            found.extend(at.map(|at| Spoken {
                name,
                port: Some(at),
                sure: true,
            }));
        }
        let (option, name) = match word.split_once('=') {
            Some((option, value)) => (option, value),
            None => (before.unwrap_or_default(), word),
        };
        let assigned = word.contains('=');
        if (option.starts_with('-') || assigned) && (option == "-h" || says_host(option)) {
            found.push(Spoken {
                name,
                port: beside(&words, option),
                sure: true,
            });
        } else if let Some(port) = after.and_then(port).filter(|_| !word.starts_with('-')) {
            found.push(Spoken {
                name,
                port: Some(port),
                sure: dials,
            });
        }
    }
    found
}

/// The words of a word: of a script its own, without the shell's signs.
fn within(word: &str) -> impl Iterator<Item = &str> {
    let sign = |c: char| c.is_whitespace() || matches!(c, ';' | '|' | '(' | ')' | '"' | '\'' | '`');
    let is_script = word.contains(char::is_whitespace);
    word.split(move |c| is_script && sign(c))
        .filter(|word| !word.is_empty())
}

/// `--db-port 5432` or `--db-port=5432` for `--db-host`.
fn beside(words: &[&str], option: &str) -> Option<u16> {
    let wanted = port_key(option)?;
    words.iter().enumerate().find_map(|(i, word)| {
        let rest = word.strip_prefix(wanted.as_str())?;
        match rest.strip_prefix('=') {
            Some(value) => port(value),
            None if rest.is_empty() => port(words.get(i + 1)?),
            None => None,
        }
    })
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let shown = |it: &Spoken<'_>| {
            let port = it.port.map_or_else(|| "?".to_owned(), |p| p.to_string());
            let sure = if it.sure { "" } else { " perhaps" };
            format!("{}:{port}{sure}", it.name)
        };
        spoken(&words).iter().map(shown).collect()
    }

    #[test]
    fn hosts_are_named_by_options_dialers_and_the_shell() {
        for (words, wanted) in [
            (vec!["--db-host", "db", "run"], vec!["db:?"]),
            (vec!["--db-host=db", "--db-port", "54"], vec!["db:54"]),
            (vec!["mysqladmin", "ping", "-h", "db"], vec!["db:?"]),
            (
                vec!["sh", "-c", "until nc -z db 5432; do sleep 1; done"],
                vec!["db:5432", "sleep:1"],
            ),
            (vec!["sh", "-c", "(echo > /dev/tcp/db/54)"], vec!["db:54"]),
            (vec!["sh", "-c", "DB_HOST=db run"], vec!["db:?"]),
            (vec!["run", "worker", "4"], vec!["worker:4 perhaps"]),
            (vec!["run", "web"], vec![]),
            (vec!["-c", "web"], vec![]),
            (vec!["--name", "web"], vec![]),
        ] {
            assert_eq!(found(&words), wanted, "{words:?}");
        }
    }
}
