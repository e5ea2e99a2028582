//! Names of services in settings and command words: found, and replaced by where the edge to the
//! service listens.
//!
//! What comes in: a setting (key and value) and the system's names. What leaves: references,
//! and the value with each replaced. Pure. What must not enter: choosing addresses, I/O.
//!
//! URLs and `host:port` are taken wherever they stand; a bare name only where the key says host
//! (`…_HOST`, `…_ADDR`, `…_SERVER`) or `x-msvc.calls` names key and callee, for in public files a
//! third of the values that equal a service's name are no address (`POSTGRES_DB=gitea`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;

use msvc_system::id::ServiceName;
use msvc_system::model::{Call, Service, System};
use msvc_system::setting_key;
use serde::{Deserialize, Serialize};

pub(crate) mod home;
pub(crate) mod path;
mod scan;

use home::Homes;

/// How a healthcheck says "this service itself", and any setting of a service that shares its network
/// namespace "here".
const SELF_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "0.0.0.0"];

/// The names that stand for services, and the ports these listen on.
#[derive(Debug, Clone, Default)]
pub struct Names {
    by_name: BTreeMap<String, ServiceName>,
    ports: BTreeMap<ServiceName, Vec<u16>>,
    /// Names that one caller alone has for others.
    links: BTreeMap<ServiceName, BTreeMap<String, ServiceName>>,
    homes: Homes,
}

impl Names {
    /// The names of a system: services, container names, host names and network aliases.
    #[must_use]
    pub fn of(system: &System) -> Self {
        let homes = Homes::of(system);
        // A guest is on no network: nobody calls it by a name of its own.
        let hosts = || {
            let all = system.services.values();
            all.filter(|service| homes.of_service(&service.name) == &service.name)
        };
        let mut by_name = BTreeMap::new();
        for service in hosts() {
            for alias in aliases(service) {
                by_name.insert(alias, service.name.clone());
            }
        }
        // A service's own name beats another one's alias, as in the engine's resolver.
        for name in hosts().map(|service| &service.name) {
            by_name.insert(name.as_str().to_owned(), name.clone());
        }
        let own = system.services.values();
        let own = own.map(|service| (service.name.clone(), service.listens.clone()));
        let mut ports: BTreeMap<ServiceName, Vec<u16>> = own.collect();
        // Of a namespace first the ports of the one whose it is.
        for guest in system.services.values() {
            if let Some(known) = ports.get_mut(homes.of_service(&guest.name)) {
                let more = guest.listens.iter().filter(|port| !known.contains(port));
                let more: Vec<u16> = more.copied().collect();
                known.extend(more);
            }
        }
        let links = system.services.values().map(|service| {
            let links = service.links.iter();
            let links = links.map(|link| (link.alias.clone(), link.service.clone()));
            (service.name.clone(), links.collect())
        });
        Self {
            by_name,
            ports,
            links: links.collect(),
            homes,
        }
    }

    /// Whose network namespace a service lives in: its own, or another's.
    pub(crate) fn home<'a>(&'a self, service: &'a ServiceName) -> &'a ServiceName {
        self.homes.of_service(service)
    }

    /// Where a service itself listens.
    pub(crate) fn own_ports(&self, service: &Service) -> Vec<u16> {
        let ports = service.listens.iter().copied();
        let own = ports.filter(|port| !self.homes.is_lent(&service.name, *port));
        own.collect()
    }

    /// Every name that stands for `service`, its own first.
    pub fn of_service<'a>(&'a self, service: &'a ServiceName) -> impl Iterator<Item = &'a str> {
        let others = self
            .by_name
            .iter()
            .filter(move |(name, of)| *of == service && name.as_str() != service.as_str())
            .map(|(name, _)| name.as_str());
        std::iter::once(service.as_str()).chain(others)
    }

    /// Whom a name means to its caller.
    fn meant(&self, caller: &ServiceName, name: &str) -> Option<&ServiceName> {
        let own = self.links.get(caller).and_then(|links| links.get(name));
        own.or_else(|| self.by_name.get(name))
    }

    fn listens(&self, service: &ServiceName) -> &[u16] {
        self.ports.get(service).map_or(&[], Vec::as_slice)
    }

    /// Every place of a setting that names a service.
    #[must_use]
    pub fn references(&self, setting: &Setting<'_>) -> Vec<Reference> {
        let resolve = |name: &str| {
            let is_here = SELF_NAMES.contains(&name);
            if is_here && self.homes.is_shared(setting.owner) {
                Some(self.home(setting.owner).clone())
            } else if setting.in_healthcheck && is_here {
                Some(setting.owner.clone())
            } else {
                self.meant(setting.owner, name).cloned()
            }
        };
        let value = setting.value;
        // Who may come calls from elsewhere and by the name that is written here.
        let mut calls = setting.calls.iter();
        let said = calls.any(|call| call.key.as_deref() == Some(setting.key));
        if setting_key::names_visitors(setting.key) && !said {
            return Vec::new();
        }
        let no_address = setting_key::is_no_address(setting.key);
        let mut references: Vec<Reference> = scan::addresses(value, |name| resolve(name).is_some())
            .into_iter()
            .filter(|found| found.scheme.is_some() || !no_address)
            .filter_map(|found| {
                let callee = resolve(&value[found.host.clone()])?;
                self.address(found, callee)
            })
            .collect();
        references.extend(self.bare(setting));
        if setting.in_healthcheck {
            for span in scan::lone_words(value, |name| SELF_NAMES.contains(&name)) {
                let met = |r: &Reference| r.span.start < span.end && span.start < r.span.end;
                if !references.iter().any(met) {
                    references.push(Reference {
                        span,
                        callee: setting.owner.clone(),
                        ports: self.listens(setting.owner).to_vec(),
                        form: Form::Host,
                    });
                }
            }
        }
        references.sort_by_key(|reference| reference.span.start);
        references
    }

    fn address(&self, found: scan::Found, callee: ServiceName) -> Option<Reference> {
        let listens = self.listens(&callee);
        let ports = match (found.port, &found.scheme) {
            (Some(port), _) if listens.contains(&port) => vec![port],
            // `name:7` without a scheme may be a version or a count.
            (Some(_), None) | (None, None) => return None,
            (Some(_), Some(_)) => Vec::new(),
            (None, Some(scheme)) => match (default_port(scheme), listens) {
                (Some(port), listens) if listens.contains(&port) => vec![port],
                (None, [only]) => vec![*only],
                _ => Vec::new(),
            },
        };
        Some(Reference {
            span: found.span,
            callee,
            ports,
            form: Form::Address,
        })
    }

    /// Bare names, alone or in a comma-separated list.
    fn bare(&self, setting: &Setting<'_>) -> Vec<Reference> {
        let mut references = Vec::new();
        let mut at = 0;
        for item in setting.value.split(',') {
            let name = item.trim();
            let start = at + (item.len() - item.trim_start().len());
            at += item.len() + 1;
            let Some(callee) = self.meant(setting.owner, name) else {
                continue;
            };
            let call = setting
                .calls
                .iter()
                .find(|call| call.key.as_deref() == Some(setting.key) && call.service == *callee);
            let says_host =
                setting_key::says_host(setting.key) && !setting_key::is_no_address(setting.key);
            if call.is_none() && !says_host {
                continue;
            }
            let one = call.and_then(|call| call.port).or(setting.port_beside);
            let listens = self.listens(callee);
            let ports = one
                .filter(|port| listens.contains(port))
                .map_or_else(|| listens.to_vec(), |port| vec![port]);
            references.push(Reference {
                span: start..start + name.len(),
                callee: callee.clone(),
                ports,
                form: Form::Host,
            });
        }
        references
    }
}

/// A key with its value, and what else helps to read it.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Whose it is.
    pub owner: &'a ServiceName,
    /// Variable or flag; empty for a word that stands alone.
    pub key: &'a str,
    /// The value.
    pub value: &'a str,
    /// The owner's `x-msvc.calls`.
    pub calls: &'a [Call],
    /// The value of the variable that holds the port to this host (`DB_PORT` for `DB_HOST`).
    pub port_beside: Option<u16>,
    /// In a healthcheck `localhost` is the service itself.
    pub in_healthcheck: bool,
}

/// How a service is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With its port, or as the host of a URL.
    Address,
    /// Its name alone; the port stands elsewhere.
    Host,
}

/// A place of a value that names a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What is to be replaced.
    pub span: Range<usize>,
    /// The service named; may be the owner itself.
    pub callee: ServiceName,
    /// Ports meant; several when a bare name leaves them open, none when the service listens on
    /// no such port as far as the file says.
    pub ports: Vec<u16>,
    /// How it is named.
    pub form: Form,
}

/// The value with its references replaced by what `address` says. One that it knows no address
/// for stays.
#[must_use]
pub fn substitute(
    value: &str,
    references: &[Reference],
    address: impl Fn(&Reference, u16) -> Option<SocketAddr>,
) -> String {
    let mut out = String::with_capacity(value.len());
    let mut at = 0;
    for reference in references {
        let found = reference
            .ports
            .first()
            .and_then(|port| address(reference, *port));
        let Some(found) = found.filter(|_| reference.span.start >= at) else {
            continue;
        };
        out.push_str(&value[at..reference.span.start]);
        match reference.form {
            Form::Address => out.push_str(&found.to_string()),
            Form::Host => out.push_str(&found.ip().to_string()),
        }
        at = reference.span.end;
    }
    out.push_str(&value[at..]);
    out
}

/// One setting that was changed, for `--dry-run` and `config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewriting {
    /// Whose setting.
    pub service: ServiceName,
    /// Which of its replicas.
    pub replica: u32,
    /// The variable, or `command[2]`, `healthcheck[1]`.
    pub key: String,
    /// As the file says.
    pub from: String,
    /// As the process gets it.
    pub to: String,
    /// Why.
    pub why: String,
}

impl std::fmt::Display for Rewriting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, to) = (without_password(&self.from), without_password(&self.to));
        write!(
            f,
            "{} {}: {from} => {to}  ({})",
            self.service, self.key, self.why
        )
    }
}

/// A text that people see shows no password of a URL.
fn without_password(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(['/', '?', '#', ' ', ',']).unwrap_or(after.len());
        let userinfo = after[..end].rfind('@').unwrap_or(0);
        match after[..userinfo].split_once(':') {
            Some((user, _)) => {
                out.push_str(user);
                out.push_str(":***");
            }
            None => out.push_str(&after[..userinfo]),
        }
        rest = &after[userinfo..];
    }
    out.push_str(rest);
    out
}

fn aliases(service: &Service) -> Vec<String> {
    let field = |name: &str| service.other_fields.get(name).map(|field| &field.value);
    let mut names = Vec::new();
    for name in ["container_name", "hostname"] {
        names.extend(field(name).and_then(|v| v.as_str()).map(str::to_owned));
    }
    let networks = field("networks").and_then(|networks| networks.as_object());
    for network in networks.into_iter().flat_map(|networks| networks.values()) {
        let listed = network.get("aliases").and_then(|list| list.as_array());
        let listed = listed.into_iter().flatten();
        names.extend(listed.filter_map(|name| name.as_str()).map(str::to_owned));
    }
    names
}

/// The port that a URL without one means.
fn default_port(scheme: &str) -> Option<u16> {
    // Compound schemes (`jdbc:postgresql`, `redis+tls`) end or begin with the telling word; what
    // precedes a colon is cut off by the scan already.
    Some(match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "postgres" | "postgresql" => 5432,
        "mysql" | "mariadb" => 3306,
        "redis" | "rediss" | "valkey" => 6379,
        "amqp" => 5672,
        "amqps" => 5671,
        "mongodb" => 27017,
        "nats" => 4222,
        "smtp" => 25,
        "mqtt" => 1883,
        "ldap" => 389,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
