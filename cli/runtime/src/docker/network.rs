//! Networks of the engine.

use std::collections::HashMap;

use bollard::models::{
    IpamConfig, NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest,
};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use serde_json::Value;

use super::container::network_not_taken;
use super::engine::{Engine, EngineError};
use super::labels;
use super::strangers::{self, Owner};
use super::want::addresses::Subnet;
use crate::contract::RuntimeError;
use crate::provision::{Kind, ObservedProvision, Provision};

/// Makes a network that a lane needs; the project's own of that name, whose settings differ, goes first.
/// Nobody else's is touched, and nobody else's container taken off one.
pub(super) async fn provide(engine: &Engine, wanted: &Provision) -> Result<(), RuntimeError> {
    let written = wanted.create.get("Labels");
    let label = |key: &str| written.and_then(|it| it.get(key)?.as_str());
    let key = label(labels::compose::NETWORK);
    let owner = Owner {
        project: label(labels::PROJECT).unwrap_or_default(),
        as_compose_knows: label(labels::compose::PROJECT).unwrap_or_default(),
    };
    for there in named(engine, &wanted.name).await? {
        strangers::may_go(engine, &there, &owner, key).await?;
        clear(engine, &there.id).await?;
        remove(engine, &there.id).await?;
    }
    let made = match make(engine, wanted).await {
        Ok(made) => made,
        Err(error) => {
            let error = with_names(engine, error).await;
            return Err(network_not_taken(key, error));
        }
    };
    // An engine may have two of one name, where somebody else made one meanwhile: ours goes.
    let all = named(engine, &wanted.name).await?;
    match all.iter().find(|it| it.id != made) {
        Some(other) if !made.is_empty() => {
            remove(engine, &made).await?;
            Err(strangers::taken(other, key).into())
        }
        _ => Ok(()),
    }
}

/// A refusal that names networks by their id, with their names in place of it.
async fn with_names(engine: &Engine, error: EngineError) -> EngineError {
    let EngineError::Refused { what, status, why } = error else {
        return error;
    };
    let options = ListNetworksOptionsBuilder::default().build();
    let all = engine.docker.list_networks(Some(options));
    // Without them it is told as it is.
    let all = engine.ask("listing networks", all).await;
    let all = all.unwrap_or_default().into_iter();
    let all = all.filter_map(|it| Some((it.id?, it.name?)));
    let why = all.fold(why, |why, (id, name)| named_in(&why, &id, &name));
    EngineError::Refused { what, status, why }
}

/// A text with a network's name in place of its id, whole or shortened, where it is no part of another
/// word.
fn named_in(text: &str, id: &str, name: &str) -> String {
    let short = id.get(..12).unwrap_or(id);
    let words = text.split(' ').map(|word| match word {
        word if word == id || word == short => name,
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Makes a network; its id.
async fn make(engine: &Engine, wanted: &Provision) -> Result<String, EngineError> {
    let what = || format!("making network {}", wanted.name);
    let request: NetworkCreateRequest =
        serde_json::from_value(wanted.create.clone()).map_err(|why| EngineError::Refused {
            what: what(),
            status: 400,
            why: why.to_string(),
        })?;
    let made = engine.docker.create_network(request);
    Ok(engine.ask(what(), made).await?.id)
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

/// Takes everybody off a network: whoever needs its next one joins that.
async fn clear(engine: &Engine, network: &str) -> Result<(), EngineError> {
    for container in containers_on(engine, network).await? {
        leave(engine, &container, network).await?;
    }
    Ok(())
}

/// The containers that stand on a network; nobody on one that is gone meanwhile.
pub(super) async fn containers_on(
    engine: &Engine,
    network: &str,
) -> Result<Vec<String>, EngineError> {
    let seen = engine.docker.inspect_network(network, None);
    let seen = match engine
        .ask(format!("looking at network {network}"), seen)
        .await
    {
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        seen => seen?,
    };
    let on = seen.containers.unwrap_or_default().into_iter();
    let on = on.map(|(container, place)| {
        if let Some(name) = place.name {
            engine.questions.call(&container, &name, None);
        }
        container
    });
    Ok(on.collect())
}

/// A network of some name, with whose it is.
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) labels: HashMap<String, String>,
}

/// The networks of that name: as a rule one, or none.
pub(super) async fn named(engine: &Engine, name: &str) -> Result<Vec<Named>, EngineError> {
    let filters = HashMap::from([("name", vec![name])]);
    let options = ListNetworksOptionsBuilder::default()
        .filters(&filters)
        .build();
    let found = engine.docker.list_networks(Some(options));
    let found = engine
        .ask(format!("looking for network {name}"), found)
        .await?;
    // The engine's filter takes parts of names too.
    let found = found
        .into_iter()
        .filter(|it| it.name.as_deref() == Some(name));
    let named = found.map(|it| Named {
        id: it.id.unwrap_or_else(|| name.to_owned()),
        name: name.to_owned(),
        labels: it.labels.unwrap_or_default(),
    });
    Ok(named.collect())
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
    /// Whether msvc gives its addresses, so that a mesh carries its calls.
    pub(super) is_carried: bool,
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
                is_carried: configs.iter().any(is_shared_out),
            }
        })
        .collect())
}

/// Whether the engine has the part of a range that is left to it, and no more.
fn is_shared_out(config: &IpamConfig) -> bool {
    let of = |text: &Option<String>| text.as_ref()?.parse::<Subnet>().ok();
    let whole = of(&config.subnet);
    whole.is_some() && whole.map(Subnet::of_the_engine) == of(&config.ip_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_in_the_way_is_called_by_its_name() {
        let why = "cannot create network 8f3c (br-8f3c): conflicts with network baf0af5df429 (br-baf0af5df429)";
        let id = "baf0af5df429aabbccddeeff";
        assert_eq!(
            named_in(why, id, "shop_back"),
            "cannot create network 8f3c (br-8f3c): conflicts with network shop_back (br-baf0af5df429)"
        );
    }

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
