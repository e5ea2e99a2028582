//! `msvc chaos`: one fault while a command runs, or whole experiments, on the running system.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use msvc_chaos::command::CommandLine;
use msvc_chaos::experiment::{self, Experiment};
use msvc_chaos::faults::ArmError;
use msvc_chaos::inject::{self, Ended, Tools};
use msvc_chaos::kill::{self, Down};
use msvc_chaos::live::LiveFaults;
use msvc_chaos::order;
use msvc_mesh::fault::Stream;
use msvc_report::exit::Exit;
use msvc_report::report::Report;
use msvc_system::id::{EdgeId, EdgeSelector, LaneName};
use serde_json::json;

use crate::cli::{Chaos, ChaosRun, Inject, Kill, Latency, Way, is_file};
use crate::command::logs;
use crate::context::Context;
use crate::exchanges::Exchanges;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::finish::finish_on;
use crate::inputs;
use crate::prove;
use crate::running::AnyRuntime;
use crate::uncarried;

/// Breaks the running system.
///
/// # Errors
/// When nothing runs, or an edge or service is unknown.
pub async fn run(context: &Context, request: &Chaos) -> Result<Ending, Failure> {
    match request {
        Chaos::Inject(Inject::Latency(request)) => latency(context, request).await,
        Chaos::Kill(request) => kill_service(context, request).await,
        Chaos::Run(request) => experiments(context, request).await,
    }
}

async fn latency(context: &Context, request: &Latency) -> Result<Ending, Failure> {
    let runtime = match context.running().await {
        Ok(runtime) => runtime,
        // A slip of the pen is told before the fact that nothing runs.
        Err(stopped) => return Err(unknown_edge(context, request).unwrap_or(stopped)),
    };
    let latency = order::Latency {
        edge: request.edge.clone(),
        delay: request.delay,
        jitter: request.jitter,
        stream: match request.stream {
            Way::Downstream => Stream::Downstream,
            Way::Upstream => Stream::Upstream,
        },
    };
    let command = command_of(context, &request.command);
    let exchanges = Exchanges::record(context, runtime.mesh()).await;
    let sink = context.sink();
    let seed = seed(request.seed);
    if !request.jitter.is_zero() {
        tell_seed(context, request.seed, seed);
    }
    let again = again_latency(context, request, seed);
    let faults = faults(context, &runtime, &again);
    let tools = Tools {
        faults: &faults,
        clock: &*context.clock,
        sink: &sink,
        shutdown: &context.shutdown,
        seed,
        // Several commands may each hold a fault on one edge.
        name: format!("inject-{}", context.run),
        again,
    };
    let ended = inject::latency(&latency, command.as_ref(), &tools).await;
    if let Some(exchanges) = exchanges {
        exchanges.end(context).await;
    }
    let ended = match ended {
        Ok(ended) => ended,
        Err(ArmError::NoEdge { .. }) if unknown_edge(context, request).is_none() => {
            return Err(uncarried::refusal(context, &runtime, &request.edge).await);
        }
        Err(error) => return Err(not_armed(context, error)),
    };
    let felt = ended.receipt.as_ref().is_some_and(|it| it.total > 0);
    if !felt && ended.code != 0 && !context.shutdown.is_requested() {
        for what in uncarried::of(context, &runtime, &request.edge).await {
            context.terminal.note(&what);
        }
    }
    conclude(context, &runtime, "chaos inject latency", ended, seed).await
}

/// The command that the fault lasts for. It ends with msvc, however msvc ends.
fn command_of(context: &Context, words: &[std::ffi::OsString]) -> Option<CommandLine> {
    let command = CommandLine::from_words(words.iter().cloned())?;
    context.terminal.lend();
    let aside = context.terminal.is_json();
    Some(command.marked(context.mark()).aside(aside))
}

fn again_latency(context: &Context, request: &Latency, seed: u64) -> String {
    let shown = |duration| humantime::format_duration(duration).to_string();
    let mut words = vec![
        "chaos".to_owned(),
        "inject".to_owned(),
        "latency".to_owned(),
    ];
    words.extend(["--edge".to_owned(), request.edge.to_string()]);
    words.extend(["--delay".to_owned(), shown(request.delay)]);
    if !request.jitter.is_zero() {
        words.extend(["--jitter".to_owned(), shown(request.jitter)]);
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if request.stream == Way::Upstream {
        words.extend(["--stream".to_owned(), "upstream".to_owned()]);
    }
    with_command(context, words, &request.command)
}

fn again_kill(context: &Context, request: &Kill) -> String {
    let mut words = vec![
        "chaos".to_owned(),
        "kill".to_owned(),
        request.service.to_string(),
    ];
    if let Some(down) = request.down {
        words.extend([
            "--down".to_owned(),
            humantime::format_duration(down).to_string(),
        ]);
    }
    with_command(context, words, &request.command)
}

fn with_command(
    context: &Context,
    mut words: Vec<String>,
    command: &[std::ffi::OsString],
) -> String {
    if !command.is_empty() {
        words.push("--".to_owned());
        words.extend(
            command
                .iter()
                .map(|word| word.to_string_lossy().into_owned()),
        );
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    context.repeat(&words)
}

/// Why the edge is none of the system's, as far as its files tell.
fn unknown_edge(context: &Context, request: &Latency) -> Option<Failure> {
    let known = experiment::edges(&context.system);
    if known.iter().any(|edge| request.edge.selects(edge)) {
        return None;
    }
    Some(no_edge(&request.edge, &known))
}

/// There is no such edge; the nearest is offered, or all that are.
fn no_edge(wanted: &EdgeSelector, known: &[EdgeId]) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no edge `{wanted}`"));
    match wanted.nearest(known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.hint("there is no edge at all"),
        None => {
            let all: Vec<String> = known.iter().map(ToString::to_string).collect();
            failure.hint(format!("there are: {}", all.join(", ")))
        }
    }
}

/// Why nothing was broken. The files' edges are offered: a running mesh has more, between any two.
fn not_armed(context: &Context, error: ArmError) -> Failure {
    let exit = error.exit();
    match error {
        ArmError::NoEdge { edge, .. } => match edge.parse() {
            Ok(wanted) => no_edge(&wanted, &experiment::edges(&context.system)),
            Err(_) => Failure::new(exit, format!("there is no edge `{edge}`")),
        },
        ArmError::NotRunning { .. } => {
            Failure::new(exit, error.to_string()).hint("`msvc ps` shows it, `msvc up -d` starts it")
        }
        ArmError::Done { .. } => {
            Failure::new(exit, error.to_string()).hint("kill what runs: `msvc ps` shows it")
        }
        ArmError::HeldDown { .. } => Failure::new(exit, error.to_string())
            .hint("wait for its end, or end that command: it lets the service go"),
        other => Failure::new(exit, other.to_string()),
    }
}

async fn kill_service(context: &Context, request: &Kill) -> Result<Ending, Failure> {
    logs::known(context, std::slice::from_ref(&request.service))?;
    let runtime = context.running().await?;
    let down = match command_of(context, &request.command) {
        Some(command) => Down::While(command),
        None => Down::For(request.down.unwrap_or_default()),
    };
    let exchanges = Exchanges::record(context, runtime.mesh()).await;
    let again = again_kill(context, request);
    let faults = faults(context, &runtime, &again);
    let sink = context.sink();
    let tools = Tools {
        faults: &faults,
        clock: &*context.clock,
        sink: &sink,
        shutdown: &context.shutdown,
        seed: 0,
        name: format!("kill-{}", context.run),
        again,
    };
    let ended = kill::kill(&request.service, &down, prove::RECOVERY_LIMIT, &tools).await;
    if let Some(exchanges) = exchanges {
        exchanges.end(context).await;
    }
    let ended = ended.map_err(|error| not_armed(context, error))?;
    conclude(context, &runtime, "chaos kill", ended, 0).await
}

async fn experiments(context: &Context, request: &ChaosRun) -> Result<Ending, Failure> {
    let paths = chosen(context, &request.experiments)?;
    if paths.is_empty() {
        return Err(
            Failure::new(Exit::Inconclusive, "there are no experiments to run").hint(
                "name files, or list them in the Compose file as `x-msvc: {experiments: [FILE]}`",
            ),
        );
    }
    let journeys = match request.experiments.is_empty() {
        true => prove::journeys(context)?,
        false => prove::readable_journeys(context),
    };
    let experiments = prove::experiments(context, &paths, &journeys)?;
    let runtime = context.running().await?;
    let all: Vec<_> = journeys.iter().collect();
    let given = inputs::inputs(context, &all, &[])?;
    let entry = prove::entry(context, &runtime, &context.home()?, given).await?;
    let exchanges = Exchanges::record(context, runtime.mesh()).await;
    let began = context.clock.now();
    let seed = seed(request.seed);
    if experiments.iter().any(Experiment::draws) {
        tell_seed(context, request.seed, seed);
    }
    let sink = context.sink();
    let (cases, journals) = prove::run_experiments(
        context,
        &runtime,
        &experiments,
        &journeys,
        &entry,
        prove::Repeating {
            seed,
            again: &|command| context.repeat(command),
        },
        &sink,
    )
    .await;
    if let Some(exchanges) = exchanges {
        exchanges.end(context).await;
    }
    let mut report = Report::over(
        "chaos run",
        context.system.name.as_str(),
        &context.run,
        "",
        cases,
    );
    report.seconds = context.clock.now().duration_since(began).as_secs_f64();
    report.detail.insert("seed".to_owned(), json!(seed));
    finish_on(context, &runtime, report, journals).await
}

/// The files of the experiments that are meant: names are of those that `x-msvc` names.
fn chosen(context: &Context, given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let all = context.system.x_msvc.experiments.iter();
    let all: Vec<&PathBuf> = all.map(|placed| &placed.value).collect();
    if given.is_empty() {
        return Ok(all.into_iter().cloned().collect());
    }
    let named = |path: &Path| {
        path.file_stem()
            .and_then(|it| it.to_str())
            .map(str::to_owned)
    };
    let choose = |given: &PathBuf| {
        let name = given.to_string_lossy();
        if is_file(&name) {
            return Ok(context.here.whole(given));
        }
        let found = all
            .iter()
            .find(|path| named(path).as_deref() == Some(&*name));
        found.map(|path| (*path).clone()).ok_or_else(|| {
            let names: Vec<String> = all.iter().filter_map(|path| named(path)).collect();
            Failure::unknown("experiment", &name, names.iter().map(String::as_str))
        })
    };
    given.iter().map(choose).collect()
}

fn faults(context: &Context, runtime: &AnyRuntime, line: &str) -> LiveFaults {
    LiveFaults {
        runtime: runtime.shared(),
        lane: LaneName::main(),
        clock: Arc::clone(&context.clock),
        by: prove::by(line),
    }
}

/// The seed given, or one drawn now; either way it is in the report.
pub fn seed(given: Option<u64>) -> u64 {
    // 53 bits: what a JSON reader keeps.
    given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 11)
}

/// Tells a seed that was drawn, before anything is drawn from it: whatever comes out can be had again.
pub fn tell_seed(context: &Context, given: Option<u64>, seed: u64) {
    if given.is_none() {
        let note = format!("drawn with seed {seed}; `--seed {seed}` draws the same again");
        context.terminal.note(&note);
    }
}

async fn conclude(
    context: &Context,
    runtime: &AnyRuntime,
    command: &str,
    ended: Ended,
    seed: u64,
) -> Result<Ending, Failure> {
    let Ended {
        case,
        code,
        passed_on,
        receipt,
        recovery,
    } = ended;
    let mut report = Report::over(
        command,
        context.system.name.as_str(),
        &context.run,
        "",
        vec![case],
    );
    report.seconds = report.cases.iter().map(|case| case.seconds).sum();
    report.detail.insert("seed".to_owned(), json!(seed));
    report.detail.insert("receipt".to_owned(), json!(receipt));
    report.detail.insert("recovery".to_owned(), json!(recovery));
    report.exit = code;
    let ending = match passed_on {
        true => Ending::PassedOn(code),
        false => Ending::of(&report),
    };
    finish_on(context, runtime, report, Vec::new()).await?;
    Ok(ending)
}
