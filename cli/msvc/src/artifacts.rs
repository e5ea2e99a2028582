//! `--artifacts DIR`: what a run leaves behind for whoever looks at it later.

use std::fs;
use std::io;
use std::path::Path;

use msvc_chaos::journal::Journal;
use msvc_report::exit::Exit;
use msvc_report::report::Report;
use msvc_runtime::process::ProjectHome;
use serde_json::json;

use crate::context::{BUILD, Context};
use crate::failure::Failure;

/// Writes `run.json`, `events.ndjson`, `receipts.ndjson`, `journal.json`, `compose.json` and
/// `report.json`.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn write(context: &Context, report: &Report, journals: &[Journal]) -> Result<(), Failure> {
    let Some(folder) = &context.artifacts else {
        return Ok(());
    };
    write_all(folder, context, report, journals).map_err(|why| refused(folder, &why))
}

/// Copies what the services wrote.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn keep_logs(context: &Context, home: &ProjectHome) -> Result<(), Failure> {
    let Some(folder) = &context.artifacts else {
        return Ok(());
    };
    copy(&home.logs(), &folder.join("logs")).map_err(|why| refused(folder, &why))
}

fn refused(folder: &Path, why: &io::Error) -> Failure {
    let what = format!("cannot keep artefacts in {}: {why}", folder.display());
    Failure::new(Exit::CouldNot, what).hint("name a folder that can be written")
}

fn write_all(
    folder: &Path,
    context: &Context,
    report: &Report,
    journals: &[Journal],
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pretty = |value: &serde_json::Value| format!("{value:#}\n");
    let run = json!({
        "schema": "msvc.run/1",
        "run": context.run,
        "build": BUILD,
        "seed": report.detail.get("seed"),
        "arguments": arguments,
        "system": context.system.name,
        "system_hash": context.system.hash,
    });
    fs::write(folder.join("run.json"), pretty(&run))?;
    fs::write(folder.join("compose.json"), pretty(&context.resolved))?;
    fs::write(
        folder.join("report.json"),
        msvc_report::json::report(report),
    )?;
    let events = context.recorded();
    let lines: String = events
        .iter()
        .map(|event| msvc_report::json::event(event) + "\n")
        .collect();
    fs::write(folder.join("events.ndjson"), lines)?;
    if journals.is_empty() {
        return Ok(());
    }
    let all: Vec<_> = journals
        .iter()
        .filter_map(|j| serde_json::to_value(j).ok())
        .collect();
    let journal = match all.as_slice() {
        [one] => one.clone(),
        _ => json!({ "schema": "msvc.journals/1", "journals": all }),
    };
    fs::write(folder.join("journal.json"), pretty(&journal))?;
    let receipts: String = all
        .iter()
        .filter_map(|journal| journal.get("receipts")?.as_array().cloned())
        .flatten()
        .map(|receipt| format!("{receipt}\n"))
        .collect();
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
