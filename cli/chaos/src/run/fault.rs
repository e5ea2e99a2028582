//! The method and the steady state under it: the fault is put in place, the journeys are played,
//! the fault is undone.

use std::time::Duration;

use msvc_report::event::Event;
use serde_json::json;
use tokio::sync::watch;

use super::{Bench, Gathered, LIFT_LIMIT, Notes};
use crate::experiment::Experiment;
use crate::faults::{Killed, Late, LiftError};
use crate::journal::Timer;
use crate::order::{Hold, Kill, Latency, Order};
use crate::probe::{Met, play};
use crate::recovery::Recovery;
use crate::verdict::{Finding, felt, of_kill};

/// Puts the fault in place, plays the steady state under it, undoes it.
pub(super) async fn played_under(
    experiment: &Experiment,
    bench: &Bench<'_>,
    notes: &Notes,
    gathered: &mut Gathered,
) {
    match &experiment.action.order.value {
        Order::Latency(latency) => late(experiment, latency, bench, notes, gathered).await,
        Order::Kill(kill) => killed(experiment, kill, bench, notes, gathered).await,
    }
}

async fn late(
    experiment: &Experiment,
    latency: &Latency,
    bench: &Bench<'_>,
    notes: &Notes,
    gathered: &mut Gathered,
) {
    let timer = Timer::begin(bench.clock);
    let name = &experiment.action.name;
    let armed = bench.faults.latency(name, latency, bench.seed).await;
    let armed = armed.map(|armed| (armed, latency.to_string()));
    let Some((armed, text)) = in_place(experiment, bench, notes, gathered, &timer, armed) else {
        return;
    };
    let lost = {
        let playing = steady_state(experiment, bench, notes, gathered, None);
        ended_meanwhile(playing, armed.lost()).await.1
    };
    let timer = Timer::begin(bench.clock);
    let lifted = lift(armed, bench).await;
    notes.add(bench.clock, format!("lifted: {text}"));
    let output = json!({ "lifted": text, "receipt": lifted.as_ref().ok() });
    undone(bench, gathered, &timer, output, lifted.as_ref().err());
    match lifted {
        Ok(receipt) => {
            (bench.sink)(Event::FaultLifted {
                fault: text.clone(),
                receipt: if receipt.total == 0 {
                    "felt by nobody".to_owned()
                } else {
                    felt(&receipt).what
                },
            });
            if receipt.total == 0 && lost.is_none() && !interrupted(gathered) {
                gathered.findings.push(Finding::NotFelt(format!(
                    "{text}: no connection felt it, so nothing is shown"
                )));
            }
            gathered.receipts.push(receipt);
            if let Some(why) = lost {
                gathered.not_lifted(LiftError::EndedBefore(why));
            }
        }
        Err(error) => gathered.not_lifted(error),
    }
}

async fn killed(
    experiment: &Experiment,
    kill: &Kill,
    bench: &Bench<'_>,
    notes: &Notes,
    gathered: &mut Gathered,
) {
    let timer = Timer::begin(bench.clock);
    let held = bench.faults.kill(&kill.service).await;
    let held = held.map(|held| (held, kill.to_string()));
    let Some((held, text)) = in_place(experiment, bench, notes, gathered, &timer, held) else {
        return;
    };
    let (tell, told) = watch::channel(false);
    let ((), lost) = {
        let released = told.clone();
        let releasing = release_in_time(kill, &*held, bench, notes, told);
        let playing = steady_state(
            experiment,
            bench,
            notes,
            gathered,
            Some((&kill.hold, &tell)),
        );
        let hold = Remaining {
            kill,
            held: &*held,
            bench,
            told: released,
        };
        ended_meanwhile(with_release(playing, releasing, &hold), held.lost()).await
    };
    note_interruption(bench, gathered);
    if let (Hold::Step { journey, step }, None) = (&kill.hold, &lost)
        && !*tell.borrow()
        && matches!(&gathered.states.after, Some(state) if state.steady_state_met)
    {
        gathered.findings.push(Finding::NeverReleased(format!(
            "{} was down to the end: the step `{step}` of `{journey}` never held",
            kill.service
        )));
    }
    let timer = Timer::begin(bench.clock);
    let recovered = recover(kill, held, bench, notes).await;
    let output = json!({ "released": kill.service, "recovery": recovered.as_ref().ok().and_then(Option::as_ref) });
    undone(bench, gathered, &timer, output, recovered.as_ref().err());
    if let Some(why) = lost {
        gathered.not_lifted(LiftError::EndedBefore(why));
    }
    match recovered {
        Ok(recovery) => {
            (bench.sink)(Event::FaultLifted {
                fault: text,
                receipt: recovery
                    .as_ref()
                    .map_or_else(|| format!("{} was let go", kill.service), Recovery::line),
            });
            note_interruption(bench, gathered);
            if let Some(recovery) = recovery {
                let found = of_kill(&recovery, bench.recovery_limit, interrupted(gathered));
                gathered.findings.extend(found);
                gathered.recoveries.push(recovery);
            }
        }
        Err(error) => gathered.not_lifted(error),
    }
}

/// Notes that the fault is in place, or why it is not.
fn in_place<T>(
    experiment: &Experiment,
    bench: &Bench<'_>,
    notes: &Notes,
    gathered: &mut Gathered,
    timer: &Timer,
    armed: Result<(T, String), crate::faults::ArmError>,
) -> Option<(T, String)> {
    let document = experiment.action.document.clone();
    match armed {
        Ok((armed, text)) => {
            (bench.sink)(Event::FaultArmed {
                fault: text.clone(),
            });
            notes.add(bench.clock, format!("in place: {text}"));
            let run = timer.end(bench.clock, document, json!(text), true);
            gathered.run.push(run);
            Some((armed, text))
        }
        Err(error) => {
            let mut run = timer.end(bench.clock, document, json!(null), false);
            run.exception.push(error.to_string());
            gathered.run.push(run);
            gathered.findings.push(Finding::NotArmed(error));
            None
        }
    }
}

/// Notes the fault's own undo among the rollbacks.
fn undone(
    bench: &Bench<'_>,
    gathered: &mut Gathered,
    timer: &Timer,
    output: serde_json::Value,
    error: Option<&LiftError>,
) {
    let activity = json!({
        "type": "action",
        "name": "undo",
        "provider": { "type": "msvc", "undo": "the fault's own" },
    });
    let mut run = timer.end(bench.clock, activity, output, error.is_none());
    run.exception.extend(error.map(ToString::to_string));
    gathered.rollbacks.push(run);
}

/// Plays the steady state under the fault; tells when the step that ends a hold has held.
async fn steady_state(
    experiment: &Experiment,
    bench: &Bench<'_>,
    notes: &Notes,
    gathered: &mut Gathered,
    hold: Option<(&Hold, &watch::Sender<bool>)>,
) {
    let (met, state) = {
        let sink = move |event: Event| {
            if let Event::JourneyStep {
                journey,
                step,
                held: true,
                ..
            } = &event
            {
                notes.add(bench.clock, format!("{step} of {journey} held"));
                if let Some((
                    Hold::Step {
                        journey: j,
                        step: s,
                    },
                    tell,
                )) = hold
                    && j == journey
                    && s == step
                {
                    tell.send_replace(true);
                }
            }
            (bench.sink)(event);
        };
        play(
            &experiment.hypothesis,
            bench.journeys,
            bench.clock,
            &sink,
            bench.shutdown,
        )
        .await
    };
    gathered.states.after = Some(state);
    match met {
        Met::Yes => {}
        Met::No(case) => gathered.findings.push(Finding::Weakness(case)),
        Met::Unknown(why) => gathered.findings.push(Finding::Untold(why)),
        Met::Interrupted => gathered.findings.push(Finding::Interrupted),
    }
}

/// Releases the service when its hold is over. Never returns when nothing ends the hold.
async fn release_in_time(
    kill: &Kill,
    held: &dyn Killed,
    bench: &Bench<'_>,
    notes: &Notes,
    mut told: watch::Receiver<bool>,
) -> Result<(), LiftError> {
    match &kill.hold {
        Hold::For(down) => bench.clock.sleep_until(held.since() + *down).await,
        Hold::Step { .. } => {
            if told.wait_for(|told| *told).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        Hold::Released => std::future::pending().await,
    }
    held.release().await?;
    notes.once(bench.clock, let_go(kill));
    Ok(())
}

fn let_go(kill: &Kill) -> String {
    format!("let go: {}", kill.service)
}

/// What is left of a hold when the steady state has been played.
struct Remaining<'a> {
    kill: &'a Kill,
    held: &'a dyn Killed,
    bench: &'a Bench<'a>,
    /// Whether the step that ends the hold has held: then the release is under way.
    told: watch::Receiver<bool>,
}

impl Remaining<'_> {
    /// Returns when nothing is to be waited for: only a time that was given is kept to its end, and
    /// a release that has begun, unless the user wants to end or the fault is lost.
    async fn over(&self) {
        let limit = match self.kill.hold {
            Hold::For(_) => None,
            _ if *self.told.borrow() => Some(self.bench.clock.now() + LIFT_LIMIT),
            _ => return,
        };
        let late = async {
            match limit {
                Some(limit) => self.bench.clock.sleep_until(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.bench.shutdown.requested() => {}
            _ = self.held.lost() => {}
            () = late => {}
        }
    }
}

/// `playing` to its end, `releasing` beside it, and after it for as long as the hold `remains`.
/// What became of the release is seen when the service is let go for good.
async fn with_release(
    playing: impl Future<Output = ()>,
    releasing: impl Future<Output = Result<(), LiftError>>,
    remains: &Remaining<'_>,
) {
    tokio::pin!(playing, releasing);
    let mut released = false;
    loop {
        tokio::select! {
            () = &mut playing => break,
            _ = &mut releasing, if !released => released = true,
        }
    }
    if !released {
        tokio::select! {
            _ = releasing => {}
            () = remains.over() => {}
        }
    }
}

/// `playing` to its end, and why the fault was lost meanwhile, if it was.
async fn ended_meanwhile<T>(
    playing: impl Future<Output = T>,
    lost: impl Future<Output = String>,
) -> (T, Option<String>) {
    tokio::pin!(playing, lost);
    let mut why = None;
    loop {
        tokio::select! {
            // What ends the playing as well is to be known first.
            biased;
            lost = &mut lost, if why.is_none() => why = Some(lost),
            played = &mut playing => return (played, why),
        }
    }
}

async fn lift(
    armed: Box<dyn Late>,
    bench: &Bench<'_>,
) -> Result<msvc_mesh::receipt::Receipt, LiftError> {
    tokio::select! {
        lifted = armed.lift() => lifted,
        () = bench.clock.sleep(LIFT_LIMIT) => Err(too_long(LIFT_LIMIT)),
    }
}

/// Lets the service go and waits until it is healthy; who wants to end does not wait.
async fn recover(
    kill: &Kill,
    held: Box<dyn Killed>,
    bench: &Bench<'_>,
    notes: &Notes,
) -> Result<Option<Recovery>, LiftError> {
    tokio::select! {
        released = held.release() => released?,
        () = bench.clock.sleep(LIFT_LIMIT) => return Err(too_long(LIFT_LIMIT)),
    }
    notes.once(bench.clock, let_go(kill));
    // The wait itself is bounded by the other side; ours is behind it, should that side hang.
    let patience = bench.recovery_limit + LIFT_LIMIT;
    tokio::select! {
        recovered = held.recovered(bench.recovery_limit) => recovered.map(Some),
        () = bench.shutdown.requested() => Ok(None),
        () = bench.clock.sleep(patience) => Err(too_long(patience)),
    }
}

fn too_long(limit: Duration) -> LiftError {
    LiftError::NotUndone(format!("no answer within {}", crate::order::shown(limit)))
}

/// The user's wish to end cuts short what was still to be waited for: that is found as well.
fn note_interruption(bench: &Bench<'_>, gathered: &mut Gathered) {
    if bench.shutdown.is_requested() && !interrupted(gathered) {
        gathered.findings.push(Finding::Interrupted);
    }
}

fn interrupted(gathered: &Gathered) -> bool {
    gathered.findings.contains(&Finding::Interrupted)
}
