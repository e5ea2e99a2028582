//! The shop's broker: Kafka's protocol over one SQLite file, in one small process.
//!
//! In: settings from the environment ([`config`]), Kafka requests on one port, questions of whoever
//! watches on another ([`door`]). Out: answers, JSON logs, one SQLite file in the data folder. Any
//! Kafka can take its place: services know only an address.
//!
//! The parts: [`config`] reads the settings, [`store`] opens the data and makes the topics,
//! [`groups`] divides topics among consumers, [`largest`] bounds records and answers, [`listen`] answers connections until it is told to stop,
//! [`guard`] ends a broker whose storage is gone, [`healthcheck`] asks a running broker whether its
//! topics can be used, [`logs`] writes lines. What is told of all that is counted in [`figures`], by
//! [`counted`] for each request and by [`measured`] for each question to the storage engine.
//!
//! It looks up no host name (it listens on an address and only repeats the advertised one), so
//! it needs none of the name-service set-up that the other services begin with.

mod codes;
mod config;
mod counted;
mod door;
mod error;
mod figures;
mod groups;
mod guard;
mod healthcheck;
mod largest;
mod listen;
mod logs;
mod measured;
mod news;
mod partitions;
mod routes;
mod store;
mod topic;

use std::{env, process::ExitCode, time::Instant};

use config::Config;
use door::Asked;
use error::Error;
use guard::{Panics, Patience};
use tansu_storage::Storage as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the command line asks for.
enum Task {
    Serve,
    Healthcheck,
}

fn main() -> ExitCode {
    let started = Instant::now();
    let task = match task(env::args().skip(1)) {
        Ok(task) => task,
        Err(error) => return refuse(&error),
    };
    let config = match Config::read(|key| env::var(key).ok()) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    match task {
        Task::Healthcheck => match healthcheck::ask(&config) {
            Ok(summary) => {
                say(&mut std::io::stdout(), &summary);
                ExitCode::SUCCESS
            }
            Err(error) => {
                say(&mut std::io::stdout(), &format!("unhealthy: {error}"));
                ExitCode::FAILURE
            }
        },
        Task::Serve => match run(&config, started) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "ended");
                say(&mut std::io::stderr(), &format!("broker: {error}"));
                ExitCode::FAILURE
            }
        },
    }
}

fn task(mut arguments: impl Iterator<Item = String>) -> Result<Task, Error> {
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(Task::Serve),
        (Some("healthcheck"), None) => Ok(Task::Healthcheck),
        (Some(other), _) => Err(Error::Arguments {
            given: other.to_owned(),
        }),
    }
}

fn refuse(error: &Error) -> ExitCode {
    say(&mut std::io::stderr(), &format!("broker: {error}"));
    ExitCode::from(2)
}

/// Writes one line; a closed pipe is nobody's failure.
fn say(out: &mut impl std::io::Write, line: &str) {
    drop(writeln!(out, "{line}"));
}

fn run(config: &Config, started: Instant) -> Result<(), Error> {
    logs::start(&config.log)?;
    let panics = Panics::watch();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Start {
            what: "its threads",
            source,
        })?;
    let result = runtime.block_on(serve(config, started, panics));
    // Whatever still runs has had its grace.
    runtime.shutdown_background();
    result
}

async fn serve(config: &Config, started: Instant, panics: Panics) -> Result<(), Error> {
    let hear = |kind| {
        signal(kind).map_err(|source| Error::Start {
            what: "hearing its signals",
            source,
        })
    };
    let mut terminate = hear(SignalKind::terminate())?;
    let mut interrupt = hear(SignalKind::interrupt())?;
    let store = store::open(config).await?;
    let listener = listen::bind("LISTEN", config.listen).await?;
    let watched = listen::bind("LISTEN_HTTP", config.listen_http).await?;
    let stopping = CancellationToken::new();
    let door = Asked::new(&store, config, stopping.clone());
    let door = tokio::spawn(door::serve(watched, door));
    tracing::info!(
        listen = %config.listen,
        listen_http = %config.listen_http,
        advertised = config.advertised.authority(),
        data_dir = %config.data_dir.display(),
        ready_after_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "broker ready"
    );
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopping.cancel();
    };
    let ask = || {
        let data = store.data.clone();
        async move { data.ping().await }
    };
    let lost = async {
        let lost = guard::lost(ask, panics, Patience::default()).await;
        match store.end.is_cancelled() {
            // It was told to end.
            true => std::future::pending().await,
            false => lost,
        }
    };
    tokio::select! {
        served = listen::serve(listener, &store, config.shutdown_grace, stop) => served?,
        lost = lost => return Err(lost),
    }
    // It stopped with the other one. Had it died before, the log says so.
    drop(door.await);
    Ok(())
}
