//! Workflows.

use std::collections::HashSet;

use msvc_system::problem::{Place, Problem};
use msvc_system::yaml::Node;

use super::actions::{self, Side};
use super::fields::Fields;
use super::read::{Moment, Reader, ids};
use super::steps::{self, Inherited};
use super::{Workflow, check, targets};
use crate::schema;

const KNOWN: [&str; 10] = [
    "workflowId",
    "summary",
    "description",
    "inputs",
    "dependsOn",
    "steps",
    "successActions",
    "failureActions",
    "outputs",
    "parameters",
];

/// Reads a workflow.
pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node) -> Option<Workflow> {
    let fields = Fields::of(node, "a workflow", &KNOWN, &mut reader.problems)?;
    let id = fields.required_text("workflowId", &mut reader.problems);
    if let Some((id, place)) = id {
        check_id(reader, "workflow", id, place);
        if reader
            .workflow_ids
            .iter()
            .filter(|known| **known == id)
            .count()
            > 1
        {
            let problem = Problem::error(format!("two workflows are called `{id}`"));
            reader.push(problem.at(place.clone()));
        }
    }
    let summary = fields.text("summary", &mut reader.problems);
    fields.text("description", &mut reader.problems);
    let inputs = fields
        .get("inputs")
        .map(|node| schema::read_inputs(node, reader.components, &mut reader.problems))
        .unwrap_or_default();
    let depends_on = fields.list("dependsOn", 0, &mut reader.problems);
    let depends_on: Vec<_> = depends_on
        .iter()
        .filter_map(|node| targets::workflow(reader, node))
        .collect();
    fields.required("steps", &mut reader.problems);
    let nodes = fields.list("steps", 1, &mut reader.problems);
    reader.step_ids = ids(fields.get("steps"), "stepId");
    reader.uses.clear();
    // Actions of the workflow run after any of its steps; what they read is checked with the
    // first, for every step has the same kinds of value.
    reader.moment = Moment::After(0);
    let on_success = fields.list("successActions", 0, &mut reader.problems);
    let on_success = actions::list(reader, on_success, Side::Success);
    let on_failure = fields.list("failureActions", 0, &mut reader.problems);
    let on_failure = actions::list(reader, on_failure, Side::Failure);
    let inherited = Inherited {
        parameters: fields.list("parameters", 0, &mut reader.problems),
        on_success,
        on_failure,
    };
    let mut read = Vec::new();
    let mut seen = HashSet::new();
    for (number, node) in nodes.iter().enumerate() {
        let step = steps::read(reader, number, node, &inherited);
        if let Some(step) = step {
            check_id(reader, "step", &step.id, &step.place);
            if !seen.insert(step.id.clone()) {
                let problem = Problem::error(format!("two steps are called `{}`", step.id));
                reader.push(problem.at(step.place.clone()));
            }
            read.push(step);
        }
    }
    reader.moment = Moment::End;
    let outputs = steps::outputs(reader, &fields);
    let whole = read.len() == nodes.len();
    let (id, place) = id?;
    let read_inputs = reader
        .uses
        .iter()
        .filter_map(|used| used.expression.input());
    let reads = read_inputs.map(str::to_owned).collect();
    let workflow = Workflow {
        id: id.to_owned(),
        summary: summary.map(str::to_owned),
        place: place.clone(),
        inputs,
        reads,
        depends_on,
        steps: read,
        outputs,
    };
    if whole {
        check::names(reader, &workflow);
        check::no_round(&workflow, &mut reader.problems);
    }
    Some(workflow)
}

fn check_id(reader: &mut Reader<'_>, what: &str, id: &str, place: &Place) {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.is_empty() || !id.chars().all(word) {
        let problem = Problem::error(format!("`{id}` is no id of a {what}"));
        let problem = problem.at(place.clone());
        reader.push(problem.hint("letters, digits, `-` and `_`"));
    }
}
