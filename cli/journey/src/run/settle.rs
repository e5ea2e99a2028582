//! What follows from an attempt at a step: whether it held, what it leaves, where to go on.

use std::sync::Arc;
use std::time::Duration;

use msvc_report::case::Evidence;
use msvc_report::event::Event;
use tokio::time::Instant;

use super::{Position, Purpose, Run, State};
use crate::document::{Action, ActionKind, Destination, Step};
use crate::expression::scope::Finished;
use crate::message::{ReceivedBody, Request, Response};
use crate::outcome::Attempt;
use crate::{shown, step};

/// What an attempt came to, before it is judged.
#[derive(Debug, Default)]
pub(super) struct Got {
    pub(super) call: String,
    pub(super) request: Option<Box<Request>>,
    pub(super) response: Option<Response>,
    pub(super) error: Option<step::Placed<String>>,
    pub(super) called: Option<Finished>,
    pub(super) inner: Vec<Evidence>,
}

impl Run {
    /// Judges the attempt, records it, and moves the topmost frame on.
    pub(super) fn settle(&mut self, mut got: Got, sent: Instant, now: Instant) {
        let document = Arc::clone(&self.document);
        let Some(step) = self.step_of(&document) else {
            return;
        };
        let called_held = got.called.as_ref().is_none_or(|called| called.held);
        let mut held = got.error.is_none() && called_held;
        let mut criteria = Vec::new();
        if held && let Some(scope) = self.scope(Some(&got), None) {
            (held, criteria) = step::judge(step, &scope);
        }
        let attempt = Attempt {
            number: 0,
            call: std::mem::take(&mut got.call),
            exchange: got.request.as_ref().map(|r| r.exchange),
            status: got.response.as_ref().map(|r| r.status),
            body: got.response.as_ref().and_then(shown_body),
            error: got.error.clone(),
            inner: std::mem::take(&mut got.inner),
            criteria,
            held,
            took: now - sent,
        };
        self.record(step, attempt);
        if held {
            self.succeed(step, &got);
        } else {
            self.recover(step, &got, now);
        }
    }

    fn record(&mut self, step: &Step, mut attempt: Attempt) {
        let Some(frame) = self.stack.last() else {
            return;
        };
        let mut name: String = step.id.clone();
        if frame.purpose != Purpose::Root || frame.workflow != self.root {
            name = format!("{}/{name}", self.id(frame.workflow));
        }
        let journey = self.id(self.root);
        let Some(played) = self.played.get_mut(frame.visit) else {
            return;
        };
        attempt.number = played.attempts + 1;
        self.events.push(Event::JourneyStep {
            journey,
            step: name,
            attempt: attempt.number,
            held: attempt.held,
            seconds: attempt.took.as_secs_f64(),
        });
        played.add(attempt);
    }

    fn succeed(&mut self, step: &Step, got: &Got) {
        let Some(scope) = self.scope(Some(got), None) else {
            return;
        };
        let outputs = step::outputs(&step.outputs, &scope);
        let taken = step
            .on_success
            .iter()
            .find(|action| action.criteria.iter().all(|c| c.judge(&scope).holds));
        let kind = taken.map(|action| action.kind);
        let Some(frame) = self.stack.last_mut() else {
            return;
        };
        frame.steps.insert(step.id.clone(), outputs);
        match kind {
            Some(ActionKind::Goto(Destination::Step(number))) => {
                frame.back = None;
                self.enter(number);
            }
            Some(ActionKind::Goto(Destination::Workflow(number))) => self.transfer(number),
            // Success actions are `end` and `goto` only.
            Some(ActionKind::End | ActionKind::Retry { .. }) => frame.at = Position::End(true),
            None => match (frame.back.take(), frame.at) {
                (Some(left), _) => frame.resume(left),
                (None, Position::Step(number)) => self.enter(number + 1),
                (None, _) => frame.at = Position::End(true),
            },
        }
    }

    fn recover(&mut self, step: &Step, got: &Got, now: Instant) {
        let Some(visit) = self.stack.last().map(|frame| frame.visit) else {
            return;
        };
        let why = self.played.get(visit).map(|p| p.why()).unwrap_or_default();
        let Some(action) = self.failure_action(step, got).cloned() else {
            return self.fail(why);
        };
        match action.kind {
            ActionKind::End => self.fail(why),
            ActionKind::Retry { after, first, .. } => {
                let after = retry_after(got.response.as_ref()).unwrap_or(after);
                if let Some(frame) = self.stack.last_mut() {
                    *frame.retries.entry(action.name).or_default() += 1;
                    frame.detour = first;
                }
                self.state = State::Waiting(now + after);
            }
            ActionKind::Goto(destination) => {
                if let Some(frame) = self.stack.last_mut() {
                    let note = format!("step `{}` failed and `{}` went on", step.id, action.name);
                    frame
                        .notes
                        .push(Evidence::said(note).at(action.place.clone()));
                    frame.notes.extend(why);
                    frame.back = None;
                }
                match destination {
                    Destination::Step(number) => self.enter(number),
                    Destination::Workflow(number) => self.transfer(number),
                }
            }
        }
    }

    /// The first failure action whose criteria hold and whose retries are not used up.
    fn failure_action<'s>(&self, step: &'s Step, got: &Got) -> Option<&'s Action> {
        let frame = self.stack.last()?;
        let scope = self.scope(Some(got), None)?;
        step.on_failure.iter().find(|action| {
            let left = match action.kind {
                ActionKind::Retry { limit, .. } => {
                    frame.retries.get(&action.name).copied().unwrap_or_default() < limit
                }
                _ => true,
            };
            left && action.criteria.iter().all(|c| c.judge(&scope).holds)
        })
    }
}

/// The time that the callee asks for, which overrules the document's; dates are not read.
fn retry_after(response: Option<&Response>) -> Option<Duration> {
    let seconds: u64 = response?.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn shown_body(response: &Response) -> Option<String> {
    match &response.body {
        ReceivedBody::Empty => None,
        ReceivedBody::Json(value) => Some(shown::value(value)),
        ReceivedBody::Text { text, .. } => Some(shown::text(text)),
    }
}
