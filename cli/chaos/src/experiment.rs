//! An experiment file: a steady state, one fault, what to do afterwards.
//!
//! The fields are Chaos Toolkit's. Its provider types (`http`, `process`, `python`) have one
//! beside them, `msvc`, which names journeys, edges and services of the system. What Chaos
//! Toolkit knows and this does not honour is an error that names it with its line; so is a key
//! that nobody knows. Keys that begin with `x-` are the author's own.
//!
//! ```yaml
//! title: Checkout holds while payments answers late
//! description: A customer waits a little longer and notices nothing else.
//! steady-state-hypothesis:
//!   title: An order is confirmed
//!   probes:
//!     - type: probe
//!       name: checkout
//!       tolerance: true
//!       provider: {type: msvc, journey: checkout}
//! method:
//!   - type: action
//!     name: payments-answers-late
//!     provider: {type: msvc, fault: latency, edge: orders->payments, delay: 300ms}
//! rollbacks: []
//! ```

use std::path::{Path, PathBuf};

use msvc_system::files::Files;
use msvc_system::id::{EdgeId, LaneName};
use msvc_system::model::{Placed, System};
use msvc_system::problem::{Problem, Problems, nearest};
use msvc_system::yaml;
use serde_json::Value;

use crate::order::{Hold, Order};

mod activity;
mod document;
mod provider;

/// An experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The file's name without its ending: what the experiment is called.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// `title`.
    pub title: String,
    /// `description`.
    pub description: String,
    /// `tags`.
    pub tags: Vec<String>,
    /// `contributions`: how much it says of what, for example `reliability: high`.
    pub contributions: Vec<(String, String)>,
    /// `steady-state-hypothesis`.
    pub hypothesis: Hypothesis,
    /// The one action of `method`.
    pub action: Action,
    /// `rollbacks`, beside the fault's own undo, which is always done.
    pub rollbacks: Vec<Rollback>,
    /// The document as it stands, for the journal.
    pub document: Value,
}

impl Experiment {
    /// Whether anything of it is drawn, so that its seed matters.
    #[must_use]
    pub fn draws(&self) -> bool {
        matches!(&self.action.order.value, Order::Latency(latency) if !latency.jitter.is_zero())
    }
}

/// What has to hold before, and while the fault is in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// `title`.
    pub title: String,
    /// At least one.
    pub probes: Vec<Probe>,
}

/// One thing that has to hold: a journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// `name`.
    pub name: String,
    /// The journey to play.
    pub journey: Placed<String>,
    /// As it stands.
    pub document: Value,
}

/// The fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// `name`.
    pub name: String,
    /// What is broken, with the place of what names its target.
    pub order: Placed<Order>,
    /// The place of what ends a hold, when a step does.
    pub until: Option<Box<Until>>,
    /// As it stands.
    pub document: Value,
}

/// Where a hold's end is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Until {
    /// The journey's name.
    pub journey: Placed<String>,
    /// The step's id.
    pub step: Placed<String>,
}

/// What is done when the experiment is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// `name`.
    pub name: String,
    /// What.
    pub deed: RollbackDeed,
    /// As it stands.
    pub document: Value,
}

/// What a rollback does.
#[derive(Debug, Clone, PartialEq)]
pub enum RollbackDeed {
    /// `undo: ACTION`: says what is done anyway, first of all.
    Undo,
    /// `journey: NAME`: plays a journey (a command that clears up is one too).
    Journey(Placed<String>),
}

/// What an experiment may name.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The system.
    pub system: &'a System,
    /// Its journeys with the ids of their steps; a command has none.
    pub journeys: &'a [(String, Vec<String>)],
}

/// Reads an experiment file.
///
/// # Errors
/// When it cannot be read or says what is not honoured: every problem with its place.
pub fn read(path: &Path, files: &Files) -> Result<Experiment, Problems> {
    let bytes = files.read(path).map_err(|error| {
        Problem::error(format!(
            "cannot read the experiment {}: {error}",
            path.display()
        ))
        .hint("name a YAML or JSON file with Chaos Toolkit's fields")
    })?;
    let node = yaml::parse(path, &bytes)?;
    document::experiment(path, &node)
}

impl Experiment {
    /// Every name in it that the system does not have, with the nearest that it has.
    #[must_use]
    pub fn check(&self, known: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for probe in &self.hypothesis.probes {
            problems.extend(known.journey(&probe.journey));
        }
        for rollback in &self.rollbacks {
            if let RollbackDeed::Journey(journey) = &rollback.deed {
                problems.extend(known.journey(journey));
            }
        }
        match &self.action.order.value {
            Order::Latency(latency) => {
                let edges = edges(known.system);
                let found = edges.iter().any(|edge| latency.edge.selects(edge));
                if !found {
                    let wrong = latency.edge.to_string();
                    let problem = match latency.edge.nearest(&edges) {
                        Some(near) => Problem::error(format!("there is no edge `{wrong}`"))
                            .hint(format!("did you mean `{near}`?"))
                            .at(self.action.order.place.clone()),
                        None => {
                            let names: Vec<String> =
                                edges.iter().map(ToString::to_string).collect();
                            self.missing("edge", &wrong, &names)
                        }
                    };
                    problems.push(problem);
                }
            }
            Order::Kill(kill) => {
                if known.system.service(kill.service.as_str()).is_none() {
                    let names: Vec<String> = known
                        .system
                        .services
                        .keys()
                        .map(ToString::to_string)
                        .collect();
                    problems.push(self.missing("service", kill.service.as_str(), &names));
                }
                if let Hold::Step { .. } = kill.hold
                    && let Some(until) = &self.action.until
                {
                    problems.extend(known.step(until));
                }
            }
        }
        problems
    }

    fn missing(&self, what: &str, wrong: &str, names: &[String]) -> Problem {
        absent(what, wrong, names).at(self.action.order.place.clone())
    }
}

/// The edges that a system's files tell of, with a port.
#[must_use]
pub fn edges(system: &System) -> Vec<EdgeId> {
    let edges = system.edges.iter();
    edges
        .filter_map(|edge| {
            Some(EdgeId {
                lane: LaneName::main(),
                caller: edge.caller.clone(),
                callee: edge.callee.clone(),
                port: edge.port?,
            })
        })
        .collect()
}

impl Known<'_> {
    fn journey(&self, journey: &Placed<String>) -> Option<Problem> {
        let names: Vec<String> = self.journeys.iter().map(|(name, _)| name.clone()).collect();
        (!names.contains(&journey.value))
            .then(|| absent("journey", &journey.value, &names).at(journey.place.clone()))
    }

    fn step(&self, until: &Until) -> Option<Problem> {
        let (_, steps) = self
            .journeys
            .iter()
            .find(|(name, _)| *name == until.journey.value)?;
        let Placed { value: step, place } = &until.step;
        (!steps.contains(step)).then(|| {
            let what = format!("the journey `{}` has no step `{step}`", until.journey.value);
            hinted(Problem::error(what), step, steps).at(place.clone())
        })
    }
}

fn absent(what: &str, wrong: &str, names: &[String]) -> Problem {
    let problem = Problem::error(format!("there is no {what} `{wrong}`"));
    hinted(problem, wrong, names)
}

fn hinted(problem: Problem, wrong: &str, names: &[String]) -> Problem {
    match nearest(wrong, names.iter().map(String::as_str)) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => problem.hint("there is none at all"),
        None => problem.hint(format!("there is: {}", names.join(", "))),
    }
}

#[cfg(test)]
mod tests;
