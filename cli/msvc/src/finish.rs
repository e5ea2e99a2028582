//! The end of every command that proves something: artefacts written, the report printed, the
//! code.

use msvc_chaos::journal::Journal;
use msvc_report::exit::Exit;
use msvc_report::human;
use msvc_report::report::Report;

use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::running::AnyRuntime;
use crate::{artifacts, outlets};

/// Keeps what `--artifacts` and `--junit` ask for, says how it came out, and ends. What could not be
/// kept is told behind that.
pub fn finish(context: &Context, mut report: Report, journals: Vec<Journal>) -> Ending {
    context.terminal.clear_progress();
    if report.started.is_empty() {
        report.started = chrono::Local::now().to_rfc3339();
    }
    for case in &mut report.cases {
        *case = context.case(case.clone());
    }
    artifacts::write(context, &report, &journals);
    outlets::write(&context.terminal, context.junit.as_deref(), &report);
    if context.terminal.is_json() {
        context.terminal.report(&report);
    } else if context.terminal.is_quiet() {
        context.terminal.result(&human::report(&report));
    } else {
        // The cases were shown as they came out.
        context.terminal.result(&human::summary(&report));
    }
    if context.shutdown.is_requested() {
        return Exit::Interrupted.into();
    }
    Ending::of(&report)
}

/// Ends a command that had to do with a running system. Where its engine is gone by now, that is
/// what it says at last, unless a fault could not be undone, which outweighs it.
///
/// # Errors
/// The engine is gone.
pub async fn finish_on(
    context: &Context,
    runtime: &AnyRuntime,
    mut report: Report,
    journals: Vec<Journal>,
) -> Result<Ending, Failure> {
    let outweighed = report.exit == Exit::NotUndone.code() || context.shutdown.is_requested();
    let lost = match outweighed {
        true => None,
        false => runtime.lost().await,
    };
    if lost.is_some() {
        report.exit = Exit::CouldNot.code();
    }
    // Of an engine that is gone nothing can be had.
    if lost.is_none() {
        artifacts::keep_logs(context, &context.home()?, runtime).await;
    }
    let ending = finish(context, report, journals);
    match lost {
        None => Ok(ending),
        Some(lost) => Err(lost.hint("a fault on an edge ends with its lease, engine or not")),
    }
}
