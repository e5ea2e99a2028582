//! The process runtime as the commands see it: the [`Runtime`] trait over a session to the
//! supervisor.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use msvc_machine::clock::Clock;
use msvc_mesh::protocol::Session;
use msvc_report::event::{Event, Stamped};
use msvc_system::id::InstanceId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::home::ProjectHome;
use super::launch::{self, Launcher};
use super::messages::{
    Apply, Attach, Down, Exec, Pause, Reach, SignalInstance, Stopped, Watch, error_of, method,
};
use crate::contract::{ExecOutcome, LogLine, LogQuery, Runtime, RuntimeError};
use crate::observed::Observed;
use crate::plan::Step;

/// A running supervisor of one project.
#[derive(Debug, Clone)]
pub struct ProcessRuntime {
    session: Session,
    project: String,
}

impl ProcessRuntime {
    /// The runtime of a project that runs; `None` when nothing does.
    ///
    /// # Errors
    /// When its supervisor is there and does not answer.
    pub async fn connect(
        home: &ProjectHome,
        build: &str,
        clock: &dyn Clock,
    ) -> Result<Option<Self>, RuntimeError> {
        let session = launch::connect(home, build, clock).await?;
        Ok(session.map(|session| Self::over(session, home)))
    }

    /// The runtime of a project, launched when none runs. One launch happens at a time. What a
    /// crash left behind is ended first; ask [`super::last_end`] before, to tell the user of it.
    ///
    /// # Errors
    /// When the supervisor cannot be started or does not answer; nothing of it stays then.
    pub async fn launch(
        home: &ProjectHome,
        launcher: &Launcher,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        launch::launch(home, launcher, clock).await
    }

    pub(super) fn over(session: Session, home: &ProjectHome) -> Self {
        Self {
            session,
            project: home.project().to_string(),
        }
    }

    /// Whether the system is to end with this session: `true` while a command works on it that
    /// must leave nothing behind when it dies, and for as long as a foreground `up` shows it.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn attach(&self, owner: bool) -> Result<(), RuntimeError> {
        let adding = false;
        self.ask(method::ATTACH, Attach { owner, adding }).await
    }

    /// Lets what this session adds to the system go with the session, until it is attached anew.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn adds(&self) -> Result<(), RuntimeError> {
        let (owner, adding) = (false, true);
        self.ask(method::ATTACH, Attach { owner, adding }).await
    }

    /// Ends all instances and the supervisor; how many instances there were. Who needs all of it
    /// gone, and the records cleared, calls [`super::down`].
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub async fn stop_everything(&self) -> Result<usize, RuntimeError> {
        let Stopped { stopped, .. } = self.ask(method::DOWN, Value::Null).await?;
        Ok(stopped)
    }

    /// Lets an end that is under way kill at once what has not ended yet.
    ///
    /// # Errors
    /// When the supervisor is gone, which is as good.
    pub async fn hurry(&self) -> Result<(), RuntimeError> {
        let Stopped { .. } = self.ask(method::DOWN, Down { hurry: true }).await?;
        Ok(())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        parameters: impl Serialize,
    ) -> Result<T, RuntimeError> {
        let answer = self.session.request(method, parameters).await;
        answer.map_err(|error| error_of(error, &self.project))
    }

    async fn follow<T: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        parameters: impl Serialize,
    ) -> Result<BoxStream<'static, T>, RuntimeError> {
        let items = self.session.subscribe(method, parameters).await;
        items.map_err(|error| error_of(error, &self.project))
    }
}

#[async_trait::async_trait]
impl Runtime for ProcessRuntime {
    async fn observe(&self) -> Result<Observed, RuntimeError> {
        self.ask(method::OBSERVE, Value::Null).await
    }

    async fn watch(&self, from: u64) -> Result<BoxStream<'static, Stamped>, RuntimeError> {
        self.follow(method::WATCH, Watch { from }).await
    }

    async fn apply(&self, step: &Step) -> Result<Vec<Event>, RuntimeError> {
        let step = step.clone();
        self.ask(method::APPLY, Apply { step }).await
    }

    async fn signal(&self, instance: &InstanceId, signal: &str) -> Result<(), RuntimeError> {
        let parameters = SignalInstance {
            instance: instance.clone(),
            signal: signal.to_owned(),
        };
        self.ask(method::SIGNAL, parameters).await
    }

    async fn pause(&self, instance: &InstanceId, paused: bool) -> Result<(), RuntimeError> {
        let instance = instance.clone();
        self.ask(method::PAUSE, Pause { instance, paused }).await
    }

    async fn exec(
        &self,
        instance: &InstanceId,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutcome, RuntimeError> {
        let parameters = Exec {
            instance: instance.clone(),
            command: command.to_vec(),
            timeout,
        };
        self.ask(method::EXEC, parameters).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
        self.follow(method::LOGS, query).await
    }

    async fn reach(&self, instance: &InstanceId, port: u16) -> Result<SocketAddr, RuntimeError> {
        let instance = instance.clone();
        self.ask(method::REACH, Reach { instance, port }).await
    }

    async fn keeper(&self) -> Result<Session, RuntimeError> {
        Ok(self.session.clone())
    }

    fn mesh(&self) -> Result<&Session, RuntimeError> {
        Ok(&self.session)
    }
}
