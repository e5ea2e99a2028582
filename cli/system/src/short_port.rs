//! The short form of a published port: `TARGET`, `PUBLISHED:TARGET` or `ADDRESS:PUBLISHED:TARGET`,
//! each with ranges, `/tcp`, `/udp` or `/sctp` after it.

use std::net::{IpAddr, Ipv6Addr};

use crate::problem::Place;
use crate::yaml::{Key, Node, NodeValue, shorten};

/// How a port is written.
pub(crate) const FORM: &str =
    "write `PORT`, `HOST:PORT` or `ADDRESS:HOST:PORT`, with `/udp` where it is not TCP";

/// One port of a service, published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShortPort {
    /// Where on the host; none is everywhere.
    pub(crate) host_ip: String,
    /// The host's port, or a range to take one of; none is any free one.
    pub(crate) published: String,
    /// The service's own.
    pub(crate) target: u16,
    /// `tcp`, `udp` or `sctp`.
    pub(crate) protocol: String,
}

/// Why a text is no port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortError {
    /// Nothing where the service's port should be.
    #[error("it names no port of the service")]
    Empty,
    /// The service's port is 0.
    #[error("0 is no port of the service")]
    Nothing,
    /// No number, or one too large.
    #[error("`{0}` is no port from 0 to 65535")]
    Number(String),
    /// A range that goes down.
    #[error("the range `{0}` ends before it begins")]
    Backwards(String),
    /// Ranges that do not go together.
    #[error("the ranges `{0}` and `{1}` are not equally long")]
    Lengths(String, String),
    /// None of the three.
    #[error("`{0}` is no protocol: tcp, udp or sctp")]
    Protocol(String),
    /// An address that is none.
    #[error("`{0}` is no IP address")]
    Address(String),
    /// One of IPv6 whose colons nothing keeps apart from the ports'.
    #[error("`{0}` is an address of IPv6 without brackets: `[{0}]`")]
    Bare(String),
}

/// Reads a short form; a range is several ports, in the order in which Docker Compose puts them
/// (by the text of the number).
pub(crate) fn read(text: &str) -> Result<Vec<ShortPort>, PortError> {
    let mut parts = text.rsplitn(3, ':');
    let target = parts.next().unwrap_or_default();
    let published = parts.next().unwrap_or_default();
    let address = parts.next().unwrap_or_default();
    let (target, protocol) = match target.split_once('/') {
        Some((target, protocol)) => (target, protocol.split('/').next().unwrap_or_default()),
        None => (target, ""),
    };
    let protocol = match protocol.to_ascii_lowercase() {
        empty if empty.is_empty() => "tcp".to_owned(),
        known if matches!(known.as_str(), "tcp" | "udp" | "sctp") => known,
        _ if target.is_empty() => return Err(PortError::Empty),
        other => return Err(PortError::Protocol(shorten(&other))),
    };
    let host_ip = address_of(address)?;
    if target.is_empty() {
        return Err(PortError::Empty);
    }
    let (first, last) = range(target)?;
    if first == 0 {
        return Err(PortError::Nothing);
    }
    let host = match published {
        "" => None,
        text => Some(range(text)?),
    };
    if let Some((from, to)) = host
        && to - from != last - first
        && last != first
    {
        return Err(PortError::Lengths(shorten(published), shorten(target)));
    }
    let mut ports: Vec<ShortPort> = (first..=last)
        .map(|target| {
            let published = match host {
                None => String::new(),
                Some((from, to)) if first == last && from != to => format!("{from}-{to}"),
                Some((from, _)) => (u32::from(from) + u32::from(target - first)).to_string(),
            };
            ShortPort {
                host_ip: host_ip.clone(),
                published,
                target,
                protocol: protocol.clone(),
            }
        })
        .collect();
    ports.sort_by_cached_key(|port| port.target.to_string());
    Ok(ports)
}

/// What to write in place of a text that is no port: the one that is most likely meant, else its [`FORM`].
pub(crate) fn advice(text: &str) -> String {
    match meant(text) {
        Some(meant) => format!("write `\"{meant}\"`"),
        None => FORM.to_owned(),
    }
}

/// A port with other signs between its parts, as other tools write it: `8080->80`, `80:80:udp`, `-p 80:80`.
fn meant(text: &str) -> Option<String> {
    let text = text.split('#').next()?.trim();
    let text = text.strip_prefix("-p").unwrap_or(text).trim();
    let signs = [("->", ":"), ("=", ":"), (" :", ":"), (": ", ":")];
    let mut text = signs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    if let Some(rest) = text.strip_prefix("localhost:") {
        text = format!("127.0.0.1:{rest}");
    }
    for protocol in ["tcp", "udp"] {
        let rest = text
            .strip_suffix(protocol)
            .and_then(|rest| rest.strip_suffix(':'));
        if let Some(rest) = rest {
            text = format!("{rest}/{protocol}");
        }
    }
    if let Err(PortError::Backwards(_)) = read(&text) {
        text = text.replacen('-', ":", 1);
    }
    read(&text).is_ok().then_some(text)
}

fn address_of(text: &str) -> Result<String, PortError> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']'),
        None => Some(text),
    };
    match bare {
        Some("") if text.is_empty() => Ok(String::new()),
        Some(bare) if bare == text && bare.parse::<Ipv6Addr>().is_ok() => {
            Err(PortError::Bare(shorten(text)))
        }
        Some(bare) if bare.parse::<IpAddr>().is_ok() => Ok(bare.to_owned()),
        _ => Err(PortError::Address(shorten(text))),
    }
}

/// First and last of `80` or `80-90`; what stands after a second `-` counts for nothing.
fn range(text: &str) -> Result<(u16, u16), PortError> {
    let port = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let number = part.parse::<u16>().ok().filter(|_| digits);
        number.ok_or_else(|| PortError::Number(shorten(text)))
    };
    let mut parts = text.split('-');
    let first = port(parts.next().unwrap_or_default())?;
    let last = parts.next().map_or(Ok(first), port)?;
    if last < first {
        return Err(PortError::Backwards(shorten(text)));
    }
    Ok((first, last))
}

impl ShortPort {
    /// The same in long form.
    pub(crate) fn node(self, place: &Place) -> Node {
        let entry = |name: &str, value: NodeValue| {
            let key = Key {
                text: name.to_owned(),
                place: place.clone(),
            };
            (key, Node::new(place.clone(), value))
        };
        let mut fields = vec![entry("mode", NodeValue::String("ingress".to_owned()))];
        for (name, text) in [
            ("host_ip", self.host_ip),
            ("published", self.published),
            ("protocol", self.protocol),
        ] {
            if !text.is_empty() {
                fields.push(entry(name, NodeValue::String(text)));
            }
        }
        fields.push(entry("target", NodeValue::Int(i64::from(self.target))));
        let mut node = Node::new(place.clone(), NodeValue::Map(fields));
        node.short = true;
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_stands_in_brackets() {
        for (text, address) in [("[::1]:80:80", "::1"), ("[127.0.0.1]:80:80", "127.0.0.1")] {
            let ports = read(text).unwrap();
            assert_eq!(ports.first().map(|it| it.host_ip.as_str()), Some(address));
        }
        let bare = read("::1:80:80").unwrap_err();
        assert_eq!(bare, PortError::Bare("::1".to_owned()));
    }

    #[test]
    fn a_port_as_other_tools_write_it_is_shown_as_it_is_written_here() {
        for (text, wanted) in [
            ("8080->80", "8080:80"),
            ("8080-80", "8080:80"),
            ("8080=80", "8080:80"),
            ("8080 : 80", "8080:80"),
            ("-p 80:80", "80:80"),
            ("53:53:udp", "53:53/udp"),
            ("localhost:8080:80", "127.0.0.1:8080:80"),
            ("8080:80 # web", "8080:80"),
        ] {
            assert_eq!(advice(text), format!("write `\"{wanted}\"`"), "{text}");
        }
        for text in ["80 81", "http", "70000:80", "", "8010-8000:80"] {
            assert_eq!(advice(text), FORM, "{text}");
        }
    }
}
