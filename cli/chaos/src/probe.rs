//! The steady state: journeys, played.

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;

use crate::experiment::Hypothesis;
use crate::journal::{ActivityRun, SteadyState, Timer};

/// Where events go.
pub type Sink<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// How a journey came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Played {
    /// To its end: the case says how.
    Ended(Case),
    /// The user wants to end.
    Interrupted,
    /// It could not be played.
    CouldNot(String),
}

/// Plays journeys by name.
#[async_trait::async_trait]
pub trait Journeys: Send + Sync {
    /// Plays one and tells each step as [`Event::JourneyStep`] as soon as it is over.
    async fn play(&self, journey: &str, sink: Sink<'_>, shutdown: &Shutdown) -> Played;
}

/// What playing a whole hypothesis came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Met {
    /// Every journey held.
    Yes,
    /// This one did not.
    No(Case),
    /// This one could not be told, with why.
    Unknown(String),
    /// The user wants to end.
    Interrupted,
}

/// Plays every journey of `hypothesis` up to the first that does not hold.
pub async fn play(
    hypothesis: &Hypothesis,
    journeys: &dyn Journeys,
    clock: &dyn Clock,
    sink: Sink<'_>,
    shutdown: &Shutdown,
) -> (Met, SteadyState) {
    let mut probes = Vec::new();
    let mut met = Met::Yes;
    for probe in &hypothesis.probes {
        let timer = Timer::begin(clock);
        let played = journeys.play(&probe.journey.value, sink, shutdown).await;
        let (output, succeeded) = match &played {
            Played::Ended(case) => (
                serde_json::json!(case.verdict == Verdict::Held),
                case.verdict != Verdict::Inconclusive,
            ),
            Played::Interrupted | Played::CouldNot(_) => (serde_json::Value::Null, false),
        };
        met = match played {
            Played::Ended(case) => match case.verdict {
                Verdict::Held => Met::Yes,
                Verdict::Failed => Met::No(case),
                Verdict::Inconclusive => Met::Unknown(first_words(&case)),
            },
            Played::Interrupted => Met::Interrupted,
            Played::CouldNot(why) => Met::Unknown(why),
        };
        let why = match &met {
            Met::Yes => None,
            Met::No(case) => Some(first_words(case)),
            Met::Unknown(why) => Some(why.clone()),
            Met::Interrupted => Some("interrupted".to_owned()),
        };
        let mut run: ActivityRun = timer.end(clock, probe.document.clone(), output, succeeded);
        run.exception = why.into_iter().collect();
        run.tolerance_met = Some(met == Met::Yes);
        probes.push(run);
        if met != Met::Yes {
            break;
        }
    }
    let state = SteadyState {
        steady_state_met: met == Met::Yes,
        probes,
    };
    (met, state)
}

/// What a case says first.
#[must_use]
pub fn first_words(case: &Case) -> String {
    match case.evidence.first() {
        Some(evidence) => format!("{}: {}", case.title, evidence.what),
        None => format!("{}: {}", case.title, case.verdict.word()),
    }
}
