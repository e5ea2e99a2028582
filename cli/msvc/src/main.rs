//! The shell of msvc: the command line, the terminal, the exit codes, and the wiring of the rooms.

#![expect(
    unreachable_pub,
    reason = "in a binary, `pub` says what a file offers its siblings"
)]

mod added;
mod artifacts;
mod boot;
mod booting;
mod cli;
mod command;
mod context;
mod ended;
mod exchanges;
mod exit;
mod failure;
mod finish;
mod guests;
mod here;
mod inputs;
mod interrupt;
mod late;
mod outlets;
mod own_system;
mod place;
mod prove;
mod running;
mod secrets;
mod service_ca;
mod silence;
mod sources;
mod stopping;
mod supervise;
mod table;
mod terminal;
mod uncarried;
mod unkept;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use msvc_machine::clock::{Clock, MachineClock};
use msvc_report::exit::Exit;
use msvc_system::problem::Problem;

use cli::{Cli, Command, Format};
use context::Context;
use exit::Ending;
use failure::Failure;
use here::Here;
use terminal::Terminal;

fn main() -> ExitCode {
    msvc_machine::name_service::use_builtin_name_services();
    msvc_machine::http_client::choose_tls_provider();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(why) => return exit::of_command_line(why, std::env::args_os()),
    };
    if matches!(cli.command, Command::Contract(_) | Command::Demo(_)) {
        past_proxies();
    }
    let terminal = Terminal::new(&cli.global, Here::of(cli.global.directory.as_deref()));
    if let Err(failure) = here::work_in(cli.global.directory.as_deref()) {
        terminal.failure(&failure);
        return Ending::Own(failure.exit).into();
    }
    let ending = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let ending = runtime.block_on(run(&cli, &terminal));
            // A task that blocks (a lock, a slow disk) must not keep the terminal.
            runtime.shutdown_background();
            ending
        }
        Err(why) => Err(Failure::new(Exit::CouldNot, format!("cannot start: {why}"))),
    };
    let ending = ending.unwrap_or_else(|failure| {
        terminal.failure(&failure);
        outlets::annotate(&terminal, &failure.problems);
        Ending::Own(failure.exit)
    });
    let unkept = terminal.unkept().problems();
    outlets::annotate(&terminal, &unkept);
    for problem in &unkept {
        terminal.problem(problem);
    }
    let ending = terminal.unkept().settle(ending);
    let Some(why) = terminal.unwritten() else {
        return ending.into();
    };
    let what = format!("what came out cannot be written to standard output: {why}");
    terminal.problem(&Problem::error(what).hint("make room where it goes, or send it elsewhere"));
    ending.and(Exit::CouldNot).into()
}

async fn run(cli: &Cli, terminal: &Terminal) -> Result<Ending, Failure> {
    let clock: Arc<dyn Clock> = MachineClock::shared();
    let shutdown = interrupt::watch()
        .map_err(|why| Failure::new(Exit::CouldNot, format!("cannot take signals: {why}")))?;
    terminal.stop_fetching_at(&shutdown);
    if cli.global.junit.is_some() && !cli.command.proves() {
        let what = "`--junit` is for commands that prove something";
        return Err(Failure::new(Exit::Usage, what)
            .hint("journey run, contract verify, chaos, ready, doctor and demo do"));
    }
    if let Some(path) = &cli.global.junit {
        outlets::may_be_written(terminal, path)?;
    }
    if cli.global.format == Format::Yaml && !matches!(cli.command, Command::Config(_)) {
        let what = "only `config` prints YAML";
        return Err(Failure::new(Exit::Usage, what).hint("`--format json` is for every command"));
    }
    match &cli.command {
        Command::Guardian(it) => {
            supervise::guardian(&it.rest, clock, shutdown).await?;
            return Ok(Exit::Held.into());
        }
        Command::Supervisor(it) => {
            supervise::supervisor(&it.rest, clock, shutdown).await?;
            return Ok(Exit::Held.into());
        }
        Command::Mesh(it) => {
            supervise::mesh(&it.rest, clock, shutdown).await?;
            return Ok(Exit::Held.into());
        }
        Command::Keeper(it) => {
            supervise::keeper(&it.rest, clock).await?;
            return Ok(Exit::Held.into());
        }
        Command::Warden(it) => {
            supervise::warden(&it.rest, clock, shutdown).await?;
            return Ok(Exit::Held.into());
        }
        Command::Doctor => return command::doctor::run(cli, terminal, &shutdown).await,
        Command::Ready(it) => return command::ready::run(cli, it, terminal, &shutdown).await,
        // Reads files, and nothing of what runs.
        Command::Config(it) => return command::config::run(cli, it, terminal),
        // The one command that may begin without a system.
        Command::New(it) => return command::new::run(cli, it, terminal, &shutdown).await,
        _ => {}
    }
    let context = Context::load(cli, terminal.clone(), clock, shutdown)?;
    let ending = context.telling_of_silence(of_a_system(&context, &cli.command));
    let ending = ending.await;
    let ending = ending.map_err(|failure| failure.choosing(&context.repeat(&[])));
    terminal.clear_progress();
    if context.shutdown.is_requested() {
        context.end_commands().await;
    }
    let (ended, failure) = match &ending {
        Ok(ending) => (*ending, None),
        Err(failure) => (Ending::Own(failure.exit), Some(failure)),
    };
    artifacts::write_run(&context, ended, failure);
    ending
}

/// A command about a system.
async fn of_a_system(context: &Context, command: &Command) -> Result<Ending, Failure> {
    match command {
        Command::Up(it) => command::up::run(context, it).await,
        Command::Down(it) => command::down::run(context, it).await,
        Command::Ps(it) => command::ps::run(context, it).await,
        Command::Logs(it) => command::logs::run(context, it).await,
        Command::Journey(it) => command::journey::run(context, it).await,
        Command::Contract(it) => command::contract::run(context, it).await,
        Command::Chaos(it) => command::chaos::run(context, it).await,
        Command::Demo(it) => command::demo::run(context, it).await,
        Command::Config(_)
        | Command::New(_)
        | Command::Ready(_)
        | Command::Doctor
        | Command::Guardian(_)
        | Command::Supervisor(_)
        | Command::Mesh(_)
        | Command::Keeper(_)
        | Command::Warden(_) => Ok(Exit::Held.into()),
    }
}

/// Starts this program again, in place, with the settings that the Pact crates read from the
/// environment only: loopback is never reached through the host's proxy, and nothing is reported
/// to anybody. Setting them in a running process is not safe; with all of them set it goes on.
fn past_proxies() {
    use std::os::unix::process::CommandExt as _;
    let missing = msvc_contract::environment::missing(|name| std::env::var(name).ok());
    if missing.is_empty() {
        return;
    }
    if let Ok(program) = msvc_machine::this_program::this_program() {
        let mut again = std::process::Command::new(program);
        // It returns only when it failed; then the verifier has to do with what is set.
        let _ = again.args(std::env::args_os().skip(1)).envs(missing).exec();
    }
}
