//! Volumes of the engine: the data. One that is there is never made anew.

use std::collections::HashMap;

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder};

use super::engine::{Engine, EngineError};
use crate::lane::fill::hex;
use crate::provision::{Kind, ObservedProvision, Provision};

/// Makes a volume.
pub(super) async fn make(engine: &Engine, wanted: &Provision) -> Result<(), EngineError> {
    let what = format!("making volume {}", wanted.name);
    let request = serde_json::from_value::<VolumeCreateRequest>(wanted.create.clone());
    let request = request.map_err(|why| EngineError::Refused {
        what: what.clone(),
        status: 400,
        why: why.to_string(),
    })?;
    let made = engine.docker.create_volume(request);
    engine.ask(what, made).await.map(drop)
}

/// Whether a volume is there.
pub(super) async fn is_there(engine: &Engine, name: &str) -> Result<bool, EngineError> {
    let found = engine.docker.inspect_volume(name);
    match engine
        .ask(format!("looking for volume {name}"), found)
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a volume; one that is gone already is as good.
pub(super) async fn remove(engine: &Engine, name: &str) -> Result<(), EngineError> {
    let options = RemoveVolumeOptionsBuilder::default().build();
    let removed = engine.docker.remove_volume(name, Some(options));
    match engine.ask(format!("removing volume {name}"), removed).await {
        Err(error) if !error.is_missing() => Err(error),
        _ => Ok(()),
    }
}

/// The volumes that carry a label.
pub(super) async fn labelled(
    engine: &Engine,
    label: &str,
) -> Result<Vec<(ObservedProvision, HashMap<String, String>)>, EngineError> {
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListVolumesOptionsBuilder::default()
        .filters(&filters)
        .build();
    let found = engine.docker.list_volumes(Some(options));
    let found = engine.ask("listing volumes", found).await?;
    Ok(found
        .volumes
        .unwrap_or_default()
        .into_iter()
        .map(|volume| {
            let observed = ObservedProvision {
                kind: Kind::Volume,
                hash: hex(volume.name.as_bytes()),
                name: volume.name,
                lane: None,
            };
            (observed, volume.labels)
        })
        .collect())
}
