//! An experiment, from its steady state before to its rollbacks.
//!
//! The order is Chaos Toolkit's: the steady state before (when it is not met nothing is broken),
//! the method, the steady state again while the fault is in place, the rollbacks. The fault's own
//! undo comes first among those and is done whatever happened.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::receipt::Receipt;
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use serde_json::{Value, json};

use crate::experiment::{Experiment, Rollback, RollbackDeed};
use crate::faults::{Faults, LiftError};
use crate::journal::{
    ActivityRun, Journal, Moment, Ours, SCHEMA, Status, SteadyStates, Timer, Writer, iso, note,
};
use crate::order::Order;
use crate::probe::{Journeys, Met, Played, Sink, play};
use crate::recovery::Recovery;
use crate::verdict::{Finding, conclude};

mod fault;

#[cfg(test)]
mod tests;

/// The longest that lifting a fault may take.
pub const LIFT_LIMIT: Duration = Duration::from_secs(10);

/// What an experiment is run with.
pub struct Bench<'a> {
    /// Breaks things.
    pub faults: &'a dyn Faults,
    /// Plays journeys.
    pub journeys: &'a dyn Journeys,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Where events go.
    pub sink: Sink<'a>,
    /// The wish to end. The undo is done all the same.
    pub shutdown: &'a Shutdown,
    /// Seed of all draws.
    pub seed: u64,
    /// The longest that a killed service may take until it is healthy again.
    pub recovery_limit: Duration,
    /// The command that runs the experiment again.
    pub again: String,
    /// Who writes the journal.
    pub writer: Writer,
}

/// What came of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Concluded {
    /// The case.
    pub case: Case,
    /// The record.
    pub journal: Journal,
}

/// What gathers while an experiment runs.
#[derive(Debug, Default)]
struct Gathered {
    findings: Vec<Finding>,
    states: SteadyStates,
    run: Vec<ActivityRun>,
    rollbacks: Vec<ActivityRun>,
    receipts: Vec<Receipt>,
    recoveries: Vec<Recovery>,
}

/// Moments, written from the event sink too, which is shared.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<Moment>>);

impl Notes {
    fn add(&self, clock: &dyn Clock, what: String) {
        let mut moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut moments, clock, what);
    }

    /// The same, unless it is noted already.
    fn once(&self, clock: &dyn Clock, what: String) {
        let mut moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !moments.iter().any(|moment| moment.what == what) {
            note(&mut moments, clock, what);
        }
    }

    fn into_moments(self) -> Vec<Moment> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gathered {
    /// A fault that was to be undone, and was not.
    fn not_lifted(&mut self, error: LiftError) {
        self.findings.push(match error {
            LiftError::EndedBefore(_) => Finding::EndedBefore(error.to_string()),
            LiftError::NotUndone(_) => Finding::NotUndone(error.to_string()),
        });
    }
}

/// Runs an experiment.
pub async fn run(experiment: &Experiment, bench: &Bench<'_>) -> Concluded {
    let timer = Timer::begin(bench.clock);
    let mut gathered = Gathered::default();
    let notes = Notes::default();
    let (met, state) = play(
        &experiment.hypothesis,
        bench.journeys,
        bench.clock,
        bench.sink,
        bench.shutdown,
    )
    .await;
    gathered.states.before = Some(state);
    match met {
        Met::Yes => {
            fault::played_under(experiment, bench, &notes, &mut gathered).await;
            for rollback in &experiment.rollbacks {
                roll_back(rollback, bench, &mut gathered).await;
            }
        }
        Met::No(case) => gathered
            .findings
            .push(Finding::UnhealthyBefore(crate::probe::first_words(&case))),
        Met::Unknown(why) => gathered.findings.push(Finding::UnhealthyBefore(why)),
        Met::Interrupted => gathered.findings.push(Finding::Interrupted),
    }
    conclude_all(experiment, bench, &timer, gathered, notes.into_moments())
}

/// One rollback of the file; the fault itself is undone by now.
async fn roll_back(rollback: &Rollback, bench: &Bench<'_>, gathered: &mut Gathered) {
    let timer = Timer::begin(bench.clock);
    let failed = match &rollback.deed {
        RollbackDeed::Undo => None,
        RollbackDeed::Journey(journey) => {
            // A rollback is played although the user wants to end; a second wish ends it.
            let forced = Shutdown::new();
            let play = bench.journeys.play(&journey.value, bench.sink, &forced);
            let played = tokio::select! {
                played = play => played,
                () = bench.shutdown.forced() => Played::Interrupted,
            };
            match played {
                Played::Ended(case) if case.verdict == Verdict::Held => None,
                Played::Ended(case) => Some(crate::probe::first_words(&case)),
                Played::Interrupted => Some("interrupted".to_owned()),
                Played::CouldNot(why) => Some(why),
            }
        }
    };
    let mut run = timer.end(
        bench.clock,
        rollback.document.clone(),
        json!(failed.is_none()),
        failed.is_none(),
    );
    if let Some(why) = failed {
        gathered.findings.push(Finding::NotUndone(format!(
            "the rollback `{}` failed: {why}",
            rollback.name
        )));
        run.exception.push(why);
    }
    gathered.rollbacks.push(run);
}

fn conclude_all(
    experiment: &Experiment,
    bench: &Bench<'_>,
    timer: &Timer,
    gathered: Gathered,
    moments: Vec<Moment>,
) -> Concluded {
    let mut case = Case::new(
        format!("experiment/{}", experiment.name),
        experiment.title.clone(),
        Verdict::Held,
    );
    case.subjects = vec![subject(experiment), experiment.path.display().to_string()];
    case.seconds = timer.seconds(bench.clock);
    case.repeat = Some(bench.again.clone());
    for receipt in gathered.receipts.iter().filter(|r| r.total > 0) {
        case.evidence.push(crate::verdict::felt(receipt));
    }
    for recovery in &gathered.recoveries {
        case = case.because(format!("{}: {}", recovery.service, recovery.line()));
    }
    let place = &experiment.action.order.place;
    conclude(&mut case, &gathered.findings, Some(place));
    (bench.sink)(Event::CaseEnded { case: case.clone() });
    let journal = Journal {
        schema: SCHEMA,
        chaoslib_version: format!("msvc/{}", bench.writer.version),
        platform: bench.writer.platform.clone(),
        node: bench.writer.node.clone(),
        experiment: dry_false(&experiment.document),
        start: timer.start.clone(),
        status: status(&gathered.findings),
        deviated: gathered
            .findings
            .iter()
            .any(|finding| matches!(finding, Finding::Weakness(_))),
        steady_states: gathered.states,
        run: gathered.run,
        rollbacks: gathered.rollbacks,
        end: iso(bench.clock.wall()),
        duration: timer.seconds(bench.clock),
        msvc: Ours {
            verdict: case.verdict,
            exit: case.exit.code(),
            seed: bench.seed,
            again: bench.again.clone(),
            moments,
            receipts: gathered.receipts,
            recoveries: gathered.recoveries,
        },
    };
    Concluded { case, journal }
}

fn subject(experiment: &Experiment) -> String {
    match &experiment.action.order.value {
        Order::Latency(latency) => latency.edge.to_string(),
        Order::Kill(kill) => kill.service.to_string(),
    }
}

/// Chaos Toolkit's copy of an experiment always says whether it ran dry.
fn dry_false(document: &Value) -> Value {
    let mut copy = document.clone();
    if let Some(fields) = copy.as_object_mut() {
        fields.insert("dry".to_owned(), Value::Bool(false));
    }
    copy
}

fn status(findings: &[Finding]) -> Status {
    let mut status = Status::Completed;
    for finding in findings {
        match finding {
            Finding::Interrupted => return Status::Interrupted,
            Finding::Untold(_)
            | Finding::EndedBefore(_)
            | Finding::NotArmed(_)
            | Finding::NoCommand(_)
            | Finding::NotUndone(_) => status = Status::Failed,
            Finding::UnhealthyBefore(_)
            | Finding::Weakness(_)
            | Finding::NotFelt(_)
            | Finding::NeverReleased(_)
            | Finding::StaysDown(_)
            | Finding::CommandFailed(_) => {}
        }
    }
    status
}
