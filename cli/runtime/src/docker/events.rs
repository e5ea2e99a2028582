//! What the engine tells of a project's containers, as events. Its number is the engine's own
//! time in nanoseconds, so that a reader can ask for all from a number on.
//!
//! The engine remembers 256 events of all its containers, and each probe of each healthcheck makes
//! three: what started since that number is therefore looked at as well.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use msvc_machine::clock::Clock;
use msvc_report::event::{Event, SCHEMA, Stamped};
use msvc_system::id::InstanceId;
use msvc_system::model::Condition;
use tokio::sync::mpsc;

use super::engine::Engine;
use super::{container, labels, readiness};

/// Events that wait for a slow reader.
const WAITING: usize = 1024;

/// The engine tells of a start so much later at most.
const TOLD: Duration = Duration::from_secs(5);

/// The events of a project from number `from` on.
pub(super) fn watch(
    engine: &Engine,
    project: &str,
    from: u64,
    clock: &Arc<dyn Clock>,
    stamp: Arc<dyn Fn(u64) -> u64 + Send + Sync>,
) -> BoxStream<'static, Stamped> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let watching = Watching {
        engine: engine.clone(),
        clock: Arc::clone(clock),
        sender,
        stamp,
    };
    let label = format!("{}={project}", labels::PROJECT);
    tokio::spawn(watching.run(label, from));
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|event| (event, receiver))
    })
    .boxed()
}

#[derive(Clone)]
struct Watching {
    engine: Engine,
    clock: Arc<dyn Clock>,
    sender: mpsc::Sender<Stamped>,
    /// The engine's time on the mesh's clock.
    stamp: Arc<dyn Fn(u64) -> u64 + Send + Sync>,
}

impl Watching {
    async fn run(self, label: String, from: u64) {
        let filters = HashMap::from([
            ("label", vec![label]),
            ("type", vec!["container".to_owned()]),
        ]);
        let mut options = EventsOptionsBuilder::default().filters(&filters);
        let mut begun = HashMap::new();
        if from > 0 {
            for (instance, container, at) in self.begun(&filters["label"][0], from).await {
                begun.insert(container.clone(), at);
                if !self.started(instance, container, at).await {
                    return;
                }
            }
            let since = format!("{}.{:09}", from / 1_000_000_000, from % 1_000_000_000);
            options = options.since(&since);
        }
        let mut events = std::pin::pin!(self.engine.docker.events(Some(options.build())));
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = self.sender.closed() => return,
            };
            let Some(Ok(event)) = event else { return };
            let at = number(&event);
            if at < from || is_known(&event, at, &mut begun) {
                continue;
            }
            if !self.tell(event, at).await {
                return;
            }
        }
    }

    /// The containers that run since a number or later, and since when.
    async fn begun(&self, label: &str, from: u64) -> Vec<(InstanceId, String, u64)> {
        let mut begun = Vec::new();
        // What cannot be looked at is told by the engine, or not at all.
        let all = container::labelled(&self.engine, &[label]).await;
        for container in all.unwrap_or_default() {
            let found = container::inspect(&self.engine, &container).await;
            if let Ok(Some(found)) = found
                && let Some(at) = found.started_at_ns().filter(|at| *at >= from)
                && found.pid().is_some()
            {
                begun.push((found.id, container, at));
            }
        }
        begun
    }

    /// Tells of a start, and later of its being ready. Whether somebody still listens.
    async fn started(&self, instance: InstanceId, container: String, at: u64) -> bool {
        tokio::spawn(self.clone().probe(instance.clone(), container, at));
        let pid = None;
        let event = Event::InstanceStarted { instance, pid };
        self.sender.send(self.stamped(event, at)).await.is_ok()
    }

    /// Whether somebody still listens.
    async fn tell(&self, event: EventMessage, at: u64) -> bool {
        let actor = event.actor.unwrap_or_default();
        let attributes = actor.attributes.unwrap_or_default();
        let Some(instance) = labels::instance(&attributes) else {
            return true;
        };
        let event = match event.action.as_deref() {
            Some("start") => {
                let container = actor.id.unwrap_or_default();
                return self.started(instance, container, at).await;
            }
            Some("die") => Event::InstanceExited {
                how: match attributes.get("exitCode") {
                    Some(code) => format!("status {code}"),
                    None => "ended".to_owned(),
                },
                expected: false,
                instance,
            },
            Some("health_status: unhealthy") => Event::InstanceUnhealthy {
                instance,
                why: "its healthcheck failed as often as it may".to_owned(),
            },
            Some("destroy") => Event::InstanceStopped { instance },
            _ => return true,
        };
        self.sender.send(self.stamped(event, at)).await.is_ok()
    }

    /// Tells when a container that was started is ready.
    async fn probe(self, instance: InstanceId, container: String, since: u64) {
        let clock = &*self.clock;
        let healthy = Condition::ServiceHealthy;
        let waited = tokio::select! {
            waited = readiness::await_condition(&self.engine, &instance, &container, healthy, clock) => waited,
            () = self.sender.closed() => return,
        };
        if waited.is_ok() {
            let now = super::runtime::wall_ns(clock);
            let seconds = now.saturating_sub(since) as f64 / 1e9;
            let event = Event::InstanceReady { instance, seconds };
            // Who reads no more does not need to know.
            let _ = self.sender.send(self.stamped(event, now)).await;
        }
    }
}

/// Whether it is the start of a container that was looked at and told already.
fn is_known(event: &EventMessage, at: u64, begun: &mut HashMap<String, u64>) -> bool {
    let container = event.actor.as_ref().and_then(|actor| actor.id.as_ref());
    let (Some("start"), Some(container)) = (event.action.as_deref(), container) else {
        return false;
    };
    let told = begun
        .get(container)
        .and_then(|since| at.checked_sub(*since));
    let is_known = told.is_some_and(|after| Duration::from_nanos(after) < TOLD);
    if is_known {
        begun.remove(container);
    }
    is_known
}

fn number(event: &EventMessage) -> u64 {
    event
        .time_nano
        .and_then(|nano| u64::try_from(nano).ok())
        .unwrap_or_default()
}

impl Watching {
    fn stamped(&self, event: Event, at: u64) -> Stamped {
        Stamped {
            schema: SCHEMA.to_owned(),
            emitter: "engine".to_owned(),
            sequence: at,
            monotonic_ns: (self.stamp)(at),
            event,
        }
    }
}
