//! `--artifacts DIR`: what a run leaves behind for whoever looks at it later.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use msvc_chaos::journal::Journal;
use msvc_report::report::Report;
use msvc_runtime::contract::LogLine;
use msvc_runtime::process::ProjectHome;
use serde_json::json;

use crate::context::{BUILD, Context};
use crate::exit::Ending;
use crate::failure::Failure;
use crate::inputs;
use crate::running::{AnyRuntime, all_lines};
use crate::terminal::Terminal;

/// Keeps what a report says: `report.json`, `journal.json` and `receipts.ndjson`. Here and below, what
/// cannot be kept is noted with the terminal, and the rest is kept all the same.
pub fn write(context: &Context, report: &Report, journals: &[Journal]) {
    if let Some(folder) = Kept::of(context) {
        context.keep_seed(report.detail.get("seed"));
        folder.write_report(report, journals);
    }
}

/// Keeps the report alone, of a command that has no system.
pub fn write_alone(terminal: &Terminal, folder: &Path, report: &Report) {
    Kept { folder, terminal }.write_report(report, &[]);
}

/// Keeps what every run has, however it ended: `run.json`, `compose.json` and `events.ndjson`.
pub fn write_run(context: &Context, ending: Ending, failure: Option<&Failure>) {
    if let Some(folder) = Kept::of(context) {
        folder.write_what_ran(context, ending, failure);
    }
}

/// Keeps a copy of what the services wrote.
pub async fn keep_logs(context: &Context, home: &ProjectHome, runtime: &AnyRuntime) {
    const LOGS: &str = "logs";
    let Some(folder) = Kept::of(context) else {
        return;
    };
    if let AnyRuntime::Docker(_) = runtime {
        let lines = all_lines(runtime, home).await;
        let lines = lines.map_err(|why| io::Error::other(why.sentence()));
        folder.keep(LOGS, |logs| write_lines(logs, &lines?));
        return;
    }
    folder.keep(LOGS, |logs| copy(&home.logs(), logs));
}

/// The folder of a run's artefacts.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    folder: &'a Path,
    terminal: &'a Terminal,
}

impl<'a> Kept<'a> {
    /// That of this run, where artefacts are wanted.
    #[must_use]
    pub fn of(context: &'a Context) -> Option<Self> {
        Some(Self {
            folder: context.artifacts.as_deref()?,
            terminal: &context.terminal,
        })
    }

    /// Has `write` make what is called `name` in there; what comes of it.
    pub fn keep<T>(self, name: &str, write: impl FnOnce(&Path) -> io::Result<T>) -> Option<T> {
        if let Err(why) = fs::create_dir_all(self.folder) {
            self.lost(None, &why);
            return None;
        }
        let done = write(&self.folder.join(name));
        done.inspect_err(|why| self.lost(Some(name), why)).ok()
    }

    /// Notes that what is called `name` in there, or all of it, could not be kept.
    pub fn lost(self, name: Option<&str>, why: &io::Error) {
        let folder = self.terminal.here().path(self.folder);
        let what = format!("cannot keep artefacts in {}", folder.display());
        let instead = "name a folder that can be written";
        self.terminal.unkept().note_file(what, name, why, instead);
    }

    fn keep_text(self, name: &str, text: impl AsRef<[u8]>) {
        self.keep(name, |path| fs::write(path, text));
    }

    fn write_what_ran(self, context: &Context, ending: Ending, failure: Option<&Failure>) {
        self.keep_text("compose.json", pretty(&context.system.written.resolved()));
        let events = context.recorded();
        let lines: String = events
            .iter()
            .map(|event| msvc_report::json::event(event) + "\n")
            .collect();
        self.keep_text("events.ndjson", lines);
        let arguments = inputs::without_secrets(context, std::env::args().skip(1));
        // The last, since it tells how all of it ends.
        let run = json!({
            "schema": "msvc.run/1",
            "run": context.run,
            "build": BUILD,
            "seed": context.seed(),
            "arguments": arguments,
            "system": context.system.name,
            "system_hash": context.system.hash(),
            "exit": self.terminal.unkept().settle(ending).code(),
            "problems": failure.map(|failure| &failure.problems),
        });
        self.keep_text("run.json", pretty(&run));
    }

    fn write_report(self, report: &Report, journals: &[Journal]) {
        self.keep_text("report.json", msvc_report::json::report(report));
        let all: Vec<_> = journals
            .iter()
            .filter_map(|j| serde_json::to_value(j).ok())
            .collect();
        let journal = match all.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            _ => Some(json!({ "schema": "msvc.journals/1", "journals": all })),
        };
        if let Some(journal) = journal {
            self.keep_text("journal.json", pretty(&journal));
        }
        let single = report.detail.get("receipt").filter(|it| it.is_object());
        let receipts: String = all
            .iter()
            .filter_map(|journal| journal.pointer("/msvc/receipts")?.as_array())
            .flatten()
            .chain(single)
            .map(|receipt| format!("{receipt}\n"))
            .collect();
        if !receipts.is_empty() {
            self.keep_text("receipts.ndjson", receipts);
        }
    }
}

/// One file for each replica, as host processes have it.
fn write_lines(folder: &Path, lines: &[LogLine]) -> io::Result<()> {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for line in lines {
        let id = &line.instance;
        let name = format!("{}-{}.ndjson", id.service, id.replica);
        let text = files
            .entry(folder.join(id.lane.as_str()).join(name))
            .or_default();
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    for (path, text) in files {
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    Ok(())
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
