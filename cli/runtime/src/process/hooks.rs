//! What is run beside an instance once it has started, and before it is asked to end.

use super::beside::run_beside;
use super::keeper::Replica;
use super::shared::Shared;
use crate::instance::{Hook, InstanceSpec, Program};

/// Runs what is to be run once it has started; which of them did not end well, and why.
pub(super) async fn post_start(replica: &Replica, shared: &Shared) -> Option<(usize, String)> {
    let spec = replica.view.borrow().spec.clone();
    let mut ended = replica.view.clone();
    let hooks = each("post_start", &spec.hooks.post_start, replica, shared);
    tokio::select! {
        failure = hooks => failure,
        // Nobody is there any more for whom they are run.
        _ = ended.wait_for(|view| !view.phase.runs()) => {
            Some((0, "it ended before its post_start had".to_owned()))
        }
    }
}

/// Runs what is to be run before it is asked to end, where it runs at all; what did not go well. It
/// keeps nothing from ending.
pub(super) async fn pre_stop(replica: &Replica, shared: &Shared) -> Option<String> {
    let spec = replica.view.borrow().spec.clone();
    if spec.hooks.pre_stop.is_empty() || !replica.view.borrow().phase.runs() {
        return None;
    }
    let mut ended = replica.view.clone();
    let hooks = each("pre_stop", &spec.hooks.pre_stop, replica, shared);
    tokio::select! {
        failure = hooks => failure.map(|(_, why)| why),
        // It has ended by itself: as a container's hook that is ended with it.
        _ = ended.wait_for(|view| !view.phase.runs()) => None,
    }
}

async fn each(
    which: &str,
    hooks: &[Hook],
    replica: &Replica,
    shared: &Shared,
) -> Option<(usize, String)> {
    for (number, hook) in hooks.iter().enumerate() {
        if let Some(why) = run(which, hook, replica, shared).await {
            return Some((number, why));
        }
    }
    None
}

async fn run(which: &str, hook: &Hook, replica: &Replica, shared: &Shared) -> Option<String> {
    let (id, spec) = {
        let view = replica.view.borrow();
        (view.id.clone(), place_of(hook, &view.spec))
    };
    let (mark, clock) = (&shared.mark, &*shared.clock);
    let words = &hook.command;
    match run_beside(&spec, &id, mark, words, Hook::LONGEST, clock).await {
        Ok(outcome) => hook.failure(which, &outcome),
        Err(error) => {
            let command = words.join(" ");
            Some(format!("its {which} `{command}` cannot be run: {error}"))
        }
    }
}

/// An instance's surroundings as its hook has them.
fn place_of(hook: &Hook, spec: &InstanceSpec) -> InstanceSpec {
    let mut spec = spec.clone();
    if let Program::Process(program) = &mut spec.program {
        let said = |name: &str| hook.environment.iter().any(|(key, _)| key == name);
        program.environment.retain(|(name, _)| !said(name));
        program.environment.extend(hook.environment.iter().cloned());
        if let Some(directory) = &hook.directory {
            program.directory = program.directory.join(directory);
        }
    }
    spec
}
