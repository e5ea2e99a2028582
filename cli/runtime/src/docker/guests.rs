//! Who stands in the network of another's container (`network_mode: service:X`): the engine gives a
//! container that is started again a new network, and leaves its guests in the old one, where nobody
//! hears them and they hear nobody.
//!
//! What must not enter: what is made for the first time; there the plan has the order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures_util::future::{join_all, try_join_all};

use super::container::{Found, epoch_ns};
use super::engine::{Engine, EngineError};
use super::labels;
use super::runtime::DockerRuntime;

/// A container whose network others share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// For people.
    pub(super) name: String,
    pub(super) runs: bool,
    /// Since when, in nanoseconds since the Unix epoch by the engine's clock.
    pub(super) started_at_ns: Option<u64>,
}

/// The containers of others whose network some share, by id; none is one that is gone.
pub(super) type Lenders = BTreeMap<String, Option<Host>>;

/// The containers whose network some of `all` share without their being among them.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn lenders(engine: &Engine, all: &[Found]) -> Result<Lenders, EngineError> {
    let own: BTreeSet<&str> = all.iter().map(|it| it.container.as_str()).collect();
    let shared = all.iter().filter_map(Found::shares_network_of);
    let others: BTreeSet<&str> = shared.filter(|it| !own.contains(it)).collect();
    let each = others.into_iter().map(|id| async move {
        let seen = engine.docker.inspect_container(id, None);
        let host = match engine.ask(format!("looking at container {id}"), seen).await {
            Err(error) if error.is_missing() => None,
            seen => {
                let seen = seen?;
                let state = seen.state.unwrap_or_default();
                let name = seen.name.unwrap_or_else(|| id.to_owned());
                Some(Host {
                    name: name.trim_start_matches('/').to_owned(),
                    runs: state.running == Some(true),
                    started_at_ns: state.started_at.as_deref().and_then(epoch_ns),
                })
            }
        };
        Ok((id.to_owned(), host))
    });
    Ok(try_join_all(each).await?.into_iter().collect())
}

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
    let engine = runtime.engine();
    let filters = HashMap::from([("status", vec!["running"])]);
    let options = ListContainersOptionsBuilder::default().filters(&filters);
    let running = engine.docker.list_containers(Some(options.build()));
    let running = engine.ask("listing containers", running).await?;
    let guests = running
        .into_iter()
        .filter(|it| is_guest(it, runtime.project().as_str(), container));
    let again = guests.filter_map(|it| it.id).map(|guest| async move {
        let what = format!("starting container {guest} again");
        let started = engine.docker.restart_container(&guest, None);
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

/// Whether a container shares the network of `container` and is a service's of the project.
fn is_guest(listed: &ContainerSummary, project: &str, container: &str) -> bool {
    let mode = listed
        .host_config
        .as_ref()
        .and_then(|it| it.network_mode.as_deref());
    let of = mode.and_then(|mode| mode.strip_prefix("container:"));
    let label = |key: &str| listed.labels.as_ref().and_then(|it| it.get(key));
    let is_own = [labels::PROJECT, labels::compose::PROJECT]
        .into_iter()
        .any(|key| label(key).is_some_and(|it| it == project));
    let is_run_once = label(labels::compose::ONE_OFF).is_some_and(|it| it == "True");
    of == Some(container) && is_own && !is_run_once
}

#[cfg(test)]
mod tests {
    use bollard::models::ContainerSummaryHostConfig;

    use super::*;

    #[test]
    fn a_guest_is_who_shares_the_network_and_is_a_service_of_the_project() {
        let listed = |mode: &str, all: &[(&str, &str)]| ContainerSummary {
            host_config: Some(ContainerSummaryHostConfig {
                network_mode: Some(mode.to_owned()),
                ..ContainerSummaryHostConfig::default()
            }),
            labels: Some(
                all.iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
            ..ContainerSummary::default()
        };
        let own = (labels::PROJECT, "shop");
        let composes = (labels::compose::PROJECT, "shop");
        let once = (labels::compose::ONE_OFF, "True");
        for (mode, labels, is_one) in [
            ("container:a", &[own][..], true),
            ("container:a", &[composes], true),
            ("container:b", &[own], false),
            ("shop_default", &[own], false),
            ("container:a", &[(labels::PROJECT, "other")], false),
            ("container:a", &[composes, once], false),
        ] {
            assert_eq!(
                is_guest(&listed(mode, labels), "shop", "a"),
                is_one,
                "{mode} {labels:?}"
            );
        }
    }
}
