//! What a play came to: every step with its attempts, criteria and reasons, and the verdict.

use std::collections::VecDeque;
use std::time::Duration;

use msvc_report::case::{Case, Evidence, Verdict};
use msvc_report::exit::Exit;
use msvc_system::problem::Place;
use serde_json::{Map, Value};

use crate::criterion::Judgement;
use crate::journey::Journey;

/// Attempts of one step that are kept in full: the last ones; the others are counted.
const KEPT_ATTEMPTS: usize = 10;

/// What a play came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The journey's name.
    pub journey: String,
    /// For people.
    pub title: String,
    /// Where the journey is written.
    pub place: Place,
    /// Held, failed, or inconclusive where nothing could be told.
    pub verdict: Verdict,
    /// The code that this outcome alone ends with.
    pub exit: Exit,
    /// Why it is so; every failure with the place of what did not hold.
    pub evidence: Vec<Evidence>,
    /// Every step, in the order played.
    pub steps: Vec<StepPlayed>,
    /// What the workflow left.
    pub outputs: Map<String, Value>,
    /// How long it took.
    pub took: Duration,
}

/// One visit to a step, with all its attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct StepPlayed {
    /// The workflow that it belongs to.
    pub workflow: String,
    /// Its id.
    pub step: String,
    /// Where its id stands.
    pub place: Place,
    /// Whether its last attempt held.
    pub held: bool,
    /// How many attempts there were.
    pub attempts: u32,
    /// The last attempts.
    pub last: VecDeque<Attempt>,
}

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Which, from 1.
    pub number: u32,
    /// What was called: `POST http://…/orders`, or `workflow stock`.
    pub call: String,
    /// The number of the exchange in the baggage, when something was sent.
    pub exchange: Option<u64>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// How the answer's body begins.
    pub body: Option<String>,
    /// Why there was no answer, or why nothing could be sent, and where that stands.
    pub error: Option<(String, Place)>,
    /// Why the workflow that it called failed.
    pub inner: Vec<Evidence>,
    /// Each criterion.
    pub criteria: Vec<Judgement>,
    /// Whether it held.
    pub held: bool,
    /// How long it took.
    pub took: Duration,
}

impl StepPlayed {
    /// Adds an attempt.
    pub(crate) fn add(&mut self, attempt: Attempt) {
        self.attempts = attempt.number;
        self.held = attempt.held;
        if self.last.len() == KEPT_ATTEMPTS {
            self.last.pop_front();
        }
        self.last.push_back(attempt);
    }

    /// Why its last attempt failed, each sentence with its place.
    #[must_use]
    pub fn why(&self) -> Vec<Evidence> {
        let Some(attempt) = self.last.back().filter(|attempt| !attempt.held) else {
            return Vec::new();
        };
        let step = format!("step `{}`", self.step);
        let times = match self.attempts {
            1 => String::new(),
            n => format!(", attempt {n}"),
        };
        let answered = match (attempt.status, &attempt.body) {
            (Some(status), Some(body)) => format!("; {} answered {status}: {body}", attempt.call),
            (Some(status), None) => format!("; {} answered {status}", attempt.call),
            (None, _) => format!("; {}", attempt.call),
        };
        let mut why = attempt.inner.clone();
        if let Some((error, place)) = &attempt.error {
            let call = &attempt.call;
            why.push(Evidence::said(format!("{step}{times}: {error} ({call})")).at(place.clone()));
        }
        for judged in attempt.criteria.iter().filter(|judged| !judged.holds) {
            let reason = judged.reason.as_deref().unwrap_or("it is not so");
            let condition = &judged.condition;
            // The reason may have shown the whole body already.
            let body = attempt.body.as_deref().filter(|body| reason.contains(body));
            let answered = body.map_or_else(
                || answered.clone(),
                |body| answered.replace(&format!(": {body}"), ""),
            );
            let what = format!("{step}{times}: `{condition}`: {reason}{answered}");
            why.push(Evidence::said(what).at(judged.place.clone()));
        }
        why
    }
}

/// The name with the line for people behind it.
pub(crate) fn titled(name: &str, summary: Option<&str>) -> String {
    match summary {
        Some(summary) => format!("{name}: {summary}"),
        None => name.to_owned(),
    }
}

impl Outcome {
    /// A journey that could not begin.
    pub(crate) fn not_played(journey: &Journey, exit: Exit, why: Evidence) -> Self {
        let mut outcome = Self::of_command(journey, Verdict::Inconclusive, exit, Duration::ZERO);
        outcome.evidence.push(why);
        outcome
    }

    /// What a command came to, or a journey that never began: no steps, no outputs.
    pub(crate) fn of_command(
        journey: &Journey,
        verdict: Verdict,
        exit: Exit,
        took: Duration,
    ) -> Self {
        Self {
            journey: journey.name.clone(),
            title: titled(&journey.name, journey.summary().as_deref()),
            place: journey.place.clone(),
            verdict,
            exit,
            evidence: Vec::new(),
            steps: Vec::new(),
            outputs: Map::new(),
            took,
        }
    }

    /// The outcome as a case of the report; `repeat` is the line that plays it again.
    #[must_use]
    pub fn case(&self, repeat: Option<String>) -> Case {
        let mut case = Case::new(
            format!("journey/{}", self.journey),
            self.title.clone(),
            self.verdict,
        );
        case.exit = self.exit;
        case.seconds = self.took.as_secs_f64();
        case.subjects = vec![self.place.file.display().to_string()];
        case.evidence.clone_from(&self.evidence);
        case.repeat = repeat;
        case
    }
}
