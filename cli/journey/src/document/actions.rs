//! What to do after a step: `end`, `goto` and `retry`.

use std::time::Duration;

use msvc_system::problem::{Place, Problem};
use msvc_system::yaml::Node;

use super::fields::Fields;
use super::read::Reader;
use super::{Action, ActionKind, Destination, criteria, targets};
use crate::criterion::Criterion;

/// Times that a retry without `retryLimit` is made.
const DEFAULT_LIMIT: u32 = 1;
/// The longest `retryAfter`, in seconds: a day.
const LONGEST_AFTER: f64 = 86_400.0;

/// After which outcome an action is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Success,
    Failure,
}

/// An action whose destinations are names yet: a component has no workflow that they belong to.
pub(super) struct Written<'n> {
    name: String,
    place: Place,
    kind: &'n str,
    step: Option<&'n Node>,
    workflow: Option<&'n Node>,
    after: Duration,
    limit: u32,
    criteria: Vec<Criterion>,
}

impl Side {
    const fn components(self) -> &'static str {
        match self {
            Self::Success => "successActions",
            Self::Failure => "failureActions",
        }
    }
}

/// Reads a list of actions or references to them.
pub(super) fn list<'n>(reader: &mut Reader<'n>, nodes: &'n [Node], side: Side) -> Vec<Action> {
    let mut found: Vec<Action> = Vec::new();
    for node in nodes {
        let written = if node.get("reference").is_some() {
            let fields = Fields::of(node, "a reference", &["reference"], &mut reader.problems);
            fields
                .and_then(|fields| fields.get("reference"))
                .and_then(|reference| reader.component(reference, side.components()))
                .and_then(|component| inline(reader, component, side))
        } else {
            inline(reader, node, side)
        };
        let Some(action) = written.and_then(|written| resolve(reader, written)) else {
            continue;
        };
        if found.iter().any(|a| a.name == action.name) {
            let problem = Problem::error(format!("two actions are called `{}`", action.name));
            reader.push(problem.at(node.place.clone()));
        } else {
            found.push(action);
        }
    }
    found
}

/// The step's own actions, then those of its workflow that it does not override by name.
pub(super) fn merged(own: Vec<Action>, workflow: &[Action]) -> Vec<Action> {
    let mut merged = own;
    for action in workflow {
        if !merged.iter().any(|a| a.name == action.name) {
            merged.push(action.clone());
        }
    }
    merged
}

/// Reads an action written in place.
pub(super) fn inline<'n>(
    reader: &mut Reader<'n>,
    node: &'n Node,
    side: Side,
) -> Option<Written<'n>> {
    let (what, known): (_, &[&str]) = match side {
        Side::Success => (
            "a success action",
            &["name", "type", "workflowId", "stepId", "criteria"],
        ),
        Side::Failure => (
            "a failure action",
            &[
                "name",
                "type",
                "workflowId",
                "stepId",
                "retryAfter",
                "retryLimit",
                "criteria",
            ],
        ),
    };
    let fields = Fields::of(node, what, known, &mut reader.problems)?;
    let name = fields.required_text("name", &mut reader.problems);
    let kind = fields.required_text("type", &mut reader.problems);
    let least = usize::from(side == Side::Success);
    let nodes = fields.list("criteria", least, &mut reader.problems);
    let criteria = criteria::list(reader, nodes);
    let (kind, place) = kind?;
    let allowed: &[&str] = match side {
        Side::Success => &["end", "goto"],
        Side::Failure => &["end", "goto", "retry"],
    };
    if !allowed.contains(&kind) {
        let problem = Problem::error(format!("{what} cannot be of type `{kind}`"));
        reader.push(problem.at(place.clone()).hint(allowed.join(", ")));
        return None;
    }
    let (step, workflow) = (fields.get("stepId"), fields.get("workflowId"));
    let given = usize::from(step.is_some()) + usize::from(workflow.is_some());
    let wrong = match kind {
        "goto" if given != 1 => Some("`goto` must have one of `stepId` and `workflowId`"),
        "retry" if given > 1 => Some("`retry` can have only one of `stepId` and `workflowId`"),
        "end" if given > 0 => Some("`end` goes nowhere: remove `stepId` and `workflowId`"),
        _ => None,
    };
    if let Some(wrong) = wrong {
        reader.push(fields.problem(wrong));
        return None;
    }
    let (after, limit) = retry(reader, &fields, kind)?;
    Some(Written {
        name: name?.0.to_owned(),
        place: node.place.clone(),
        kind,
        step,
        workflow,
        after,
        limit,
        criteria,
    })
}

fn retry(reader: &mut Reader<'_>, fields: &Fields<'_>, kind: &str) -> Option<(Duration, u32)> {
    let (after, limit) = (fields.get("retryAfter"), fields.get("retryLimit"));
    if kind != "retry" {
        for (key, node) in [("retryAfter", after), ("retryLimit", limit)] {
            if let Some(node) = node {
                let problem = Problem::error(format!("`{key}` belongs to `retry` only"));
                reader.push(problem.at(node.place.clone()));
            }
        }
        return Some((Duration::ZERO, 0));
    }
    let after = fields.required("retryAfter", &mut reader.problems)?;
    let seconds = after.as_f64().filter(|s| (0.0..=LONGEST_AFTER).contains(s));
    if seconds.is_none() {
        let wanted = "a number of seconds from 0 to 86400";
        reader.push(after.expected("`retryAfter`", wanted));
    }
    let limit = match limit {
        None => Some(DEFAULT_LIMIT),
        Some(node) => {
            let limit = node.as_i64().and_then(|limit| u32::try_from(limit).ok());
            if limit.is_none() {
                reader.push(node.expected("`retryLimit`", "a whole number from 0"));
            }
            limit
        }
    };
    Some((Duration::from_secs_f64(seconds?), limit?))
}

/// Finds the step or workflow that the action names.
fn resolve(reader: &mut Reader<'_>, written: Written<'_>) -> Option<Action> {
    let destination = match (written.step, written.workflow) {
        (Some(node), _) => Some(Destination::Step(targets::step(reader, node)?)),
        (None, Some(node)) => Some(Destination::Workflow(targets::workflow(reader, node)?)),
        (None, None) => None,
    };
    let kind = match (written.kind, destination) {
        ("goto", Some(destination)) => ActionKind::Goto(destination),
        ("retry", first) => ActionKind::Retry {
            after: written.after,
            limit: written.limit,
            first,
        },
        _ => ActionKind::End,
    };
    Some(Action {
        name: written.name,
        place: written.place,
        kind,
        criteria: written.criteria,
    })
}
