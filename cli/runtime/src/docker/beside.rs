//! A command inside a running container, with its environment.

use std::time::Duration;

use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use futures_util::StreamExt;
use msvc_machine::clock::Clock;

use super::engine::{Engine, EngineError};
use crate::contract::ExecOutcome;
use crate::instance::Hook;

/// What is kept of a command's output.
const KEPT: usize = 64 * 1024;

/// Between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What a shell says of a program that cannot be run.
const CANNOT_RUN: i32 = 126;

/// Runs it to its end, or until `timeout`.
pub(super) async fn run(
    engine: &Engine,
    container: &str,
    command: &[String],
    timeout: Duration,
    clock: &dyn Clock,
) -> Result<ExecOutcome, EngineError> {
    let config = ExecConfig {
        cmd: Some(command.to_vec()),
        ..ExecConfig::default()
    };
    run_as(engine, container, config, timeout, clock).await
}

/// Runs one of its hooks to its end, or for as long as one may take.
pub(super) async fn hook(
    engine: &Engine,
    container: &str,
    hook: &Hook,
    clock: &dyn Clock,
) -> Result<ExecOutcome, EngineError> {
    let environment = hook.environment.iter();
    let environment = environment.map(|(key, value)| format!("{key}={value}"));
    let config = ExecConfig {
        cmd: Some(hook.command.clone()),
        env: Some(environment.collect()),
        user: hook.user.clone(),
        working_dir: hook.directory.clone(),
        privileged: Some(hook.privileged),
        ..ExecConfig::default()
    };
    run_as(engine, container, config, Hook::LONGEST, clock).await
}

async fn run_as(
    engine: &Engine,
    container: &str,
    config: ExecConfig,
    timeout: Duration,
    clock: &dyn Clock,
) -> Result<ExecOutcome, EngineError> {
    let words = config.cmd.clone().unwrap_or_default().join(" ");
    let what = || format!("running `{words}` in {container}");
    let config = ExecConfig {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..config
    };
    let docker = &engine.docker;
    let made = docker.create_exec(container, config);
    let id = engine.ask(what(), made).await?.id;
    let mut output = Vec::new();
    let running = async {
        let started = docker.start_exec(&id, None::<StartExecOptions>);
        match engine.ask(what(), started).await? {
            StartExecResults::Detached => {}
            StartExecResults::Attached {
                output: mut lines, ..
            } => {
                while let Some(line) = lines.next().await {
                    let line = line
                        .map_err(|error| engine.refused(what(), error))?
                        .into_bytes();
                    let room = KEPT.saturating_sub(output.len());
                    output.extend_from_slice(line.get(..room.min(line.len())).unwrap_or_default());
                }
            }
        }
        // Its output ends before the engine knows that it did, or while it runs on.
        loop {
            let seen = engine.ask(what(), docker.inspect_exec(&id)).await?;
            if seen.running != Some(true) {
                return Ok::<_, EngineError>(seen.exit_code);
            }
            clock.sleep(LOOK).await;
        }
    };
    let status = tokio::select! {
        status = running => status,
        () = clock.sleep(timeout) => Ok(None),
    };
    let status = match status {
        Ok(status) => status.and_then(|status| i32::try_from(status).ok()),
        // The engine's own words for a program that is not there.
        Err(EngineError::Refused { why, .. }) if why.contains("exec failed") => {
            output = why.into_bytes();
            Some(CANNOT_RUN)
        }
        Err(other) => return Err(other),
    };
    Ok(ExecOutcome {
        status,
        output: String::from_utf8_lossy(&output).into_owned(),
    })
}
