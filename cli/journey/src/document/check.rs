//! What expressions and `dependsOn` name, checked before anything runs.

use msvc_system::problem::{Place, Problem, Problems};

use super::read::{Moment, Reader, Use};
use super::{Action, ActionKind, Destination, Document, Target, Workflow};

/// Checks every expression of the workflow against what is declared.
pub(super) fn names(reader: &mut Reader<'_>, workflow: &Workflow) {
    let uses = std::mem::take(&mut reader.uses);
    for used in &uses {
        moment(reader, used);
        input(reader, used, workflow);
        step_output(reader, used, workflow);
        workflow_output(reader, used);
        own_output(reader, used, workflow);
    }
}

/// A request cannot be made from its own answer, and a workflow has none.
fn moment(reader: &mut Reader<'_>, used: &Use) {
    let why = match used.moment {
        Moment::Before(_) => "while the request is made there is no request and no answer yet",
        Moment::End => "a workflow's outputs read its steps' outputs, no request or answer",
        Moment::After(_) | Moment::Never => return,
    };
    if used.expression.reads_exchange() {
        let problem = Problem::error(format!("`{}`: {why}", used.expression));
        reader.push(problem.at(used.place.clone()));
    }
}

fn input(reader: &mut Reader<'_>, used: &Use, workflow: &Workflow) {
    let Some(name) = used.expression.input() else {
        return;
    };
    if workflow.inputs.open || names_one(name, workflow.inputs.names()) {
        return;
    }
    let whose = format!("the list of inputs of workflow `{}`", workflow.id);
    reader.unknown(&whose, name, workflow.inputs.names(), &used.place);
}

fn step_output(reader: &mut Reader<'_>, used: &Use, workflow: &Workflow) {
    let (Some(id), Some(name)) = (used.expression.step(), used.expression.output()) else {
        return;
    };
    let Some(step) = workflow.steps.iter().find(|step| step.id == id) else {
        let known = workflow.steps.iter().map(|step| step.id.as_str());
        let whose = format!("the list of steps of workflow `{}`", workflow.id);
        reader.unknown(&whose, id, known, &used.place);
        return;
    };
    let outputs = step.outputs.keys().map(String::as_str);
    if !names_one(name, outputs.clone()) {
        let whose = format!("the list of outputs of step `{id}`");
        reader.unknown(&whose, name, outputs, &used.place);
    }
}

fn workflow_output(reader: &mut Reader<'_>, used: &Use) {
    let Some(id) = used.expression.workflow() else {
        return;
    };
    let Some(number) = reader.workflow_ids.iter().position(|known| *known == id) else {
        let known = reader.workflow_ids.clone();
        reader.unknown("the document's list of workflows", id, known, &used.place);
        return;
    };
    if let Some(name) = used.expression.output() {
        outputs_of(reader, number, name, &used.place);
    }
}

/// `$outputs` is the called workflow's in a step that calls one, else the workflow's own.
fn own_output(reader: &mut Reader<'_>, used: &Use, workflow: &Workflow) {
    let Some(name) = used.expression.own_output() else {
        return;
    };
    let called = match used.moment {
        Moment::After(number) => workflow.steps.get(number).map(|step| &step.target),
        _ => None,
    };
    if let Some(Target::Workflow(number)) = called {
        outputs_of(reader, *number, name, &used.place);
    } else if !names_one(name, workflow.outputs.keys().map(String::as_str)) {
        let whose = format!("the list of outputs of workflow `{}`", workflow.id);
        let known = workflow.outputs.keys().map(String::as_str);
        reader.unknown(&whose, name, known, &used.place);
    }
}

/// Tells when the workflow with that number declares no output of that name.
fn outputs_of(reader: &mut Reader<'_>, number: usize, name: &str, place: &Place) {
    let Some(outputs) = reader.workflow_outputs.get(number).cloned() else {
        return;
    };
    if !names_one(name, outputs.iter().copied()) {
        let id = reader.workflow_ids.get(number).copied().unwrap_or_default();
        let whose = format!("the list of outputs of workflow `{id}`");
        reader.unknown(&whose, name, outputs, place);
    }
}

/// Whether `name`, or a beginning of it up to a dot, is among `known`.
fn names_one<'a>(name: &str, mut known: impl Iterator<Item = &'a str>) -> bool {
    known.any(|known| {
        name.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Where a step leads unless the workflow fails at it, when that can be said before: to one step
/// only, without a condition.
fn leads(workflow: &Workflow, number: usize) -> Option<usize> {
    let step = workflow.steps.get(number)?;
    let next = (number + 1 < workflow.steps.len()).then_some(number + 1);
    let to = match step.on_success.first() {
        None => next?,
        Some(Action {
            kind: ActionKind::Goto(Destination::Step(to)),
            criteria,
            ..
        }) if criteria.is_empty() => *to,
        Some(_) => return None,
    };
    let elsewhere = |action: &Action| match action.kind {
        ActionKind::Goto(destination) => destination != Destination::Step(to),
        // After a failure an end is one that the journey does not hold by.
        ActionKind::End | ActionKind::Retry { .. } => false,
    };
    (!step.on_failure.iter().any(elsewhere)).then_some(to)
}

/// Tells a step that goes to itself without a condition, alone or over others that do: however
/// often it is played, the workflow cannot come to its end.
pub(super) fn no_round(workflow: &Workflow, problems: &mut Problems) {
    let mut told = vec![false; workflow.steps.len()];
    for start in 0..workflow.steps.len() {
        let mut way = vec![start];
        let mut at = start;
        while let Some(to) = leads(workflow, at) {
            if let Some(begin) = way.iter().position(|step| *step == to) {
                let round = &way[begin..];
                if !round.iter().any(|step| told[*step]) {
                    problems.push(without_end(workflow, round));
                }
                for step in round {
                    told[*step] = true;
                }
                break;
            }
            way.push(to);
            at = to;
        }
    }
}

fn without_end(workflow: &Workflow, round: &[usize]) -> Problem {
    let all = round
        .iter()
        .filter_map(|number| workflow.steps.get(*number));
    // Without any, the steps go on to the next one, and so to the end.
    let closing = all.filter_map(|step| step.on_success.first()).next_back();
    let steps = round.iter().chain(round.first());
    let id = |number: &usize| workflow.steps.get(*number).map_or("", |step| &step.id);
    let round: Vec<String> = steps.map(|number| format!("`{}`", id(number))).collect();
    let what = format!("this goes round without end: {}", round.join(" -> "));
    let place = closing.map_or(&workflow.place, |action| &action.place);
    Problem::error(what)
        .at(place.clone())
        .hint("give the `goto` a `criteria` that ends it, or use `onFailure` with `type: retry`")
}

/// Why one workflow is played inside another one.
struct Inner<'d> {
    workflow: usize,
    /// What says so, and where.
    by: String,
    place: &'d Place,
}

/// The workflows that are played before `workflow` or by its steps.
fn inner(workflow: &Workflow) -> Vec<Inner<'_>> {
    let before = workflow.depends_on.iter().map(|number| Inner {
        workflow: *number,
        by: "by `dependsOn`".to_owned(),
        place: &workflow.place,
    });
    let steps = workflow.steps.iter().filter_map(|step| match step.target {
        Target::Workflow(number) => Some(Inner {
            workflow: number,
            by: format!("by step `{}`", step.id),
            place: &step.place,
        }),
        Target::Operation(_) => None,
    });
    before.chain(steps).collect()
}

/// Tells a workflow that depends on itself or calls itself, directly or not: it has no end.
pub(super) fn no_circle(document: &Document, problems: &mut Problems) {
    // 0: not seen, 1: on the way, 2: done.
    let mut state = vec![0_u8; document.workflows.len()];
    for start in 0..document.workflows.len() {
        let mut way = vec![(start, 0)];
        while let Some((number, next)) = way.pop() {
            let Some(workflow) = document.workflows.get(number) else {
                continue;
            };
            if next == 0 {
                if state.get(number) == Some(&2) {
                    continue;
                }
                state[number] = 1;
            }
            let inner = inner(workflow);
            let Some(inner) = inner.get(next) else {
                state[number] = 2;
                continue;
            };
            way.push((number, next + 1));
            match state.get(inner.workflow) {
                Some(0) => way.push((inner.workflow, 0)),
                Some(1) => {
                    let numbers: Vec<usize> = way.iter().map(|(number, _)| *number).collect();
                    problems.push(circle(document, &numbers, inner));
                    return;
                }
                _ => {}
            }
        }
    }
}

/// The circle that `closing` closes, at the end of `way`.
fn circle(document: &Document, way: &[usize], closing: &Inner<'_>) -> Problem {
    let id = |number: &usize| {
        document
            .workflows
            .get(*number)
            .map_or("", |w| w.id.as_str())
    };
    let round = way.iter().skip_while(|number| **number != closing.workflow);
    let mut round: Vec<String> = round.map(|number| format!("`{}`", id(number))).collect();
    round.push(format!("`{}`", id(&closing.workflow)));
    let what = format!(
        "workflow {} plays itself without end, {}: {}",
        round[0],
        closing.by,
        round.join(" -> ")
    );
    Problem::error(what)
        .at(closing.place.clone())
        .hint("to do something again, let a step try again: `onFailure` with `type: retry`")
}
