//! What the files take for given in an engine: networks and volumes that they call external, and
//! containers of others whose network, namespaces or volumes a service shares.
//!
//! What comes in: a system, and an engine to ask. What leaves: the first of them that is not there,
//! with its line. What must not enter: making any of it.

use std::collections::BTreeSet;

use msvc_system::model::{Placed, Service, System};
use msvc_system::problem::{Place, Problem};
use serde_json::Value;

use super::engine::{Engine, EngineError};
use super::want::Names;
use super::{network, volume};
use crate::contract::RuntimeError;
use crate::lane::{LaneOptions, chosen};

/// The fields that name another's container, as `container:NAME`.
const SHARED: [&str; 4] = ["ipc", "network_mode", "pid", "volumes_from"];

/// Refuses when something is not there that is to be.
///
/// # Errors
/// As said.
pub(super) async fn is_there(
    engine: &Engine,
    system: &System,
    options: &LaneOptions,
) -> Result<(), RuntimeError> {
    let names = Names::of(system, options);
    let absent = |problem: Problem| Err(RuntimeError::Absent(Box::new(problem)));
    let missing = |what: &str, name: &str, key: &str, place: Option<Place>| {
        let said =
            format!("the {what} {name} (`{key}`), which the file calls external, is not there");
        let mut problem = Problem::error(said);
        problem.place = place;
        absent(problem.hint(format!("`docker {what} create {name}` makes it")))
    };
    for (key, declared) in &system.networks {
        let (name, _) = names.network(key);
        if declared.external && !network::is_there(engine, &name).await? {
            return missing("network", &name, key, system.written.network(key));
        }
    }
    for (key, declared) in &system.volumes {
        let (name, _) = names.volume(key);
        if declared.external && !volume::is_there(engine, &name).await? {
            return missing("volume", &name, key, system.written.volume(key));
        }
    }
    for lent in lent(&names) {
        if !has_container(engine, lent.container).await? {
            let Lent {
                service,
                field,
                container,
                at,
            } = lent;
            let what = format!(
                "{}: there is no container {container}, which `{field}` names",
                service.name
            );
            let hint = "start it before, or name another; one of this system is `service:NAME`";
            return absent(Problem::error(what).at(at.place.clone()).hint(hint));
        }
    }
    Ok(())
}

async fn has_container(engine: &Engine, name: &str) -> Result<bool, EngineError> {
    let seen = engine.docker.inspect_container(name, None);
    match engine
        .ask(format!("looking for container {name}"), seen)
        .await
    {
        Err(error) if error.is_missing() => Ok(false),
        seen => seen.map(|_| true),
    }
}

/// A container of somebody else that a service shares something of.
struct Lent<'a> {
    service: &'a Service,
    field: &'static str,
    container: &'a str,
    at: &'a Placed<Value>,
}

/// Those that the services which are to run name, apart from the system's own, which come to be.
fn lent<'a>(names: &Names<'a>) -> Vec<Lent<'a>> {
    let all = names.system.services.values();
    let own = all.flat_map(|service| {
        let replicas = 1..=service.replicas;
        replicas.map(|replica| names.container(service, replica))
    });
    let own: BTreeSet<String> = own.collect();
    // Whoever is not to run is told of elsewhere.
    let chosen = chosen(names.system, &names.options.services).unwrap_or_default();
    let services = names.system.services.values();
    let services = services.filter(|service| chosen.contains(&service.name));
    let each = services.flat_map(|service| {
        SHARED.into_iter().filter_map(move |field| {
            let at = service.other_fields.get(field)?;
            Some((service, field, at))
        })
    });
    let named = each.flat_map(|(service, field, at)| {
        let items = match &at.value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        };
        items.into_iter().filter_map(move |item| {
            let container = item.as_str()?.strip_prefix("container:")?;
            let mode = container
                .split_once(':')
                .filter(|_| field == "volumes_from");
            let container = mode.map_or(container, |(container, _)| container);
            Some(Lent {
                service,
                field,
                container,
                at,
            })
        })
    });
    named.filter(|it| !own.contains(it.container)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::want::tests::{options, system};

    #[test]
    fn containers_of_others_are_known_from_those_that_come_to_be() {
        let system = system(
            "services:\n  web: {image: x, network_mode: \"container:far\", pid: \"container:ww\"}\n  \
             db: {image: x, container_name: ww, volumes_from: [web, \"container:data:ro\"], ipc: \"service:web\"}\n  \
             rests: {image: x, profiles: [no], network_mode: \"container:gone\"}\n",
        );
        let options = options();
        let names = Names::of(&system, &options);
        let lent = lent(&names).into_iter();
        let lent = lent.map(|it| (it.field, it.container, it.at.place.line));
        assert_eq!(
            lent.collect::<Vec<_>>(),
            [("network_mode", "far", 2), ("volumes_from", "data", 3)]
        );
    }
}
