//! The ports that the host reaches: whose, for whom, and at which port of the mesh each leads on.
//! What is open already stays where it is.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use msvc_system::id::{Party, ServiceName};
use msvc_system::model::{Protocol, Service};
use msvc_system::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MeshPlan;
use super::carrier::FIRST_PORT;
use crate::docker::labels::Opened;
use crate::lane::Publish;

/// A port that the host reaches: whose, for whom, and where on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// Whose port.
    pub(crate) service: ServiceName,
    /// Which, and for whom.
    pub(crate) opened: Opened,
    /// At which of the host's addresses; all when empty.
    #[serde(default)]
    pub(crate) ip: String,
    /// At which of the host's ports; any free one when not given.
    #[serde(default)]
    pub(crate) published: Option<u16>,
}

/// An opening with the mesh's port that it leads to: what a carrier's label says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpeningAt {
    /// The port of the mesh.
    pub(crate) at: u16,
    #[serde(flatten)]
    pub(crate) opening: Opening,
}

impl MeshPlan<'_> {
    /// The ports that the host reaches, in a fixed order.
    fn asked(&self, chosen: &BTreeSet<ServiceName>) -> Vec<Opening> {
        let options = self.names.options;
        let mut asked: Vec<Opening> = Vec::new();
        for service in self.services.iter().filter(|it| chosen.contains(&it.name)) {
            if self.network_of(service).is_none() {
                continue;
            }
            if options.publish != Publish::Nothing {
                asked.extend(self.published(service));
            }
            let further = options.further_edges.iter();
            for edge in further.filter(|it| it.callee == service.name) {
                let all = self.ports(service).tcp;
                let ports = edge.port.map_or(all, |port| [port].into());
                asked.extend(ports.into_iter().map(|port| Opening {
                    service: service.name.clone(),
                    opened: Opened {
                        port,
                        caller: edge.caller.clone(),
                    },
                    ip: Ipv4Addr::LOCALHOST.to_string(),
                    published: None,
                }));
            }
        }
        let mut different: Vec<Opening> = Vec::new();
        for opening in asked {
            if !different.contains(&opening) {
                different.push(opening);
            }
        }
        different
    }

    fn published(&self, service: &Service) -> Vec<Opening> {
        let ports = service.ports.iter();
        let ports = ports.filter(|it| it.protocol == Protocol::Tcp);
        let ports = ports.map(|port| {
            let (ip, published) = match self.names.options.publish {
                Publish::AsTheFileSays => {
                    (port.host_ip.clone().unwrap_or_default(), port.published)
                }
                Publish::AnyFreePort | Publish::Nothing => ("127.0.0.1".to_owned(), None),
            };
            Opening {
                service: service.name.clone(),
                opened: Opened {
                    port: port.target,
                    caller: Party::Client,
                },
                ip,
                published,
            }
        });
        ports.collect()
    }

    /// What is open already, by the mesh's own container and by doors.
    fn open(&self) -> impl Iterator<Item = &OpeningAt> {
        let own = self.wish.carrier.iter().flat_map(|it| &it.openings);
        own.chain(self.wish.doors.iter().map(|door| &door.opening))
    }

    /// The ports that the host reaches, each with the mesh's port that it leads to: what is open
    /// already stays where it is. Several ports of the host may lead to one of a service: one edge.
    pub(super) fn openings(&self, chosen: &BTreeSet<ServiceName>) -> Vec<(u16, Opening)> {
        let asked = self.asked(chosen);
        let mut used: BTreeSet<u16> = self.open().map(|it| it.at).collect();
        let mut openings: Vec<(u16, Opening)> = Vec::new();
        for opening in &asked {
            let same = |it: &Opening| it.service == opening.service && it.opened == opening.opened;
            let there = match self.wish.carrier {
                // One that is given up is to lead nowhere: its port of the mesh is not taken.
                Some(_) => self
                    .open()
                    .find(|it| same(&it.opening) && asked.contains(&it.opening)),
                None => None,
            };
            let there = there.map(|there| there.at);
            let beside = openings.iter().find(|(_, it)| same(it)).map(|(at, _)| *at);
            let at = match beside.or(there) {
                Some(at) => at,
                None => {
                    let free = (FIRST_PORT..=u16::MAX).find(|at| !used.contains(at));
                    free.unwrap_or(u16::MAX)
                }
            };
            used.insert(at);
            openings.push((at, opening.clone()));
        }
        openings
    }

    /// Whether the host reaches this service's ports over the mesh.
    pub(in super::super) fn opens(&self, service: &Service) -> bool {
        self.network_of(service).is_some()
    }

    /// The host's ports that a mesh was made with and that nobody asks for any more.
    pub(super) fn given_up(&self, chosen: &BTreeSet<ServiceName>) -> Vec<Problem> {
        let Some(carrier) = &self.wish.carrier else {
            return Vec::new();
        };
        let openings = self.openings(chosen);
        let is_open = |it: &&OpeningAt| openings.iter().any(|(at, _)| *at == it.at);
        let options = self.names.options;
        // Those of services that were not asked for now stay open.
        let is_whole = matches!(options.services, crate::lane::Subset::All);
        let given_up = carrier
            .openings
            .iter()
            .filter(|it| is_whole && !is_open(it));
        given_up
            .filter_map(|it| {
                let port = it.opening.published?;
                Some(Problem::warning(format!(
                    "the host's port {port} leads nowhere any more, and is {}'s until `msvc down`",
                    carrier.name
                )))
            })
            .collect()
    }
}

/// As a carrier's label says it.
pub(super) fn opening_at(at: u16, opening: &Opening) -> Value {
    let opening = opening.clone();
    serde_json::to_value(OpeningAt { at, opening }).unwrap_or_default()
}
