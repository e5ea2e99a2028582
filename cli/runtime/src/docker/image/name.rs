//! What an image may be called: `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`, as engines and registries read it.
//!
//! What comes in: a name of the files. What leaves: whether any engine takes it. What must not enter:
//! whether there is such an image.

/// The longest tag, and the longest name without tag and digest.
const LONGEST: (usize, usize) = (128, 255);
/// The shortest digest that is one.
const SHORTEST_DIGEST: usize = 32;

/// Whether an image can have that name.
pub(in crate::docker) fn is_name(text: &str) -> bool {
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    let last = named.rfind('/').map_or(0, |at| at + 1);
    let colon = named
        .get(last..)
        .and_then(|it| it.find(':'))
        .map(|at| last + at);
    let (path, tag) = match colon.and_then(|at| named.split_at_checked(at)) {
        Some((path, tag)) => (path, tag.strip_prefix(':')),
        None => (named, None),
    };
    path.len() <= LONGEST.1
        && is_path(path)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
}

/// A name without tag and digest: its first part is a host where it cannot be anything else.
fn is_path(path: &str) -> bool {
    let rest = match path.split_once('/') {
        Some((host, rest)) if is_host_of(host) => {
            if !is_host(host) {
                return false;
            }
            rest
        }
        _ => path,
    };
    rest.split('/').all(is_part)
}

/// Whether a first part is meant as a host: it has a dot, a port or a capital, or is this machine.
fn is_host_of(first: &str) -> bool {
    let is_capital = |sign: char| sign.is_ascii_uppercase();
    first == "localhost" || first.contains(['.', ':']) || first.contains(is_capital)
}

fn is_host(host: &str) -> bool {
    // An address of IPv6 stands in brackets.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let bracketed = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_named = match bracketed {
        Some(inner) => {
            !inner.is_empty() && inner.chars().all(|it| it.is_ascii_hexdigit() || it == ':')
        }
        None => name.split('.').all(is_label),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
    is_named && port.is_none_or(is_port)
}

/// A part of a host's name: a hyphen neither begins nor ends it.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-')
}

/// A part of a path: lowercase letters and digits, with `.`, `_`, `__` or hyphens between them.
fn is_part(part: &str) -> bool {
    let is_plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit();
    let is_between = |text: &str| {
        matches!(text, "." | "_" | "__") || (!text.is_empty() && text.bytes().all(|it| it == b'-'))
    };
    part.starts_with(is_plain)
        && part.ends_with(is_plain)
        && part
            .split(is_plain)
            .all(|text| text.is_empty() || is_between(text))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |sign: u8| sign.is_ascii_alphanumeric() || sign == b'_';
    (1..=LONGEST.0).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag
            .bytes()
            .all(|it| is_word(it) || matches!(it, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let length = match algorithm {
        "sha256" => Some(64),
        "sha384" => Some(96),
        "sha512" => Some(128),
        _ => None,
    };
    let is_long = match length {
        Some(length) => hex.len() == length,
        None => hex.len() >= SHORTEST_DIGEST,
    };
    let begins = |part: &str| part.starts_with(|it: char| it.is_ascii_alphabetic());
    let mut parts = algorithm.split(['-', '_', '+', '.']);
    let is_algorithm =
        |part: &str| begins(part) && part.bytes().all(|it| it.is_ascii_alphanumeric());
    is_long && parts.all(is_algorithm) && hex.bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_take_for_a_name_is_one_and_all_else_is_none() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for name in [
            "nginx",
            "nginx:1.27-alpine",
            "a/b/c",
            "a.b_c__d---e",
            "localhost:5000/a:1",
            "localhost/a",
            "registry.example.com/Team".to_lowercase().as_str(),
            "Registry.Example.com:443/a",
            "Bad/name",
            "[::1]:5000/a",
            "a:_B.c-D",
            &format!("a@{digest}"),
            &format!("a:1@{digest}"),
            &digest,
            &"0a".repeat(32),
            &format!("a:{}", "t".repeat(128)),
            &"n".repeat(255),
        ] {
            assert!(is_name(name), "{name}");
        }
        for none in [
            "",
            "Bad Name",
            "BadName",
            "a/B",
            "_a",
            "a_",
            "a..b",
            "a___b",
            "a//b",
            "/a",
            "a/",
            "a:",
            "a:-1",
            "a:b c",
            "a:b:c",
            "-x.io/a",
            "x.io:port/a",
            "a@sha256:12",
            "a@b@c",
            "a@",
            "\u{e4}",
            "a:\u{e4}",
            &format!("a:{}", "t".repeat(129)),
            &"n".repeat(256),
        ] {
            assert!(!is_name(none), "{none}");
        }
    }
}
