//! The end of a container: what is run in it before, its own signal and grace, and its removal.

use std::time::Duration;

use bollard::query_parameters::{RemoveContainerOptionsBuilder, StopContainerOptionsBuilder};
use msvc_machine::clock::Clock;
use msvc_system::problem::Problem;

use super::Found;
use crate::docker::engine::{Engine, EngineError};
use crate::docker::hooks;

/// What the engine needs on top of a container's own grace to end it.
const SLACK: Duration = Duration::from_secs(30);

/// Ends a container with its own signal and grace, and clears it away.
pub(in crate::docker) async fn stop(
    engine: &Engine,
    found: &Found,
    clock: &dyn Clock,
) -> Result<Option<Problem>, EngineError> {
    let told = end_of(engine, found, clock).await?;
    remove(engine, &found.container).await?;
    Ok(told)
}

/// Ends a container with its own signal and grace, after what is to be run in it before, and leaves
/// it there. What of that did not go well is told: it keeps nothing from ending.
pub(in crate::docker) async fn end_of(
    engine: &Engine,
    found: &Found,
    clock: &dyn Clock,
) -> Result<Option<Problem>, EngineError> {
    let told = hooks::pre_stop(engine, found, clock).await;
    let config = found.seen.config.clone().unwrap_or_default();
    let grace = config.stop_timeout.unwrap_or(10);
    end(engine, &found.container, grace).await?;
    Ok(told)
}

/// Ends a container and leaves it there.
async fn end(engine: &Engine, container: &str, grace: i64) -> Result<(), EngineError> {
    let own = Duration::from_secs(u64::try_from(grace).unwrap_or_default());
    let docker = engine.docker.clone();
    let longer = docker.timeout().max(own + SLACK);
    let docker = docker.with_timeout(longer);
    let grace = i32::try_from(grace).unwrap_or(i32::MAX);
    let options = StopContainerOptionsBuilder::default().t(grace).build();
    let stopped = docker.stop_container(container, Some(options));
    let what = format!("stopping container {container}");
    match engine.ask_for(own, what, stopped).await {
        Err(error) if !error.is_missing() && !error.is_so_already() => Err(error),
        _ => Ok(()),
    }
}

/// Clears a container away, with the volumes that have no name. Where somebody else is at that, it
/// waits for them: its name, its networks and its ports are free only then.
pub(in crate::docker) async fn remove(engine: &Engine, container: &str) -> Result<(), EngineError> {
    let since = tokio::time::Instant::now();
    loop {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        let removing = engine.docker.remove_container(container, Some(options));
        let what = format!("removing container {container}");
        match engine.ask(what, removing).await {
            Err(error) if error.is_so_already() && since.elapsed() < SLACK => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) if !error.is_missing() => return Err(error),
            _ => return Ok(()),
        }
    }
}
