//! Ports of the host that two services of one file want: told with both places, before anything is
//! built.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use msvc_system::model::{PublishedPort, Service};
use msvc_system::problem::{Problem, Problems};

use super::Publish;

/// Tells of every port of the host that is published for two services, or twice for one.
pub(crate) fn published_twice<'a>(
    services: impl IntoIterator<Item = &'a Service>,
    publish: Publish,
    problems: &mut Problems,
) {
    if publish != Publish::AsTheFileSays {
        return;
    }
    let mut all: HashMap<Option<u16>, Vec<(&Service, &PublishedPort)>> = HashMap::new();
    for service in services {
        // Of a range another one is taken.
        let exact = |it: &&PublishedPort| it.published.is_some() && it.published_to.is_none();
        for port in service.ports.iter().filter(exact) {
            // The same line twice asks for nothing new.
            let repeats = |by: &Service, other: &PublishedPort| {
                by.name == service.name
                    && (other.target, &other.host_ip) == (port.target, &port.host_ip)
            };
            let seen = all.entry(port.published).or_default();
            let mut others = seen.iter();
            let there = others.find(|(by, other)| clash(port, other) && !repeats(by, other));
            if let Some((other, at)) = there {
                let published = port.published.unwrap_or_default();
                let what = match other.name == service.name {
                    true => format!("the host's port {published} is published twice"),
                    false => {
                        format!(
                            "the host's port {published} is published for {} too",
                            other.name
                        )
                    }
                };
                let hint = format!("it is so at {}; publish another port", at.place);
                problems.push(Problem::error(what).at(port.place.clone()).hint(hint));
            }
            seen.push((service, port));
        }
    }
}

fn clash(one: &PublishedPort, other: &PublishedPort) -> bool {
    let address = |port: &PublishedPort| -> IpAddr {
        let said = port.host_ip.as_deref().and_then(|ip| ip.parse().ok());
        said.unwrap_or(Ipv4Addr::UNSPECIFIED.into())
    };
    let (here, there) = (address(one), address(other));
    let same_place = here == there || here.is_unspecified() || there.is_unspecified();
    one.published == other.published && one.protocol == other.protocol && same_place
}
