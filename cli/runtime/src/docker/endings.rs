//! Whether a container that ended with 0 did so by itself: a job that is done, or a worker that
//! somebody stopped and that obeyed. Its state is the same in both cases.
//!
//! What comes in: a container that ended with 0. What leaves: whether it may have been stopped.
//! The engine tells of each signal that it sends, and remembers its last 256 events only, and none
//! over its own restart. So what is known to be done is remembered beside the Compose file; what
//! nobody knows any more counts as stopped, and `up` starts it, as Docker Compose starts all that
//! ended.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use msvc_machine::atomic_write::atomic_write;
use msvc_machine::clock::Clock;
use msvc_system::id::InstanceId;

use super::container::Found;
use super::engine::Engine;
use super::runtime::DockerRuntime;
use crate::observed::Phase;

/// The engine may write down a signal this much after the process has ended of it.
const TOLD: Duration = Duration::from_secs(1);

/// For all that it remembers it takes no longer to tell it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The engine's own words for who was asked to end.
const SENT: [&str; 2] = ["kill", "stop"];

/// Beside the other records of a project.
pub(super) const RECORD: &str = "done.json";

fn record(runtime: &DockerRuntime) -> PathBuf {
    let folder = runtime.root().join(".msvc");
    folder.join(runtime.project().as_str()).join(RECORD)
}

/// One run of a container: it may be started again.
fn run_of(found: &Found) -> String {
    let state = found.seen.state.as_ref();
    let started = state.and_then(|state| state.started_at.as_deref());
    format!("{} {}", found.container, started.unwrap_or_default())
}

fn done(runtime: &DockerRuntime) -> BTreeSet<String> {
    let text = std::fs::read(record(runtime)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// What ended with 0 and may have been stopped, of `all`, by container.
pub(super) async fn stopped(runtime: &DockerRuntime, all: &[Found]) -> BTreeSet<String> {
    let mut stopped = BTreeSet::new();
    let ended: Vec<&Found> = all.iter().filter(|it| ended_well(it)).collect();
    if ended.is_empty() {
        return stopped;
    }
    let known = done(runtime);
    let mut by_themselves = Vec::new();
    for found in ended {
        if known.contains(&run_of(found)) {
            continue;
        }
        match ended_by_itself(runtime.engine(), found, runtime.clock()).await {
            Some(true) => by_themselves.push(found),
            Some(false) | None => {
                stopped.insert(found.container.clone());
            }
        }
    }
    remember(runtime, all, &by_themselves);
    stopped
}

/// Remembers what an `up` has started and seen end with 0 at once. Nobody stops what is just
/// coming up.
pub(super) fn seen_through(runtime: &DockerRuntime, all: &[Found], started: &[InstanceId]) {
    let ours = |it: &&Found| ended_well(it) && started.contains(&it.id);
    let ended: Vec<&Found> = all.iter().filter(ours).collect();
    remember(runtime, all, &ended);
}

fn remember(runtime: &DockerRuntime, all: &[Found], ended: &[&Found]) {
    if ended.is_empty() {
        return;
    }
    let there: BTreeSet<String> = all.iter().map(run_of).collect();
    let mut known = done(runtime);
    known.retain(|run| there.contains(run));
    known.extend(ended.iter().map(|it| run_of(it)));
    let path = record(runtime);
    // What cannot be remembered is started again once more, as Docker Compose does it.
    if let Ok(text) = serde_json::to_vec(&known)
        && path.parent().is_some_and(std::path::Path::is_dir)
    {
        let _ = atomic_write(&path, &text);
    }
}

fn ended_well(found: &Found) -> bool {
    matches!(
        found.phase(),
        Phase::Exited {
            status: Some(0),
            ..
        }
    )
}

/// None where the engine does not remember so much.
async fn ended_by_itself(engine: &Engine, found: &Found, clock: &dyn Clock) -> Option<bool> {
    let state = found.seen.state.as_ref()?;
    let at = |text: Option<&String>| humantime::parse_rfc3339_weak(text?).ok();
    let started = at(state.started_at.as_ref())?;
    let ended = at(state.finished_at.as_ref())?;
    let until = since_epoch(ended)? + TOLD;
    let options = EventsOptionsBuilder::default()
        .since("1")
        .until(&format!("{}.{:09}", until.as_secs(), until.subsec_nanos()))
        .build();
    let grace = found.seen.config.as_ref().and_then(|it| it.stop_timeout);
    let grace = Duration::from_secs(u64::try_from(grace.unwrap_or(10)).unwrap_or_default());
    // From here on a stop would have been seen.
    let from = since_epoch(started)?.max(since_epoch(ended)?.saturating_sub(grace + TOLD));
    let mut is_known = false;
    let mut events = std::pin::pin!(engine.docker.events(Some(options)));
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = clock.sleep(PATIENCE) => break,
        };
        let Some(Ok(event)) = event else { break };
        let own = is_of(&event, &found.container);
        let action = event.action.as_deref().unwrap_or_default();
        if own && SENT.contains(&action) && at_of(&event) >= since_epoch(started)? {
            return Some(false);
        }
        is_known |= at_of(&event) <= from || (own && action == "start");
    }
    is_known.then_some(true)
}

fn is_of(event: &EventMessage, container: &str) -> bool {
    let actor = event.actor.as_ref();
    actor.and_then(|actor| actor.id.as_deref()) == Some(container)
}

fn at_of(event: &EventMessage) -> Duration {
    let nanos = event.time_nano.and_then(|it| u64::try_from(it).ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

fn since_epoch(at: SystemTime) -> Option<Duration> {
    at.duration_since(SystemTime::UNIX_EPOCH).ok()
}
