//! Finding addresses in a text: where a known name stands as the host of a URL or of `host:port`.
//! Only whole words count, so that `my-orders` never is `orders`.

use std::ops::Range;

/// A known name at the place of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The name and, when there is one, its port.
    pub(super) span: Range<usize>,
    /// The name alone.
    pub(super) host: Range<usize>,
    /// The port that follows it.
    pub(super) port: Option<u16>,
    /// The URL's scheme, when it is a URL's host.
    pub(super) scheme: Option<String>,
}

/// Every place of `text` where a name that `known` knows is the host of a URL, or stands before
/// `:port`.
pub(super) fn addresses(text: &str, known: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for host in words(text) {
        if !known(&text[host.clone()]) {
            continue;
        }
        let (before, after) = (&text[..host.start], &text[host.end..]);
        let scheme = url_host(before, after);
        let Some(port) = port_after(after) else {
            continue;
        };
        let is_address = match (&scheme, port) {
            (Some(_), Some(_)) => true,
            (Some(_), None) => after.chars().next().is_none_or(ends_host),
            (None, Some(_)) => begins_address(before),
            (None, None) => false,
        };
        if is_address {
            let digits = port.map_or(0, |(_, length)| length);
            found.push(Found {
                span: host.start..host.end + digits,
                host,
                port: port.map(|(port, _)| port),
                scheme: scheme.map(str::to_owned),
            });
        }
    }
    found
}

/// Every whole word of `text` that `known` knows, with nothing around it that would make it part
/// of a longer name or path: for hosts in a healthcheck.
pub(super) fn lone_words(text: &str, known: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    words(text)
        .filter(|word| known(&text[word.clone()]))
        .filter(|word| {
            let after = &text.as_bytes()[word.end..];
            !matches!(after, [b':', digit, ..] if digit.is_ascii_digit())
                && !after.starts_with(b"@")
        })
        .collect()
}

/// Longest runs of characters that a host name may have.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        // Bytes beyond ASCII are no name characters, so every cut is at a character's border.
        let start = at + bytes[at..].iter().position(|byte| is_name(*byte))?;
        let length = bytes[start..].iter().position(|byte| !is_name(*byte));
        at = length.map_or(bytes.len(), |length| start + length);
        Some(start..at)
    })
}

/// The scheme, when what stands between `before` and `after` is a host of a URL's authority.
fn url_host<'a>(before: &'a str, after: &str) -> Option<&'a str> {
    let authority = before.rfind("://")?;
    let within = &before[authority + 3..];
    let in_list = within.is_empty() || within.ends_with('@') || within.ends_with(',');
    if !in_list || within.contains(ends_authority) {
        return None;
    }
    let rest = after.split(ends_authority).next().unwrap_or_default();
    if rest.contains('@') {
        return None;
    }
    let scheme = &before[..authority];
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
    Some(&scheme[scheme.trim_end_matches(is_scheme).len()..])
}

fn ends_authority(c: char) -> bool {
    matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace()
}

fn ends_host(c: char) -> bool {
    ends_authority(c) || matches!(c, ',' | ';' | ')' | ']' | '}' | '|' | '&' | '<' | '>')
}

/// `Some(None)` without a port, `None` when what follows is neither a port nor an end.
#[expect(
    clippy::option_option,
    reason = "no port and no valid port are two answers"
)]
fn port_after(after: &str) -> Option<Option<(u16, usize)>> {
    let Some(rest) = after.strip_prefix(':') else {
        return Some(None);
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let port = rest[..digits]
        .parse::<u16>()
        .ok()
        .filter(|port| *port > 0)?;
    let ends = rest[digits..].chars().next().is_none_or(ends_host);
    ends.then_some(Some((port, digits + 1)))
}

/// Whether `host:port` may begin after `before`.
fn begins_address(before: &str) -> bool {
    before == "//"
        || before.chars().next_back().is_none_or(|c| {
            c.is_whitespace()
                || matches!(
                    c,
                    ',' | ';' | '=' | '(' | '[' | '{' | '"' | '\'' | '@' | '|' | '<' | '>' | '&'
                )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<(&str, Option<u16>)> {
        addresses(text, |name| ["orders", "db", "broker"].contains(&name))
            .into_iter()
            .map(|found| (&text[found.host], found.port))
            .collect()
    }

    #[test]
    fn hosts_of_urls_and_of_host_and_port_are_found() {
        type Found<'a> = (&'a str, &'a [(&'a str, Option<u16>)]);
        let table: [Found<'_>; 16] = [
            ("http://orders:8080/x", &[("orders", Some(8080))]),
            ("http://orders/x", &[("orders", None)]),
            ("orders:8080", &[("orders", Some(8080))]),
            (
                "postgres://orders:8080@db:5432/orders",
                &[("db", Some(5432))],
            ),
            ("postgres://u:p@db/orders", &[("db", None)]),
            ("u:p@tcp(db:3306)/orders", &[("db", Some(3306))]),
            (
                "broker:9092,broker:9093",
                &[("broker", Some(9092)), ("broker", Some(9093))],
            ),
            (
                "mongodb://u:p@db:1,orders:2/x",
                &[("db", Some(1)), ("orders", Some(2))],
            ),
            (
                "PLAINTEXT://broker:9092,EXT://broker:9",
                &[("broker", Some(9092)), ("broker", Some(9))],
            ),
            ("--to=db:5432", &[("db", Some(5432))]),
            ("wait-for db:5432 && orders", &[("db", Some(5432))]),
            ("jdbc:postgresql://db/x", &[("db", None)]),
            ("my-orders:8080", &[]),
            ("registry/orders:8080", &[]),
            ("orders:8080:8080", &[]),
            ("http://gateway:8080/orders:1", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(hosts(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_address_is_left() {
        for text in [
            "orders",
            "orders:",
            "orders:x",
            "orders:0",
            "orders:99999",
            "orders:80@db",
            "http://orders@x/",
            "orders.internal:80",
            "ORDERS:80",
            "ä orders ö",
            "://",
            "http://",
        ] {
            assert_eq!(hosts(text), [], "{text}");
        }
    }
}
