//! A world that does as a script says.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use msvc_machine::clock::{Clock, MachineClock};
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::exchange::{ConnectionId, IncidentKind};
use msvc_mesh::fault::FaultId;
use msvc_mesh::receipt::{Receipt, Touch};
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use msvc_system::id::{EdgeId, LaneName, ServiceName};
use tokio::time::Instant;

use crate::faults::{ArmError, Faults, Killed, Late, LiftError};
use crate::order::Latency;
use crate::probe::{Journeys, Played, Sink};
use crate::recovery::{Detected, Recovery, StayedDown};

/// What the fakes share: what is in place now, and what was done, in order.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) in_place: AtomicBool,
    pub(crate) released: AtomicBool,
    /// Whether a release was asked for.
    pub(crate) asked: AtomicBool,
    pub(crate) done: Mutex<Vec<String>>,
    pub(crate) plays: AtomicUsize,
}

impl World {
    pub(crate) fn did(&self, what: impl Into<String>) {
        self.done.lock().unwrap().push(what.into());
    }
}

/// What the fakes do.
#[derive(Clone)]
pub(crate) struct Script {
    /// Whether the journey holds, at each play.
    pub(crate) holds: Vec<bool>,
    /// Steps of the journey that hold, before it waits for a release (if it does).
    pub(crate) steps: Vec<&'static str>,
    /// Whether they hold in the first play only.
    pub(crate) steps_once: bool,
    /// Whether the journey, under a kill, ends only after the service was let go.
    pub(crate) waits_for_release: bool,
    pub(crate) touches: u64,
    pub(crate) detected: bool,
    pub(crate) stayed_down: Option<StayedDown>,
    pub(crate) arm: Option<ArmError>,
    pub(crate) lift: Option<LiftError>,
    pub(crate) lift_hangs: bool,
    /// How long a service takes to be let go. Asked twice, nothing keeps it down any more.
    pub(crate) release_takes: Duration,
    pub(crate) lost: Option<&'static str>,
    pub(crate) interrupt_at: Option<usize>,
    pub(crate) request_when_put: bool,
    /// For how long a service is down already when its kill is answered.
    pub(crate) gone_for: Duration,
    /// The wish to end comes so long after the fault was put in place.
    pub(crate) request_in: Option<Duration>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            holds: vec![true, true, true],
            steps: vec!["place-order"],
            steps_once: false,
            waits_for_release: false,
            touches: 1,
            detected: true,
            stayed_down: None,
            arm: None,
            lift: None,
            lift_hangs: false,
            release_takes: Duration::ZERO,
            lost: None,
            interrupt_at: None,
            request_when_put: false,
            gone_for: Duration::ZERO,
            request_in: None,
        }
    }
}

pub(crate) struct Fakes {
    pub(crate) script: Script,
    pub(crate) world: Arc<World>,
    pub(crate) shutdown: Shutdown,
}

#[async_trait::async_trait]
impl Journeys for Fakes {
    async fn play(&self, journey: &str, sink: Sink<'_>, shutdown: &Shutdown) -> Played {
        let number = self.world.plays.fetch_add(1, Ordering::SeqCst);
        let under = self.world.in_place.load(Ordering::SeqCst);
        self.world.did(format!(
            "play {journey}{}",
            if under { " under the fault" } else { "" }
        ));
        if self.script.interrupt_at == Some(number) {
            self.shutdown.request();
        }
        if shutdown.is_requested() {
            return Played::Interrupted;
        }
        MachineClock.sleep(Duration::from_secs(1)).await;
        for step in self
            .script
            .steps
            .iter()
            .filter(|_| number == 0 || !self.script.steps_once)
        {
            sink(Event::JourneyStep {
                journey: journey.to_owned(),
                step: (*step).to_owned(),
                attempt: 1,
                held: true,
                seconds: 1.0,
            });
        }
        // Not so long that a release which takes its time would be done.
        MachineClock.sleep(self.script.release_takes / 2).await;
        while under && self.script.waits_for_release && !self.world.released.load(Ordering::SeqCst)
        {
            MachineClock.sleep(Duration::from_millis(10)).await;
        }
        let holds = self.script.holds.get(number).copied().unwrap_or(true);
        let verdict = if holds {
            Verdict::Held
        } else {
            Verdict::Failed
        };
        Played::Ended(Case::new(format!("journey/{journey}"), journey, verdict).because("because"))
    }
}

#[async_trait::async_trait]
impl Faults for Fakes {
    async fn latency(&self, _: &str, _: &Latency, _: u64) -> Result<Box<dyn Late>, ArmError> {
        self.put().map(|fake| Box::new(fake) as Box<dyn Late>)
    }

    async fn kill(&self, _: &ServiceName) -> Result<Box<dyn Killed>, ArmError> {
        self.put().map(|fake| Box::new(fake) as Box<dyn Killed>)
    }
}

impl Fakes {
    fn put(&self) -> Result<InPlace, ArmError> {
        if let Some(error) = &self.script.arm {
            return Err(error.clone());
        }
        self.world.did("put in place");
        self.world.in_place.store(true, Ordering::SeqCst);
        if self.script.request_when_put {
            self.shutdown.request_once();
        }
        if let Some(time) = self.script.request_in {
            let shutdown = self.shutdown.clone();
            tokio::spawn(async move {
                MachineClock.sleep(time).await;
                shutdown.request();
            });
        }
        Ok(InPlace {
            script: self.script.clone(),
            world: self.world.clone(),
            since: MachineClock.now() - self.script.gone_for,
        })
    }
}

pub(crate) struct InPlace {
    pub(crate) script: Script,
    pub(crate) world: Arc<World>,
    since: Instant,
}

impl InPlace {
    async fn lost(&self) -> String {
        match self.script.lost {
            Some(why) => why.to_owned(),
            None => std::future::pending().await,
        }
    }

    async fn undo(&self) -> Result<(), LiftError> {
        if self.script.lift_hangs {
            std::future::pending::<()>().await;
        }
        match &self.script.lift {
            Some(error) => Err(error.clone()),
            None => {
                if self.world.in_place.swap(false, Ordering::SeqCst) {
                    self.world.did("undone");
                }
                self.world.released.store(true, Ordering::SeqCst);
                Ok(())
            }
        }
    }
}

#[async_trait::async_trait]
impl Late for InPlace {
    async fn lost(&self) -> String {
        self.lost().await
    }

    async fn lift(self: Box<Self>) -> Result<Receipt, LiftError> {
        self.undo().await?;
        let edge = EdgeId {
            lane: LaneName::main(),
            caller: "orders".parse().unwrap(),
            callee: "payments".parse().unwrap(),
            port: 8080,
        };
        let touch = |n| Touch {
            connection: ConnectionId {
                mesh: "m1".to_owned(),
                edge: edge.clone(),
                connection: n,
            },
            bytes: 120,
            at_ns: 1,
            held_ns: 300_000_000,
        };
        Ok(Receipt {
            schema: "msvc.receipt/1".to_owned(),
            fault: FaultId(1),
            name: "late".to_owned(),
            mesh: "m1".to_owned(),
            touches: (1..=self.script.touches).map(touch).collect(),
            total: self.script.touches,
            connections: self.script.touches,
            bytes: 120 * self.script.touches,
            edges: vec!["orders->payments:8080".to_owned()],
        })
    }
}

#[async_trait::async_trait]
impl Killed for InPlace {
    async fn lost(&self) -> String {
        self.lost().await
    }

    fn since(&self) -> Instant {
        self.since
    }

    async fn release(&self) -> Result<(), LiftError> {
        if self.script.release_takes.is_zero() || self.world.released.load(Ordering::SeqCst) {
            return self.undo().await;
        }
        if self.world.asked.swap(true, Ordering::SeqCst) {
            let why = "nothing keeps it down".to_owned();
            return Err(LiftError::EndedBefore(why));
        }
        MachineClock.sleep(self.script.release_takes).await;
        self.undo().await
    }

    async fn recovered(self: Box<Self>, _: Duration) -> Result<Recovery, LiftError> {
        let back = self.script.stayed_down.is_none();
        Ok(Recovery {
            service: "mail".parse().unwrap(),
            killed_at_ns: 0,
            detected: self.script.detected.then(|| Detected {
                at_ns: 1_000_000,
                edge: "mail->broker:9092".to_owned(),
                kind: IncidentKind::CallerEnded,
            }),
            cut: Vec::new(),
            released_at_ns: Some(2_000_000_000),
            up_at_ns: back.then_some(2_100_000_000),
            healthy_at_ns: back.then_some(2_500_000_000),
            stayed_down: self.script.stayed_down,
        })
    }
}
