//! Networks of the engine.

use std::collections::HashMap;

use bollard::models::{NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use serde_json::Value;

use super::container::network_not_taken;
use super::engine::{Engine, EngineError};
use super::labels;
use super::want::addresses::Subnet;
use crate::contract::RuntimeError;
use crate::provision::{Kind, ObservedProvision, Provision};

/// Makes a network that a lane needs.
pub(super) async fn provide(engine: &Engine, wanted: &Provision) -> Result<(), RuntimeError> {
    let written = wanted.create.get("Labels");
    let key = written.and_then(|it| it.get(labels::compose::NETWORK)?.as_str());
    let made = make(engine, wanted).await;
    made.map_err(|error| network_not_taken(key, error))
}

/// Makes a network; one of that name whose settings differ goes first.
async fn make(engine: &Engine, wanted: &Provision) -> Result<(), EngineError> {
    let what = || format!("making network {}", wanted.name);
    let request: NetworkCreateRequest =
        serde_json::from_value(wanted.create.clone()).map_err(|why| EngineError::Refused {
            what: what(),
            status: 400,
            why: why.to_string(),
        })?;
    if find(engine, &wanted.name).await? {
        clear(engine, &wanted.name).await?;
        remove(engine, &wanted.name).await?;
    }
    let made = engine.docker.create_network(request);
    engine.ask(what(), made).await.map(drop)
}

/// Whether a network of that name or id is there.
pub(super) async fn is_there(engine: &Engine, name: &str) -> Result<bool, EngineError> {
    let found = engine.docker.inspect_network(name, None);
    match engine
        .ask(format!("looking for network {name}"), found)
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes everybody off a network: whoever needs its next one joins that. From one that is gone
/// meanwhile nobody has to be taken.
async fn clear(engine: &Engine, name: &str) -> Result<(), EngineError> {
    let seen = engine.docker.inspect_network(name, None);
    let seen = match engine.ask(format!("looking at network {name}"), seen).await {
        Err(error) if error.is_missing() => return Ok(()),
        seen => seen?,
    };
    for (container, place) in seen.containers.unwrap_or_default() {
        if let Some(name) = place.name {
            engine.questions.call(&container, &name, None);
        }
        leave(engine, &container, name).await?;
    }
    Ok(())
}

async fn find(engine: &Engine, name: &str) -> Result<bool, EngineError> {
    let filters = HashMap::from([("name", vec![name])]);
    let options = ListNetworksOptionsBuilder::default()
        .filters(&filters)
        .build();
    let found = engine.docker.list_networks(Some(options));
    let found = engine
        .ask(format!("looking for network {name}"), found)
        .await?;
    // The engine's filter takes parts of names too.
    Ok(found
        .iter()
        .any(|network| network.name.as_deref() == Some(name)))
}

/// Removes a network; one that is gone already is as good.
pub(super) async fn remove(engine: &Engine, name: &str) -> Result<(), EngineError> {
    let removed = engine.docker.remove_network(name);
    match engine
        .ask(format!("removing network {name}"), removed)
        .await
    {
        Err(error) if !error.is_missing() => Err(error),
        _ => Ok(()),
    }
}

/// Joins a container to one more network.
pub(super) async fn join(
    engine: &Engine,
    container: &str,
    name: &str,
    settings: &Value,
) -> Result<(), EngineError> {
    let what = format!("joining {container} to network {name}");
    let settings = serde_json::from_value(settings.clone());
    let request = NetworkConnectRequest {
        container: container.to_owned(),
        endpoint_config: Some(settings.map_err(|why| EngineError::Refused {
            what: what.clone(),
            status: 400,
            why: why.to_string(),
        })?),
    };
    engine
        .ask(what, engine.docker.connect_network(name, request))
        .await
}

/// Takes a container off a network; one that is not on it, or goes away itself just now, is as good.
pub(super) async fn leave(engine: &Engine, container: &str, name: &str) -> Result<(), EngineError> {
    let request = NetworkDisconnectRequest {
        container: container.to_owned(),
        force: Some(true),
    };
    let left = engine.docker.disconnect_network(name, request);
    let what = format!("taking {container} off network {name}");
    match engine.ask(what, left).await {
        Err(EngineError::Refused { status, why, .. }) if is_elsewhere(status, &why) => Ok(()),
        other => other,
    }
}

/// Whether that is why a container could not be taken off a network. What the engine says depends on
/// how far it has come with removing the container.
fn is_elsewhere(status: u16, why: &str) -> bool {
    let is_gone = why.starts_with("endpoint ") && why.ends_with(" not found");
    status == 404
        || is_gone
        || (status == 403 || status == 500) && why.contains("is not connected to")
}

/// A network as the engine shows it.
pub(super) struct Found {
    pub(super) observed: ObservedProvision,
    pub(super) labels: HashMap<String, String>,
    pub(super) subnets: Vec<Subnet>,
}

/// The networks that carry a label.
pub(super) async fn labelled(engine: &Engine, label: &str) -> Result<Vec<Found>, EngineError> {
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListNetworksOptionsBuilder::default()
        .filters(&filters)
        .build();
    let found = engine.docker.list_networks(Some(options));
    let found = engine.ask("listing networks", found).await?;
    Ok(found
        .into_iter()
        .map(|network| {
            let labels = network.labels.unwrap_or_default();
            let observed = ObservedProvision {
                kind: Kind::Network,
                name: network.name.unwrap_or_default(),
                hash: labels.get(labels::HASH).cloned().unwrap_or_default(),
                lane: None,
            };
            let configs = network.ipam.and_then(|it| it.config).unwrap_or_default();
            let subnets = configs
                .iter()
                .filter_map(|it| it.subnet.as_ref()?.parse().ok());
            Found {
                observed,
                labels,
                subnets: subnets.collect(),
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_is_elsewhere_or_going_away_is_off_the_network() {
        for (status, why) in [
            (403, "container a is not connected to network n"),
            (404, "No such container: a"),
            (404, "network n not found"),
            (500, "endpoint 0e4e83685fe8 not found"),
        ] {
            assert!(is_elsewhere(status, why), "{status} {why}");
        }
        assert!(!is_elsewhere(500, "the driver failed"));
        assert!(!is_elsewhere(403, "not allowed"));
    }
}
