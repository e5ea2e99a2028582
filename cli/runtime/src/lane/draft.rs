//! One service made ready for its addresses: its words and settings before rewriting, how it is
//! told where to listen, and whom its settings name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use msvc_system::model::{Service, System};
use msvc_system::problem::{Problem, Problems, Severity};

use super::listen::{self, Way};
use super::program::Directory;
use super::spot::{self, At, Spot, spots};
use super::volume::{self, Mounts};
use super::{LaneOptions, Survey, hook, program};
use crate::build::BuildOutcome;
use crate::names::{Names, Reference, Setting};
use crate::ports::{Book, Slot, Want};

/// A service before its addresses are known.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) service: &'a Service,
    pub(crate) command: Vec<String>,
    pub(crate) health: Vec<String>,
    /// The words and settings of its hooks, one after the other.
    pub(crate) hooks: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) mounts: Mounts,
    /// Where it runs.
    pub(crate) directory: Directory,
    pub(crate) ways: BTreeMap<u16, Way>,
    /// What each spot names, except those that say where to listen.
    pub(crate) spots: Vec<(Spot, Vec<Reference>)>,
    /// Changes when the program itself does.
    pub(crate) fingerprint: Option<String>,
    /// Where its build left it.
    pub(crate) folder: PathBuf,
}

impl<'a> Draft<'a> {
    /// Drafts `service`; with the warnings that come of it.
    pub(crate) fn of(
        system: &System,
        service: &'a Service,
        options: &LaneOptions,
        built: &BuildOutcome,
        names: &Names,
    ) -> Result<(Self, Vec<Problem>), Problems> {
        let built = built.services.get(&service.name);
        let mut problems = Problems::default();
        let extra = options.environment.get(&service.name);
        let mut environment = program::environment(service, &options.caller, extra);
        let path = program::path(environment.get("PATH"), built);
        environment.insert("PATH".to_owned(), path);
        let command = program::command(service, built).unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        });
        let health = service.healthcheck.as_ref().map(program::health_command);
        let health = health.unwrap_or_default();
        let ways = listen::ways(service, &names.own_ports(service), &environment, &command)
            .unwrap_or_else(|found| {
                problems.0.extend(found.0);
                BTreeMap::new()
            });
        let mounts = volume::mounts(system, service, &options.lane, &options.home, &mut problems);
        let place = program::directory(service, &system.root, &mounts, options.is_folder);
        let directory = place.unwrap_or_else(|(otherwise, mut problem)| {
            if options.lenient {
                problem.severity = Severity::Warning;
            }
            problems.push(problem);
            otherwise
        });
        let mut draft = Self {
            service,
            directory,
            command,
            health,
            hooks: hook::words(service),
            environment,
            mounts,
            ways,
            spots: Vec::new(),
            fingerprint: built.and_then(|built| built.fingerprint.clone()),
            folder: built
                .and_then(|built| built.folder.clone())
                .unwrap_or_default(),
        };
        draft.find(names, &mut problems);
        let warnings = problems.0.clone();
        problems.or((draft, warnings))
    }

    fn find(&mut self, names: &Names, problems: &mut Problems) {
        let spots = spots(&self.environment, &self.command, &self.health, &self.hooks);
        let texts = self.mounts.files.iter().map(|file| file.text.as_str());
        for spot in spots.into_iter().chain(spot::texts(texts)) {
            let references = if self.tells_place(&spot.at).is_some() {
                Vec::new()
            } else {
                names.references(&Setting {
                    owner: &self.service.name,
                    key: &spot.key,
                    value: &spot.value,
                    calls: &self.service.x_msvc.calls,
                    port_beside: spot.port_beside,
                    in_healthcheck: matches!(spot.at, At::Health(_) | At::Hook(_)),
                })
            };
            for reference in references.iter().filter(|found| found.ports.is_empty()) {
                problems.push(self.unreachable(&spot, reference));
            }
            self.spots.push((spot, references));
        }
    }

    fn unreachable(&self, spot: &Spot, reference: &Reference) -> Problem {
        let Service {
            name,
            place,
            environment,
            ..
        } = self.service;
        let place = match &spot.at {
            At::Variable(key) => environment.get(key).map_or(place, |value| &value.place),
            At::Command(_) | At::Health(_) | At::Hook(_) | At::File(_) => place,
        };
        Problem::warning(format!(
            "{name}: {} names {} (`{}`), which listens on no such port as far as the file says",
            spot.at,
            reference.callee,
            &spot.value[reference.span.clone()],
        ))
        .at(place.clone())
        .hint(format!(
            "name the port in `expose` of {}, or the right one here",
            reference.callee
        ))
    }

    /// The port whose place stands at this spot.
    pub(crate) fn tells_place(&self, at: &At) -> Option<u16> {
        let tells = |way: &Way| match at {
            At::Variable(key) => way.keys.contains(key),
            At::Command(index) => way.words.contains(index),
            At::Health(_) | At::Hook(_) | At::File(_) => false,
        };
        self.ways
            .iter()
            .find(|(_, way)| tells(way))
            .map(|(port, _)| *port)
    }

    /// What its replicas need addresses for.
    pub(crate) fn slots(&self, survey: &Survey<'_>) -> Vec<Slot> {
        let ports = |takes_address: bool| -> BTreeSet<u16> {
            let ways = self.ways.iter();
            ways.filter(|(_, way)| way.takes_address == takes_address)
                .map(|(port, _)| *port)
                .collect()
        };
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut slots = Vec::new();
        for replica in 1..=self.service.replicas {
            for (takes_address, want) in [
                (true, Want::OwnAddress),
                (false, Want::FreePorts(everywhere)),
            ] {
                slots.push(Slot {
                    key: self.slot_key(survey, replica, takes_address),
                    ports: ports(takes_address),
                    want,
                });
            }
        }
        slots.retain(|slot| !slot.ports.is_empty());
        slots
    }

    fn slot_key(&self, survey: &Survey<'_>, replica: u32, takes_address: bool) -> String {
        let name = &self.service.name;
        let kind = if takes_address { "" } else { " numbers" };
        survey.key(&format!("{name}/{replica}{kind}"))
    }

    /// Where a replica is told to listen for `port`.
    pub(crate) fn place(
        &self,
        survey: &Survey<'_>,
        book: &Book,
        replica: u32,
        port: u16,
    ) -> Option<SocketAddr> {
        let way = self.ways.get(&port)?;
        book.address(&self.slot_key(survey, replica, way.takes_address), port)
    }

    /// Where a replica is reached directly for `port`.
    pub(crate) fn backend(
        &self,
        survey: &Survey<'_>,
        book: &Book,
        replica: u32,
        port: u16,
    ) -> Option<SocketAddr> {
        let place = self.place(survey, book, replica, port)?;
        Some(listen::reached_at(self.ways.get(&port)?, place))
    }
}
