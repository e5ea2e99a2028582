//! Who stands in the network of another's container (`network_mode: service:X`): the engine gives a
//! container that is started again a new network, and leaves its guests in the old one, where nobody
//! hears them and they hear nobody.
//!
//! What must not enter: what is made for the first time; there the plan has the order.

use futures_util::future::join_all;

use super::container::Found;
use super::engine::EngineError;
use super::runtime::DockerRuntime;

/// Starts a container that was killed, and its guests after it; answers whether it is there.
///
/// # Errors
/// When the engine does not answer, or refuses.
pub(super) async fn bring_back(
    runtime: &DockerRuntime,
    container: &str,
) -> Result<bool, EngineError> {
    let engine = runtime.engine();
    let started = engine.docker.start_container(container, None);
    let what = format!("bringing container {container} back");
    match engine.ask(what, started).await {
        Err(error) if error.is_missing() => Ok(false),
        Err(error) if !error.is_so_already() => Err(error),
        _ => {
            follow(runtime, container).await?;
            Ok(true)
        }
    }
}

/// Starts the guests of a container again that run, after it was itself started again; whoever is
/// down stays so.
async fn follow(runtime: &DockerRuntime, container: &str) -> Result<(), EngineError> {
    let guests = runtime.found().await?;
    let guests = guests
        .into_iter()
        .filter(|found| is_guest(found, container));
    let again = guests.map(|guest| async move {
        let engine = runtime.engine();
        let what = format!("starting container {} again", guest.container);
        let started = engine.docker.restart_container(&guest.container, None);
        engine.ask(what, started).await
    });
    for done in join_all(again).await {
        match done {
            Err(error) if !error.is_missing() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn is_guest(found: &Found, container: &str) -> bool {
    let host = found.seen.host_config.as_ref();
    let mode = host.and_then(|host| host.network_mode.as_deref());
    let of = mode.and_then(|mode| mode.strip_prefix("container:"));
    of == Some(container) && found.phase().runs()
}
