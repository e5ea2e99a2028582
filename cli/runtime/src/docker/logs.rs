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
use crate::lines::Lines;

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
    let begun = match query.follow {
        true => Begun::LeftToTheNext,
        false => Begun::Told,
    };
    let mut all = Vec::new();
    let mut last: BTreeMap<String, Duration> = BTreeMap::new();
    for one in found.iter().filter(|one| asked(&one.id)) {
        let tail = query.tail.map_or("all".to_owned(), |tail| tail.to_string());
        let options = LogsOptionsBuilder::default().tail(&tail);
        let lines = lines(engine, &one.container, one.id.clone(), options, begun);
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
    let id = found.id.clone();
    let lines = lines(engine, &found.container, id, options, Begun::Told);
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
                let id = one.id.clone();
                let lines = lines(&engine, &one.container, id, options, Begun::Told);
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

/// What becomes of a line that is begun where the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// It is told: nobody reads on.
    Told,
    /// It is read again, from its beginning, by who reads on.
    LeftToTheNext,
}

/// The lines of one container.
fn lines<'a>(
    engine: &'a Engine,
    container: &'a str,
    id: InstanceId,
    options: LogsOptionsBuilder,
    begun: Begun,
) -> impl Stream<Item = Timed> + 'a {
    let options: LogsOptions = options.stdout(true).stderr(true).timestamps(true).build();
    let outputs = engine.docker.logs(container, Some(options));
    let outputs = outputs.filter_map(async |output| output.ok());
    let mut entries = Entries::of(id);
    outputs
        .map(Some)
        .chain(stream::iter([None]))
        .flat_map(move |output| {
            stream::iter(match output {
                Some(output) => entries.take(&output),
                None if begun == Begun::Told => entries.rest(),
                None => Vec::new(),
            })
        })
}

/// The entries of the engine's log: a long line comes in several, each with its time, and may be
/// parted within a character.
struct Entries {
    id: InstanceId,
    open: BTreeMap<&'static str, Open>,
}

/// A line that is begun.
struct Open {
    at: SystemTime,
    which: Which,
    lines: Lines,
}

impl Entries {
    fn of(id: InstanceId) -> Self {
        let open = BTreeMap::new();
        Self { id, open }
    }

    /// The lines that an entry completes.
    fn take(&mut self, output: &LogOutput) -> Vec<Timed> {
        let (key, which) = match output {
            LogOutput::StdErr { .. } => ("stderr", Which::Stderr),
            _ => ("stdout", Which::Stdout),
        };
        let entry = output.as_ref();
        let space = entry.iter().position(|&byte| byte == b' ');
        let (stamp, text) = entry.split_at(space.map_or(entry.len(), |at| at + 1));
        let stamp = str::from_utf8(stamp).unwrap_or_default();
        let Ok(at) = humantime::parse_rfc3339_weak(stamp.trim()) else {
            return Vec::new();
        };
        let lines = Lines::default();
        let mut open = self.open.remove(key).unwrap_or(Open { at, which, lines });
        let whole = open.lines.take(text);
        let timed = whole.into_iter().map(|text| self.line(&open, text));
        let timed = timed.collect();
        if !text.ends_with(b"\n") {
            self.open.insert(key, open);
        }
        timed
    }

    /// What was begun and not ended.
    fn rest(&mut self) -> Vec<Timed> {
        let open = std::mem::take(&mut self.open).into_values();
        let rest = |mut it: Open| {
            let text = it.lines.rest()?;
            Some(self.line(&it, text))
        };
        open.filter_map(rest).collect()
    }

    fn line(&self, of: &Open, text: String) -> Timed {
        let at = of.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = LogLine {
            instance: self.id.clone(),
            stream: of.which,
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            text,
        };
        Timed { at, line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LONGEST_LINE;

    /// As long as an entry of the engine's log can be.
    const ENTRY: usize = 16 * 1024;

    fn id() -> InstanceId {
        InstanceId {
            project: "shop".parse().unwrap(),
            lane: "main".parse().unwrap(),
            service: "web".parse().unwrap(),
            replica: 1,
            incarnation: 1,
        }
    }

    fn out(text: &[u8]) -> LogOutput {
        let stamp = b"2026-01-02T03:04:05.000000006Z ";
        let message = [stamp, text].concat().into();
        LogOutput::StdOut { message }
    }

    fn texts(timed: Vec<Timed>) -> Vec<String> {
        timed.into_iter().map(|it| it.line.text).collect()
    }

    #[test]
    fn a_line_that_the_engine_parts_within_a_character_is_whole() {
        let line = "…".repeat(ENTRY);
        let bytes = format!("{line}\r\n").into_bytes();
        let mut entries = Entries::of(id());
        let parts = bytes.chunks(ENTRY);
        let told: Vec<String> = parts.flat_map(|it| texts(entries.take(&out(it)))).collect();
        assert!(told == [line]);
    }

    #[test]
    fn a_line_without_end_is_told_in_parts_and_its_rest_where_the_log_ends() {
        let mut entries = Entries::of(id());
        let mut told = Vec::new();
        for _ in 0..=LONGEST_LINE / ENTRY {
            told.extend(texts(entries.take(&out(&[b'x'; ENTRY]))));
        }
        assert!(told == ["x".repeat(LONGEST_LINE)]);
        assert!(texts(entries.rest()) == ["x".repeat(ENTRY)]);
        assert!(entries.rest().is_empty());
    }

    #[test]
    fn a_line_of_one_stream_does_not_end_that_of_the_other() {
        let mut entries = Entries::of(id());
        assert!(entries.take(&out(b"a")).is_empty());
        let message = b"2026-01-02T03:04:06Z b\n".to_vec().into();
        let err = entries.take(&LogOutput::StdErr { message });
        assert_eq!(err[0].line.stream, Which::Stderr);
        assert_eq!(texts(err), ["b"]);
        let out = entries.take(&out(b"a\n"));
        assert_eq!(out[0].line.at_ms, 1_767_323_045_000);
        assert_eq!(texts(out), ["aa"]);
    }
}
