//! The ports that a container opens to the host itself.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::RangeInclusive;

use bollard::models::PortBinding;
use msvc_system::id::Party;
use msvc_system::model::{Protocol, PublishedPort, Service};
use msvc_system::problem::{Problem, Problems};

use super::Names;
use crate::docker::labels::Opened;
use crate::lane::Publish;

/// What a container opens.
#[derive(Debug, Default)]
pub(super) struct Ports {
    pub(super) bindings: HashMap<String, Option<Vec<PortBinding>>>,
    pub(super) exposed: BTreeSet<String>,
    pub(super) opened: Vec<Opened>,
}

/// The ports of a service whose containers listen on `listens`.
pub(super) fn ports(
    names: &Names<'_>,
    service: &Service,
    listens: &BTreeSet<u16>,
    problems: &mut Problems,
) -> Ports {
    let mut ports = Ports {
        exposed: exposed(service, listens),
        ..Ports::default()
    };
    let options = names.options;
    if options.publish != Publish::Nothing {
        let all: Vec<&PublishedPort> = service.ports.iter().collect();
        published(options.publish, service, &all, &mut ports, problems);
    }
    let further = options.further_edges.iter();
    for edge in further.filter(|edge| edge.callee == service.name) {
        let of_it = edge
            .port
            .map_or_else(|| listens.clone(), |port| [port].into());
        for port in of_it {
            ports.open(port, Protocol::Tcp, "127.0.0.1".to_owned(), String::new());
            ports.opened.push(Opened {
                port,
                caller: edge.caller.clone(),
            });
        }
    }
    ports
}

/// The ports that the image is told to open.
fn exposed(service: &Service, listens: &BTreeSet<u16>) -> BTreeSet<String> {
    let tcp = listens.iter().map(|port| format!("{port}/tcp"));
    let udp = service.datagrams.iter().map(|port| format!("{port}/udp"));
    tcp.chain(udp).collect()
}

fn published(
    publish: Publish,
    service: &Service,
    all: &[&PublishedPort],
    ports: &mut Ports,
    problems: &mut Problems,
) {
    for port in all {
        let (ip, asked) = match publish {
            Publish::AsTheFileSays => (port.host_ip.clone(), port.asked()),
            Publish::AnyFreePort | Publish::Nothing => (Some("127.0.0.1".to_owned()), None),
        };
        if let Some(asked) = &asked
            && usize::try_from(service.replicas).is_ok_and(|replicas| replicas > asked.len())
        {
            let many = asked.len() > 1;
            let what = format!(
                "{} has {} replicas, and only {} of them can have the host's {} {}",
                service.name,
                service.replicas,
                if many {
                    asked.len().to_string()
                } else {
                    "one".to_owned()
                },
                if many { "ports" } else { "port" },
                written(asked),
            );
            problems.push(Problem::error(what).at(port.place.clone()).hint(format!(
                "let each have a free one: `ports: [\"{}\"]`",
                port.target
            )));
            continue;
        }
        let ip = ip.unwrap_or_default();
        if !ip.is_empty() && ip.parse::<IpAddr>().is_err() {
            let what = format!(
                "{} is published at no address of this machine",
                service.name
            );
            problems.push(
                Problem::error(what)
                    .at(port.place.clone())
                    .hint("write an address as `127.0.0.1:8080:8080`"),
            );
            continue;
        }
        let asked = asked.as_ref().map(written);
        ports.open(port.target, port.protocol, ip, asked.unwrap_or_default());
        if port.protocol == Protocol::Tcp {
            ports.opened.push(Opened {
                port: port.target,
                caller: Party::Client,
            });
        }
    }
}

/// A port of the host, or a range of which the engine takes the first that is free.
pub(super) fn written(asked: &RangeInclusive<u16>) -> String {
    match (asked.start(), asked.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}

impl Ports {
    /// What the mesh does not carry: UDP.
    pub(super) fn past_the_mesh(
        names: &Names<'_>,
        service: &Service,
        listens: &BTreeSet<u16>,
        problems: &mut Problems,
    ) -> Self {
        let mut ports = Self {
            exposed: exposed(service, listens),
            ..Self::default()
        };
        let publish = names.options.publish;
        if publish != Publish::Nothing {
            let udp = |port: &&PublishedPort| port.protocol == Protocol::Udp;
            let all: Vec<&PublishedPort> = service.ports.iter().filter(udp).collect();
            published(publish, service, &all, &mut ports, problems);
        }
        ports
    }

    fn open(&mut self, port: u16, protocol: Protocol, ip: String, number: String) {
        let protocol = match protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        let key = format!("{port}/{protocol}");
        self.exposed.insert(key.clone());
        let bindings = self.bindings.entry(key).or_default();
        bindings.get_or_insert_default().push(PortBinding {
            host_ip: Some(ip),
            host_port: Some(number),
        });
    }
}
