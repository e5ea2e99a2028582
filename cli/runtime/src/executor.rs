//! Carries a plan out over a [`Runtime`]: each step as soon as those it comes after have ended.
//!
//! What comes in: a plan and the effects. What leaves: events, and the first error. It decides
//! nothing: what is to be done, in which order and for how long to wait stands in the plan.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_system::id::InstanceId;
use msvc_system::problem::Problem;

use crate::contract::{LogQuery, Runtime, RuntimeError};
use crate::plan::{Deed, Plan, Planned};

/// Steps carried out at once; waits and edges, which cost next to nothing, do not count.
const AT_ONCE: usize = 8;

/// Lines shown of a service that did not become ready in time.
const LAST_LINES: usize = 10;

/// What a plan is carried out with.
#[derive(Clone, Copy)]
pub struct Execution<'a> {
    /// What does it.
    pub runtime: &'a dyn Runtime,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Where events go.
    pub sink: &'a (dyn Fn(Event) + Send + Sync),
    /// The wish to end.
    pub shutdown: &'a Shutdown,
}

impl std::fmt::Debug for Execution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Execution")
    }
}

impl Execution<'_> {
    /// Carries `plan` out.
    ///
    /// After the first error no further step begins and waiting ends; steps that are under way
    /// are let end.
    ///
    /// # Errors
    /// The first step's that failed; [`RuntimeError::Interrupted`] as soon as a shutdown is
    /// requested.
    pub async fn run(&self, plan: &Plan) -> Result<(), RuntimeError> {
        let mut progress = Progress::of(plan);
        let mut running = FuturesUnordered::new();
        let mut error = None;
        loop {
            if error.is_none() {
                for place in progress.begin() {
                    running.push(async move { (place, self.step(&plan.steps[place]).await) });
                }
            }
            if running.is_empty() || (error.is_some() && progress.deeds_under_way == 0) {
                break;
            }
            let ended = tokio::select! {
                biased;
                () = self.shutdown.requested() => return Err(RuntimeError::Interrupted),
                ended = running.next() => ended,
            };
            let Some((place, result)) = ended else { break };
            progress.end(place);
            match result {
                Ok(()) => {}
                Err(failed) if plan.steps[place].optional => {
                    (self.sink)(Event::Warned {
                        problem: Problem::warning(failed.to_string())
                            .hint("it is not required: going on without it"),
                    });
                }
                Err(failed) => {
                    error.get_or_insert(failed);
                }
            }
        }
        error.map_or(Ok(()), Err)
    }

    async fn step(&self, planned: &Planned) -> Result<(), RuntimeError> {
        let applied = self.runtime.apply(&planned.step);
        let events = match (planned.within, &planned.step.deed) {
            (Some(within), Deed::Await(id, _)) => tokio::select! {
                events = applied => events?,
                () = self.clock.sleep(within) => return Err(self.late(id, within, &planned.ports).await),
            },
            _ => applied.await?,
        };
        for event in events {
            (self.sink)(event);
        }
        Ok(())
    }

    async fn late(&self, instance: &InstanceId, within: Duration, ports: &[u16]) -> RuntimeError {
        let query = LogQuery {
            services: vec![instance.service.clone()],
            follow: false,
            tail: Some(LAST_LINES),
        };
        let read = async {
            match self.runtime.logs(&query).await {
                Ok(lines) => lines.take(LAST_LINES).map(|line| line.text).collect().await,
                Err(_) => Vec::new(),
            }
        };
        // Whoever does not answer in a while is not waited for to tell why.
        let last_lines = tokio::select! {
            lines = read => lines,
            () = self.clock.sleep(Duration::from_secs(2)) => Vec::new(),
        };
        RuntimeError::NeverReady {
            instance: instance.clone(),
            why: match ports {
                [] => format!("it is not ready after {} s", within.as_secs()),
                [port] => format!(
                    "nothing accepts at its port {port} after {} s",
                    within.as_secs()
                ),
                many => format!(
                    "not all of its ports {} accept after {} s",
                    many.iter()
                        .map(u16::to_string)
                        .collect::<Vec<_>>()
                        .join(", "),
                    within.as_secs()
                ),
            },
            last_lines,
        }
    }
}

/// Which steps have begun and ended.
struct Progress<'a> {
    plan: &'a Plan,
    begun: Vec<bool>,
    ended: Vec<bool>,
    /// Steps under way that are no waits.
    deeds_under_way: usize,
    /// Those of them of which only a few are carried out at once.
    heavy_under_way: usize,
}

impl<'a> Progress<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            begun: vec![false; plan.steps.len()],
            ended: vec![false; plan.steps.len()],
            deeds_under_way: 0,
            heavy_under_way: 0,
        }
    }

    fn is_wait(&self, place: usize) -> bool {
        matches!(self.plan.steps[place].step.deed, Deed::Await(..))
    }

    /// Whether it is worth to have only a few of its kind at once: an edge is one message.
    fn is_heavy(&self, place: usize) -> bool {
        let deed = &self.plan.steps[place].step.deed;
        !matches!(
            deed,
            Deed::Await(..) | Deed::OpenEdge(_) | Deed::CloseEdge(_)
        )
    }

    /// The steps that may begin now, marked as begun.
    fn begin(&mut self) -> Vec<usize> {
        let mut begin = Vec::new();
        for (place, planned) in self.plan.steps.iter().enumerate() {
            let ready = planned.after.iter().all(|before| self.ended[*before]);
            let is_heavy = self.is_heavy(place);
            if self.begun[place] || !ready || (is_heavy && self.heavy_under_way >= AT_ONCE) {
                continue;
            }
            self.begun[place] = true;
            self.deeds_under_way += usize::from(!self.is_wait(place));
            self.heavy_under_way += usize::from(is_heavy);
            begin.push(place);
        }
        begin
    }

    fn end(&mut self, place: usize) {
        self.ended[place] = true;
        self.deeds_under_way -= usize::from(!self.is_wait(place));
        self.heavy_under_way -= usize::from(self.is_heavy(place));
    }
}

#[cfg(test)]
mod tests;
