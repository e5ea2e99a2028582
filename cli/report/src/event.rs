//! What happens while msvc works. Few, lossless, numbered and serialisable; a reader can ask for
//! all from a number on. What passes an edge is never an event.

use std::path::PathBuf;

use msvc_system::id::{EdgeId, InstanceId, ServiceName};
use msvc_system::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Verdict};

/// The schema name of a stamped event.
pub const SCHEMA: &str = "msvc.event/1";

/// An event with who saw it, as which one, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// [`SCHEMA`].
    pub schema: String,
    /// Who saw it: `msvc`, `supervisor`, a mesh's id.
    pub emitter: String,
    /// Its number at that emitter, from 1, without gaps.
    pub sequence: u64,
    /// The emitter's monotonic clock, in nanoseconds.
    pub monotonic_ns: u64,
    /// What happened.
    pub event: Event,
}

/// Where a line of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Event {
    /// The user should know this; nothing stops.
    Warned {
        /// What, where, what to do.
        problem: Problem,
    },
    /// A phase of a longer command begins (`demo`: boot, journeys, contracts, …).
    PhaseBegan {
        /// Its name.
        phase: String,
    },
    /// A phase ended.
    PhaseEnded {
        /// Its name.
        phase: String,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// A secret that the Compose file asks for was missing and is there now.
    SecretMade {
        /// Its name.
        secret: String,
        /// In which file.
        file: PathBuf,
    },
    /// A build begins.
    BuildBegan {
        /// What is built, for people: `gateway, orders, …`.
        what: String,
    },
    /// The build says something worth showing as progress.
    BuildProgress {
        /// One line.
        line: String,
    },
    /// A build ended well.
    BuildEnded {
        /// What was built.
        what: String,
        /// Whether anything had to be compiled.
        changed: bool,
        /// In seconds.
        seconds: f64,
    },
    /// An instance is about to be started.
    InstanceStarting {
        /// Which.
        instance: InstanceId,
    },
    /// Its process runs.
    InstanceStarted {
        /// Which.
        instance: InstanceId,
        /// Its process id, where it is a process.
        pid: Option<u32>,
    },
    /// Its healthcheck passed (or it has none and runs), and every edge into it accepts.
    InstanceReady {
        /// Which.
        instance: InstanceId,
        /// Since its start, in seconds.
        seconds: f64,
    },
    /// Its healthcheck failed as often as it may.
    InstanceUnhealthy {
        /// Which.
        instance: InstanceId,
        /// What the last probe said.
        why: String,
    },
    /// Its process ended.
    InstanceExited {
        /// Which.
        instance: InstanceId,
        /// For people: `status 1`, `signal KILL`.
        how: String,
        /// Whether msvc ended it.
        expected: bool,
    },
    /// It will be started again.
    InstanceRestarting {
        /// Its next incarnation.
        instance: InstanceId,
    },
    /// It was stopped and cleared away.
    InstanceStopped {
        /// Which.
        instance: InstanceId,
    },
    /// A line that a service wrote.
    Line {
        /// The service.
        service: ServiceName,
        /// Its replica.
        replica: u32,
        /// Where.
        stream: Stream,
        /// The line without its end.
        text: String,
    },
    /// An edge came to be that no file declares.
    EdgeAppeared {
        /// Which.
        edge: EdgeId,
        /// Why.
        why: String,
    },
    /// A journey begins.
    JourneyBegan {
        /// Its name.
        journey: String,
    },
    /// A step of a journey was played.
    JourneyStep {
        /// The journey.
        journey: String,
        /// The step's id.
        step: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// Whether it held.
        held: bool,
        /// In seconds.
        seconds: f64,
    },
    /// A fault is in place.
    FaultArmed {
        /// For people: `300ms latency on orders->payments, answers`.
        fault: String,
    },
    /// A fault was lifted.
    FaultLifted {
        /// As it was armed.
        fault: String,
        /// What it touched, for people.
        receipt: String,
    },
    /// A case came out.
    CaseEnded {
        /// The case.
        case: Case,
    },
    /// The system is up.
    SystemUp {
        /// The system's name.
        system: String,
        /// Where it can be called: service, port, URL.
        entries: Vec<Entry>,
        /// In seconds.
        seconds: f64,
        /// Whether anything was changed.
        changed: bool,
    },
    /// The system is down.
    SystemDown {
        /// The system's name.
        system: String,
        /// How many instances were stopped.
        stopped: usize,
        /// Whether its volumes were removed.
        volumes_removed: bool,
    },
    /// A verdict over everything.
    Ended {
        /// The verdict.
        verdict: Verdict,
    },
}

/// Where a service can be called from the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The service.
    pub service: ServiceName,
    /// Its own port.
    pub port: u16,
    /// Where the host reaches it.
    pub url: String,
}
