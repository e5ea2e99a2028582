//! A build under way, line by line. One that is given up is followed to its end all the same: its
//! step's container is taken from it, upon which the builder stops and clears up after itself.
//! Whoever only hangs up leaves it at work for a while.

use std::time::Duration;

use bollard::errors::Error;
use bollard::models::BuildInfo;
use futures_util::{Stream, StreamExt};

use super::Job;
use crate::docker::container;
use crate::docker::engine::{Engine, EngineError};

/// A builder whose step has lost its container ends within this time.
const ENDING: Duration = Duration::from_secs(10);

/// What precedes the id of a step's container.
const RUNNING: &str = "---> Running in ";

/// A build under way.
pub(super) struct Steps<'a> {
    engine: &'a Engine,
    job: &'a Job<'a>,
    line: &'a (dyn Fn(String) + Sync),
    said: Vec<String>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        job: &'a Job<'a>,
        line: &'a (dyn Fn(String) + Sync),
    ) -> Self {
        Self {
            engine,
            job,
            line,
            said: Vec::new(),
        }
    }

    /// Follows it to its end; its lines.
    ///
    /// # Errors
    /// When a step fails, or the build is given up.
    pub(super) async fn follow(
        mut self,
        answers: impl Stream<Item = Result<BuildInfo, Error>>,
    ) -> Result<Vec<String>, EngineError> {
        let mut answers = std::pin::pin!(answers);
        loop {
            let answer = tokio::select! {
                biased;
                () = self.job.shutdown.requested() => break,
                answer = answers.next() => answer,
            };
            let Some(answer) = answer else {
                return Ok(self.said);
            };
            self.hear(answer)?;
        }
        // Before its first word it has made nothing.
        if self.said.is_empty() {
            return Err(self.job.failed(&[], "given up"));
        }
        self.end_step().await;
        let (clock, shutdown) = (self.job.clock, self.job.shutdown);
        let deadline = clock.now() + ENDING;
        loop {
            let answer = tokio::select! {
                answer = answers.next() => answer,
                () = clock.sleep_until(deadline) => None,
                () = shutdown.forced() => None,
            };
            let Some(answer) = answer else {
                return Ok(self.said);
            };
            let before = self.said.len();
            self.hear(answer)?;
            if self.said.len() > before {
                self.end_step().await;
            }
        }
    }

    fn hear(&mut self, answer: Result<BuildInfo, Error>) -> Result<(), EngineError> {
        let answer = answer.map_err(|error| {
            let what = format!("building the image of {}", self.job.service.name);
            match self.engine.refused(what, error) {
                EngineError::Refused { why, .. } => self.job.failed(&self.said, &why),
                other => other,
            }
        })?;
        if let Some(text) = answer.stream {
            for text in text.lines().map(str::trim_end).filter(|l| !l.is_empty()) {
                (self.line)(text.to_owned());
                self.said.push(text.to_owned());
            }
        }
        match answer.error_detail {
            Some(detail) => {
                let why = detail.message.unwrap_or_default();
                Err(self.job.failed(&self.said, &why))
            }
            None => Ok(()),
        }
    }

    /// Takes the container from the step that runs, where it has one.
    async fn end_step(&self) {
        let last = self.said.last();
        if let Some((_, id)) = last.and_then(|line| line.split_once(RUNNING)) {
            // One that has just ended is gone already.
            let _ = container::remove(self.engine, id.trim()).await;
        }
    }
}
