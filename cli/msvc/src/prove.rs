//! What is proven on a running system, joined here because the rooms that prove never know each
//! other: journeys played, contracts verified in a lane of their own, experiments run.

use std::ffi::OsString;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use msvc_journey::entry::REQUEST_TIMEOUT;
use msvc_journey::{CommandPlace, Entry, Journey, Limits};
use msvc_report::case::Case;
use msvc_report::event::Event;
use msvc_runtime::process::ProjectHome;
use msvc_system::id::{LaneName, Party};
use msvc_system::problem::{Problem, Severity};

use crate::boot;
use crate::context::Context;
use crate::failure::Failure;
use crate::inputs::{self, Inputs};
use crate::running::AnyRuntime;
use crate::service_ca;

mod contracts;
mod experiments;

pub use contracts::{Contracts, contracts, pacts};
pub use experiments::{RECOVERY_LIMIT, by, experiments, run_experiments};

/// Where events go.
pub type Sink<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// The line that repeats a command, given without `msvc` and the flags that choose the system.
pub type Again<'a> = &'a (dyn Fn(&[&str]) -> String + Send + Sync);

/// How experiments are repeated.
#[derive(Clone, Copy)]
pub struct Repeating<'a> {
    /// What their draws come from.
    pub seed: u64,
    /// The line that repeats a command.
    pub again: Again<'a>,
}

/// What a journey needs to find a running system: the host's own edges, and who vouches for them.
///
/// # Errors
/// When the runtime does not answer.
pub async fn entry(
    context: &Context,
    runtime: &AnyRuntime,
    home: &ProjectHome,
    inputs: Inputs,
) -> Result<Entry, Failure> {
    let lane = LaneName::main();
    let observed = runtime.get().observe().await?;
    let ways = observed.ways_in(&lane, &Party::Client);
    let entries = boot::entries(&context.system, &ways);
    let bases = boot::bases(&context.system, &entries);
    Ok(Entry {
        trust: service_ca::trusted(context, &ways, &lane, runtime, home),
        ..entry_at(context, bases, inputs)
    })
}

/// The same with given base URLs, and nobody to vouch for them.
#[must_use]
pub fn entry_at(context: &Context, bases: msvc_journey::Bases, inputs: Inputs) -> Entry {
    Entry {
        bases,
        trust: Vec::new(),
        masked: inputs.masked,
        inputs: inputs.values,
        run: context.run.clone(),
        clock: Arc::clone(&context.clock),
        request_timeout: REQUEST_TIMEOUT,
        limits: Limits::default(),
        command: CommandPlace {
            directory: context.system.root.clone(),
            environment: without_outer_cargo(context)
                .chain(context.mark().map(|mark| mark.variable()))
                .collect(),
        },
    }
}

/// The environment of a command: one that calls cargo would rebuild half the workspace because of
/// what an outer cargo (`cargo run`, `cargo test`) has set.
fn without_outer_cargo(context: &Context) -> impl Iterator<Item = (OsString, OsString)> {
    let caller = &context.environment;
    let kept = msvc_runtime::build::without_outer(caller);
    std::env::vars_os().filter(move |(name, _)| {
        let is_outer = |name: &str| caller.contains_key(name) && !kept.contains_key(name);
        !name.to_str().is_some_and(is_outer)
    })
}

/// The journeys that the system's `x-msvc` names.
///
/// # Errors
/// When a document is broken.
pub fn journeys(context: &Context) -> Result<Vec<Journey>, Failure> {
    let journeys = msvc_journey::load(&context.system.x_msvc.journeys, &context.files())?;
    inputs::tell_unused(context, &journeys);
    Ok(journeys)
}

/// Those of them that can be read, for who has named what is to be played: what is wrong with
/// the others is told as warnings.
pub fn readable_journeys(context: &Context) -> Vec<Journey> {
    let references = &context.system.x_msvc.journeys;
    let (journeys, problems) = msvc_journey::load_readable(references, &context.files());
    for problem in problems.0 {
        let what = format!(
            "a journey that x-msvc names cannot be played: {}",
            problem.what
        );
        let problem = Problem {
            severity: Severity::Warning,
            what,
            ..problem
        };
        (context.sink())(Event::Warned { problem });
    }
    journeys
}

/// Plays each journey once, all at the same time: each holds while others interleave. What came of
/// them is told in the order of `journeys`.
pub async fn play_all(
    context: &Context,
    journeys: &[&Journey],
    entry: &Entry,
    again: Again<'_>,
    sink: Sink<'_>,
) -> Vec<Case> {
    let plays = journeys.iter().map(|journey| async move {
        let outcome = msvc_journey::play(journey, entry, sink, &context.shutdown).await;
        outcome.case(Some(again(&["journey", "run", journey.name()])))
    });
    let told = |case: &Case| sink(Event::CaseEnded { case: case.clone() });
    let plays: FuturesOrdered<_> = plays.collect();
    plays.inspect(told).collect().await
}
