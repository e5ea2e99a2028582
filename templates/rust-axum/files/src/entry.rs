//! What `main` calls. Without arguments the program serves until SIGTERM or SIGINT; with the
//! argument `healthcheck` it asks the one that serves whether it is ready.
//!
//! Exit codes: 0 ended as asked, 1 failed or is not ready, 2 wrong arguments or settings.

use std::fmt::Display;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::service::{self, ServiceError};
use crate::{NAME, healthcheck, logs};

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let asked = match arguments.as_slice() {
        [] => false,
        [only] if only == "healthcheck" => true,
        _ => {
            return fail(
                2,
                "call it without arguments to serve, or with `healthcheck`",
            );
        }
    };
    // A name or value that is no UTF-8 belongs to no setting.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let config = match Config::read(variables) {
        Ok(config) => config,
        Err(error) => return fail(2, error),
    };
    if asked {
        return match healthcheck::ask(config.listen) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, error),
        };
    }
    logs::start(&config.log);
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, error),
    }
}

fn serve(config: Config) -> Result<(), ServiceError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServiceError::Start)?;
    let ended = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::Start)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServiceError::Start)?;
        let asked = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("asked to stop by SIGTERM"),
                _ = interrupt.recv() => tracing::info!("asked to stop by SIGINT"),
            }
            asked.cancel();
        });
        service::run(config, shutdown).await
    });
    // What is left is work that was given its grace already.
    runtime.shutdown_background();
    ended
}

fn fail(code: u8, why: impl Display) -> ExitCode {
    eprintln!("{NAME}: {why}");
    ExitCode::from(code)
}
