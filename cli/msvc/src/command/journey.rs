//! `msvc journey`: which journeys there are, and playing them against the running system.

use std::path::Path;
use std::sync::Mutex;

use msvc_journey::{Bases, Journey, load_document};
use msvc_report::case::Case;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_report::report::Report;
use msvc_system::problem::Problem;
use serde_json::json;

use crate::cli::{Journey as Request, JourneyRun, is_file};
use crate::context::Context;
use crate::exchanges::Exchanges;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::finish::{finish, finish_on};
use crate::inputs::{self, Inputs};
use crate::prove;
use crate::table::Table;

/// Lists or plays journeys.
///
/// # Errors
/// When a journey is unknown or broken, or nothing runs to play it on.
pub async fn run(context: &Context, request: &Request) -> Result<Ending, Failure> {
    match request {
        Request::List(_) => list(context),
        Request::Run(request) => play(context, request).await,
    }
}

fn list(context: &Context) -> Result<Ending, Failure> {
    let journeys = prove::journeys(context)?;
    if context.terminal.is_json() {
        let all: Vec<_> = journeys
            .iter()
            .map(|j| json!({"name": j.name(), "summary": j.summary(), "place": j.place(), "inputs": j.inputs()}))
            .collect();
        context
            .terminal
            .json(&json!({ "schema": "msvc.journeys/1", "journeys": all }));
        return Ok(Exit::Held.into());
    }
    let mut table = Table::new(&["JOURNEY", "WHAT"]);
    for journey in &journeys {
        table.row(vec![
            journey.name().to_owned(),
            journey.summary().unwrap_or_default(),
        ]);
    }
    context.terminal.result(&table.render());
    Ok(Exit::Held.into())
}

async fn play(context: &Context, request: &JourneyRun) -> Result<Ending, Failure> {
    let known = match request.journeys.is_empty() {
        true => prove::journeys(context)?,
        // One that cannot be read keeps nobody from playing another.
        false => prove::readable_journeys(context),
    };
    let chosen = chosen(context, request, known)?;
    if chosen.is_empty() {
        return Err(
            Failure::new(Exit::Inconclusive, "there are no journeys to play").hint(
                "name files, or list them in the Compose file as `x-msvc: {journeys: [FILE]}`",
            ),
        );
    }
    let inputs = given(context, request, &chosen)?;
    let (mut exchanges, mut played_on) = (None, None);
    let entry = match &request.url {
        Some(url) => prove::entry_at(context, Bases::only(url), inputs),
        None => {
            let runtime = context.running().await?;
            exchanges = Exchanges::record(context, runtime.mesh()).await;
            let entry = prove::entry(context, &runtime, &context.home()?, inputs).await?;
            played_on = Some(runtime);
            entry
        }
    };
    let began = context.clock.now();
    let cases: Mutex<Vec<Case>> = Mutex::default();
    let sink = context.sink();
    let plays = (0..request.times).flat_map(|time| {
        let (entry, sink, cases) = (&entry, &sink, &cases);
        chosen.iter().map(move |(journey, given)| async move {
            let mut entry = entry.clone();
            if request.times > 1 {
                entry.run = format!("{}t{}", entry.run, time + 1);
            }
            let outcome = msvc_journey::play(journey, &entry, sink, &context.shutdown).await;
            let mut case = outcome.case(Some(again(context, request, given)));
            if request.times > 1 {
                case.title = format!("{} (run {})", case.title, entry.run);
            }
            sink(Event::CaseEnded { case: case.clone() });
            if let Ok(mut cases) = cases.lock() {
                cases.push(case);
            }
        })
    });
    futures_util::future::join_all(plays).await;
    if let Some(exchanges) = exchanges {
        exchanges.end(context).await;
    }
    let cases = cases.into_inner().unwrap_or_default();
    let mut report = Report::over(
        "journey run",
        context.system.name.as_str(),
        &context.run,
        "",
        cases,
    );
    report.seconds = context.clock.now().duration_since(began).as_secs_f64();
    match &played_on {
        Some(runtime) => finish_on(context, runtime, report, Vec::new()).await,
        None => Ok(finish(context, report, Vec::new())),
    }
}

/// The inputs of the command line over those of `x-msvc`.
///
/// # Errors
/// When no journey takes one of them, or one that a journey needs is missing or not as declared.
fn given(
    context: &Context,
    request: &JourneyRun,
    chosen: &[(Journey, String)],
) -> Result<Inputs, Failure> {
    let journeys: Vec<&Journey> = chosen.iter().map(|(journey, _)| journey).collect();
    let taken = inputs::taken(context, &journeys);
    let mut named = request.inputs.iter().map(|(name, _)| name);
    if let Some(unknown) = named.find(|name| !taken.contains(name.as_str())) {
        return Err(Failure::unknown("input", unknown, taken));
    }
    let inputs = inputs::inputs(context, &journeys, &request.inputs)?;
    let masked = |mut problem: Problem| {
        problem.what = inputs.masked.text(&problem.what).into_owned();
        problem
    };
    let wrong = journeys
        .iter()
        .flat_map(|journey| journey.wrong_inputs(&inputs.values, &context.run));
    let problems: Vec<_> = wrong.map(masked).collect();
    if problems.is_empty() {
        return Ok(inputs);
    }
    Err(Failure {
        exit: Exit::Usage,
        problems,
        lines: Vec::new(),
    })
}

/// The line that plays what was `given`, a name or a file, again.
fn again(context: &Context, request: &JourneyRun, given: &str) -> String {
    let mut words = vec!["journey".to_owned(), "run".to_owned(), given.to_owned()];
    for (key, value) in &request.inputs {
        words.extend(["-i".to_owned(), inputs::shown(context, key, value)]);
    }
    if let Some(url) = &request.url {
        words.extend(["--url".to_owned(), url.clone()]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    context.repeat(&words)
}

/// With what people called it. Names are of the system's journeys; what looks like a file is one.
fn chosen(
    context: &Context,
    request: &JourneyRun,
    known: Vec<Journey>,
) -> Result<Vec<(Journey, String)>, Failure> {
    if request.journeys.is_empty() {
        let named = |journey: Journey| (journey.clone(), journey.name().to_owned());
        return Ok(known.into_iter().map(named).collect());
    }
    let mut chosen = Vec::new();
    for given in &request.journeys {
        if is_file(given) {
            let document = load_document(&context.here.whole(Path::new(given)), &context.files())?;
            chosen.extend(document.into_iter().map(|journey| (journey, given.clone())));
        } else {
            let Some(journey) = known.iter().find(|journey| journey.name() == given) else {
                let names: Vec<&str> = known.iter().map(Journey::name).collect();
                return Err(Failure::unknown("journey", given, names));
            };
            chosen.push((journey.clone(), given.clone()));
        }
    }
    Ok(chosen)
}
