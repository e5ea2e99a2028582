//! What containers wrote, as the engine keeps it: merged by time, and followed over restarts.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::container::LogOutput;
use bollard::query_parameters::{EventsOptionsBuilder, LogsOptions, LogsOptionsBuilder};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use msvc_report::event::Stream as Which;
use msvc_system::id::{InstanceId, ServiceName};
use tokio::sync::mpsc;

use super::container::{self, Found};
use super::engine::{Engine, EngineError};
use super::labels;
use super::runtime::DockerRuntime;
use crate::contract::{LogLine, LogQuery, RuntimeError};

/// Lines that wait for a slow reader.
const WAITING: usize = 1024;

/// A line with its exact time.
struct Timed {
    at: Duration,
    line: LogLine,
}

/// The lines that are there, and with `follow` those to come.
pub(super) async fn read(
    engine: &Engine,
    project: &str,
    found: Vec<Found>,
    query: &LogQuery,
) -> Result<BoxStream<'static, LogLine>, EngineError> {
    let asked = |id: &InstanceId| query.services.is_empty() || query.services.contains(&id.service);
    let mut all = Vec::new();
    let mut last: BTreeMap<String, Duration> = BTreeMap::new();
    for one in found.iter().filter(|one| asked(&one.id)) {
        let tail = query.tail.map_or("all".to_owned(), |tail| tail.to_string());
        let options = LogsOptionsBuilder::default().tail(&tail);
        let lines = lines(engine, &one.container, one.id.clone(), options);
        let mut lines = std::pin::pin!(lines);
        while let Some(line) = lines.next().await {
            last.insert(one.container.clone(), line.at);
            all.push(line);
        }
    }
    all.sort_by_key(|line| line.at);
    let there = stream::iter(all.into_iter().map(|timed| timed.line));
    if !query.follow {
        return Ok(there.boxed());
    }
    let following = Following {
        engine: engine.clone(),
        project: project.to_owned(),
        query: query.clone(),
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let running = found.into_iter().filter(|one| asked(&one.id)).collect();
    tokio::spawn(following.run(running, last, sender));
    let more = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|line| (line, receiver))
    });
    Ok(there.chain(more).boxed())
}

impl DockerRuntime {
    /// The services of `query` whose lines the engine does not tell, each with why.
    ///
    /// # Errors
    /// When the engine does not say which containers there are.
    pub async fn untold(
        &self,
        query: &LogQuery,
    ) -> Result<Vec<(ServiceName, EngineError)>, RuntimeError> {
        let mut untold: Vec<(ServiceName, EngineError)> = Vec::new();
        for found in self.found().await? {
            let service = &found.id.service;
            let is_asked = query.services.is_empty() || query.services.contains(service);
            if !is_asked || untold.iter().any(|(it, _)| it == service) {
                continue;
            }
            let options = LogsOptionsBuilder::default().stdout(true).stderr(true);
            let options = options.tail("0").build();
            let logs = self.engine().docker.logs(&found.container, Some(options));
            let first = std::pin::pin!(logs).next().await;
            let what = format!("reading what {service} wrote");
            let refused = |error| self.engine().refused(what, error);
            match first.transpose().map_err(refused) {
                // One that is gone meanwhile has nothing to tell.
                Err(error) if !error.is_missing() => untold.push((service.clone(), error)),
                _ => {}
            }
        }
        Ok(untold)
    }
}

/// The last lines of one container.
pub(super) async fn last(engine: &Engine, found: &Found, count: u32) -> Vec<LogLine> {
    let options = LogsOptionsBuilder::default().tail(&count.to_string());
    let lines = lines(engine, &found.container, found.id.clone(), options);
    lines.map(|timed| timed.line).collect().await
}

/// Follows containers, those to come too, until nobody reads any more or none is left.
struct Following {
    engine: Engine,
    project: String,
    query: LogQuery,
}

impl Following {
    async fn run(
        self,
        found: Vec<Found>,
        mut last: BTreeMap<String, Duration>,
        sender: mpsc::Sender<LogLine>,
    ) {
        let label = format!("{}={}", labels::PROJECT, self.project);
        let filters = HashMap::from([
            ("label", vec![label]),
            ("type", vec!["container".to_owned()]),
            ("event", vec!["start".to_owned(), "destroy".to_owned()]),
        ]);
        let options = EventsOptionsBuilder::default().filters(&filters).build();
        let mut events = std::pin::pin!(self.engine.docker.events(Some(options)));
        let (ended, mut ends) = mpsc::channel::<(String, Duration)>(WAITING);
        let mut left = 0_usize;
        for one in found {
            left += 1;
            let since = last.get(&one.container).copied().unwrap_or_default();
            self.follow(one, since, &sender, &ended);
        }
        loop {
            tokio::select! {
                () = sender.closed() => return,
                Some((container, at)) = ends.recv() => {
                    last.insert(container, at);
                }
                event = events.next() => {
                    let Some(Ok(event)) = event else { return };
                    let container = event.actor.and_then(|actor| actor.id).unwrap_or_default();
                    if event.action.as_deref() == Some("destroy") {
                        left = left.saturating_sub(1);
                        if left == 0 && self.nobody_is_left().await {
                            return;
                        }
                        continue;
                    }
                    let Ok(Some(one)) = container::inspect(&self.engine, &container).await else {
                        continue;
                    };
                    // Its reader may still be on its way to the end of what was before.
                    while let Ok((container, at)) = ends.try_recv() {
                        last.insert(container, at);
                    }
                    let asked = self.query.services.is_empty()
                        || self.query.services.contains(&one.id.service);
                    if asked {
                        left += 1;
                        let since = last.get(&container).copied().unwrap_or_default();
                        self.follow(one, since, &sender, &ended);
                    }
                }
            }
        }
    }

    async fn nobody_is_left(&self) -> bool {
        let label = format!("{}={}", labels::PROJECT, self.project);
        let left = container::labelled(&self.engine, &[&label]).await;
        left.is_ok_and(|left| left.is_empty())
    }

    fn follow(
        &self,
        one: Found,
        since: Duration,
        sender: &mpsc::Sender<LogLine>,
        ended: &mpsc::Sender<(String, Duration)>,
    ) {
        let (engine, sender, ended) = (self.engine.clone(), sender.clone(), ended.clone());
        tokio::spawn(async move {
            let seconds = i32::try_from(since.as_secs()).unwrap_or(i32::MAX);
            let options = LogsOptionsBuilder::default().follow(true).since(seconds);
            let mut at = since;
            {
                let lines = lines(&engine, &one.container, one.id.clone(), options);
                let mut lines = std::pin::pin!(lines);
                while let Some(line) = lines.next().await {
                    // The engine counts from whole seconds.
                    if line.at <= since {
                        continue;
                    }
                    at = line.at;
                    if sender.send(line.line).await.is_err() {
                        return;
                    }
                }
            }
            // Nobody waits for it any more when all of it ends.
            let _ = ended.send((one.container, at)).await;
        });
    }
}

/// The lines of one container.
fn lines<'a>(
    engine: &'a Engine,
    container: &'a str,
    id: InstanceId,
    options: LogsOptionsBuilder,
) -> impl Stream<Item = Timed> + 'a {
    let options: LogsOptions = options.stdout(true).stderr(true).timestamps(true).build();
    let mut open: HashMap<&'static str, Timed> = HashMap::new();
    let outputs = engine.docker.logs(container, Some(options));
    outputs.flat_map(move |output| {
        let lines = match output {
            Ok(output) => take(&mut open, &id, &output),
            Err(_) => None,
        };
        stream::iter(lines)
    })
}

/// One entry of the engine's log; long lines come in several of them, each with its time.
fn take(
    open: &mut HashMap<&'static str, Timed>,
    id: &InstanceId,
    output: &LogOutput,
) -> Option<Timed> {
    let (key, which) = match output {
        LogOutput::StdErr { .. } => ("stderr", Which::Stderr),
        _ => ("stdout", Which::Stdout),
    };
    let text = output.to_string();
    let (stamp, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let at: SystemTime = humantime::parse_rfc3339_weak(stamp.trim()).ok()?;
    let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let is_whole = rest.ends_with('\n');
    let rest = rest.trim_end_matches(['\n', '\r']);
    let mut timed = open.remove(key).unwrap_or_else(|| Timed {
        at,
        line: LogLine {
            instance: id.clone(),
            stream: which,
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            text: String::new(),
        },
    });
    timed.line.text.push_str(rest);
    if is_whole {
        return Some(timed);
    }
    open.insert(key, timed);
    None
}
