//! The first thing in each service's `main`: sets up name lookup and TLS for the process, reads
//! the arguments, then either asks the running service whether it is ready (`NAME healthcheck`),
//! runs another command of the service, or configures and serves until SIGTERM or SIGINT.
//!
//! Exit codes: 0 ended as asked, 1 failed (or is not ready), 2 wrong arguments or configuration.

use std::ffi::{CStr, OsString, c_char, c_int};
use std::fmt;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::healthcheck::{self, Kind};
use crate::logs;

/// A service as its `main` describes it.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// Its name, also that of its binary.
    pub name: &'static str,
    /// How its readiness is asked.
    pub health: Kind,
}

/// Writes one line to standard output.
pub type Say = Box<dyn FnMut(&str) + Send>;

type Run = Box<dyn FnOnce(&str, Settings, Vec<String>) -> ExitCode>;

/// What a service does besides serving, `NAME COMMAND …`, beside the running service.
pub struct Command {
    name: &'static str,
    usage: &'static str,
    run: Run,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({} {})", self.name, self.usage)
    }
}

impl Command {
    /// The command `name` with arguments as `usage` shows them: `read` names its settings, `run`
    /// does its work with them, with the arguments after its name, and with what writes a line.
    pub fn new<C, F, E>(
        name: &'static str,
        usage: &'static str,
        read: impl FnOnce(&mut Settings) -> Option<C> + 'static,
        run: impl FnOnce(C, Vec<String>, Say) -> F + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>>,
        E: std::error::Error,
    {
        let run = move |service: &str, mut settings: Settings, arguments: Vec<String>| {
            let configuration = read(&mut settings);
            let configuration = match settings.finish(configuration) {
                Ok(configuration) => configuration,
                Err(error) => return fail(2, service, &error),
            };
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(error) => return fail(1, service, &error),
            };
            match runtime.block_on(run(configuration, arguments, Box::new(print))) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(1, service, &error),
            }
        };
        Self {
            name,
            usage,
            run: Box::new(run),
        }
    }
}

/// Runs a service that has no further command, see [`run_with`].
pub fn run<C, F, E>(
    service: Service,
    read: impl FnOnce(&mut Settings) -> Option<C>,
    serve: impl FnOnce(C, CancellationToken) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error,
{
    run_with(service, Vec::new(), read, serve)
}

/// Runs a service, or one of its `commands`: `read` names its settings, `serve` runs until the token that it is handed is
/// cancelled.
pub fn run_with<C, F, E>(
    service: Service,
    commands: Vec<Command>,
    read: impl FnOnce(&mut Settings) -> Option<C>,
    serve: impl FnOnce(C, CancellationToken) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error,
{
    prepare();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let settings = Settings::new(std::env::vars_os().filter_map(|(name, value)| {
        // A name or value that is no UTF-8 belongs to no setting of the shop.
        Some((name.into_string().ok()?, value.into_string().ok()?))
    }));
    match arguments.as_slice() {
        [] => configure_and_serve(service.name, settings, read, serve),
        [only] if only == "healthcheck" => ask_health(service, settings),
        [name, rest @ ..] => {
            let usage = usage(&commands);
            let Some(command) = commands.into_iter().find(|command| name == command.name) else {
                say(service.name, &usage);
                return ExitCode::from(2);
            };
            let text = |argument: &OsString| argument.to_string_lossy().into_owned();
            (command.run)(service.name, settings, rest.iter().map(text).collect())
        }
    }
}

fn usage(commands: &[Command]) -> String {
    let mut usage = "serves when called without arguments; else `healthcheck`".to_owned();
    for Command {
        name, usage: of, ..
    } in commands
    {
        usage.push_str(&format!(", or `{}`", format!("{name} {of}").trim_end()));
    }
    usage
}

fn configure_and_serve<C, F, E>(
    name: &'static str,
    mut settings: Settings,
    read: impl FnOnce(&mut Settings) -> Option<C>,
    serve: impl FnOnce(C, CancellationToken) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error,
{
    let filter = settings.text_or("LOG", "info").unwrap_or_default();
    let configuration = read(&mut settings);
    let warnings = settings.warnings();
    match settings.finish(configuration) {
        Ok(configuration) => {
            logs::start(name, &filter);
            for warning in warnings {
                tracing::warn!("{warning}");
            }
            serve_until_stopped(name, configuration, serve)
        }
        Err(error) => fail(2, name, &error),
    }
}

fn ask_health(service: Service, mut settings: Settings) -> ExitCode {
    let listen = settings.address("LISTEN");
    match settings.finish(listen) {
        Ok(listen) => match healthcheck::ask(service.health, &listen) {
            Ok(()) => ExitCode::SUCCESS,
            Err(unhealthy) => fail(1, service.name, &unhealthy),
        },
        Err(error) => fail(2, service.name, &error),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn serve_until_stopped<C, F, E>(
    name: &'static str,
    configuration: C,
    serve: impl FnOnce(C, CancellationToken) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error,
{
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, name, &error),
    };
    let ended = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        tokio::spawn(cancel_when_signalled(shutdown.clone()));
        serve(configuration, shutdown).await
    });
    // What is left is work that was given its grace already.
    runtime.shutdown_background();
    match ended {
        Ok(()) => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "ended");
            fail(1, name, &error)
        }
    }
}

async fn cancel_when_signalled(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::warn!("cannot listen for signals: only a kill will stop this service");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => tracing::info!("asked to stop by SIGTERM"),
        _ = interrupt.recv() => tracing::info!("asked to stop by SIGINT"),
    }
    shutdown.cancel();
}

fn fail(code: u8, name: &str, error: &dyn std::error::Error) -> ExitCode {
    say(name, &error.to_string());
    ExitCode::from(code)
}

/// Writes one message to standard error, where a closed pipe is nobody's problem.
fn say(name: &str, message: &str) {
    let _gone = writeln!(std::io::stderr(), "{name}: {message}");
}

/// Writes one line to standard output, where a closed pipe is nobody's problem.
fn print(line: &str) {
    let _gone = writeln!(std::io::stdout(), "{line}");
}

/// What comes first in each `main`, before any second thread: name lookup and TLS for the process.
pub fn prepare() {
    look_up_names_without_plugins();
    install_tls();
}

/// Installs the TLS provider for the process. A second call changes nothing.
pub fn install_tls() {
    // An error says that one is installed already.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

/// Names are looked up in files and DNS alone. A static glibc would load the host's plug-ins for
/// whatever else `nsswitch.conf` names, and die of those that were built for another glibc.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn look_up_names_without_plugins() {
    for (database, sources) in [
        (c"hosts", c"files dns"),
        (c"passwd", c"files"),
        (c"group", c"files"),
    ] {
        configure_lookup(database, sources);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn look_up_names_without_plugins() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc offers this setting only as a C function")]
fn configure_lookup(database: &'static CStr, sources: &'static CStr) {
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, sources: *const c_char) -> c_int;
    }
    // SAFETY: both arguments are NUL-terminated and live for ever; the function keeps no other
    // pointer, and it is called first thing in main, before any second thread or lookup exists.
    let _refused = unsafe { __nss_configure_lookup(database.as_ptr(), sources.as_ptr()) };
}
