//! One workflow at work.

use std::collections::HashMap;

use indexmap::IndexMap;
use msvc_report::case::Evidence;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::document::Destination;
use crate::expression::scope::Outputs;

/// One workflow at work.
#[derive(Debug)]
pub(super) struct Frame {
    /// Its number.
    pub(super) workflow: usize,
    /// What it was given, defaults in.
    pub(super) inputs: Map<String, Value>,
    /// What its steps left, by step id.
    pub(super) steps: IndexMap<String, Outputs>,
    /// Where it is.
    pub(super) at: Position,
    /// Why it is played.
    pub(super) purpose: Purpose,
    /// Retries used up in this visit to the step, by the action's name.
    pub(super) retries: HashMap<String, u32>,
    /// Which visit this is, as a number into all visits of the play.
    pub(super) visit: usize,
    /// To be played before the step's next attempt.
    pub(super) detour: Option<Destination>,
    /// The step to try again once the step of a detour held.
    pub(super) back: Option<Left>,
    /// Why it failed.
    pub(super) why: Vec<Evidence>,
    /// Failures that an action recovered from.
    pub(super) notes: Vec<Evidence>,
    /// No outputs: what `$outputs` sees where there are none.
    pub(super) none: Outputs,
}

/// Where a workflow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Before its first step.
    Dependencies,
    /// At the step with that number.
    Step(usize),
    /// At its end; whether it held.
    End(bool),
}

/// Why a workflow is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is the journey.
    Root,
    /// The one below depends on it.
    Dependency,
    /// A step of the one below called it, then.
    Step(Instant),
    /// A retry of the one below wants it played first.
    Detour,
}

/// A visit to a step that was left for a detour.
#[derive(Debug)]
pub(super) struct Left {
    step: usize,
    visit: usize,
    retries: HashMap<String, u32>,
}

impl Frame {
    pub(super) fn new(workflow: usize, inputs: Map<String, Value>, purpose: Purpose) -> Self {
        Self {
            workflow,
            inputs,
            steps: IndexMap::new(),
            at: Position::Dependencies,
            purpose,
            retries: HashMap::new(),
            visit: 0,
            detour: None,
            back: None,
            why: Vec::new(),
            notes: Vec::new(),
            none: Outputs::new(),
        }
    }

    /// Leaves the visit to `step` for a detour.
    pub(super) fn leave(&mut self, step: usize) -> Left {
        Left {
            step,
            visit: self.visit,
            retries: std::mem::take(&mut self.retries),
        }
    }

    /// Goes on with a visit that was left.
    pub(super) fn resume(&mut self, left: Left) {
        self.at = Position::Step(left.step);
        self.visit = left.visit;
        self.retries = left.retries;
    }
}
