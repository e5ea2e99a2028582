//! `msvc demo`: everything once, on a system of its own: booted, played, verified, broken, torn
//! down, and one report of what held. It plays what `x-msvc` names and knows nothing else.

use std::sync::{Mutex, MutexGuard, PoisonError};

use msvc_chaos::experiment::Experiment;
use msvc_contract::pact::{Pacts, Selection};
use msvc_journey::{Entry, Journey};
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_report::report::Report;
use msvc_runtime::build::BuildOutcome;
use msvc_runtime::lane::Publish;
use serde_json::{Map, Value, json};

use crate::boot::{self, Wish};
use crate::cli::Demo;
use crate::command::chaos::{seed, tell_seed};
use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::finish::finish;
use crate::inputs;
use crate::own_system::OwnSystem;
use crate::prove::{self, Again};

/// What the phases found.
#[derive(Default)]
struct Found {
    cases: Vec<Case>,
    journals: Vec<msvc_chaos::journal::Journal>,
    phases: Map<String, Value>,
}

/// Plays the whole demo.
///
/// # Errors
/// When an input is broken, or the system cannot be built or booted; nothing is left then.
pub async fn run(context: &Context, request: &Demo) -> Result<Ending, Failure> {
    let began = context.clock.now();
    // Broken inputs are told before anything is built.
    let journeys = prove::journeys(context)?;
    let paths: Vec<_> = context
        .system
        .x_msvc
        .experiments
        .iter()
        .map(|e| e.value.clone())
        .collect();
    let experiments = prove::experiments(context, &paths, &journeys)?;
    let pacts = prove::pacts(context, &[])?;

    if journeys.is_empty() && experiments.is_empty() && pacts.is_none() {
        return nothing(context);
    }
    let sink = context.sink();
    let seed = seed(request.seed);
    if experiments.iter().any(Experiment::draws) {
        tell_seed(context, request.seed, seed);
    }
    let mut found = Found::default();
    let wish = Wish::whole(Publish::AnyFreePort);
    let since = context.clock.now();
    let place = context.place().await?;
    let built = boot::build(context, &wish.services, &place).await?;
    ended(context, &mut found, "build", since);

    let own = OwnSystem::launch(context, "demo", place).await?;
    let (home, runtime) = (&own.home, &own.runtime);
    // A system that is kept can be asked again; what is gone comes back with another demo.
    let again = |command: &[&str]| match request.keep && !context.shutdown.is_requested() {
        true => context.repeat_as(home.project(), command),
        false => context.repeat(&["demo", "--seed", &seed.to_string()]),
    };
    let proven = async {
        let since = context.clock.now();
        let options = wish.options(context, home);
        boot::bring_up(context, runtime, &options, &built, &sink).await?;
        own.record(context).await;
        ended(context, &mut found, "boot", since);
        let all: Vec<_> = journeys.iter().collect();
        let given = inputs::inputs(context, &all, &[])?;
        let entry = prove::entry(context, runtime, home, given).await?;

        let booted = Booted {
            own: &own,
            built: &built,
            entry: &entry,
            again: &again,
        };
        play_and_verify(context, &mut found, &booted, &all, pacts.as_ref()).await?;
        stop_if_asked(context)?;
        if !experiments.is_empty() {
            let since = context.clock.now();
            let (cases, journals) = prove::run_experiments(
                context,
                runtime,
                &experiments,
                &journeys,
                &entry,
                prove::Repeating {
                    seed,
                    again: &again,
                },
                &sink,
            )
            .await;
            found.cases.extend(cases);
            found.journals = journals;
            ended(context, &mut found, "experiments", since);
        }
        stop_if_asked(context)
    }
    .await;
    context.terminal.clear_progress();
    let kept = request.keep && proven.is_ok();
    let project = home.project().clone();
    if kept {
        own.leave(context).await?;
    } else {
        let since = context.clock.now();
        own.conclude(context, proven).await?;
        ended(context, &mut found, "teardown", since);
    }
    let mut report = Report::over(
        "demo",
        context.system.name.as_str(),
        &context.run,
        "",
        found.cases,
    );
    report.seconds = context.clock.now().duration_since(began).as_secs_f64();
    report.detail.insert("seed".to_owned(), json!(seed));
    report
        .detail
        .insert("phases".to_owned(), Value::Object(found.phases));
    readiness(context, &mut report).await;
    let ending = finish(context, report, found.journals);
    if kept {
        let line = context.repeat_as(&project, &["down", "--volumes"]);
        let terminal = &context.terminal;
        terminal.said(&format!("{project} is left running; stop it with"));
        terminal.said(&format!("  {line}"));
    }
    Ok(ending)
}

/// The demo's system once it is up.
struct Booted<'a> {
    own: &'a OwnSystem,
    built: &'a BuildOutcome,
    entry: &'a Entry,
    again: Again<'a>,
}

/// Plays the journeys and verifies the contracts, both at the same time: contracts have a lane of
/// their own. What is told of these waits until the journeys are told.
async fn play_and_verify(
    context: &Context,
    found: &mut Found,
    on: &Booted<'_>,
    journeys: &[&Journey],
    pacts: Option<&Pacts>,
) -> Result<(), Failure> {
    let sink = context.sink();
    let held: Mutex<Vec<Event>> = Mutex::default();
    let playing = prove::play_all(context, journeys, on.entry, on.again, &sink);
    let verifying = async {
        let Some(pacts) = pacts else {
            return Ok(Vec::new());
        };
        let contracts = prove::Contracts {
            pacts,
            selection: &Selection::default(),
            built: Some(on.built),
            again: context.repeat(&["contract", "verify"]),
        };
        let hold = |event: Event| lock(&held).push(event);
        prove::contracts(context, &on.own.runtime, &on.own.home, &contracts, &hold).await
    };
    let ((played, journeys_took), (verified, contracts_took)) =
        tokio::join!(timed(context, playing), timed(context, verifying));
    found.cases.extend(played);
    took(context, found, "journeys", journeys_took);
    lock(&held).drain(..).for_each(&sink);
    found.cases.extend(verified?);
    if pacts.is_some() {
        took(context, found, "contracts", contracts_took);
    }
    Ok(())
}

/// How the readiness checks stand on the repository that the system lies in; they decide nothing
/// here, and where there is no repository nothing is said of them.
async fn readiness(context: &Context, report: &mut Report) {
    let Ok(checklist) = super::ready::whole(&context.system.root, &context.shutdown).await else {
        return;
    };
    context
        .terminal
        .note("readiness (`msvc ready` shows the evidence; it decides nothing here)");
    for finding in &checklist.findings {
        let line = format!("  {:<12}  {}", finding.standing.word(), finding.check);
        context.terminal.note(&line);
    }
    report
        .detail
        .insert("readiness".to_owned(), json!(checklist.findings));
}

/// What comes of `work`, and how long it took in seconds.
async fn timed<T>(context: &Context, work: impl Future<Output = T>) -> (T, f64) {
    let since = context.clock.now();
    let done = work.await;
    (
        done,
        context.clock.now().duration_since(since).as_secs_f64(),
    )
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended(context: &Context, found: &mut Found, phase: &str, since: tokio::time::Instant) {
    let seconds = context.clock.now().duration_since(since).as_secs_f64();
    took(context, found, phase, seconds);
}

fn took(context: &Context, found: &mut Found, phase: &str, seconds: f64) {
    found.phases.insert(phase.to_owned(), json!(seconds));
    context.sink()(Event::PhaseEnded {
        phase: phase.to_owned(),
        seconds,
    });
}

fn stop_if_asked(context: &Context) -> Result<(), Failure> {
    if context.shutdown.is_requested() {
        Err(Failure::interrupted())
    } else {
        Ok(())
    }
}

/// The file says already that nothing would be proven: then nothing is booted.
fn nothing(context: &Context) -> Result<Ending, Failure> {
    let what = "`x-msvc` names no journey, no contracts and no experiment; name files in the \
                Compose file, as in `x-msvc: {journeys: [FILE], contracts: DIR, experiments: [FILE]}`";
    let mut case = Case::new("demo", "nothing to prove", Verdict::Inconclusive).because(what);
    case.exit = Exit::Inconclusive;
    context.sink()(Event::CaseEnded { case: case.clone() });
    let name = context.system.name.as_str();
    let report = Report::over("demo", name, &context.run, "", vec![case]);
    Ok(finish(context, report, Vec::new()))
}
