//! The ports that the host reaches: whose, for whom, and at which port of the mesh each leads on.
//! What is open already stays where it is, whoever asks for it: the engine closes a port of the
//! mesh's container only with that container, and live edges pass it.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use msvc_system::id::{Party, ServiceName};
use msvc_system::model::{Protocol, Service};
use msvc_system::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MeshPlan;
use super::carrier::FIRST_PORT;
use crate::docker::labels::Opened;
use crate::docker::want::ports::written;
use crate::lane::Publish;

/// A port that the host reaches: whose, for whom, and where on the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The last of a range of them, of which the first that is free is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published_to: Option<u16>,
}

impl Opening {
    /// The host's ports of which one is meant; none where any free one is.
    pub(crate) fn asked(&self) -> Option<RangeInclusive<u16>> {
        let first = self.published?;
        Some(first..=self.published_to.unwrap_or(first))
    }
}

/// An opening with the mesh's port that it leads to: what a carrier's label says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpeningAt {
    /// The port of the mesh.
    pub(crate) at: u16,
    #[serde(flatten)]
    pub(crate) opening: Opening,
}

/// The number of the first door among its project's carriers.
const FIRST_DOOR: u16 = 2;

/// A port that the host reaches, with the mesh's port that it leads to and who opens it.
#[derive(Debug, Clone)]
pub(super) struct Led<'a> {
    /// The port of the mesh.
    pub(super) at: u16,
    /// What is asked for.
    pub(super) opening: Opening,
    /// The container that opens it.
    pub(super) by: By<'a>,
}

/// The container that opens a port to the host.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    /// The mesh's own: as it was made, or one that is to be made.
    Mesh(Option<&'a OpeningAt>),
    /// A door of this number.
    Door(u16),
}

impl<'a> Led<'a> {
    const fn new(at: u16, opening: Opening, by: By<'a>) -> Self {
        Self { at, opening, by }
    }
}

impl Opening {
    /// Whether both lead to one port of a service, for one caller.
    fn leads_as(&self, other: &Self) -> bool {
        self.service == other.service && self.opened == other.opened
    }

    /// Whether both are the same port of the host, whoever's.
    fn is_at_the_place_of(&self, other: &Self) -> bool {
        self.published.is_some() && self.asked() == other.asked() && self.ip == other.ip
    }

    /// Whether only one of the two can be had of the host.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        // Of a range another may be free.
        let one = |it: &Self| it.asked().filter(|it| it.start() == it.end());
        let same = one(self).is_some() && one(self) == one(other);
        same && (self.covers(other) || other.covers(self))
    }

    /// Whether it is at each of the host's addresses that `other` is at.
    fn covers(&self, other: &Self) -> bool {
        let is = |ip: &str| ip.parse::<IpAddr>().ok();
        match (is(&self.ip), is(&other.ip)) {
            (None, _) => true,
            (Some(own), Some(other)) if own.is_unspecified() => own.is_ipv4() == other.is_ipv4(),
            (own, other) => own == other,
        }
    }
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
                let all = self.ports(service).map(|ports| ports.tcp.clone());
                let ports = edge.port.map(|port| [port].into()).or(all);
                asked.extend(ports.into_iter().flatten().map(|port| Opening {
                    service: service.name.clone(),
                    opened: Opened {
                        port,
                        caller: edge.caller.clone(),
                    },
                    ip: Ipv4Addr::LOCALHOST.to_string(),
                    published: None,
                    published_to: None,
                }));
            }
        }
        let mut seen = HashSet::new();
        asked.retain(|opening| seen.insert(opening.clone()));
        asked
    }

    fn published(&self, service: &Service) -> Vec<Opening> {
        let ports = service.ports.iter();
        let ports = ports.filter(|it| it.protocol == Protocol::Tcp);
        let ports = ports.map(|port| {
            let (ip, published, published_to) = match self.names.options.publish {
                Publish::AsTheFileSays => {
                    let ip = port.host_ip.clone().unwrap_or_default();
                    (ip, port.published, port.published_to)
                }
                Publish::AnyFreePort | Publish::Nothing => ("127.0.0.1".to_owned(), None, None),
            };
            Opening {
                service: service.name.clone(),
                opened: Opened {
                    port: port.target,
                    caller: Party::Client,
                },
                ip,
                published,
                published_to,
            }
        });
        ports.collect()
    }

    /// The ports that the host reaches, each with the mesh's port that it leads to and the container
    /// that opens it. One of the host's ports that the mesh was made with stays its container's:
    /// whoever asks for it now is reached there, so each has a port of the mesh of its own.
    pub(super) fn openings(&self, chosen: &BTreeSet<ServiceName>) -> Vec<Led<'_>> {
        let asked = self.asked(chosen);
        let Some(carrier) = &self.wish.carrier else {
            let all = (FIRST_PORT..=u16::MAX).zip(asked);
            return all
                .map(|(at, opening)| Led::new(at, opening, By::Mesh(None)))
                .collect();
        };
        let mut led = Vec::new();
        let mut left: Vec<Opening> = asked;
        for likeness in [Opening::eq, Opening::is_at_the_place_of, Opening::meets] {
            left.retain(|opening| {
                let held = carrier.openings.iter();
                let held: Vec<&OpeningAt> = held
                    .filter(|it| likeness(opening, &it.opening) && leads(&led, it.at, opening))
                    .collect();
                let own = held.iter().map(|it| {
                    let by = By::Mesh(Some(it));
                    Led::new(it.at, opening.clone(), by)
                });
                led.extend(own);
                held.is_empty()
            });
        }
        left.retain(|opening| {
            let mut doors = self.wish.doors.iter();
            let door = doors
                .find(|it| it.opening.opening == *opening && leads(&led, it.opening.at, opening));
            led.extend(door.map(|it| {
                let by = By::Door(it.number);
                Led::new(it.opening.at, opening.clone(), by)
            }));
            door.is_none()
        });
        for opening in left {
            let new = self.new_door(&carrier.openings, &led, opening);
            led.push(new);
        }
        led
    }

    /// A door that is to be made: to a port of the mesh that leads there already, else to one that
    /// nobody has.
    fn new_door<'a>(&self, held: &[OpeningAt], led: &[Led<'a>], opening: Opening) -> Led<'a> {
        let mut there = led.iter().filter(|it| it.opening.leads_as(&opening));
        let doors = &self.wish.doors;
        let used: BTreeSet<u16> = held
            .iter()
            .chain(doors.iter().map(|it| &it.opening))
            .map(|it| it.at)
            .chain(led.iter().map(|it| it.at))
            .collect();
        let at = there.next().map(|it| it.at).unwrap_or_else(|| {
            let free = (FIRST_PORT..=u16::MAX).find(|at| !used.contains(at));
            free.unwrap_or(u16::MAX)
        });
        let named = led.iter().filter_map(|it| match it.by {
            By::Door(number) => Some(number),
            By::Mesh(_) => None,
        });
        let named: BTreeSet<u16> = named.chain(doors.iter().map(|it| it.number)).collect();
        let first = at.saturating_sub(FIRST_PORT).saturating_add(FIRST_DOOR);
        let number = (first..=u16::MAX).find(|it| !named.contains(it));
        Led::new(at, opening, By::Door(number.unwrap_or(u16::MAX)))
    }

    /// Whether the host reaches this service's ports over the mesh.
    pub(in super::super) fn opens(&self, service: &Service) -> bool {
        self.network_of(service).is_some()
    }

    /// The host's ports that a mesh was made with and that are not as somebody asks for them now: its
    /// container has them as they were.
    pub(super) fn held_still(&self, chosen: &BTreeSet<ServiceName>) -> Vec<Problem> {
        let Some(carrier) = &self.wish.carrier else {
            return Vec::new();
        };
        let led = self.openings(chosen);
        let options = self.names.options;
        // Those of services that were not asked for now stay open.
        let is_whole = matches!(options.services, crate::lane::Subset::All);
        let told = carrier.openings.iter().filter_map(|it| {
            let port = written(&it.opening.asked()?);
            let same = |other: &&Led<'_>| matches!(other.by, By::Mesh(Some(own)) if own == it);
            let what = match led.iter().find(same) {
                Some(now) if now.opening.ip == it.opening.ip => return None,
                Some(now) if it.opening.covers(&now.opening) => format!(
                    "stays open at {}, and not at {} alone, until `msvc down`: it",
                    everywhere(&it.opening.ip),
                    now.opening.ip,
                ),
                Some(_) => format!(
                    "stays open at {} alone until `msvc down`: it",
                    it.opening.ip
                ),
                None if !is_whole => return None,
                None => match led.iter().find(|other| other.at == it.at) {
                    Some(now) => format!(
                        "leads to {} until `msvc down`, though nobody asks for it: it",
                        now.opening.service
                    ),
                    None => "leads nowhere any more, and".to_owned(),
                },
            };
            let until = match what.ends_with("and") {
                true => " until `msvc down`",
                false => "",
            };
            let what = format!("the host's port {port} {what} is {}'s{until}", carrier.name);
            Some(Problem::warning(what))
        });
        told.collect()
    }
}

/// An address of the host, for people.
fn everywhere(ip: &str) -> &str {
    match ip {
        "" => "every address",
        other => other,
    }
}

/// Whether a port of the mesh leads where `opening` does, or nowhere yet.
fn leads(led: &[Led<'_>], at: u16, opening: &Opening) -> bool {
    let mut there = led.iter().filter(|it| it.at == at);
    there.all(|it| it.opening.leads_as(opening))
}

/// As a carrier's label says it.
pub(super) fn opening_at(at: u16, opening: &Opening) -> Value {
    let opening = opening.clone();
    serde_json::to_value(OpeningAt { at, opening }).unwrap_or_default()
}
