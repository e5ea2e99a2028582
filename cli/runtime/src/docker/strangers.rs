//! What in an engine is not the project's own and has a name that it wants, or stands where it is at
//! work: networks of others, and containers of others on its networks. Neither is touched, whatever
//! becomes of the project.
//!
//! What comes in: names and labels, and an engine to ask. What leaves: a refusal that names whose it
//! is and what to do. What must not enter: making, changing or removing anything.

use std::collections::HashMap;

use msvc_system::model::{Service, System};
use msvc_system::problem::Problem;

use super::engine::{Engine, EngineError};
use super::labels::{self, compose};
use super::network::{self, Named};
use super::want::{Names, networks};
use crate::contract::RuntimeError;
use crate::lane::{LaneOptions, Wanted, chosen};
use crate::plan::{Deed, Plan};
use crate::provision::{Kind, Provision};

/// Networks that every engine has for itself.
const OF_THE_ENGINE: [&str; 3] = ["bridge", "host", "none"];

/// A project in an engine, by the labels of what is its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// Its name, which what msvc made carries.
    pub(super) project: &'a str,
    /// Its name as Docker Compose has it, which what that made carries.
    pub(super) as_compose_knows: &'a str,
}

impl Owner<'_> {
    /// Whether labels say that it is the project's own.
    pub(super) fn has(&self, labels: &HashMap<String, String>) -> bool {
        let is = |key: &str, name: &str| labels.get(key).is_some_and(|it| it == name);
        is(labels::PROJECT, self.project) || is(compose::PROJECT, self.as_compose_knows)
    }
}

/// Refuses where a network that is to be made, or a container with a `container_name`, has the name of
/// one that is not the project's own.
///
/// # Errors
/// As said, at its line; or when the engine does not answer.
pub(super) async fn none_of_others(
    engine: &Engine,
    system: &System,
    options: &LaneOptions,
) -> Result<(), RuntimeError> {
    let names = Names::of(system, options);
    // Whoever is not to run is told of elsewhere.
    let chosen = chosen(system, &options.services).unwrap_or_default();
    let services = system.services.values();
    let services: Vec<_> = services.filter(|it| chosen.contains(&it.name)).collect();
    let owner = Owner {
        project: options.project.as_str(),
        as_compose_knows: &names.project,
    };
    for (key, name) in networks::own(&names, &services) {
        let there = network::named(engine, &name).await?;
        if let Some(other) = there.iter().find(|it| !owner.has(&it.labels)) {
            let mut problem = taken(other, Some(&key));
            problem.place = system.written.network(&key);
            return Err(problem.into());
        }
    }
    for service in services {
        let Some(name) = names.fixed(service) else {
            continue;
        };
        // A copy has names of its own.
        if service.replicas == 0 || names.container(service, 1) != name {
            continue;
        }
        let Some(labels) = container_labels(engine, name).await? else {
            continue;
        };
        if !owner.has(&labels) {
            let mut problem = taken_container(service, name, &labels);
            let written = system
                .written
                .field(service.name.as_str(), "container_name");
            problem.place = written;
            return Err(problem.into());
        }
    }
    Ok(())
}

/// That the name of a service's container is taken by one of somebody else.
fn taken_container(service: &Service, name: &str, labels: &HashMap<String, String>) -> Problem {
    let whose = match labels::whose(labels) {
        Some(whose) if project_of(labels).is_some() => format!("as {whose}"),
        _ => String::new(),
    };
    let whose = format!("{} {whose}", made_for(labels));
    let said = format!(
        "{}: the container {name} is there already and {}",
        service.name,
        whose.trim_end()
    );
    Problem::error(said).hint(format!(
        "give this one another `container_name`, or take that one away once nobody needs it \
         (`docker rm --force {name}`)"
    ))
}

/// The labels of a container; none when there is none of that name.
async fn container_labels(
    engine: &Engine,
    name: &str,
) -> Result<Option<HashMap<String, String>>, EngineError> {
    let seen = engine.docker.inspect_container(name, None);
    let what = format!("looking for container {name}");
    match engine.ask(what, seen).await {
        Err(error) if error.is_missing() => Ok(None),
        seen => {
            let seen = seen?;
            // The engine takes the beginning of an id too.
            let is_it = seen.name.as_deref().map(|it| it.trim_start_matches('/')) == Some(name);
            let labels = seen.config.and_then(|it| it.labels).unwrap_or_default();
            Ok(is_it.then_some(labels))
        }
    }
}

/// That a network's name is taken by one of somebody else.
pub(super) fn taken(there: &Named, key: Option<&str>) -> Problem {
    let name = &there.name;
    let key = key.unwrap_or(name);
    if OF_THE_ENGINE.contains(&name.as_str()) {
        let said = format!("the network {name} (`{key}`) is the engine's own, and made by nobody");
        return Problem::error(said).hint(format!(
            "`network_mode: {name}` puts a service on it; else give the network another `name`"
        ));
    }
    let whose = made_for(&there.labels);
    let said = format!("the network {name} (`{key}`) is there already and {whose}");
    Problem::error(said).hint(
        "`external: true` uses it as it is (past the mesh, and `down` leaves it); or give this one \
         another `name`",
    )
}

fn made_for(labels: &HashMap<String, String>) -> String {
    match project_of(labels) {
        Some(project) => format!("was made for the project {project}"),
        None => "was made by hand: no label says for which project".to_owned(),
    }
}

/// For which project something was made.
fn project_of(labels: &HashMap<String, String>) -> Option<&str> {
    let project = labels
        .get(labels::PROJECT)
        .or_else(|| labels.get(compose::PROJECT));
    project.map(String::as_str)
}

/// Refuses where a network that is to be made anew is not the project's own, or has containers of
/// others on it.
///
/// # Errors
/// As said; or when the engine does not answer.
pub(super) async fn may_go(
    engine: &Engine,
    there: &Named,
    owner: &Owner<'_>,
    key: Option<&str>,
) -> Result<(), RuntimeError> {
    if !owner.has(&there.labels) {
        return Err(taken(there, key).into());
    }
    match &others_on(engine, &there.id, owner).await?[..] {
        [] => Ok(()),
        others => Err(occupied(there, key, others).into()),
    }
}

fn occupied(there: &Named, key: Option<&str>, others: &[String]) -> Problem {
    let name = &there.name;
    let key = key.unwrap_or(name);
    let said = format!(
        "the network {name} (`{key}`) would be made anew, for the mesh or for other settings, but {} on it",
        stand(others)
    );
    let off = off(name, others);
    Problem::error(said).hint(format!(
        "{off}, then `msvc up` again; `docker network connect` brings it back"
    ))
}

/// Refuses where a plan makes a network anew on which containers of others stand.
///
/// # Errors
/// As said, at its line; or when the engine does not answer.
pub(super) async fn may_be_made_anew(
    engine: &Engine,
    system: &System,
    wanted: &Wanted,
    plan: &Plan,
) -> Result<(), RuntimeError> {
    let as_compose_knows = labels::compose_project(&wanted.project, &wanted.lane);
    let owner = Owner {
        project: wanted.project.as_str(),
        as_compose_knows: &as_compose_knows,
    };
    for made in plan.steps.iter().filter_map(|it| made(&it.step.deed)) {
        let key = made.create["Labels"][compose::NETWORK].as_str();
        for there in network::named(engine, &made.name).await? {
            let may_go = may_go(engine, &there, &owner, key).await;
            may_go.map_err(|error| match (error, key) {
                (RuntimeError::Absent(mut problem), Some(key)) => {
                    problem.place = system.written.network(key);
                    RuntimeError::Absent(problem)
                }
                (error, _) => error,
            })?;
        }
    }
    Ok(())
}

fn made(deed: &Deed) -> Option<&Provision> {
    match deed {
        Deed::Provide(it) if it.kind == Kind::Network => Some(it),
        _ => None,
    }
}

/// The names of the containers of others that stand on a network.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn others_on(
    engine: &Engine,
    network: &str,
    owner: &Owner<'_>,
) -> Result<Vec<String>, EngineError> {
    let mut others = Vec::new();
    for container in network::containers_on(engine, network).await? {
        let seen = engine.docker.inspect_container(&container, None);
        let what = format!("looking at container {container}");
        let seen = match engine.ask(what, seen).await {
            // It has just gone.
            Err(error) if error.is_missing() => continue,
            seen => seen?,
        };
        let labels = seen.config.and_then(|it| it.labels).unwrap_or_default();
        if !owner.has(&labels) {
            let name = seen.name.unwrap_or(container);
            others.push(name.trim_start_matches('/').to_owned());
        }
    }
    others.sort();
    Ok(others)
}

/// That a network stays, since containers of others stand on it.
pub(super) fn kept(network: &str, others: &[String]) -> Problem {
    let said = format!("the network {network} is kept: {} on it", stand(others));
    Problem::warning(said).hint(format!("{}, then `msvc down` again", off(network, others)))
}

fn stand(others: &[String]) -> String {
    match others {
        [one] => format!("the container {one}, which is not this project's, stands"),
        all => {
            let all = all.join(", ");
            format!("the containers {all}, which are not this project's, stand")
        }
    }
}

/// What takes them off.
fn off(network: &str, others: &[String]) -> String {
    let each = others
        .iter()
        .map(|it| format!("`docker network disconnect {network} {it}`"));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(all: &[(&str, &str)]) -> HashMap<String, String> {
        let all = all.iter();
        all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_projects_own_is_what_msvc_or_docker_compose_made_for_it() {
        let owner = Owner {
            project: "shop",
            as_compose_knows: "shop-two",
        };
        for (all, is_own) in [
            (&[(labels::PROJECT, "shop")][..], true),
            (&[(compose::PROJECT, "shop-two")], true),
            (&[(compose::PROJECT, "shop")], false),
            (
                &[(labels::PROJECT, "other"), (compose::PROJECT, "other")],
                false,
            ),
            (&[], false),
        ] {
            assert_eq!(owner.has(&labels(all)), is_own, "{all:?}");
        }
    }

    #[test]
    fn whose_a_network_is_and_what_to_do_is_told() {
        let told = |name: &str, all: &[(&str, &str)]| {
            let there = Named {
                id: "8f3c".to_owned(),
                name: name.to_owned(),
                labels: labels(all),
            };
            let problem = taken(&there, Some("front"));
            (problem.what, problem.hint.unwrap_or_default())
        };
        let (what, hint) = told("proxy", &[(compose::PROJECT, "other")]);
        assert!(what.contains("proxy (`front`)"), "{what}");
        assert!(what.contains("for the project other"), "{what}");
        assert!(hint.contains("`external: true`"), "{hint}");
        assert!(told("proxy", &[]).0.contains("made by hand"));
        let (what, hint) = told("host", &[]);
        assert!(what.contains("the engine's own"), "{what}");
        assert!(hint.contains("`network_mode: host`"), "{hint}");
    }
}
