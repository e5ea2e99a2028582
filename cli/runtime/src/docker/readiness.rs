//! Whether a container is ready: its own healthcheck, run at once and often until it succeeds,
//! where the engine would wait for an interval to tick.
//!
//! The engine's verdict counts too: healthy ends the waiting, unhealthy ends it in failure unless
//! the test succeeds now. So "unhealthy" never comes earlier than from the engine, and "healthy"
//! never later.

use std::time::Duration;

use bollard::models::{ContainerStateStatusEnum, HealthStatusEnum};
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use msvc_machine::clock::Clock;
use msvc_system::id::InstanceId;
use msvc_system::model::Condition;
use tokio::net::TcpStream;

use super::container::{self, Found, probe};
use super::engine::{Engine, EngineError};
use super::{beside, image};
use crate::contract::RuntimeError;
use crate::observed::Phase;

/// The first pause between two looks, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// How long one look at a port may take.
const CONNECT: Duration = Duration::from_millis(500);

/// A container that can be asked nothing (no healthcheck, no port) is ready once it has run for so
/// long: one that lacks an argument, a module or a file has ended by then.
const SETTLE: Duration = Duration::from_secs(1);

/// What is started again and again without becoming ready is given up after so many ends: with the
/// engine's growing pauses at least three seconds.
const ENDS: u32 = 5;

/// Lines shown of a container that did not become ready.
const LAST_LINES: usize = 10;

/// How a container stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is as good as it gets.
    Ready,
    /// It may become ready.
    NotYet,
    /// It ended, with this status.
    Ended(i64),
    /// It failed as often as it may; with the last probe's words.
    Unhealthy(String),
}

/// Waits until a container is as `condition` says; as it was found just before it was asked.
pub(super) async fn await_condition(
    engine: &Engine,
    id: &InstanceId,
    container: &str,
    condition: Condition,
    clock: &dyn Clock,
) -> Result<Found, RuntimeError> {
    let mut pause = PAUSES.0;
    let mut before = None;
    let mut paused_at = None;
    loop {
        let found = container::inspect(engine, container).await?;
        let found = found.ok_or_else(|| RuntimeError::NoInstance(id.clone()))?;
        let ends = found.restarts();
        let ends = ends.saturating_sub(*before.get_or_insert(ends));
        let is_paused = found.phase() == Phase::HeldDown;
        paused_at = is_paused.then(|| paused_at.unwrap_or_else(|| clock.now()));
        let paused_for = paused_at.map(|at| clock.now().saturating_duration_since(at));
        let why = match (condition, standing(engine, &found, condition, clock).await?) {
            (Condition::ServiceStarted, _) if !found.never_ran() => return Ok(found),
            (Condition::ServiceHealthy, Standing::Ready) => return Ok(found),
            // A job that is done is as ready as it gets.
            (_, Standing::Ended(0)) => return Ok(found),
            (_, Standing::Ended(status)) => Some(format!("it ended with status {status}")),
            (Condition::ServiceHealthy, Standing::Unhealthy(said)) => {
                Some(format!("its healthcheck failed: {said}"))
            }
            _ if paused_for.is_some_and(|it| it >= PAUSED) => Some(format!(
                "somebody paused its container: `docker unpause {}` lets it go on",
                found.name()
            )),
            _ if ends >= ENDS => Some(format!("it ended {ends} times in a row")),
            _ => None,
        };
        if let Some(why) = why {
            return Err(RuntimeError::NeverReady {
                instance: id.clone(),
                why,
                last_lines: last_lines(engine, &found).await,
            });
        }
        clock.sleep(pause).await;
        pause = (pause * 3 / 2).min(PAUSES.1);
    }
}

/// Whoever copies a container pauses it for less.
const PAUSED: Duration = Duration::from_secs(5);

/// One look.
pub(super) async fn standing(
    engine: &Engine,
    found: &Found,
    condition: Condition,
    clock: &dyn Clock,
) -> Result<Standing, EngineError> {
    use ContainerStateStatusEnum as Status;
    let state = found.seen.state.clone().unwrap_or_default();
    match state.status {
        Some(Status::RUNNING) => {}
        Some(Status::EXITED | Status::DEAD) => {
            return Ok(Standing::Ended(state.exit_code.unwrap_or_default()));
        }
        _ => return Ok(Standing::NotYet),
    }
    if condition != Condition::ServiceHealthy {
        return Ok(Standing::NotYet);
    }
    let Some(health) = state.health.filter(|health| has_verdict(health.status)) else {
        return ports(engine, found, clock).await;
    };
    if health.status == Some(HealthStatusEnum::HEALTHY) {
        return Ok(Standing::Ready);
    }
    // The engine takes whoever was paused for unhealthy until the next interval: the test itself
    // tells.
    let failed = match health.status {
        Some(HealthStatusEnum::UNHEALTHY) => Standing::Unhealthy(probe::last(&health)),
        _ => Standing::NotYet,
    };
    let config = found.seen.config.as_ref();
    let health = config.and_then(|config| config.healthcheck.as_ref());
    let Some(health) = health.and_then(image::health) else {
        return Ok(Standing::Ready);
    };
    let ran = beside::run(
        engine,
        &found.container,
        &health.command,
        health.timeout,
        clock,
    );
    match ran.await {
        Ok(outcome) if outcome.status == Some(0) => Ok(Standing::Ready),
        Ok(_) => Ok(failed),
        // It ended meanwhile: the next look tells how.
        Err(EngineError::Refused { .. }) => Ok(Standing::NotYet),
        Err(other) => Err(other),
    }
}

fn has_verdict(status: Option<HealthStatusEnum>) -> bool {
    !matches!(
        status,
        None | Some(HealthStatusEnum::NONE | HealthStatusEnum::EMPTY)
    )
}

/// Without a healthcheck it is ready once the ports that the file names accept, where this host
/// can tell; without ports once it has run for a while.
async fn ports(engine: &Engine, found: &Found, clock: &dyn Clock) -> Result<Standing, EngineError> {
    let listens = found.listens();
    if listens.is_empty() {
        return Ok(match found.runs_for(clock.wall()) < SETTLE {
            true => Standing::NotYet,
            false => Standing::Ready,
        });
    }
    if found.address().is_none() || !engine.is_local().await? {
        return Ok(Standing::Ready);
    }
    for listen in listens {
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(listen.backend)).await;
        if !matches!(connected, Ok(Ok(_))) {
            return Ok(Standing::NotYet);
        }
    }
    Ok(Standing::Ready)
}

/// The last lines that a container wrote.
async fn last_lines(engine: &Engine, found: &Found) -> Vec<String> {
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .tail(&LAST_LINES.to_string())
        .build();
    let lines = engine.docker.logs(&found.container, Some(options));
    let lines: Vec<String> = lines
        .filter_map(|line| async { line.ok().map(|line| line.to_string()) })
        .collect()
        .await;
    let text = lines.concat();
    text.lines().map(str::to_owned).collect()
}
