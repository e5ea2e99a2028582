//! How workflows end, and with the first of them the play.

use std::sync::Arc;

use msvc_report::case::{Evidence, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_system::problem::{Place, Problem};
use serde_json::Map;
use tokio::time::Instant;

use super::frame::{Frame, Position, Purpose};
use super::settle::Got;
use super::{Run, State};
use crate::expression::scope::{Finished, Outputs};
use crate::outcome::{Outcome, titled};

impl Run {
    /// The topmost workflow fails.
    pub(super) fn fail(&mut self, why: Vec<Evidence>) {
        if let Some(frame) = self.stack.last_mut() {
            frame.why.extend(why);
            frame.at = Position::End(false);
        }
    }

    /// The topmost workflow hands over to another one and does not come back.
    pub(super) fn transfer(&mut self, number: usize) {
        let Some(finished) = self.finished(true) else {
            return;
        };
        let Some(frame) = self.stack.pop() else {
            return;
        };
        self.leave_behind(&frame, finished);
        let inputs = frame.inputs.clone();
        match self.push(number, &inputs, frame.purpose) {
            Ok(()) => {
                if let Some(next) = self.stack.last_mut() {
                    next.notes = frame.notes;
                }
            }
            Err(wrong) => {
                self.stack.push(frame);
                self.fail(wrong.into_iter().map(Evidence::said).collect());
            }
        }
    }

    /// Takes the topmost workflow off the stack and tells the one below.
    pub(super) fn pop(&mut self, held: bool, now: Instant) {
        let Some(finished) = self.finished(held) else {
            return;
        };
        let Some(frame) = self.stack.pop() else {
            return;
        };
        self.leave_behind(&frame, finished.clone());
        let id = self.id(frame.workflow);
        let mut evidence = frame.why;
        evidence.extend(frame.notes);
        match frame.purpose {
            Purpose::Root => {
                let (verdict, exit) = if held {
                    (Verdict::Held, Exit::Held)
                } else {
                    (Verdict::Failed, Exit::Failed)
                };
                self.end_with(verdict, exit, evidence, Some(finished.outputs), now);
            }
            Purpose::Step(sent) => {
                let place = self.step().map(|step| step.place.clone());
                let failed = place.filter(|_| !held);
                let got = Got {
                    call: format!("workflow {id}"),
                    error: failed.map(|place| (format!("workflow `{id}` failed"), place)),
                    called: Some(finished),
                    inner: if held { Vec::new() } else { evidence },
                    ..Got::default()
                };
                self.settle(got, sent, now);
            }
            Purpose::Dependency | Purpose::Detour if held => {}
            Purpose::Dependency => {
                evidence.push(Evidence::said(format!(
                    "workflow `{id}`, on which it depends, failed"
                )));
                self.fail(evidence);
            }
            Purpose::Detour => {
                evidence.push(Evidence::said(format!(
                    "workflow `{id}`, to be played before a retry, failed"
                )));
                self.fail(evidence);
            }
        }
    }

    /// What the topmost workflow leaves.
    fn finished(&self, held: bool) -> Option<Finished> {
        let frame = self.stack.last()?;
        let mut outputs = Outputs::new();
        let workflow = self.document.workflows.get(frame.workflow)?;
        for (name, expression) in &workflow.outputs {
            let scope = self.scope(None, Some(&outputs))?;
            let value = expression.evaluate(&scope).map_err(|e| e.to_string());
            outputs.insert(name.clone(), value);
        }
        Some(Finished {
            held,
            inputs: frame.inputs.clone(),
            outputs,
        })
    }

    fn leave_behind(&mut self, frame: &Frame, finished: Finished) {
        self.ended.insert(frame.workflow, finished.held);
        self.workflows.insert(self.id(frame.workflow), finished);
    }

    /// Tells, once, what ends a play that takes long.
    pub(super) fn tell_limits(&mut self, now: Instant) {
        let limits = self.entry.limits;
        let many = self.attempts >= (limits.attempts / 100).max(2);
        let long = now - self.began >= limits.time / 10;
        if self.told || !(many || long) {
            return;
        }
        self.told = true;
        let what = format!(
            "the journey `{}` is still at it after {} attempts at steps",
            self.id(self.root),
            self.attempts - 1
        );
        let mut problem = Problem::warning(what).hint(format!(
            "it is given up after {} attempts, or {} s",
            limits.attempts,
            limits.time.as_secs_f64()
        ));
        problem.place = self.step().map(|step| step.place.clone());
        self.events.push(Event::Warned { problem });
    }

    /// Ends the play as failed because it came to no end of its own.
    pub(super) fn give_up(&mut self, why: &str, now: Instant) {
        let step = self
            .step()
            .map(|step| (step.id.clone(), step.place.clone()));
        let mut evidence = match step {
            Some((id, place)) => {
                vec![Evidence::said(format!("{why}; it was at step `{id}`")).at(place)]
            }
            None => vec![Evidence::said(why)],
        };
        if let (Some(_), Some(frame)) = (self.step(), self.stack.last()) {
            let played = self.played.get(frame.visit);
            evidence.extend(played.map(|p| p.why()).unwrap_or_default());
        }
        self.end(Verdict::Failed, Exit::Failed, evidence, now);
    }

    pub(super) fn end(
        &mut self,
        verdict: Verdict,
        exit: Exit,
        evidence: Vec<Evidence>,
        now: Instant,
    ) {
        self.end_with(verdict, exit, evidence, None, now);
    }

    fn end_with(
        &mut self,
        verdict: Verdict,
        exit: Exit,
        evidence: Vec<Evidence>,
        outputs: Option<Outputs>,
        now: Instant,
    ) {
        self.stack.clear();
        let document = Arc::clone(&self.document);
        let root = document.workflows.get(self.root);
        let mut values = Map::new();
        let mut evidence = evidence;
        for (name, output) in outputs.unwrap_or_default() {
            match output {
                Ok(value) => drop(values.insert(name, value)),
                // Outputs that a failed workflow did not get to are no news.
                Err(_) if verdict != Verdict::Held => {}
                Err(why) => {
                    let what = format!("the workflow's output `{name}` could not be read: {why}");
                    evidence.push(Evidence::said(what));
                }
            }
        }
        let journey = self.id(self.root);
        self.state = State::Ended(Box::new(Outcome {
            title: titled(&journey, root.and_then(|w| w.summary.as_deref())),
            journey,
            place: root.map_or_else(
                || Place {
                    file: document.file.clone().into(),
                    line: 1,
                    column: 1,
                },
                |w| w.place.clone(),
            ),
            verdict,
            exit,
            evidence,
            steps: std::mem::take(&mut self.played),
            outputs: values,
            took: now - self.began,
        }));
    }
}
