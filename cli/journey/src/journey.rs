//! A journey: a workflow of an Arazzo document, or a command. Loaded, chosen by name, played.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use msvc_system::files::Files;
use msvc_system::model::JourneyReference;
use msvc_system::problem::{Place, Problem, Problems, nearest};

use serde_json::{Map, Value};

use crate::document::{Document, Workflow, read};

/// A journey that can be played.
#[derive(Debug, Clone)]
pub struct Journey {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// What a journey is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// The workflow with that number of a document.
    Workflow(Arc<Document>, usize),
    /// A program and its arguments.
    Command(Vec<String>),
}

/// No journey is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no journey is called `{name}`{hint}")]
pub struct UnknownJourney {
    name: String,
    hint: String,
}

impl Journey {
    /// Its name: the `workflowId`, or what `x-msvc` calls the command.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is written.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// One line for people.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        match &self.kind {
            Kind::Workflow(document, number) => document.workflows.get(*number)?.summary.clone(),
            Kind::Command(command) => Some(command.join(" ")),
        }
    }

    /// The ids of its steps, in order; a command has none.
    #[must_use]
    pub fn steps(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Workflow(document, number) => {
                let steps = document.workflows.get(*number).map(|w| w.steps.as_slice());
                let steps = steps.unwrap_or_default().iter();
                steps.map(|step| step.id.as_str()).collect()
            }
            Kind::Command(_) => Vec::new(),
        }
    }

    /// The inputs that it declares.
    #[must_use]
    pub fn inputs(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Workflow(document, number) => {
                let workflow = document.workflows.get(*number);
                workflow
                    .map(|w| w.inputs.names().collect())
                    .unwrap_or_default()
            }
            Kind::Command(_) => Vec::new(),
        }
    }
}

impl Journey {
    /// The workflows that are given what is given to it: its own first.
    fn given(&self) -> Vec<&Workflow> {
        let Kind::Workflow(document, root) = &self.kind else {
            return Vec::new();
        };
        let mut numbers = vec![*root];
        let mut seen = 0;
        while let Some(number) = numbers.get(seen) {
            let workflow = document.workflows.get(*number);
            let more = workflow.map(Workflow::hands_on).unwrap_or_default();
            seen += 1;
            for number in more {
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
        }
        let workflow = |number: &usize| document.workflows.get(*number);
        numbers.iter().filter_map(workflow).collect()
    }

    /// The inputs that it takes: those that it, and the workflows that it depends on or goes to,
    /// declare or read.
    #[must_use]
    pub fn takes(&self) -> BTreeSet<&str> {
        let workflows = self.given();
        let declared = workflows.iter().flat_map(|w| w.inputs.names());
        // What is read may be a member of the input.
        let read = workflows.iter().flat_map(|w| &w.reads);
        let read = read.map(|name| name.split('.').next().unwrap_or(name));
        declared.chain(read).collect()
    }

    /// What of `inputs` is missing or not as declared, for a play with the id `run`.
    #[must_use]
    pub fn wrong_inputs(&self, inputs: &Map<String, Value>, run: &str) -> Vec<Problem> {
        let Kind::Workflow(document, root) = &self.kind else {
            return Vec::new();
        };
        let root = document.workflows.get(*root);
        let before = root.map(|w| w.depends_on.as_slice()).unwrap_or_default();
        let before = before.iter().filter_map(|n| document.workflows.get(*n));
        let mut wrong = Vec::new();
        for workflow in root.into_iter().chain(before) {
            let found = workflow.inputs.fill(inputs, run).err();
            for what in found.into_iter().flatten() {
                let what = format!("journey `{}`: {what}", self.name);
                wrong.push(
                    Problem::error(what)
                        .at(workflow.place.clone())
                        .hint("give it with `-i NAME=VALUE`"),
                );
            }
        }
        wrong
    }
}

/// Loads what `x-msvc.journeys` names.
///
/// # Errors
/// With every problem of every document, each with its place.
pub fn load(references: &[JourneyReference], files: &Files) -> Result<Vec<Journey>, Problems> {
    let (journeys, problems) = load_readable(references, files);
    problems.or(journeys)
}

/// The journeys of what `x-msvc.journeys` names that can be read, and every problem of the others.
#[must_use]
pub fn load_readable(references: &[JourneyReference], files: &Files) -> (Vec<Journey>, Problems) {
    let mut journeys: Vec<Journey> = Vec::new();
    let mut problems = Problems::default();
    for reference in references {
        let found = match reference {
            JourneyReference::Document(path) => match load_document(&path.value, files) {
                Ok(found) => found,
                Err(found) => {
                    let at = |mut problem: Problem| {
                        problem.place.get_or_insert_with(|| path.place.clone());
                        problem
                    };
                    problems.0.extend(found.0.into_iter().map(at));
                    continue;
                }
            },
            JourneyReference::Command {
                name,
                command,
                place,
            } => vec![Journey {
                name: name.clone(),
                place: place.clone(),
                kind: Kind::Command(command.clone()),
            }],
        };
        for journey in found {
            if let Some(same) = journeys.iter().find(|known| known.name == journey.name) {
                let what = format!("two journeys are called `{}`", journey.name);
                let problem = Problem::error(what).at(journey.place.clone());
                problems.push(problem.hint(format!("the other one stands at {}", same.place)));
            } else {
                journeys.push(journey);
            }
        }
    }
    (journeys, problems)
}

/// Loads one document: each of its workflows that no other one of it calls is a journey.
///
/// # Errors
/// With every problem of the document, each with its place.
pub fn load_document(path: &Path, files: &Files) -> Result<Vec<Journey>, Problems> {
    let document = Arc::new(read::read(path, files)?);
    let journeys: Vec<Journey> = document
        .uncalled()
        .into_iter()
        .filter_map(|number| {
            let workflow = document.workflows.get(number)?;
            Some(Journey {
                name: workflow.id.clone(),
                place: workflow.place.clone(),
                kind: Kind::Workflow(Arc::clone(&document), number),
            })
        })
        .collect();
    if journeys.is_empty() {
        let what = format!(
            "{} has no journey: each of its workflows is called by another one",
            path.display()
        );
        let mut problem = Problem::error(what);
        if let Some(first) = document.workflows.first() {
            problem = problem.at(first.place.clone());
        }
        return Err(problem.into());
    }
    Ok(journeys)
}

/// The journeys of those names, in that order, each once; all of them when no name is given.
///
/// # Errors
/// When a name is none of theirs.
pub fn select<'a>(
    journeys: &'a [Journey],
    names: &[String],
) -> Result<Vec<&'a Journey>, UnknownJourney> {
    if names.is_empty() {
        return Ok(journeys.iter().collect());
    }
    let mut selected: Vec<&Journey> = Vec::new();
    for name in names {
        let found = journeys.iter().find(|journey| journey.name == *name);
        let Some(found) = found else {
            let known = || journeys.iter().map(Journey::name);
            return Err(UnknownJourney {
                name: name.clone(),
                hint: match nearest(name, known()) {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None if journeys.is_empty() => "; there are none".to_owned(),
                    None => format!("; there are {}", known().collect::<Vec<_>>().join(", ")),
                },
            });
        };
        if !selected.iter().any(|journey| journey.name == found.name) {
            selected.push(found);
        }
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::API;
    use msvc_system::model::Placed;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    fn place(line: u32) -> Place {
        Place {
            file: "compose.yaml".into(),
            line,
            column: 9,
        }
    }

    fn document(name: &str) -> JourneyReference {
        JourneyReference::Document(Placed {
            value: PathBuf::from(name),
            place: place(4),
        })
    }

    fn command(name: &str) -> JourneyReference {
        JourneyReference::Command {
            name: name.into(),
            command: vec!["true".into()],
            place: place(5),
        }
    }

    fn files() -> Files {
        let text = "arazzo: 1.0.1\ninfo: {title: T, version: '1'}\nsourceDescriptions: \
                    [{name: shop, url: api.yaml}]\nworkflows:\n\
                    - {workflowId: checkout, steps: [{stepId: s, operationId: listMails}]}\n\
                    - {workflowId: declined, steps: [{stepId: s, operationId: listMails}]}\n";
        Files::in_memory(BTreeMap::from([
            (PathBuf::from("a.yaml"), text.into()),
            (PathBuf::from("broken.yaml"), b"arazzo: [".to_vec()),
            (PathBuf::from("api.yaml"), API.into()),
        ]))
    }

    #[test]
    fn journeys_are_loaded_in_order_and_chosen_by_name() {
        let journeys = load(&[document("a.yaml"), command("smoke")], &files()).unwrap();
        let names = |chosen: &[&str]| {
            let chosen: Vec<String> = chosen.iter().map(|&name| name.into()).collect();
            let selected = select(&journeys, &chosen).map_err(|e| e.to_string())?;
            Ok::<_, String>(
                selected
                    .iter()
                    .map(|j| j.name().to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(names(&[]).unwrap(), ["checkout", "declined", "smoke"]);
        assert_eq!(
            names(&["smoke", "checkout", "smoke"]).unwrap(),
            ["smoke", "checkout"]
        );
        assert_eq!(
            names(&["chekout"]).unwrap_err(),
            "no journey is called `chekout`; did you mean `checkout`?"
        );
        assert_eq!(
            names(&["x"]).unwrap_err(),
            "no journey is called `x`; there are checkout, declined, smoke"
        );
    }

    #[test]
    fn what_is_wrong_with_any_of_them_is_told_at_once() {
        let references = [
            document("none.yaml"),
            document("broken.yaml"),
            document("a.yaml"),
            command("checkout"),
        ];
        let problems = load(&references, &files()).unwrap_err().to_string();
        for part in [
            "compose.yaml:4:9: cannot read the journey none.yaml",
            "broken.yaml:",
            "compose.yaml:5:9: two journeys are called `checkout` (the other one stands at a.yaml:5",
        ] {
            assert!(problems.contains(part), "{part} in\n{problems}");
        }
    }
}
