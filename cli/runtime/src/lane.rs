//! A lane as it is wanted: which instances run with which settings, and which edges carry their
//! calls.
//!
//! What comes in: a system, options, what was built, and (for the last step) a settled address
//! book. What leaves: a [`Wanted`] set that planning compares with what is observed. Pure. What
//! must not enter: files, sockets, processes.
//!
//! Two steps, because addresses lie between them: a [`Survey`] finds what needs an address
//! ([`Survey::slots`]); [`Survey::wanted`] fills in what the book settled.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use msvc_report::event::Entry;
use msvc_system::id::{LaneName, Party, ProjectName, ServiceName};
use msvc_system::model::{Dependency, Service, System};
use msvc_system::problem::{Problem, Problems, nearest};

use crate::build::BuildOutcome;
use crate::instance::InstanceSpec;
use crate::names::{Names, Rewriting};
use crate::ports::{Book, Slot};
use crate::provision::Provision;
use msvc_mesh::spec::EdgeSpec;

mod draft;
mod edge;
pub(crate) mod field;
pub(crate) mod fill;
mod given;
mod hook;
mod listen;
mod program;
mod spot;
mod twice;
pub(crate) mod volume;

pub(crate) use edge::{edge_key, published_keys, url_of};
pub use given::given;
pub(crate) use twice::published_twice;
pub(crate) use volume::FILES;
pub use volume::host_file;

use draft::Draft;
use edge::WantedEdge;

/// What of a system is to run, where, and with what else.
#[derive(Debug, Clone)]
pub struct LaneOptions {
    /// The project's name; another than the system's for a copy.
    pub project: ProjectName,
    /// Which copy.
    pub lane: LaneName,
    /// `.msvc/<project>`, absolute: where its data lives.
    pub home: PathBuf,
    /// Which services.
    pub services: Subset,
    /// What becomes of published ports.
    pub publish: Publish,
    /// Settings over all others, by service.
    pub environment: BTreeMap<ServiceName, BTreeMap<String, String>>,
    /// Edges that no file declares: the contract verifier's.
    pub further_edges: Vec<FurtherEdge>,
    /// The caller's environment; a process gets little of it.
    pub caller: BTreeMap<String, String>,
    /// Whether fields that cannot be honoured are warnings.
    pub lenient: bool,
    /// Whether a path is a folder of this machine.
    pub is_folder: fn(&Path) -> bool,
}

/// Which services run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subset {
    /// All of them.
    All,
    /// These and all they depend on; what else runs is left alone.
    WithDependencies(Vec<ServiceName>),
    /// These alone: whom they call refuses.
    Alone(Vec<ServiceName>),
}

/// What becomes of published ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// They are opened as the file says; all interfaces is narrowed to loopback.
    AsTheFileSays,
    /// Each gets a free port of 127.0.0.1.
    AnyFreePort,
    /// They are not opened.
    Nothing,
}

/// An edge that no file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherEdge {
    /// Who calls; no service.
    pub caller: Party,
    /// Who is called.
    pub callee: ServiceName,
    /// Which port; all of the callee's when not given.
    pub port: Option<u16>,
}

/// What is to be there.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The project.
    pub project: ProjectName,
    /// The lane.
    pub lane: LaneName,
    /// Whether this is all that is to run in the lane.
    pub whole: bool,
    /// The instances; their incarnation is set by planning.
    pub instances: Vec<InstanceSpec>,
    /// The edges.
    pub edges: Vec<EdgeSpec>,
    /// What must be there before the instances.
    pub provisions: Vec<Provision>,
    /// Who waits for whom, among the instances' services.
    pub dependencies: BTreeMap<ServiceName, Vec<Dependency>>,
    /// Settings that were changed.
    pub rewritings: Vec<Rewriting>,
    /// What the user should know.
    pub warnings: Vec<Problem>,
    /// Where published ports listen.
    pub entries: Vec<Entry>,
}

/// A system looked through for one lane: everything but the addresses.
#[derive(Debug)]
pub struct Survey<'a> {
    system: &'a System,
    options: &'a LaneOptions,
    names: Names,
    chosen: BTreeSet<ServiceName>,
    /// Of the chosen services, and of those whose backends their edges need.
    drafts: BTreeMap<ServiceName, Draft<'a>>,
    edges: Vec<WantedEdge>,
    warnings: Vec<Problem>,
}

impl<'a> Survey<'a> {
    /// Looks through `system`.
    ///
    /// # Errors
    /// Every problem that keeps it from running as host processes.
    pub fn of(
        system: &'a System,
        options: &'a LaneOptions,
        built: &BuildOutcome,
    ) -> Result<Self, Problems> {
        let names = Names::of(system);
        let chosen = chosen(system, &options.services)?;
        let mut problems = Problems::default();
        let mut drafts = BTreeMap::new();
        for service in system.services.values() {
            if !chosen.contains(&service.name) {
                continue;
            }
            problems.0.extend(field::problems(service, options.lenient));
            match Draft::of(system, service, options, built, &names) {
                Ok((draft, warnings)) => {
                    problems.0.extend(warnings);
                    drafts.insert(service.name.clone(), draft);
                }
                Err(found) => problems.0.extend(found.0),
            }
        }
        let mut survey = Self {
            system,
            options,
            names,
            chosen,
            drafts,
            edges: Vec::new(),
            warnings: Vec::new(),
        };
        survey.draft_neighbours(built);
        survey.edges = edge::edges(&survey, &mut problems);
        let services = survey.drafts.values().map(|draft| draft.service);
        published_twice(services, options.publish, &mut problems);
        survey.warnings.clone_from(&problems.0);
        problems.or(survey)
    }

    /// Callees outside the subset that may be running: their edges lead to where they listen.
    fn draft_neighbours(&mut self, built: &BuildOutcome) {
        if !matches!(self.options.services, Subset::WithDependencies(_)) {
            return;
        }
        for service in self.system.services.values() {
            if self.drafts.contains_key(&service.name) {
                continue;
            }
            // One that cannot be drafted cannot run either: its edges refuse.
            if let Ok((draft, _)) =
                Draft::of(self.system, service, self.options, built, &self.names)
            {
                self.drafts.insert(service.name.clone(), draft);
            }
        }
    }

    /// What needs an address.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        let drafts = self.drafts.values().flat_map(|draft| draft.slots(self));
        drafts.chain(edge::slots(self)).collect()
    }

    /// The wanted set, at the addresses that `book` settled for [`Survey::slots`].
    ///
    /// # Errors
    /// When a port had to move and a setting names its host alone.
    pub fn wanted(&self, book: &Book) -> Result<Wanted, Problems> {
        let mut problems = Problems(self.warnings.clone());
        let mut rewritings = Vec::new();
        let mut instances = Vec::new();
        for service in self.system.services.values() {
            let Some(draft) = self.chosen_draft(&service.name) else {
                continue;
            };
            for replica in 1..=service.replicas {
                let filled = fill::instance(self, draft, replica, book, &mut problems);
                rewritings.extend(filled.rewritings);
                instances.push(filled.spec);
            }
        }
        let edges = edge::specs(self, book);
        let wanted = Wanted {
            project: self.options.project.clone(),
            lane: self.options.lane.clone(),
            whole: !matches!(self.options.services, Subset::WithDependencies(_)),
            entries: edge::entries(&edges),
            provisions: Vec::new(),
            edges,
            dependencies: self.dependencies(),
            instances,
            rewritings,
            warnings: problems.0.clone(),
        };
        problems.or(wanted)
    }

    fn chosen_draft(&self, name: &ServiceName) -> Option<&Draft<'a>> {
        self.drafts.get(name).filter(|_| self.chosen.contains(name))
    }

    fn dependencies(&self) -> BTreeMap<ServiceName, Vec<Dependency>> {
        let kept = |service: &Service| {
            let wanted = service.depends_on.iter();
            wanted
                .filter(|dependency| self.chosen.contains(&dependency.service))
                .cloned()
                .collect()
        };
        self.chosen
            .iter()
            .filter_map(|name| self.system.services.get(name))
            .map(|service| (service.name.clone(), kept(service)))
            .collect()
    }

    /// Those that live in the network namespace of `home`, itself first.
    fn household<'s>(&'s self, home: &'s ServiceName) -> impl Iterator<Item = &'s Draft<'a>> {
        let guests = self.drafts.values().filter(move |draft| {
            let name = &draft.service.name;
            name != home && self.names.home(name) == home
        });
        self.drafts.get(home).into_iter().chain(guests)
    }

    /// Where a port of a namespace is reached directly, whoever in it listens there.
    fn backend(
        &self,
        book: &Book,
        home: &ServiceName,
        replica: u32,
        port: u16,
    ) -> Option<SocketAddr> {
        self.household(home)
            .find_map(|draft| draft.backend(self, book, replica, port))
    }

    fn key(&self, rest: &str) -> String {
        format!("{}/{rest}", self.options.lane)
    }
}

/// The services that `subset` means.
///
/// # Errors
/// When it names one that the system does not have.
pub fn chosen(system: &System, subset: &Subset) -> Result<BTreeSet<ServiceName>, Problems> {
    let (named, with_dependencies) = match subset {
        Subset::All => return Ok(system.services.keys().cloned().collect()),
        Subset::WithDependencies(named) => (named, true),
        Subset::Alone(named) => (named, false),
    };
    let mut problems = Problems::default();
    let mut chosen = BTreeSet::new();
    let mut open: Vec<&ServiceName> = named.iter().collect();
    while let Some(name) = open.pop() {
        let Some(service) = system.services.get(name) else {
            problems.push(unknown(system, name));
            continue;
        };
        if chosen.insert(name.clone()) && with_dependencies {
            // A missing dependency is the loader's to tell; one that is not required may lack.
            let known = service
                .depends_on
                .iter()
                .map(|dependency| &dependency.service);
            open.extend(known.filter(|name| system.services.contains_key(*name)));
        }
    }
    problems.or(chosen)
}

fn unknown(system: &System, name: &ServiceName) -> Problem {
    let problem = Problem::error(format!("{} has no service `{name}`", system.name));
    if let Some(hint) = system.resting_hint(name.as_str()) {
        return problem.hint(hint);
    }
    let known = system.services.keys().map(ServiceName::as_str);
    match nearest(name.as_str(), known) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem,
    }
}

#[cfg(test)]
pub(crate) mod tests;
