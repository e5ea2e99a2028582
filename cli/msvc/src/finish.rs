//! The end of every command that proves something: artefacts written, the report printed, the
//! code.

use msvc_chaos::journal::Journal;
use msvc_report::exit::Exit;
use msvc_report::human;
use msvc_report::report::Report;

use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::{artifacts, outlets};

/// Writes what `--artifacts` asks for, says how it came out, and ends.
///
/// # Errors
/// When the artefacts cannot be written.
pub fn finish(
    context: &Context,
    mut report: Report,
    journals: Vec<Journal>,
) -> Result<Ending, Failure> {
    context.terminal.clear_progress();
    if report.started.is_empty() {
        report.started = chrono::Local::now().to_rfc3339();
    }
    for case in &mut report.cases {
        *case = context.here.case(case.clone());
    }
    artifacts::write(context, &report, &journals)?;
    outlets::write(&context.terminal, context.junit.as_deref(), &report)?;
    if context.terminal.is_json() {
        context.terminal.report(&report);
    } else if context.terminal.is_quiet() {
        context.terminal.result(&human::report(&report));
    } else {
        // The cases were shown as they came out.
        context.terminal.result(&human::summary(&report));
    }
    if context.shutdown.is_requested() {
        return Ok(Exit::Interrupted.into());
    }
    Ok(Exit::ALL
        .into_iter()
        .find(|e| e.code() == report.exit)
        .unwrap_or(Exit::CouldNot)
        .into())
}
