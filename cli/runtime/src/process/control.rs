//! The supervisor's control door: the mesh's requests go to the mesh, the others are answered
//! here. What must be completed whatever becomes of the client runs in a task of its own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::control::{MeshControl, OfLease, method as mesh};
use msvc_mesh::protocol::{Handler, ProtocolError, SessionId};
use msvc_system::id::InstanceId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

use super::additions::Additions;
use super::edges::of_mesh;
use super::holds::Holds;
use super::log_reader;
use super::messages::{
    Apply, Attach, Down, Exec, Kill, Killed, Pause, Reach, Release, Released, SignalInstance,
    Stopped, Watch, method, refusal,
};
use super::readers::Readers;
use super::records::FaultRecord;
use super::settled::settled;
use super::supervisor::Supervisor;
use crate::contract::{LogQuery, RuntimeError};
use crate::observed::Observed;

/// Why the supervisor is to end, and whether somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) how: String,
    pub(super) expected: bool,
}

impl Reason {
    pub(super) fn new(how: &str, expected: bool) -> Self {
        Self {
            how: how.to_owned(),
            expected,
        }
    }
}

/// The door. Clones are the same door.
#[derive(Clone)]
pub(super) struct Control {
    pub(super) supervisor: Arc<Supervisor>,
    mesh: MeshControl,
    owners: Arc<Mutex<HashSet<SessionId>>>,
    additions: Arc<Additions>,
    holds: Arc<Mutex<Holds>>,
    /// Why to end, once somebody wants that.
    asked: Arc<watch::Sender<Option<Reason>>>,
    /// How fast to end.
    hurry: Shutdown,
    /// Who reads events or logs.
    pub(super) readers: Readers,
    /// How many instances were ended, once all are.
    done: Arc<watch::Sender<Option<usize>>>,
}

impl Control {
    /// The door of `supervisor`; who wants the end at once forces `hurry`.
    pub(super) fn new(supervisor: Arc<Supervisor>, hurry: Shutdown) -> Self {
        let mesh = supervisor.shared.edges.mesh().clone();
        Self {
            supervisor,
            mesh: MeshControl::new(mesh),
            owners: Arc::default(),
            additions: Arc::default(),
            holds: Arc::default(),
            readers: Readers::default(),
            asked: Arc::new(watch::Sender::new(None)),
            hurry,
            done: Arc::new(watch::Sender::new(None)),
        }
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owners(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the end; the first reason stays.
    pub(super) fn end(&self, reason: Reason) {
        self.asked.send_if_modified(|asked| {
            let first = asked.is_none();
            asked.get_or_insert(reason);
            first
        });
    }

    /// Returns why to end, once somebody wants that.
    pub(super) async fn asked_to_end(&self) -> Reason {
        let mut asked = self.asked.subscribe();
        match asked.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(reason)) => reason.clone(),
            // Not to be: the sender lives as long as `self`.
            _ => Reason::new("it lost itself", false),
        }
    }

    /// Tells whoever asked for the end that it is done.
    pub(super) fn ended(&self, stopped: usize) {
        self.done.send_replace(Some(stopped));
    }

    fn items<T: Serialize + Send + 'static>(
        &self,
        stream: BoxStream<'static, T>,
    ) -> BoxStream<'static, Value> {
        let reading = self.readers.one();
        stream
            .filter_map(move |item| {
                reading.takes();
                std::future::ready(serde_json::to_value(item).ok())
            })
            .boxed()
    }

    async fn down(&self, parameters: Value) -> Stopped {
        self.end(Reason::new("msvc down", true));
        let Down { hurry } = serde_json::from_value(parameters).unwrap_or_default();
        if hurry {
            // The second time it is forced.
            self.hurry.request();
            self.hurry.request();
        }
        let mut done = self.done.subscribe();
        let stopped = match done.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(stopped)) => *stopped,
            _ => 0,
        };
        let told = self.supervisor.failed();
        Stopped { stopped, told }
    }

    async fn observe(&self) -> Observed {
        settled(self.supervisor.kept(), &*self.supervisor.shared.clock).await;
        let mut observed = self.supervisor.observe();
        let holds = self.holds();
        for seen in &mut observed.instances {
            seen.held_by = holds.by(&seen.id);
        }
        observed
    }

    async fn release_all(&self, instances: Vec<InstanceId>) {
        for instance in instances {
            // It may be stopped or released by now, which ends the fault as well.
            let _ = self.release(&instance).await;
        }
    }

    async fn kill(self, session: SessionId, kill: Kill) -> Result<Killed, RuntimeError> {
        let shared = Arc::clone(&self.supervisor.shared);
        let (lease, instance) = (kill.lease, kill.instance);
        let over = shared
            .edges
            .mesh()
            .lease_end(session, lease)
            .map_err(of_mesh)?;
        if !self.holds().hold(lease, &instance, kill.by) {
            let why = format!("a fault keeps {instance} down already");
            return Err(RuntimeError::Refused(why));
        }
        let event = shared.events.latest();
        let recorded = shared.records.fault(FaultRecord {
            lease: lease.0,
            instance: instance.clone(),
            deed: "kill".to_owned(),
            undo: "start".to_owned(),
        });
        let struck = match recorded {
            Ok(()) => self.supervisor.kill(&instance).await,
            Err(error) => Err(error),
        };
        let at_ns = struck.inspect_err(|_| {
            self.holds().lift(&instance);
            // The record of a fault that was never done undoes nothing.
            let _ = shared.records.undone(&instance);
        })?;
        tokio::spawn(async move {
            let down = Duration::from_millis(kill.down_ms);
            tokio::select! {
                () = over.cancelled() => {}
                () = shared.clock.sleep(down), if !kill.hold => {}
            }
            self.release_all(vec![instance]).await;
        });
        Ok(Killed {
            at_ns,
            event,
            gone_at_ns: at_ns,
            gone_for_ns: 0,
        })
    }

    async fn release(&self, instance: &InstanceId) -> Result<Released, RuntimeError> {
        if !self.holds().lift(instance) {
            let why = format!("no fault keeps {instance} down");
            return Err(RuntimeError::Refused(why));
        }
        let comes_back = self.supervisor.release(instance).await;
        self.supervisor.shared.records.undone(instance)?;
        let comes_back = comes_back?;
        Ok(Released { comes_back })
    }

    async fn answer(
        self,
        session: SessionId,
        method: String,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        let supervisor = &self.supervisor;
        match method.as_str() {
            method::OBSERVE => told(Ok(self.observe().await)),
            method::APPLY => {
                let Apply { step } = read(parameters)?;
                told(supervisor.apply(session, step).await)
            }
            method::SIGNAL => {
                let SignalInstance { instance, signal } = read(parameters)?;
                told(supervisor.signal(&instance, &signal))
            }
            method::PAUSE => {
                let Pause { instance, paused } = read(parameters)?;
                told(supervisor.pause(&instance, paused))
            }
            method::REACH => {
                let Reach { instance, port } = read(parameters)?;
                told(supervisor.reach(&instance, port))
            }
            method::DOWN => told(Ok(self.down(parameters).await)),
            method::ATTACH => {
                let Attach { owner, adding } = read(parameters)?;
                match adding {
                    true => self.additions.begin(session, supervisor),
                    false => self.additions.keep(session),
                }
                if owner {
                    self.owners().insert(session);
                } else {
                    self.owners().remove(&session);
                }
                Ok(Value::Null)
            }
            method::KILL => told(self.clone().kill(session, read(parameters)?).await),
            method::RELEASE => {
                let Release { instance } = read(parameters)?;
                told(self.release(&instance).await)
            }
            unknown => Err(ProtocolError::refused(
                "no_method",
                format!("the supervisor does not know {unknown}"),
            )),
        }
    }

    /// Closes a lease; answered when what it held down was released too.
    async fn close_lease(
        &self,
        session: SessionId,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        let OfLease { lease } = read(parameters.clone())?;
        let answer = self
            .mesh
            .request(session, mesh::CLOSE_LEASE, parameters)
            .await?;
        let held = self.holds().under(lease);
        self.release_all(held).await;
        Ok(answer)
    }
}

fn read<T: DeserializeOwned>(parameters: Value) -> Result<T, ProtocolError> {
    serde_json::from_value(parameters)
        .map_err(|e| ProtocolError::refused("parameters", e.to_string()))
}

fn told<T: Serialize>(outcome: Result<T, RuntimeError>) -> Result<Value, ProtocolError> {
    let value = outcome.map_err(|error| refusal(&error))?;
    serde_json::to_value(value).map_err(|e| ProtocolError::Frame(e.to_string()))
}

#[async_trait::async_trait]
impl Handler for Control {
    async fn request(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        self.supervisor
            .news
            .begin(session, &self.supervisor.shared.events);
        if method == mesh::CLOSE_LEASE {
            return self.close_lease(session, parameters).await;
        }
        if self.mesh.knows(method) {
            return self.mesh.request(session, method, parameters).await;
        }
        if method == method::EXEC {
            // Ended with the client's interest in it.
            let Exec {
                instance,
                command,
                timeout,
            } = read(parameters)?;
            return told(self.supervisor.exec(&instance, &command, timeout).await);
        }
        let answer = self.clone().answer(session, method.to_owned(), parameters);
        match tokio::spawn(answer).await {
            Ok(answer) => answer,
            Err(e) => Err(ProtocolError::refused("failed", format!("{method}: {e}"))),
        }
    }

    async fn subscribe(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<BoxStream<'static, Value>, ProtocolError> {
        let shared = &self.supervisor.shared;
        match method {
            method::WATCH => {
                let Watch { from } = read(parameters)?;
                Ok(self.items(shared.events.read(from)))
            }
            method::LOGS => {
                let query: LogQuery = read(parameters)?;
                let told = query.follow.then(|| shared.logs.subscribe());
                let lines = log_reader::lines(shared.records.home(), &query, told);
                Ok(self.items(lines.map_err(|error| refusal(&error))?))
            }
            _ => self.mesh.subscribe(session, method, parameters).await,
        }
    }

    async fn ended(&self, session: SessionId) {
        // Its leases end with it, and what they held is released.
        self.mesh.ended(session).await;
        self.supervisor.news.end(session);
        if self.owners().remove(&session) {
            self.end(Reason::new("the msvc that it belonged to ended", true));
        }
        self.additions.end(session, &self.supervisor).await;
    }
}
