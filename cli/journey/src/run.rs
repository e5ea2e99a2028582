//! One play of a workflow, deciding without doing: [`Run::advance`] says what to do next (call,
//! wait, nothing more), [`Run::supply`] takes what a call came to. Time is an argument.
//!
//! Workflows that are called, depended on or gone to are [`frame::Frame`]s on a stack; the
//! topmost one is at work. Every attempt at a step counts against the play's limits, so that no
//! document can run for ever.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use msvc_report::case::{Evidence, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use tokio::time::Instant;

use crate::document::{Destination, Document, Step, Target};
use crate::entry::Entry;
use crate::expression::scope::{Finished, Outputs, Scope};
use crate::message::{Answer, Request};
use crate::outcome::{Outcome, StepPlayed};
use crate::step;

mod address;
mod finish;
mod frame;
mod settle;
mod workflows;

use frame::{Frame, Position, Purpose};
use settle::Got;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Send this and supply the answer.
    Call(Box<Request>),
    /// Come back then.
    Wait(Instant),
    /// It is over.
    Ended(Box<Outcome>),
}

/// A play of one workflow.
#[derive(Debug)]
pub struct Run {
    document: Arc<Document>,
    root: usize,
    entry: Entry,
    began: Instant,
    deadline: Instant,
    attempts: u32,
    exchanges: u64,
    stack: Vec<Frame>,
    /// What expressions see of workflows, by id: inputs from their beginning, outputs from their
    /// end.
    workflows: IndexMap<String, Finished>,
    /// Whether the workflows played to their end held, by number.
    ended: HashMap<usize, bool>,
    played: Vec<StepPlayed>,
    events: Vec<Event>,
    /// Whether it was told that this play has limits.
    told: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Ready,
    Calling(Box<Request>, Instant),
    Waiting(Instant),
    Ended(Box<Outcome>),
}

impl Run {
    /// A play of the workflow with that number, which begins `now`.
    #[must_use]
    pub fn begin(document: Arc<Document>, workflow: usize, entry: Entry, now: Instant) -> Self {
        let mut run = Self {
            root: workflow,
            began: now,
            deadline: now + entry.limits.time,
            entry,
            document,
            attempts: 0,
            exchanges: 0,
            stack: Vec::new(),
            workflows: IndexMap::new(),
            ended: HashMap::new(),
            played: Vec::new(),
            events: vec![],
            told: false,
            state: State::Ready,
        };
        let journey = run.id(workflow);
        run.events.push(Event::JourneyBegan { journey });
        run.begin_root(now);
        run
    }

    fn begin_root(&mut self, now: Instant) {
        let document = Arc::clone(&self.document);
        for step in document.workflows.iter().flat_map(|w| &w.steps) {
            if let Target::Operation(operation) = &step.target
                && let Err(error) = self.entry.bases.of(operation)
            {
                let why = Evidence::said(error.to_string()).at(step.place.clone());
                return self.end(Verdict::Inconclusive, Exit::Input, vec![why], now);
            }
        }
        let given = self.entry.inputs.clone();
        if let Err(wrong) = self.push(self.root, &given, Purpose::Root) {
            let place = document.workflows.get(self.root).map(|w| &w.place);
            let why = wrong.into_iter().map(|what| {
                let said = Evidence::said(what);
                match place {
                    Some(place) => said.at(place.clone()),
                    None => said,
                }
            });
            self.end(
                Verdict::Inconclusive,
                Exit::Inconclusive,
                why.collect(),
                now,
            );
        }
    }

    /// Decides what to do next. Called again without [`Run::supply`], it says the same.
    pub fn advance(&mut self, now: Instant) -> Next {
        loop {
            match &self.state {
                State::Ended(outcome) => return Next::Ended(outcome.clone()),
                State::Calling(request, _) => return Next::Call(request.clone()),
                State::Waiting(until) if now < *until && now < self.deadline => {
                    return Next::Wait((*until).min(self.deadline));
                }
                State::Waiting(_) => self.state = State::Ready,
                State::Ready => {}
            }
            if now >= self.deadline {
                let limit = self.entry.limits.time.as_secs_f64();
                self.give_up(&format!("it took longer than {limit} s"), now);
            } else {
                self.go_on(now);
            }
        }
    }

    /// Takes what the call came to.
    pub fn supply(&mut self, answer: Answer, now: Instant) {
        let (request, sent) = match std::mem::replace(&mut self.state, State::Ready) {
            State::Calling(request, sent) => (request, sent),
            other => {
                self.state = other;
                return;
            }
        };
        let mut got = Got {
            call: format!("{} {}", request.method, request.url),
            request: Some(request),
            ..Got::default()
        };
        match answer {
            Answer::Response(response) => got.response = Some(response),
            Answer::Failed(why) => {
                let place = self.step().map(|step| step.place.clone());
                got.error = place.map(|place| (why, place));
            }
        }
        self.settle(got, sent, now);
    }

    /// Ends the play because the user wants to end.
    pub fn interrupt(&mut self, now: Instant) {
        if !matches!(self.state, State::Ended(_)) {
            let why = vec![Evidence::said("interrupted before its end")];
            self.end(Verdict::Inconclusive, Exit::Interrupted, why, now);
        }
    }

    /// What happened since the last time.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The topmost frame's next move.
    fn go_on(&mut self, now: Instant) {
        let Some(frame) = self.stack.last_mut() else {
            let why = vec![Evidence::said("nothing was played")];
            return self.end(Verdict::Inconclusive, Exit::Inconclusive, why, now);
        };
        match frame.at {
            Position::Dependencies => self.dependencies(),
            Position::End(held) => self.pop(held, now),
            Position::Step(number) => {
                let detour = frame.detour.take();
                match detour {
                    Some(Destination::Step(first)) => {
                        frame.back = Some(frame.leave(number));
                        self.enter(first);
                    }
                    Some(Destination::Workflow(first)) => self.detour(first),
                    None => self.attempt(now),
                }
            }
        }
    }

    /// Begins an attempt at the topmost frame's step.
    fn attempt(&mut self, now: Instant) {
        self.attempts += 1;
        if self.attempts > self.entry.limits.attempts {
            let limit = self.entry.limits.attempts;
            return self.give_up(&format!("more than {limit} attempts at steps"), now);
        }
        self.tell_limits(now);
        let document = Arc::clone(&self.document);
        let Some(step) = self.step_of(&document) else {
            return self.fail(Vec::new());
        };
        match &step.target {
            Target::Operation(operation) => {
                let Some(scope) = self.scope(None, None) else {
                    return;
                };
                match step::request(step, operation, &self.entry.bases, &scope) {
                    Ok(request) => {
                        let request = self.addressed(request, now);
                        self.state = State::Calling(Box::new(request), now);
                    }
                    Err((error, place)) => {
                        let got = Got {
                            call: format!("{} {}", operation.method, operation.path),
                            error: Some((format!("nothing was sent: {error}"), place)),
                            ..Got::default()
                        };
                        self.settle(got, now, now);
                    }
                }
            }
            Target::Workflow(number) => self.call_workflow(step, *number, now),
        }
    }

    /// Goes to a step of the topmost frame: a new visit, with no retries used up.
    fn enter(&mut self, number: usize) {
        let document = Arc::clone(&self.document);
        let Some(frame) = self.stack.last_mut() else {
            return;
        };
        let workflow = document.workflows.get(frame.workflow);
        let Some((workflow, step)) = workflow.and_then(|w| Some((w, w.steps.get(number)?))) else {
            frame.at = Position::End(true);
            return;
        };
        frame.at = Position::Step(number);
        frame.retries.clear();
        frame.visit = self.played.len();
        self.played.push(StepPlayed {
            workflow: workflow.id.clone(),
            step: step.id.clone(),
            place: step.place.clone(),
            held: false,
            attempts: 0,
            last: Default::default(),
        });
    }

    fn id(&self, workflow: usize) -> String {
        let workflow = self.document.workflows.get(workflow);
        workflow.map(|w| w.id.clone()).unwrap_or_default()
    }

    fn step(&self) -> Option<&Step> {
        self.step_of(&self.document)
    }

    /// The topmost frame's step, out of the caller's hold on the document.
    fn step_of<'d>(&self, document: &'d Document) -> Option<&'d Step> {
        let frame = self.stack.last()?;
        match frame.at {
            Position::Step(number) => document.workflows.get(frame.workflow)?.steps.get(number),
            _ => None,
        }
    }

    /// What expressions of the topmost frame see. `called` are the outputs of the workflow that
    /// its step called.
    fn scope<'a>(&'a self, got: Option<&'a Got>, own: Option<&'a Outputs>) -> Option<Scope<'a>> {
        let frame = self.stack.last()?;
        let called = got.and_then(|got| got.called.as_ref()).map(|c| &c.outputs);
        Some(Scope {
            inputs: &frame.inputs,
            outputs: called.or(own).unwrap_or(&frame.none),
            steps: &frame.steps,
            workflows: &self.workflows,
            sources: &self.document.sources,
            request: got.and_then(|got| got.request.as_deref()),
            response: got.and_then(|got| got.response.as_ref()),
        })
    }
}

#[cfg(test)]
mod tests;
