//! Experiments on a running system.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use msvc_chaos::experiment::{self, Experiment, Known};
use msvc_chaos::journal::{Journal, Writer};
use msvc_chaos::live::{LiveFaults, LiveJourneys};
use msvc_chaos::run::{Bench, Concluded};
use msvc_journey::{Entry, Journey};
use msvc_report::case::Case;
use msvc_system::id::LaneName;

use super::{Repeating, Sink};
use crate::context::{BUILD, Context};
use crate::failure::Failure;
use crate::running::AnyRuntime;

/// A killed service that is not healthy within this time has not come back.
pub const RECOVERY_LIMIT: Duration = Duration::from_secs(60);

/// Reads experiments and checks them against the system and its journeys.
///
/// # Errors
/// With every problem of every file.
pub fn experiments(
    context: &Context,
    paths: &[PathBuf],
    journeys: &[Journey],
) -> Result<Vec<Experiment>, Failure> {
    let steps = |journey: &Journey| journey.steps().into_iter().map(str::to_owned).collect();
    let names: Vec<(String, Vec<String>)> = journeys
        .iter()
        .map(|journey| (journey.name().to_owned(), steps(journey)))
        .collect();
    let mut read = Vec::new();
    let mut problems = msvc_system::problem::Problems::default();
    for path in paths {
        match experiment::read(path, &context.files()) {
            Err(found) => problems.0.extend(found.0),
            Ok(experiment) => {
                let known = Known {
                    system: &context.system,
                    journeys: &names,
                };
                problems.0.extend(experiment.check(known));
                read.push(experiment);
            }
        }
    }
    Ok(problems.or(read)?)
}

/// Runs experiments, one after the other.
pub async fn run_experiments(
    context: &Context,
    runtime: &AnyRuntime,
    experiments: &[Experiment],
    journeys: &[Journey],
    entry: &Entry,
    repeating: Repeating<'_>,
    sink: Sink<'_>,
) -> (Vec<Case>, Vec<Journal>) {
    let Repeating { seed, again } = repeating;
    let played = |name: &str| again(&["journey", "run", name]);
    let (mut cases, mut journals) = (Vec::new(), Vec::new());
    for (number, experiment) in experiments.iter().enumerate() {
        let mut entry = entry.clone();
        entry.run = format!("{}e{}", entry.run, number + 1);
        let players = LiveJourneys {
            journeys,
            entry,
            again: &played,
            plays: AtomicU64::new(0),
        };
        let file = context.argument(&experiment.path);
        let line = again(&["chaos", "run", &file, "--seed", &seed.to_string()]);
        let faults = LiveFaults {
            runtime: runtime.shared(),
            lane: LaneName::main(),
            clock: Arc::clone(&context.clock),
            by: by(&line),
        };
        let bench = Bench {
            faults: &faults,
            journeys: &players,
            clock: &*context.clock,
            sink,
            shutdown: &context.shutdown,
            seed,
            recovery_limit: RECOVERY_LIMIT,
            again: line,
            writer: writer(),
        };
        let Concluded { case, journal } = msvc_chaos::run::run(experiment, &bench).await;
        cases.push(case);
        journals.push(journal);
        if context.shutdown.is_requested() {
            break;
        }
    }
    (cases, journals)
}

/// This very command, for those that meet what it holds down.
#[must_use]
pub fn by(line: &str) -> String {
    format!("`{line}` (process {})", std::process::id())
}

/// Who writes the journals.
fn writer() -> Writer {
    let node = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    Writer {
        version: BUILD.to_owned(),
        platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        node: node.unwrap_or_default(),
    }
}
