//! Workflows beside the one that is played: those it depends on, calls and goes to.

use std::sync::Arc;

use msvc_report::case::Evidence;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Run;
use super::frame::{Frame, Purpose};
use super::settle::Got;
use crate::document::Step;
use crate::expression::scope::Finished;

/// Workflows that may call each other at one time.
const MAX_DEPTH: usize = 32;

impl Run {
    /// Plays the next workflow that the topmost one depends on, or begins its steps.
    pub(super) fn dependencies(&mut self) {
        let Some(frame) = self.stack.last() else {
            return;
        };
        let document = Arc::clone(&self.document);
        let depends_on = document.workflows.get(frame.workflow);
        let depends_on = depends_on.map(|w| w.depends_on.as_slice());
        for dependency in depends_on.unwrap_or_default() {
            match self.ended.get(dependency) {
                Some(true) => {}
                Some(false) => {
                    let what = format!(
                        "workflow `{}`, on which it depends, failed",
                        self.id(*dependency)
                    );
                    return self.fail(vec![Evidence::said(what)]);
                }
                None => {
                    let given = self.entry.inputs.clone();
                    if let Err(wrong) = self.push(*dependency, &given, Purpose::Dependency) {
                        let id = self.id(*dependency);
                        let said = |what| Evidence::said(format!("workflow `{id}`: {what}"));
                        self.fail(wrong.into_iter().map(said).collect());
                    }
                    return;
                }
            }
        }
        self.enter(0);
    }

    pub(super) fn detour(&mut self, workflow: usize) {
        let given = self.stack.last().map(|f| f.inputs.clone());
        let given = given.unwrap_or_default();
        if let Err(wrong) = self.push(workflow, &given, Purpose::Detour) {
            self.fail(wrong.into_iter().map(Evidence::said).collect());
        }
    }

    pub(super) fn call_workflow(&mut self, step: &Step, number: usize, now: Instant) {
        let mut given = Map::new();
        let mut wrong = None;
        if let Some(scope) = self.scope(None, None) {
            for parameter in &step.parameters {
                match parameter.value.evaluate(&scope) {
                    Ok(value) => drop(given.insert(parameter.name.clone(), value)),
                    Err(error) => {
                        wrong.get_or_insert((error.to_string(), parameter.place.clone()));
                    }
                }
            }
        }
        if wrong.is_none()
            && let Err(problems) = self.push(number, &given, Purpose::Step(now))
        {
            wrong = Some((problems.join("; "), step.place.clone()));
        }
        if let Some((why, place)) = wrong {
            let got = Got {
                call: format!("workflow {}", self.id(number)),
                error: Some((format!("it was not called: {why}"), place)),
                ..Got::default()
            };
            self.settle(got, now, now);
        }
    }

    /// Puts a workflow on top of the stack.
    pub(super) fn push(
        &mut self,
        number: usize,
        given: &Map<String, Value>,
        purpose: Purpose,
    ) -> Result<(), Vec<String>> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(vec![format!(
                "more than {MAX_DEPTH} workflows call each other"
            )]);
        }
        let document = Arc::clone(&self.document);
        let Some(workflow) = document.workflows.get(number) else {
            return Err(vec!["there is no such workflow".to_owned()]);
        };
        let inputs = workflow.inputs.fill(given, &self.entry.run)?;
        let finished = Finished {
            inputs: inputs.clone(),
            ..Finished::default()
        };
        self.workflows.insert(workflow.id.clone(), finished);
        self.stack.push(Frame::new(number, inputs, purpose));
        Ok(())
    }
}
