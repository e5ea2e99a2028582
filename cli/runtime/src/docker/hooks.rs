//! What is run in a container once it has started, and before it is asked to end.

use msvc_machine::clock::Clock;
use msvc_system::problem::Problem;

use super::container::Found;
use super::engine::Engine;
use super::{beside, labels};
use crate::instance::{Hook, InstanceSpec};

/// Runs what is to be run once it has started; which of them did not end well, and why.
pub(super) async fn post_start(
    engine: &Engine,
    spec: &InstanceSpec,
    container: &str,
    clock: &dyn Clock,
) -> Option<(usize, String)> {
    for (number, hook) in spec.hooks.post_start.iter().enumerate() {
        let failure = match beside::hook(engine, container, hook, clock).await {
            Ok(outcome) => hook.failure("post_start", &outcome),
            Err(error) => Some(format!("its post_start: {error}")),
        };
        if let Some(why) = failure {
            return Some((number, why));
        }
    }
    None
}

/// Runs what is to be run before it is asked to end, where it runs at all; what did not go well.
pub(super) async fn pre_stop(engine: &Engine, found: &Found, clock: &dyn Clock) -> Option<Problem> {
    let hooks = found.labels.get(labels::PRE_STOP)?;
    let hooks: Vec<Hook> = serde_json::from_str(hooks).ok()?;
    if !found.phase().runs() || found.never_ran() {
        return None;
    }
    for hook in &hooks {
        let failure = match beside::hook(engine, &found.container, hook, clock).await {
            Ok(outcome) => hook.failure("pre_stop", &outcome),
            Err(error) if error.is_missing() || error.is_so_already() => return None,
            Err(error) => Some(format!("its pre_stop: {error}")),
        };
        if let Some(why) = failure {
            return Some(Problem::warning(format!("{}: {why}", found.id)));
        }
    }
    None
}
