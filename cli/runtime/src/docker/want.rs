//! A lane as it is wanted in an engine: which containers, networks and volumes.
//!
//! What comes in: a system, options, and what is known of each service's image. What leaves: a
//! [`Wanted`] set that planning compares with what is observed. Pure. What must not enter: the
//! engine.
//!
//! Layout: `names` gives everything its name, `networks`, `mounts`, `files`, `ports`, `health` and
//! `fields` say one part of a container each, `container` joins them; `images` says what no image can
//! be called, `build` what of a build the engine's builder would not get.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::id::{LaneName, ServiceName};
use msvc_system::model::{Condition, Dependency, Service, System};
use msvc_system::problem::{Place, Problem, Problems, Severity};

use super::engine::ApiVersion;
use super::image::ImageFacts;
use crate::fields::{In, refusals};
use crate::lane::{LaneOptions, Subset, Wanted, chosen, published_twice};
use crate::provision::Provision;

pub mod addresses;

pub(super) mod build;
mod container;
mod fields;
mod files;
mod health;
mod images;
mod mesh;
mod mounts;
mod names;
pub(super) mod networks;
mod ports;
pub(super) mod value;

pub(super) use mesh::pairs::least;
pub use mesh::{Carrier, Door, MeshWish};
pub(super) use mesh::{OpeningAt, SERVICE, edge_key, place_hash, place_name, replica_key};
pub(crate) use names::Names;

use mesh::MeshPlan;

/// What is wanted of which system.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The system.
    pub system: &'a System,
    /// As which lane of which project.
    pub options: &'a LaneOptions,
    /// What is known of the services' images.
    pub images: &'a BTreeMap<ServiceName, ImageFacts>,
    /// What its mesh needs; none boots without.
    pub mesh: Option<&'a MeshWish>,
    /// The API version that the engine speaks.
    pub api: ApiVersion,
}

impl Wish<'_> {
    /// The problem that the engine is too old for a field; it would drop it in silence.
    fn needs(&self, least: ApiVersion, what: &str, place: &Place) -> Option<Problem> {
        (self.api < least).then(|| {
            Problem::error(format!(
                "{what} needs an engine with API {least} (this one speaks {})",
                self.api
            ))
            .at(place.clone())
            .hint("take it out, or `--lenient` to go without it")
        })
    }
}

/// The wanted set.
///
/// # Errors
/// Every problem that keeps the system from running in containers as the file says.
pub fn wanted(wish: &Wish<'_>) -> Result<Wanted, Problems> {
    want(wish, true)
}

/// Whether it can be wanted at all.
///
/// # Errors
/// As [`wanted`].
pub(super) fn may_be_wanted(wish: &Wish<'_>) -> Result<(), Problems> {
    want(wish, false).map(drop)
}

/// The wanted set, with its instances or without: they are most of the work, and say nothing more of
/// what the file gets wrong.
fn want(wish: &Wish<'_>, instances_too: bool) -> Result<Wanted, Problems> {
    let Wish {
        system, options, ..
    } = *wish;
    let chosen = chosen(system, &options.services)?;
    let services: Vec<&Service> = system
        .services
        .values()
        .filter(|service| chosen.contains(&service.name))
        .collect();
    let names = Names::of(system, options);
    let mut problems = Problems::default();
    let mesh = wish
        .mesh
        .map(|mesh| MeshPlan::of(&names, mesh, wish.images));
    let mesh = mesh.as_ref();
    let mut provisions: Vec<Provision> = networks::provisions(&names, &services, mesh);
    provisions.extend(mounts::provisions(&names, &services));
    problems.0.extend(networks::declared(&names));
    let mut instances = Vec::new();
    // What nobody can go without.
    let mut impossible = networks::too_small(&names, &services);
    for service in &services {
        let facts = wish.images.get(&service.name).cloned().unwrap_or_default();
        let is_made = facts.program.is_none();
        impossible.extend(images::problems(service, &facts));
        let refused = refusals(In::Containers, service, is_made);
        problems.0.extend(refused);
        if is_made {
            problems.0.extend(build::problems(service));
        }
        let drafted = container::draft(
            wish,
            &names,
            service,
            &facts,
            &provisions,
            mesh,
            &mut problems,
        );
        for replica in (1..=service.replicas).filter(|_| instances_too) {
            instances.push(drafted.instance(replica));
        }
    }
    let mut edges = Vec::new();
    if let Some(mesh) = mesh {
        let carriers = mesh.provisions(&chosen, &provisions);
        if !carriers.is_empty() {
            provisions.extend(carriers);
            edges = mesh.edges(&chosen);
        }
        // Told also where no network can be carried.
        problems.0.extend(mesh.not_carried(&chosen));
    }
    published_twice(services.iter().copied(), options.publish, &mut problems);
    one_lane_only(&services, &options.lane, &mut problems);
    if options.lenient {
        for problem in &mut problems.0 {
            problem.severity = Severity::Warning;
        }
    }
    problems.0.extend(impossible);
    let wanted = Wanted {
        project: options.project.clone(),
        lane: options.lane.clone(),
        whole: !matches!(options.services, Subset::WithDependencies(_)),
        instances,
        edges,
        provisions,
        dependencies: dependencies(&services, &chosen),
        rewritings: Vec::new(),
        warnings: problems.0.clone(),
        entries: Vec::new(),
    };
    problems.or(wanted)
}

fn one_lane_only(services: &[&Service], lane: &LaneName, problems: &mut Problems) {
    if *lane == LaneName::main() {
        return;
    }
    for service in services {
        for mount in &service.mounts {
            let is_bind = matches!(mount.source, msvc_system::model::MountSource::Bind(_));
            if is_bind && !mount.read_only {
                let what = format!(
                    "`{}` is a writable folder of the host: only one lane can have it",
                    mount.target
                );
                problems.push(
                    Problem::error(what)
                        .at(mount.place.clone())
                        .hint("mount it read-only (`:ro`), or use a named volume"),
                );
            }
        }
    }
}

/// Who waits for whom. Whoever lives in another's network namespace starts after it, and anew
/// with it.
fn dependencies(
    services: &[&Service],
    chosen: &BTreeSet<ServiceName>,
) -> BTreeMap<ServiceName, Vec<Dependency>> {
    let of = |service: &Service| {
        let mut all: Vec<Dependency> = service
            .depends_on
            .iter()
            .filter(|dependency| chosen.contains(&dependency.service))
            .cloned()
            .collect();
        if let Some(host) = networks::housed_by(service) {
            match all.iter_mut().find(|it| it.service.as_str() == host) {
                Some(there) => there.restart = true,
                None => {
                    let service_of = chosen.iter().find(|name| name.as_str() == host);
                    all.extend(service_of.map(|host| Dependency {
                        service: host.clone(),
                        condition: Condition::ServiceStarted,
                        required: true,
                        restart: true,
                        place: service.place.clone(),
                    }));
                }
            }
        }
        all
    };
    services
        .iter()
        .map(|service| (service.name.clone(), of(service)))
        .collect()
}

#[cfg(test)]
pub(super) mod tests;
