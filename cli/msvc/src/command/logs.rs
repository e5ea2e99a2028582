//! `msvc logs`: what services wrote, merged by time, also when nothing runs any more.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_runtime::contract::{LogLine, LogQuery, Runtime as _};
use msvc_runtime::docker::EngineError;
use msvc_runtime::process::read_logs;
use msvc_system::id::ServiceName;
use msvc_system::problem::Problem;

use crate::cli::Logs;
use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::running::AnyRuntime;

/// Prints the lines, and with `--follow` those to come until Ctrl-C, which is its normal end.
///
/// # Errors
/// When a service is unknown or the records cannot be read.
pub async fn run(context: &Context, request: &Logs) -> Result<Ending, Failure> {
    // A system that is known by its records alone does not say which services it has.
    if !context.system.services.is_empty() {
        known(context, &request.services)?;
    }
    let home = context.home()?;
    let query = LogQuery {
        services: request.services.clone(),
        follow: request.follow,
        tail: request.tail,
    };
    let runtime = context.connect(&home).await?;
    if runtime.is_none()
        && let Some(why) = crate::ended::sentence(&home, &*context.clock).await?
    {
        context
            .terminal
            .note(&format!("{} is not running: {why}", context.system.name));
    }
    let untold = match &runtime {
        Some(AnyRuntime::Docker(runtime)) => untold(context, runtime.untold(&query).await?),
        _ => Ok(()),
    };
    // Whoever waits for lines would wait for those; one document is all lines, or says why not.
    if (request.follow || context.terminal.is_json()) && untold.is_err() {
        return untold.map(|()| Exit::Held.into());
    }
    let lines = match &runtime {
        Some(AnyRuntime::Docker(runtime)) => runtime.logs(&query).await?,
        Some(runtime) if request.follow => runtime.get().logs(&query).await?,
        _ => read_logs(&home, &query)?,
    };
    let mut lines = lines.peekable();
    if runtime.is_none() && std::pin::Pin::new(&mut lines).peek().await.is_none() {
        let (name, up) = (&context.system.name, context.repeat(&["up", "-d"]));
        context
            .terminal
            .note(&format!("no lines of {name} are kept; `{up}` boots it"));
    }
    let lines = lines.boxed();
    match &runtime {
        Some(runtime) if request.follow => print_all(context, runtime, lines).await,
        _ => {
            print(context, lines).await;
            untold.map(|()| Exit::Held.into())
        }
    }
}

/// What an engine does not tell of what services wrote: a warning where their driver keeps nothing
/// to read.
///
/// # Errors
/// Where the engine could not, for any other reason.
fn untold(context: &Context, untold: Vec<(ServiceName, EngineError)>) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let mut exit = Exit::CouldNot;
    for (service, error) in untold {
        if !error.to_string().contains("not support reading") {
            exit = error.exit();
            let failure = crate::place::of_engine(&error);
            problems.extend(failure.problems);
            continue;
        }
        let what = format!("{service}: what it writes is not kept where msvc could read it");
        let mut problem = Problem::warning(what);
        let written = &context.system.written;
        problem.place = written.field(service.as_str(), "logging");
        problem.hint = problem
            .place
            .as_ref()
            .map(|_| "choose another `logging.driver`, such as `local`".to_owned());
        context.terminal.event(&Event::Warned { problem });
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure {
        exit,
        problems,
        lines: Vec::new(),
    })
}

/// Prints the lines of a running system until Ctrl-C, which is the normal end, or its own.
///
/// # Errors
/// When they ended because its engine is gone, or how it ended cannot be read.
pub async fn print_all(
    context: &Context,
    runtime: &AnyRuntime,
    lines: BoxStream<'static, LogLine>,
) -> Result<Ending, Failure> {
    print(context, lines).await;
    if !context.shutdown.is_requested()
        && let Some(lost) = runtime.lost().await
    {
        return Err(lost);
    }
    if !context.shutdown.is_requested()
        && let AnyRuntime::Process(_) = runtime
        && let Some(why) = crate::ended::sentence(&context.home()?, &*context.clock).await?
    {
        let name = &context.system.name;
        context.terminal.note(&format!("{name}: {why}"));
        return Ok(Exit::Failed.into());
    }
    Ok(Exit::Held.into())
}

/// Fails for the first service that the system does not have.
///
/// # Errors
/// As said.
pub fn known(context: &Context, services: &[ServiceName]) -> Result<(), Failure> {
    for name in services {
        if let Some(hint) = context.system.resting_hint(name.as_str()) {
            let what = format!("the service `{name}` stands in a profile and is not taken");
            return Err(Failure::new(Exit::Usage, what).hint(hint));
        }
        if context.system.service(name.as_str()).is_none() {
            let all: Vec<&str> = context
                .system
                .services
                .keys()
                .map(ServiceName::as_str)
                .collect();
            return Err(Failure::unknown("service", name.as_str(), all));
        }
    }
    Ok(())
}

/// Prints lines until they end, the user wants to, or nobody reads them any more.
/// Whether somebody does.
pub async fn print(context: &Context, mut lines: BoxStream<'static, LogLine>) -> bool {
    context
        .terminal
        .align(context.system.services.keys().map(ServiceName::as_str));
    let mut all = Vec::new();
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            () = context.shutdown.requested() => None,
        };
        let Some(line) = line else { break };
        if context.terminal.is_json() {
            all.push(line);
        } else if context
            .terminal
            .log_line(&prefix(&line), &line.text)
            .is_err()
        {
            return false;
        }
    }
    if context.terminal.is_json() {
        context
            .terminal
            .json(&serde_json::json!({ "schema": "msvc.logs/1", "lines": all }));
    }
    true
}

/// Follows a running system's lines from a moment on (milliseconds since the Unix epoch), in the
/// background. What earlier boots wrote is kept too, and is for `logs` to show.
pub async fn follow(
    runtime: &AnyRuntime,
    services: &[ServiceName],
    since_ms: u64,
) -> Result<BoxStream<'static, LogLine>, Failure> {
    let query = LogQuery {
        services: services.to_vec(),
        follow: true,
        tail: None,
    };
    let lines = runtime.get().logs(&query).await?;
    let is_new = move |line: &LogLine| std::future::ready(line.at_ms >= since_ms);
    Ok(lines.filter(is_new).boxed())
}

fn prefix(line: &LogLine) -> String {
    match line.instance.replica {
        1 => line.instance.service.to_string(),
        replica => format!("{}-{replica}", line.instance.service),
    }
}
