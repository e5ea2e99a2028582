//! `--artifacts DIR`: what a run leaves behind for whoever looks at it later.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use msvc_chaos::journal::Journal;
use msvc_report::exit::Exit;
use msvc_report::report::Report;
use msvc_runtime::contract::LogLine;
use msvc_runtime::process::ProjectHome;
use serde_json::json;

use crate::context::{BUILD, Context};
use crate::failure::Failure;
use crate::here::Here;
use crate::inputs;
use crate::running::{AnyRuntime, all_lines};

/// Writes what a report says: `report.json`, `journal.json` and `receipts.ndjson`.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn write(context: &Context, report: &Report, journals: &[Journal]) -> Result<(), Failure> {
    let Some(folder) = &context.artifacts else {
        return Ok(());
    };
    context.keep_seed(report.detail.get("seed"));
    write_report(folder, report, journals).map_err(|why| refused(&context.here, folder, &why))
}

/// Writes the report alone, of a command that has no system.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn write_alone(here: &Here, folder: &Path, report: &Report) -> Result<(), Failure> {
    write_report(folder, report, &[]).map_err(|why| refused(here, folder, &why))
}

/// Writes what every run has, however it ended: `run.json`, `compose.json` and `events.ndjson`.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn write_run(context: &Context, exit: u8, failure: Option<&Failure>) -> Result<(), Failure> {
    let Some(folder) = &context.artifacts else {
        return Ok(());
    };
    write_what_ran(folder, context, exit, failure)
        .map_err(|why| refused(&context.here, folder, &why))
}

/// Copies what the services wrote.
///
/// # Errors
/// When the folder cannot be made or written.
pub async fn keep_logs(
    context: &Context,
    home: &ProjectHome,
    runtime: &AnyRuntime,
) -> Result<(), Failure> {
    let Some(folder) = &context.artifacts else {
        return Ok(());
    };
    if let AnyRuntime::Docker(_) = runtime {
        let lines = all_lines(runtime, home).await?;
        return write_lines(&folder.join("logs"), &lines)
            .map_err(|why| refused(&context.here, folder, &why));
    }
    copy(&home.logs(), &folder.join("logs")).map_err(|why| refused(&context.here, folder, &why))
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

fn refused(here: &Here, folder: &Path, why: &io::Error) -> Failure {
    let folder = here.path(folder);
    let what = format!("cannot keep artefacts in {}: {why}", folder.display());
    Failure::new(Exit::CouldNot, what).hint("name a folder that can be written")
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn write_what_ran(
    folder: &Path,
    context: &Context,
    exit: u8,
    failure: Option<&Failure>,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let arguments = inputs::without_secrets(context, std::env::args().skip(1));
    let run = json!({
        "schema": "msvc.run/1",
        "run": context.run,
        "build": BUILD,
        "seed": context.seed(),
        "arguments": arguments,
        "system": context.system.name,
        "system_hash": context.system.hash(),
        "exit": exit,
        "problems": failure.map(|failure| &failure.problems),
    });
    fs::write(folder.join("run.json"), pretty(&run))?;
    fs::write(
        folder.join("compose.json"),
        pretty(&context.system.written.resolved()),
    )?;
    let events = context.recorded();
    let lines: String = events
        .iter()
        .map(|event| msvc_report::json::event(event) + "\n")
        .collect();
    fs::write(folder.join("events.ndjson"), lines)
}

fn write_report(folder: &Path, report: &Report, journals: &[Journal]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(
        folder.join("report.json"),
        msvc_report::json::report(report),
    )?;
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
        fs::write(folder.join("journal.json"), pretty(&journal))?;
    }
    let single = report.detail.get("receipt").filter(|it| it.is_object());
    let receipts: String = all
        .iter()
        .filter_map(|journal| journal.pointer("/msvc/receipts")?.as_array())
        .flatten()
        .chain(single)
        .map(|receipt| format!("{receipt}\n"))
        .collect();
    if receipts.is_empty() {
        return Ok(());
    }
    fs::write(folder.join("receipts.ndjson"), receipts)
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
