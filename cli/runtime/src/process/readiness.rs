//! When an instance is ready: its healthcheck passed and every edge into it accepts.
//!
//! The same meaning as Docker's, sooner: until its first success the check runs 30 ms after the
//! start and then at growing distances up to 500 ms, not only every `interval`; but a failure
//! counts against `retries` only where Docker would have run the check too, so nothing is ever
//! called unhealthy earlier than there.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use msvc_system::id::InstanceId;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::beside::run_beside;
use super::child::cannot_run;
use super::shared::Shared;
use crate::instance::{HealthSpec, InstanceSpec, Program};

/// Before the first probe.
const FIRST: Duration = Duration::from_millis(30);
/// A service that can be asked nothing (no healthcheck, no port) is ready once it has run for so
/// long. One that lacks an argument, a module or a file has ended by then: interpreters need a few
/// hundred milliseconds to find out.
const SETTLE: Duration = Duration::from_secs(1);
/// Between the first probes; it doubles.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest distance before the first success.
const LONGEST: Duration = Duration::from_millis(500);
/// How long the edges may take to accept once the service does.
const EDGES: Duration = Duration::from_secs(2);

/// Without a healthcheck, an instance whose ports do not accept is called unhealthy after
/// [`PORTS_RETRIES`] times this.
const PORTS_INTERVAL: Duration = Duration::from_secs(1);
/// See [`PORTS_INTERVAL`].
const PORTS_RETRIES: u32 = 60;

/// What the watcher tells the keeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Healthy, and every edge into it accepts.
    Ready,
    /// It failed as often as it may; what the last probe said.
    Unhealthy(String),
}

/// Counts failures as Docker would.
#[derive(Debug)]
struct Tally {
    retries: u32,
    interval: Duration,
    start_period: Duration,
    failures: u32,
    /// When Docker would run its next probe, since the start. The first of ours from then on
    /// stands for it.
    next: Duration,
}

impl Tally {
    fn new(retries: u32, interval: Duration, start_period: Duration) -> Self {
        Self {
            retries: retries.max(1),
            interval,
            start_period,
            failures: 0,
            next: interval,
        }
    }

    /// A probe that began and ended then, since the start, failed. Whether it is the one too many.
    fn failed(&mut self, began: Duration, ended: Duration) -> bool {
        if began < self.next {
            return false;
        }
        self.next = ended + self.interval;
        if ended >= self.start_period {
            self.failures += 1;
        }
        self.failures >= self.retries
    }

    fn passed(&mut self) {
        self.failures = 0;
    }
}

/// Watches one start of an instance until dropped or until nobody listens.
pub(super) async fn watch(
    spec: Arc<InstanceSpec>,
    id: InstanceId,
    started: Instant,
    shared: Arc<Shared>,
    tell: mpsc::Sender<Told>,
) {
    let (interval, retries, start_period) = match &spec.health {
        Some(health) => (health.interval, health.retries, health.start_period),
        None => (PORTS_INTERVAL, PORTS_RETRIES, Duration::ZERO),
    };
    let clock = Arc::clone(&shared.clock);
    let mut tally = Tally::new(retries, interval, start_period);
    let mut distance = SHORTEST;
    let mut ready = false;
    let mut unhealthy = false;
    clock
        .sleep(if spec.can_be_asked() { FIRST } else { SETTLE })
        .await;
    loop {
        let began = clock.now() - started;
        let outcome = probe(&spec, &id, &shared).await;
        let ended = clock.now() - started;
        let news = match outcome {
            Ok(()) => {
                tally.passed();
                let news = (!ready || unhealthy).then_some(Told::Ready);
                (ready, unhealthy) = (true, false);
                news
            }
            Err(why) => {
                let news =
                    (tally.failed(began, ended) && !unhealthy).then_some(Told::Unhealthy(why));
                unhealthy |= news.is_some();
                news
            }
        };
        if let Some(news) = news
            && tell.send(news).await.is_err()
        {
            return;
        }
        if ready && spec.health.is_none() {
            // Docker calls nothing unhealthy that has no healthcheck.
            return;
        }
        if ready {
            clock.sleep(interval).await;
        } else {
            clock.sleep(distance.min(interval.max(SHORTEST))).await;
            distance = (distance * 2).min(LONGEST);
        }
    }
}

/// One look: the healthcheck, or the ports; then the edges.
async fn probe(spec: &InstanceSpec, id: &InstanceId, shared: &Shared) -> Result<(), String> {
    match &spec.health {
        Some(health) => check(spec, health, id, shared).await?,
        None => ports(spec, shared).await?,
    }
    edges(id, shared).await
}

async fn check(
    spec: &InstanceSpec,
    health: &HealthSpec,
    id: &InstanceId,
    shared: &Shared,
) -> Result<(), String> {
    let Program::Process(program) = &spec.program;
    let (words, timeout) = (&health.command, health.timeout);
    let outcome = run_beside(spec, id, &shared.mark, words, timeout, &*shared.clock).await;
    let outcome = outcome.map_err(|e| cannot_run(program, words, &e))?;
    let output = outcome.output.trim();
    match outcome.status {
        Some(0) => Ok(()),
        Some(status) if output.is_empty() => Err(format!("status {status}")),
        Some(status) => Err(format!("status {status}: {output}")),
        None => Err(format!("no answer within {timeout:?}")),
    }
}

async fn ports(spec: &InstanceSpec, shared: &Shared) -> Result<(), String> {
    for listen in &spec.listens {
        let mut address = listen.backend;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let connected = tokio::select! {
            outcome = TcpStream::connect(address) => outcome.map(drop),
            () = shared.clock.sleep(PORTS_INTERVAL) => Err(io::ErrorKind::TimedOut.into()),
        };
        connected.map_err(|e| format!("its port {} does not accept: {e}", listen.port))?;
    }
    Ok(())
}

async fn edges(id: &InstanceId, shared: &Shared) -> Result<(), String> {
    let deadline = shared.clock.now() + EDGES;
    let mut distance = Duration::from_millis(2);
    loop {
        let Some(refusing) = shared.edges.refusing(&id.lane, &id.service) else {
            return Ok(());
        };
        if shared.clock.now() >= deadline {
            return Err(format!("the edge {refusing} does not accept"));
        }
        shared.edges.look_again(&id.lane, &id.service);
        shared.clock.sleep(distance).await;
        distance = (distance * 2).min(SHORTEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn failures_count_once_an_interval_and_only_after_the_start_period() {
        let mut tally = Tally::new(2, s(5), s(12));
        let quick = Duration::from_millis(100);
        let mut unhealthy = None;
        for tick in 0..400 {
            let began = quick * tick;
            if tally.failed(began, began + quick) {
                unhealthy = Some(began);
                break;
            }
        }
        // Docker probes at 5, 10, 15 and 20 s (and a little); the last two come after the start
        // period.
        let unhealthy = unhealthy.unwrap();
        assert!(unhealthy >= s(20) && unhealthy < s(21), "{unhealthy:?}");
    }

    #[test]
    fn a_success_in_between_starts_the_count_over() {
        let mut tally = Tally::new(2, s(1), s(0));
        assert!(!tally.failed(s(1), s(1)));
        tally.passed();
        assert!(!tally.failed(s(2), s(2)));
        assert!(tally.failed(s(3), s(3)));
    }

    #[test]
    fn the_first_failure_counts_no_earlier_than_dockers_first_probe() {
        let mut tally = Tally::new(1, s(30), s(0));
        assert!(!tally.failed(s(29), s(31)));
        assert!(tally.failed(s(30), s(31)));
    }
}
