//! Steps.

use indexmap::IndexMap;
use msvc_system::problem::Problem;
use msvc_system::yaml::Node;

use super::actions::{self, Side};
use super::fields::{self, Fields};
use super::read::{Moment, Reader};
use super::{Action, Location, Parameter, Step, Target, body, criteria, parameters, targets};
use crate::criterion::Criterion;
use crate::expression::Expression;
use crate::source::Operation;

const KNOWN: [&str; 11] = [
    "stepId",
    "description",
    "operationId",
    "operationPath",
    "workflowId",
    "parameters",
    "requestBody",
    "successCriteria",
    "onSuccess",
    "onFailure",
    "outputs",
];

/// What a workflow gives to each of its steps.
pub(super) struct Inherited<'n> {
    pub(super) parameters: &'n [Node],
    pub(super) on_success: Vec<Action>,
    pub(super) on_failure: Vec<Action>,
}

/// Reads the step with that number.
pub(super) fn read<'n>(
    reader: &mut Reader<'n>,
    number: usize,
    node: &'n Node,
    inherited: &Inherited<'n>,
) -> Option<Step> {
    let fields = Fields::of(node, "a step", &KNOWN, &mut reader.problems)?;
    let id = fields.required_text("stepId", &mut reader.problems);
    fields.text("description", &mut reader.problems);
    let target = targets::of_step(reader, &fields);
    reader.moment = Moment::Before(number);
    let located = !matches!(target, Some(Target::Workflow(_)));
    let nodes = fields.list("parameters", 0, &mut reader.problems);
    let mut own = parameters::list(reader, nodes, located);
    for parameter in parameters::list(reader, inherited.parameters, located) {
        let same = |p: &Parameter| p.name == parameter.name && p.location == parameter.location;
        if !own.iter().any(same) {
            own.push(parameter);
        }
    }
    let body = match (fields.get("requestBody"), &target) {
        (Some(node), Some(Target::Operation(operation))) => body::read(reader, node, operation),
        (Some(node), Some(Target::Workflow(_))) => {
            let problem = Problem::error("a workflow that is called takes no request body");
            reader.push(problem.at(node.place.clone()).hint("give `parameters`"));
            None
        }
        _ => None,
    };
    reader.moment = Moment::After(number);
    let written = fields.list("successCriteria", 1, &mut reader.problems);
    let mut criteria = criteria::list(reader, written);
    let on_success = fields.list("onSuccess", 0, &mut reader.problems);
    let on_success = actions::list(reader, on_success, Side::Success);
    let on_failure = fields.list("onFailure", 0, &mut reader.problems);
    let on_failure = actions::list(reader, on_failure, Side::Failure);
    let outputs = outputs(reader, &fields);
    let (id, place) = id?;
    let target = target?;
    if let Target::Operation(operation) = &target {
        check_path(reader, &fields, operation, &own);
        if written.is_empty() {
            criteria.push(Criterion::status_is_2xx(place.clone()));
        }
    }
    Some(Step {
        id: id.to_owned(),
        place: place.clone(),
        target,
        parameters: own,
        body,
        criteria,
        on_success: actions::merged(on_success, &inherited.on_success),
        on_failure: actions::merged(on_failure, &inherited.on_failure),
        outputs,
    })
}

/// Reads `outputs` of a step or workflow.
pub(super) fn outputs(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
) -> IndexMap<String, Expression> {
    let mut found = IndexMap::new();
    let Some(node) = fields.get("outputs") else {
        return found;
    };
    if let Err(problem) = node.want_map("`outputs`") {
        reader.push(problem);
    }
    for (key, value) in node.entries() {
        if !fields::is_name(&key.text) {
            let problem = Problem::error(format!("`{}` is no name of an output", key.text));
            let problem = problem.at(key.place.clone());
            reader.push(problem.hint("letters, digits, `.`, `-` and `_`"));
        }
        if let Some(expression) = reader.expression(value, &key.text) {
            found.insert(key.text.clone(), expression);
        }
    }
    found
}

/// Tells path parameters that the path has not, and places of the path that nobody fills.
fn check_path(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    operation: &Operation,
    parameters: &[Parameter],
) {
    let wanted: Vec<&str> = operation.path_parameters().collect();
    let given = parameters
        .iter()
        .filter(|p| p.location == Some(Location::Path));
    for parameter in given.clone() {
        if !wanted.contains(&parameter.name.as_str()) {
            let whose = format!("the path `{}`", operation.path);
            reader.unknown(
                &whose,
                &parameter.name,
                wanted.iter().copied(),
                &parameter.place,
            );
        }
    }
    for name in &wanted {
        if !given.clone().any(|p| p.name == *name) {
            let path = &operation.path;
            reader.push(fields.problem(format!("nothing fills `{{{name}}}` of the path `{path}`")));
        }
    }
    for parameter in parameters {
        let Some(location) = parameter.location else {
            continue;
        };
        if let Some(style) = operation.foreign_style(location, &parameter.name) {
            let name = &parameter.name;
            reader.push(
                Problem::error(format!(
                    "msvc does not write parameters in the style `{style}`"
                ))
                .at(parameter.place.clone())
                .hint(format!("`{name}` has it in the OpenAPI document")),
            );
        }
    }
}
