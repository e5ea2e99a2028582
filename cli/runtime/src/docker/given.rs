//! What the files take for given in an engine: networks and volumes that they call external, networks
//! that a service is put on by name, containers of others whose network, namespaces or volumes one
//! shares, and addresses of the host.
//!
//! What comes in: a system, and an engine to ask. What leaves: the first of them that is not there,
//! with its line. What must not enter: making any of it.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::ContainerInspectResponse;
use msvc_system::model::{Placed, Service, System};
use msvc_system::problem::{Place, Problem};
use serde_json::Value;

use super::engine::{Engine, EngineError};
use super::want::{Names, networks};
use super::{host_addresses, network, volume};
use crate::contract::RuntimeError;
use crate::lane::{LaneOptions, Publish, chosen};

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
    let services = running(&names);
    for (service, at, name) in named(&names, &services) {
        if !network::is_there(engine, name).await? {
            return absent(no_network(system, service, at, name));
        }
    }
    for lent in lent(&names, &services) {
        let found = container(engine, lent.container).await?;
        if let Some(problem) = lent.not_to_be_had(found.as_ref()) {
            return absent(problem);
        }
    }
    if options.publish == Publish::AsTheFileSays {
        let services = services.iter().copied();
        if let Some(problem) = host_addresses::lacking(engine, services).await? {
            return absent(problem);
        }
    }
    Ok(())
}

/// The services of which something is to run.
fn running<'a>(names: &Names<'a>) -> Vec<&'a Service> {
    // Whoever is not to run is told of elsewhere.
    let chosen = chosen(names.system, &names.options.services).unwrap_or_default();
    let services = names.system.services.values();
    services
        .filter(|service| chosen.contains(&service.name) && service.replicas > 0)
        .collect()
}

/// The values of `network_mode` that name no network, in one engine or another.
const MODES: [&str; 10] = [
    "",
    "bridge",
    "default",
    "disabled",
    "host",
    "nat",
    "none",
    "pasta",
    "private",
    "slirp4netns",
];

/// The networks that services are put on by the engine's name for them, apart from the system's own,
/// which come to be.
fn named<'a>(
    names: &Names<'a>,
    services: &[&'a Service],
) -> Vec<(&'a Service, &'a Placed<Value>, &'a str)> {
    let own: BTreeMap<String, String> = networks::own(names, services)
        .into_iter()
        .map(|(key, name)| (name, key))
        .collect();
    let modes = services.iter().filter_map(|service| {
        let at = service.other_fields.get("network_mode")?;
        Some((*service, at, at.value.as_str()?))
    });
    modes
        .filter(|(_, _, mode)| !MODES.contains(mode) && !mode.contains(':'))
        .filter(|(_, _, mode)| !own.contains_key(*mode))
        .collect()
}

fn no_network(system: &System, service: &Service, at: &Placed<Value>, name: &str) -> Problem {
    let what = format!(
        "{}: there is no network {name}, which `network_mode` names",
        service.name
    );
    let hint = match system.networks.contains_key(name) {
        true => format!("`networks: [{name}]` puts it on that of this system"),
        false => format!("`docker network create {name}` makes it"),
    };
    Problem::error(what).at(at.place.clone()).hint(hint)
}

async fn container(
    engine: &Engine,
    name: &str,
) -> Result<Option<ContainerInspectResponse>, EngineError> {
    let seen = engine.docker.inspect_container(name, None);
    match engine
        .ask(format!("looking for container {name}"), seen)
        .await
    {
        Err(error) if error.is_missing() => Ok(None),
        seen => seen.map(Some),
    }
}

/// A container of somebody else that a service shares something of.
struct Lent<'a> {
    service: &'a Service,
    field: &'static str,
    container: &'a str,
    at: &'a Placed<Value>,
}

impl Lent<'_> {
    /// Why nothing of the container, as the engine shows it, can be shared.
    fn not_to_be_had(&self, found: Option<&ContainerInspectResponse>) -> Option<Problem> {
        let Lent {
            service,
            field,
            container,
            at,
        } = self;
        let (service, container) = (&service.name, *container);
        let told = |what: String, hint: String| {
            let problem = Problem::error(format!("{service}: {what}"));
            Some(problem.at(at.place.clone()).hint(hint))
        };
        let Some(found) = found else {
            return told(
                format!("there is no container {container}, which `{field}` names"),
                "start it before, or name another; one of this system is `service:NAME`".to_owned(),
            );
        };
        let runs = found.state.as_ref().and_then(|it| it.running);
        if *field != "volumes_from" && runs == Some(false) {
            return told(
                format!("the container {container}, which `{field}` names, does not run"),
                format!("`docker start {container}` starts it"),
            );
        }
        let ipc = found.host_config.as_ref();
        let ipc = ipc.and_then(|it| it.ipc_mode.as_deref());
        if *field == "ipc" && matches!(ipc, Some("private" | "none")) {
            return told(
                format!("the container {container}, which `ipc` names, shares its own with nobody"),
                "whoever makes it lets it do so (`--ipc shareable`)".to_owned(),
            );
        }
        None
    }
}

/// Those that services name, apart from the system's own, which come to be.
fn lent<'a>(names: &Names<'a>, services: &[&'a Service]) -> Vec<Lent<'a>> {
    let all = names.system.services.values();
    let own = all.flat_map(|service| {
        let replicas = 1..=service.replicas;
        replicas.map(|replica| names.container(service, replica))
    });
    let own: BTreeSet<String> = own.collect();
    let each = services.iter().copied().flat_map(|service| {
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
        let lent = lent(&names, &running(&names)).into_iter();
        let lent = lent.map(|it| (it.field, it.container, it.at.place.line));
        assert_eq!(
            lent.collect::<Vec<_>>(),
            [("network_mode", "far", 2), ("volumes_from", "data", 3)]
        );
    }

    #[test]
    fn networks_are_named_that_are_no_mode_and_do_not_come_to_be() {
        let text = "services:\n  \
             a: {image: x, network_mode: far}\n  b: {image: x, network_mode: shop_back}\n  \
             c: {image: x, networks: [back]}\n  d: {image: x, network_mode: back}\n  \
             e: {image: x, network_mode: host}\n  f: {image: x, network_mode: \"service:c\"}\n  \
             g: {image: x, network_mode: gone, scale: 0}\n  h: {image: x, network_mode: \"ns:/x\"}\n\
             networks: {back: {}}\n";
        let system = system(text);
        let options = options();
        let names = Names::of(&system, &options);
        let named = named(&names, &running(&names));
        let told = named.into_iter().map(|(service, at, name)| {
            let problem = no_network(&system, service, at, name);
            (at.place.line, name, problem.hint.unwrap_or_default())
        });
        let makes = "`docker network create far` makes it".to_owned();
        let puts = "`networks: [back]` puts it on that of this system".to_owned();
        assert_eq!(
            told.collect::<Vec<_>>(),
            [(2, "far", makes), (5, "back", puts)]
        );
    }

    #[test]
    fn what_does_not_run_or_keeps_to_itself_lends_nothing() {
        use bollard::models::{ContainerState, HostConfig};
        let found = |running: bool, ipc: &str| ContainerInspectResponse {
            state: Some(ContainerState {
                running: Some(running),
                ..ContainerState::default()
            }),
            host_config: Some(HostConfig {
                ipc_mode: Some(ipc.to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerInspectResponse::default()
        };
        let told = |field: &str, found: Option<&ContainerInspectResponse>| {
            let value = match field {
                "volumes_from" => "[\"container:far\"]",
                _ => "\"container:far\"",
            };
            let system = system(&format!("services:\n  a: {{image: x, {field}: {value}}}\n"));
            let options = options();
            let names = Names::of(&system, &options);
            let lent = lent(&names, &running(&names));
            let [lent] = &lent[..] else { panic!("{field}") };
            lent.not_to_be_had(found).map(|it| it.to_string())
        };
        for field in SHARED {
            assert!(
                told(field, None)
                    .unwrap()
                    .contains("there is no container far")
            );
            let (up, down) = (found(true, "shareable"), found(false, "shareable"));
            assert_eq!(told(field, Some(&up)), None);
            let rests = told(field, Some(&down)).is_some_and(|it| it.contains("does not run"));
            assert_eq!(rests, field != "volumes_from", "{field}");
            let kept = told(field, Some(&found(true, "private")));
            let kept = kept.is_some_and(|it| it.contains("shares its own with nobody"));
            assert_eq!(kept, field == "ipc", "{field}");
        }
    }
}
