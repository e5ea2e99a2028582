//! `ports` in short and long form, ranges expanded, and `expose`.

use super::Context;
use super::scalars::optional_text;
use crate::forms::scalar_text;
use crate::model::{Protocol, PublishedPort};
use crate::problem::{Place, Problem, Problems};
use crate::short_port::FORM;
use crate::yaml::{Node, shorten};

/// Why a text is no port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum PortError {
    #[error("`{0}` is no port from 1 to 65535")]
    Number(String),
    #[error("the range `{0}` ends before it begins")]
    Backwards(String),
    #[error("the ranges `{0}` and `{1}` are not equally long")]
    Lengths(String, String),
    #[error("the protocol `{0}` is not supported yet: tcp and udp are")]
    Protocol(String),
}

/// A port's parts as written.
struct Written<'a> {
    host_ip: Option<&'a str>,
    published: &'a str,
    target: &'a str,
    protocol: &'a str,
    is_https: bool,
}

/// `ports` of a service.
pub(crate) fn published(
    node: Option<&Node>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<PublishedPort> {
    let mut ports = Vec::new();
    for item in node.map(Node::items).unwrap_or_default() {
        let expanded = if item.as_map().is_some() {
            long(item, problems)
        } else {
            short(item)
        };
        match expanded {
            Ok(expanded) if context.ports_left(expanded.len()) => ports.extend(expanded),
            Ok(_) => {
                problems.push(
                    Problem::error("the files open more ports than msvc keeps")
                        .at(item.place.clone())
                        .hint("open fewer, or part the system among several projects"),
                );
                break;
            }
            Err(problem) => problems.push(problem),
        }
    }
    ports
}

fn short(item: &Node) -> Result<Vec<PublishedPort>, Problem> {
    let wanted = "text, a number or a mapping";
    let text = scalar_text(item)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| item.expected("an item of `ports`", wanted).hint(FORM))?;
    let (address, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    let (rest, target) = address.rsplit_once(':').unwrap_or(("", address));
    let (host_ip, published) = match rest.rsplit_once(':') {
        Some((ip, published)) => (
            Some(ip.trim_start_matches('[').trim_end_matches(']')),
            published,
        ),
        None => (None, rest),
    };
    expand(
        &Written {
            host_ip,
            published,
            target,
            protocol,
            is_https: false,
        },
        &item.place,
    )
    .map_err(|error| wrong(&text, &error, &item.place))
}

fn long(item: &Node, problems: &mut Problems) -> Result<Vec<PublishedPort>, Problem> {
    let mut field =
        |key: &str| optional_text(item.get(key), &format!("`{key}` of a port"), problems);
    let (host_ip, published, protocol) = (field("host_ip"), field("published"), field("protocol"));
    let spoken = field("app_protocol").unwrap_or_default();
    let target = field("target").ok_or_else(|| {
        Problem::error("this port has no `target`")
            .at(item.place.clone())
            .hint("add `target: 80`, the port that the service listens on")
    })?;
    let written = Written {
        host_ip: host_ip.as_deref(),
        published: published.as_deref().unwrap_or_default(),
        target: &target,
        protocol: protocol.as_deref().unwrap_or("tcp"),
        is_https: spoken.eq_ignore_ascii_case("https"),
    };
    expand(&written, &item.place).map_err(|error| wrong(&target, &error, &item.place))
}

fn wrong(text: &str, error: &PortError, place: &Place) -> Problem {
    let problem = Problem::error(format!("`ports` has `{}`: {error}", shorten(text)));
    problem.at(place.clone()).hint(FORM)
}

fn expand(written: &Written<'_>, place: &Place) -> Result<Vec<PublishedPort>, PortError> {
    let protocol = match written.protocol.to_ascii_lowercase().as_str() {
        "" | "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        other => return Err(PortError::Protocol(shorten(other))),
    };
    let (first, last) = range(written.target)?;
    // Host port 0 is any free one, as none is.
    let host = match written.published {
        "" | "0" => None,
        text => Some(range(text)?),
    };
    if let Some((host_first, host_last)) = host
        && host_last - host_first != last - first
        && first != last
    {
        let (host, own) = (shorten(written.published), shorten(written.target));
        return Err(PortError::Lengths(host, own));
    }
    // Of a range for one port the first that is free is meant.
    let to = host.map(|(_, host_last)| host_last);
    let to = to.filter(|to| first == last && host.is_some_and(|(first, _)| first < *to));
    Ok((first..=last)
        .map(|target| PublishedPort {
            host_ip: written
                .host_ip
                .filter(|ip| !ip.is_empty())
                .map(str::to_owned),
            published: host.map(|(host_first, _)| host_first + (target - first)),
            published_to: to,
            target,
            protocol,
            is_https: written.is_https,
            place: place.clone(),
        })
        .collect())
}

/// First and last of `80` or `80-90`.
fn range(text: &str) -> Result<(u16, u16), PortError> {
    let port = |part: &str| {
        part.trim()
            .parse::<u16>()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| PortError::Number(shorten(text)))
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (port(first)?, port(last)?),
        None => (port(text)?, port(text)?),
    };
    if last < first {
        return Err(PortError::Backwards(shorten(text)));
    }
    Ok((first, last))
}

/// The ports of `expose`, by protocol.
#[derive(Debug, Default)]
pub(crate) struct Exposed {
    pub(crate) tcp: Vec<u16>,
    pub(crate) udp: Vec<u16>,
}

/// The UDP ports that `expose` and `ports` name, each once.
pub(crate) fn datagrams(exposed: &Exposed, ports: &[PublishedPort]) -> Vec<u16> {
    let published = ports.iter().filter(|port| port.protocol == Protocol::Udp);
    let mut all = exposed.udp.clone();
    all.extend(published.map(|port| port.target));
    all.sort_unstable();
    all.dedup();
    all
}

/// `expose`: ports that the service listens on.
pub(crate) fn exposed(
    node: Option<&Node>,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Exposed {
    let mut ports = Exposed::default();
    for item in node.map(Node::items).unwrap_or_default() {
        let Some(text) = scalar_text(item) else {
            continue;
        };
        let (numbers, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
        match range(numbers) {
            Ok((first, last)) => {
                let of_it = match protocol {
                    "tcp" => &mut ports.tcp,
                    "udp" => &mut ports.udp,
                    _ => continue,
                };
                if context.ports_left(usize::from(last - first) + 1) {
                    of_it.extend(first..=last);
                }
            }
            Err(error) => problems.push(
                Problem::error(format!("`expose` has `{}`: {error}", shorten(&text)))
                    .at(item.place.clone())
                    .hint("write `PORT`, `FIRST-LAST`, or either with `/udp`"),
            ),
        }
    }
    ports
}
