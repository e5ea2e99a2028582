//! A draft with its addresses filled in: the instance to start, and what was rewritten for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use msvc_system::id::InstanceId;
use msvc_system::problem::{Problem, Problems};
use sha2::{Digest, Sha256};

use super::draft::Draft;
use super::spot::{At, Spot};
use super::{Survey, edge, field, hook, listen, program, volume};
use crate::instance::{HealthSpec, InstanceSpec, Listen, ProcessFile, ProcessProgram, Program};
use crate::names::path::move_paths;
use crate::names::{Form, Reference, Rewriting, substitute};
use crate::ports::Book;
use msvc_system::setting_key::port_key;

/// An instance with what was rewritten for it.
pub(crate) struct Filled {
    pub(crate) spec: InstanceSpec,
    pub(crate) rewritings: Vec<Rewriting>,
}

/// One replica of a draft, at its addresses.
pub(crate) fn instance(
    survey: &Survey<'_>,
    draft: &Draft<'_>,
    replica: u32,
    book: &Book,
    problems: &mut Problems,
) -> Filled {
    let mut filling = Filling {
        survey,
        draft,
        replica,
        book,
        environment: draft.environment.clone(),
        command: draft.command.clone(),
        health: draft.health.clone(),
        hooks: draft.hooks.clone(),
        files: draft.mounts.files.clone(),
        met: draft.directory.met.clone(),
        rewritings: Vec::new(),
    };
    for (spot, references) in &draft.spots {
        filling.fill(spot, references, problems);
    }
    filling.tell_unnamed_variables();
    if replica == 1 {
        volume::unnamed(draft.service, &draft.mounts, &filling.met, problems);
    }
    let rewritings = std::mem::take(&mut filling.rewritings);
    Filled {
        spec: filling.spec(),
        rewritings,
    }
}

struct Filling<'a> {
    survey: &'a Survey<'a>,
    draft: &'a Draft<'a>,
    replica: u32,
    book: &'a Book,
    environment: BTreeMap<String, String>,
    command: Vec<String>,
    health: Vec<String>,
    hooks: Vec<String>,
    files: Vec<ProcessFile>,
    /// Targets of mounts that some setting names.
    met: Vec<String>,
    rewritings: Vec<Rewriting>,
}

impl Filling<'_> {
    fn place(&self, port: u16) -> Option<SocketAddr> {
        let Self { survey, book, .. } = self;
        self.draft.place(survey, book, self.replica, port)
    }

    fn fill(&mut self, spot: &Spot, references: &[Reference], problems: &mut Problems) {
        let name = &self.draft.service.name;
        let mut why = Vec::new();
        let told = self.draft.tells_place(&spot.at);
        let value = match told.and_then(|port| self.place(port)) {
            Some(place) => {
                why.push(format!("where {name} listens"));
                // A flag before the value is part of what `told` reads.
                let whole = spot.whole();
                listen::told(Some(&whole), &spot.key, place)[spot.before.len()..].to_owned()
            }
            None => {
                why.extend(references.iter().map(|reference| self.reason(reference)));
                substitute(&spot.value, references, |reference, port| {
                    self.address(reference, port)
                })
            }
        };
        self.move_ports(spot, references, problems);
        let (value, mounts) = move_paths(&value, &self.draft.mounts.moved);
        for mount in mounts {
            why.push(mount.what.clone());
            self.met.push(mount.target.clone());
        }
        why.dedup();
        if value != spot.value {
            self.put(&spot.at, format!("{}{value}", spot.before), why.join(", "));
        }
    }

    fn reason(&self, reference: &Reference) -> String {
        let names = &self.survey.names;
        let (name, callee) = (&self.draft.service.name, &reference.callee);
        if callee == name {
            "itself".to_owned()
        } else if names.home(callee) == names.home(name) {
            format!("in the network namespace of {}", names.home(name))
        } else {
            format!("the edge to {}", reference.callee)
        }
    }

    fn address(&self, reference: &Reference, port: u16) -> Option<SocketAddr> {
        let name = &self.draft.service.name;
        let Self { survey, book, .. } = self;
        let home = survey.names.home(name);
        let own = || self.draft.backend(survey, book, self.replica, port);
        if reference.callee == *name {
            // A port of its own, before that of another in its namespace.
            own().or_else(|| survey.backend(book, home, self.replica, port))
        } else if survey.names.home(&reference.callee) == home {
            survey.backend(book, home, self.replica, port)
        } else {
            edge::listen_of(survey, book, name, self.replica, &reference.callee, port)
        }
    }

    /// Where a port had to move, the variable beside a bare host gets the new one.
    fn move_ports(&mut self, spot: &Spot, references: &[Reference], problems: &mut Problems) {
        for reference in references.iter().filter(|found| found.form == Form::Host) {
            for port in &reference.ports {
                let moved = self.address(reference, *port).map(|found| found.port());
                let Some(moved) = moved.filter(|moved| moved != port) else {
                    continue;
                };
                let beside = port_key(&spot.key).filter(|_| spot.port_beside == Some(*port));
                match beside {
                    Some(key) => {
                        let why = format!("the port to {} is taken", reference.callee);
                        self.put(&At::Variable(key), moved.to_string(), why);
                    }
                    // `localhost` in a healthcheck may as well be followed by a variable.
                    None if matches!(spot.at, At::Health(_) | At::Hook(_) | At::File(_)) => {}
                    None => problems.push(self.host_alone(spot, reference, *port)),
                }
            }
        }
    }

    fn host_alone(&self, spot: &Spot, reference: &Reference, port: u16) -> Problem {
        let service = self.draft.service;
        Problem::error(format!(
            "{}: {} names the host {} alone, and port {port} is taken on every address here",
            service.name, spot.at, reference.callee
        ))
        .at(service.place.clone())
        .hint("end what has the port, or write host and port in one setting")
    }

    /// Variables that `x-msvc.process.port` names and the file does not set.
    fn tell_unnamed_variables(&mut self) {
        for (port, way) in &self.draft.ways {
            for key in &way.keys {
                if self.draft.environment.contains_key(key) {
                    continue;
                }
                if let Some(place) = self.place(*port) {
                    let why = format!("where {} listens", self.draft.service.name);
                    let value = listen::told(None, key, place);
                    self.put(&At::Variable(key.clone()), value, why);
                }
            }
        }
    }

    fn put(&mut self, at: &At, to: String, why: String) {
        if let At::File(index) = at {
            // What is in it may be a secret: nothing of it is told.
            if let Some(file) = self.files.get_mut(*index) {
                file.text = to;
            }
            return;
        }
        let from = match at {
            At::Variable(key) => self.environment.insert(key.clone(), to.clone()),
            At::Command(index) => self
                .command
                .get_mut(*index)
                .map(|w| std::mem::replace(w, to.clone())),
            At::Health(index) => self
                .health
                .get_mut(*index)
                .map(|w| std::mem::replace(w, to.clone())),
            At::File(_) => None,
            At::Hook(index) => self
                .hooks
                .get_mut(*index)
                .map(|w| std::mem::replace(w, to.clone())),
        };
        self.rewritings.push(Rewriting {
            service: self.draft.service.name.clone(),
            replica: self.replica,
            key: at.to_string(),
            from: from.unwrap_or_default(),
            to,
            why,
        });
    }

    fn spec(self) -> InstanceSpec {
        let service = self.draft.service;
        let listens = self.draft.ways.keys().filter_map(|port| {
            let Self { survey, book, .. } = &self;
            let backend = self.draft.backend(survey, book, self.replica, *port)?;
            Some(Listen {
                port: *port,
                backend,
            })
        });
        let listens = listens.collect();
        let health = service.healthcheck.as_ref().map(|health| HealthSpec {
            command: self.health.clone(),
            interval: health.interval,
            timeout: health.timeout,
            retries: health.retries,
            start_period: health.start_period,
        });
        let options = self.survey.options;
        let mut spec = InstanceSpec {
            id: InstanceId {
                project: options.project.clone(),
                lane: options.lane.clone(),
                service: service.name.clone(),
                replica: self.replica,
                incarnation: 1,
            },
            hash: String::new(),
            program: Program::Process(ProcessProgram {
                command: self.command,
                directory: self.draft.directory.path.clone(),
                environment: self.environment.into_iter().collect(),
                folders: self.draft.mounts.folders.clone(),
                files: self.files,
            }),
            listens,
            health,
            restart: service.restart,
            stop_signal: field::stop_signal(service),
            stop_grace: service.stop_grace_period,
            hooks: hook::hooks(service, self.hooks),
        };
        spec.hash = hash(&spec, self.draft);
        spec
    }
}

/// Over everything that, when changed, needs a new start: one half for the settings, one for the
/// program, by its fingerprint. The second is missing while nobody knows it (before a build), so
/// that the first can still be compared. What comes from the caller's environment is left out: another terminal's PATH is
/// no other system.
fn hash(spec: &InstanceSpec, draft: &Draft<'_>) -> String {
    let mut spec = spec.clone();
    let declared = &draft.service.environment;
    if let Program::Process(process) = &mut spec.program {
        process.environment.retain(|(key, _)| {
            !program::INHERITED.contains(&key.as_str()) || declared.contains_key(key)
        });
    }
    // A spec always serialises; were it ever not to, equal specs would still hash equally.
    let settings = hex(&serde_json::to_vec(&spec).unwrap_or_default());
    match &draft.fingerprint {
        Some(fingerprint) => {
            let folder = draft.folder.to_string_lossy();
            settings + &hex(format!("{fingerprint} {folder}").as_bytes())
        }
        None => settings,
    }
}

/// Half of a SHA-256, in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
