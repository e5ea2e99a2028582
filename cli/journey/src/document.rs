//! An Arazzo document as values: every reference resolved, every expression parsed, every part
//! that can fail with the place it was written at.
//!
//! Read from positioned YAML ([`read`]); a document with anything in it that msvc does not do is
//! a problem that names it, so that nothing of a journey is skipped in silence.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
pub use msvc_system::openapi::Location;
use msvc_system::problem::Place;

use crate::criterion::Criterion;
use crate::expression::{Expression, Pointer};
use crate::schema::InputSchema;
use crate::source::Operation;
use crate::template::Template;

mod actions;
mod body;
mod check;
mod criteria;
mod fields;
mod parameters;
pub mod read;
mod steps;
mod targets;
mod workflows;

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file it was read from.
    pub file: PathBuf,
    /// Its title.
    pub title: String,
    /// Where each source description stands, by name, as written.
    pub sources: IndexMap<String, String>,
    /// Its workflows, in order.
    pub workflows: Vec<Workflow>,
}

/// A workflow.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its `workflowId`.
    pub id: String,
    /// One line for people.
    pub summary: Option<String>,
    /// Where its id stands.
    pub place: Place,
    /// What it takes.
    pub inputs: InputSchema,
    /// The inputs that its expressions read, declared or not.
    pub reads: BTreeSet<String>,
    /// Workflows to be played before it, by their number.
    pub depends_on: Vec<usize>,
    /// Its steps, in order; at least one.
    pub steps: Vec<Step>,
    /// What it leaves.
    pub outputs: IndexMap<String, Expression>,
}

/// A step. Parameters and actions of its workflow are merged into its own.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its `stepId`.
    pub id: String,
    /// Where its id stands.
    pub place: Place,
    /// What it calls.
    pub target: Target,
    /// What it sends beside the body, or gives to the workflow.
    pub parameters: Vec<Parameter>,
    /// The body it sends.
    pub body: Option<Body>,
    /// What must be so; at least one, unless it calls a workflow.
    pub criteria: Vec<Criterion>,
    /// What to do when it holds, its own actions first; none means: the next step.
    pub on_success: Vec<Action>,
    /// What to do when it fails, its own actions first; none means: the workflow fails.
    pub on_failure: Vec<Action>,
    /// What it leaves.
    pub outputs: IndexMap<String, Expression>,
}

/// What a step calls.
#[derive(Debug, Clone)]
pub enum Target {
    /// An operation of an OpenAPI document.
    Operation(Arc<Operation>),
    /// A workflow of the same document, by its number.
    Workflow(usize),
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it goes; `None` is an input of the workflow that the step calls.
    pub location: Option<Location>,
    /// Its value.
    pub value: Template,
    /// Where the value stands.
    pub place: Place,
}

/// A request body.
#[derive(Debug, Clone)]
pub struct Body {
    /// Its content type.
    pub content_type: String,
    /// What is sent, before the replacements.
    pub payload: Template,
    /// Values to put into it.
    pub replacements: Vec<Replacement>,
    /// Where it stands.
    pub place: Place,
}

/// A value to put into a body.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Where to.
    pub target: Pointer,
    /// The pointer as written.
    pub text: String,
    /// The value.
    pub value: Template,
    /// Where the target stands.
    pub place: Place,
}

/// What to do after a step.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it does.
    pub kind: ActionKind,
    /// It is taken when all of these hold.
    pub criteria: Vec<Criterion>,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// The workflow ends.
    End,
    /// It goes on elsewhere and does not come back.
    Goto(Destination),
    /// The step is tried again.
    Retry {
        /// After this time.
        after: Duration,
        /// At most so often.
        limit: u32,
        /// Played before each new attempt.
        first: Option<Destination>,
    },
}

impl ActionKind {
    /// The workflow that it goes to.
    fn workflow(self) -> Option<usize> {
        match self {
            Self::Goto(Destination::Workflow(number))
            | Self::Retry {
                first: Some(Destination::Workflow(number)),
                ..
            } => Some(number),
            _ => None,
        }
    }
}

/// A step of the same workflow or a workflow of the same document, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A step.
    Step(usize),
    /// A workflow.
    Workflow(usize),
}

impl Document {
    /// The number of the workflow with that id.
    #[must_use]
    pub fn workflow(&self, id: &str) -> Option<usize> {
        self.workflows.iter().position(|w| w.id == id)
    }

    /// The numbers of the workflows that no other one of the document calls.
    #[must_use]
    pub fn uncalled(&self) -> Vec<usize> {
        let called: Vec<usize> = self
            .workflows
            .iter()
            .enumerate()
            .flat_map(|(number, workflow)| {
                let calls = workflow.calls();
                calls.into_iter().filter(move |called| *called != number)
            })
            .collect();
        (0..self.workflows.len())
            .filter(|number| !called.contains(number))
            .collect()
    }
}

impl Workflow {
    /// The numbers of the workflows that are given the inputs of whoever plays it: those that it
    /// depends on or goes to, not those that its steps call with inputs of their own.
    #[must_use]
    pub fn hands_on(&self) -> Vec<usize> {
        let gone_to = self.steps.iter().flat_map(|step| {
            let actions = step.on_success.iter().chain(&step.on_failure);
            actions.filter_map(|action| action.kind.workflow())
        });
        self.depends_on.iter().copied().chain(gone_to).collect()
    }

    /// The numbers of the workflows that it depends on, calls, or goes to.
    #[must_use]
    pub fn calls(&self) -> Vec<usize> {
        let mut called = self.depends_on.clone();
        for step in &self.steps {
            if let Target::Workflow(number) = step.target {
                called.push(number);
            }
            for action in step.on_success.iter().chain(&step.on_failure) {
                called.extend(action.kind.workflow());
            }
        }
        called
    }
}

#[cfg(test)]
mod tests;
