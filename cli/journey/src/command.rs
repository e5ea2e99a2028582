//! Command journeys: any program, whose exit status is the outcome.
//!
//! It runs in the entry's directory with the entry's environment, and is told the run and the way
//! in: `MSVC_RUN`, `MSVC_ENTRY` (where all names lead to one URL) and `MSVC_ENTRY_<NAME>` for each name, in upper
//! case, anything but letters and digits as `_`; and its inputs, `MSVC_INPUT_<NAME>`. Its process
//! group ends with it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;

use msvc_machine::child::{self, ChildCommand, ChildEnd, ChildError, ChildLine};
use msvc_machine::shutdown::Shutdown;
use msvc_report::case::{Evidence, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;

use crate::entry::Entry;
use crate::journey::Journey;
use crate::outcome::Outcome;
use crate::play::Sink;
use crate::shown;
use crate::template::as_text;

/// Lines of its output that are kept as evidence: the last ones.
const KEPT_LINES: usize = 20;

/// Plays the command.
pub(crate) async fn play(
    journey: &Journey,
    line: &[String],
    entry: &Entry,
    sink: &Sink<'_>,
    shutdown: &Shutdown,
) -> Outcome {
    let name = journey.name.clone();
    sink(Event::JourneyBegan {
        journey: name.clone(),
    });
    let began = entry.clock.now();
    let Some((program, arguments)) = line.split_first() else {
        let why = Evidence::said("the command is empty").at(journey.place.clone());
        return Outcome::not_played(journey, Exit::Input, why);
    };
    let command = ChildCommand {
        program: program.into(),
        arguments: arguments.iter().map(OsString::from).collect(),
        directory: entry.command.directory.clone(),
        environment: environment(entry),
    };
    // The time limit ends it as a shutdown does, group and all.
    let stop = shutdown.child();
    let mut last: VecDeque<String> = VecDeque::new();
    let mut too_long = false;
    let end = {
        let running = child::run(&command, &stop, |line| keep(&mut last, line));
        tokio::pin!(running);
        tokio::select! {
            end = &mut running => end,
            () = entry.clock.sleep(entry.limits.time) => {
                too_long = true;
                stop.request_once();
                running.await
            }
        }
    };
    let (verdict, exit, why) = if too_long {
        let limit = entry.limits.time.as_secs_f64();
        let why = format!("it took longer than {limit} s and was ended");
        (Verdict::Failed, Exit::Failed, Some(why))
    } else {
        judge(end)
    };
    let took = entry.clock.now() - began;
    sink(Event::JourneyStep {
        journey: name,
        step: program.clone(),
        attempt: 1,
        held: verdict == Verdict::Held,
        seconds: took.as_secs_f64(),
    });
    let mut outcome = Outcome::of_command(journey, verdict, exit, took);
    let place = &journey.place;
    let why = why.map(|why| Evidence::said(why).at(place.clone()));
    outcome.evidence.extend(why);
    outcome
        .evidence
        .extend(last.into_iter().map(Evidence::said));
    outcome
}

fn judge(end: Result<ChildEnd, ChildError>) -> (Verdict, Exit, Option<String>) {
    match end {
        Ok(ChildEnd::Exited(status)) if status.success() => (Verdict::Held, Exit::Held, None),
        Ok(ChildEnd::Exited(status)) => {
            let why = match (status.code(), status.signal()) {
                (Some(code), _) => format!("it ended with status {code}"),
                (None, Some(signal)) => format!("it was ended by signal {signal}"),
                (None, None) => "it ended without a status".to_owned(),
            };
            (Verdict::Failed, Exit::Failed, Some(why))
        }
        Ok(ChildEnd::Interrupted) => {
            let why = "interrupted before its end".to_owned();
            (Verdict::Inconclusive, Exit::Interrupted, Some(why))
        }
        Err(error) => {
            let why = error.to_string();
            (Verdict::Inconclusive, Exit::CouldNot, Some(why))
        }
    }
}

fn keep(last: &mut VecDeque<String>, line: ChildLine) {
    let (ChildLine::Out(text) | ChildLine::Err(text)) = line;
    if last.len() == KEPT_LINES {
        last.pop_front();
    }
    last.push_back(shown::text(&text));
}

fn environment(entry: &Entry) -> Vec<(OsString, OsString)> {
    let mut environment = entry.command.environment.clone();
    let mut add = |name: String, value: &str| environment.push((name.into(), value.into()));
    add("MSVC_RUN".to_owned(), &entry.run);
    if let Some(url) = entry.bases.single() {
        add("MSVC_ENTRY".to_owned(), url);
    }
    for (name, url) in entry.bases.iter().filter(|(name, _)| !name.is_empty()) {
        add(format!("MSVC_ENTRY_{}", variable(name)), url);
    }
    for (name, value) in &entry.inputs {
        add(format!("MSVC_INPUT_{}", variable(name)), &as_text(value));
    }
    environment
}

/// A name as variables have it.
fn variable(name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.to_ascii_uppercase().chars().map(word).collect()
}

#[cfg(test)]
mod tests;
