//! The supervisor's control door: the mesh's requests go to the mesh, the others are answered
//! here. What must be completed whatever becomes of the client runs in a task of its own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use msvc_mesh::lease::{LeaseId, OpenLease};
use msvc_mesh::protocol::{Handler, ProtocolError, SessionId};
use msvc_system::id::InstanceId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

use super::holds::Holds;
use super::log_reader;
use super::messages::{
    Apply, Attach, Exec, Kill, Killed, Pause, Reach, Release, Released, SignalInstance, Stopped,
    Watch, method, refusal,
};
use super::records::FaultRecord;
use super::supervisor::Supervisor;
use crate::contract::{LogQuery, RuntimeError};

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
    mesh: Arc<dyn Handler>,
    owners: Arc<Mutex<HashSet<SessionId>>>,
    holds: Arc<Mutex<Holds>>,
    /// Why to end, once somebody wants that.
    asked: Arc<watch::Sender<Option<Reason>>>,
    /// How many instances were ended, once all are.
    done: Arc<watch::Sender<Option<usize>>>,
}

impl Control {
    pub(super) fn new(supervisor: Arc<Supervisor>, mesh: Arc<dyn Handler>) -> Self {
        Self {
            supervisor,
            mesh,
            owners: Arc::default(),
            holds: Arc::default(),
            asked: Arc::new(watch::Sender::new(None)),
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

    async fn down(&self) -> Stopped {
        self.end(Reason::new("msvc down", true));
        let mut done = self.done.subscribe();
        let stopped = match done.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(stopped)) => *stopped,
            _ => 0,
        };
        Stopped { stopped }
    }

    /// Lifts the faults of leases that were not renewed in time; for ever.
    pub(super) async fn watch_leases(self) {
        /// A lease may live so much longer than its time.
        const LOOK: Duration = Duration::from_millis(100);
        let clock = Arc::clone(&self.supervisor.shared.clock);
        loop {
            clock.sleep(LOOK).await;
            let expired = self.holds().expired(clock.now());
            self.release_all(expired).await;
        }
    }

    async fn release_all(&self, instances: Vec<InstanceId>) {
        for instance in instances {
            // It may be stopped by now, which ends the fault as well.
            let _ = self.put_back(&instance).await;
        }
    }

    async fn kill(self, session: SessionId, kill: Kill) -> Result<Killed, RuntimeError> {
        let Kill {
            lease,
            instance,
            hold,
            down_ms,
        } = kill;
        let shared = &self.supervisor.shared;
        if self.holds().holds(&instance) {
            let why = format!("a fault keeps {instance} down already");
            return Err(RuntimeError::Refused(why));
        }
        if !self.holds().hold(lease, session, instance.clone()) {
            let why = format!("lease {} is not open in this session", lease.0);
            return Err(RuntimeError::Refused(why));
        }
        let event = shared.events.latest();
        let struck = match shared.records.fault(FaultRecord {
            lease: lease.0,
            instance: instance.clone(),
            deed: "kill".to_owned(),
            undo: "start".to_owned(),
        }) {
            Ok(()) => self.supervisor.kill(&instance).await,
            Err(error) => Err(error),
        };
        let at_ns = match struck {
            Ok(at_ns) => at_ns,
            Err(error) => {
                self.holds().lifted(&instance);
                // The record of a fault that was never done undoes nothing.
                let _ = shared.records.undone(&instance);
                return Err(error);
            }
        };
        if !self.holds().holds(&instance) {
            // Its lease ended while the deed was done.
            self.put_back(&instance).await?;
        } else if !hold {
            let (door, clock) = (self.clone(), Arc::clone(&shared.clock));
            tokio::spawn(async move {
                clock.sleep(Duration::from_millis(down_ms)).await;
                // Released by hand or stopped meanwhile: nothing is left to do.
                let _ = door.release(&instance).await;
            });
        }
        Ok(Killed { at_ns, event })
    }

    async fn release(&self, instance: &InstanceId) -> Result<Released, RuntimeError> {
        if !self.holds().lifted(instance) {
            let why = format!("no fault keeps {instance} down");
            return Err(RuntimeError::Refused(why));
        }
        self.put_back(instance).await
    }

    async fn put_back(&self, instance: &InstanceId) -> Result<Released, RuntimeError> {
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
            method::OBSERVE => told(supervisor.observe().await),
            method::APPLY => {
                let Apply { step } = read(parameters)?;
                told(supervisor.apply(step).await)
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
            method::DOWN => told(Ok(self.down().await)),
            method::ATTACH => {
                let Attach { owner } = read(parameters)?;
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

    /// Passes a request about leases on to the mesh, and takes note of what becomes of it.
    async fn lease(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        let answer = self.mesh.request(session, method, parameters.clone()).await?;
        let now = self.supervisor.shared.clock.now();
        match method {
            "lease.open" => {
                let OpenLease { ttl_ms } = read(parameters)?;
                let id = read(answer.clone())?;
                self.holds().opened(id, session, Duration::from_millis(ttl_ms), now);
            }
            "lease.renew" => self.holds().renewed(lease_of(parameters)?, now),
            _ => {
                let held = self.holds().closed(lease_of(parameters)?);
                self.release_all(held).await;
            }
        }
        Ok(answer)
    }
}

fn lease_of(parameters: Value) -> Result<LeaseId, ProtocolError> {
    #[derive(serde::Deserialize)]
    struct Of {
        lease: LeaseId,
    }
    read(parameters).map(|Of { lease }| lease)
}

fn read<T: DeserializeOwned>(parameters: Value) -> Result<T, ProtocolError> {
    serde_json::from_value(parameters)
        .map_err(|e| ProtocolError::refused("parameters", e.to_string()))
}

fn told<T: Serialize>(outcome: Result<T, RuntimeError>) -> Result<Value, ProtocolError> {
    let value = outcome.map_err(|error| refusal(&error))?;
    serde_json::to_value(value).map_err(|e| ProtocolError::Frame(e.to_string()))
}

fn items<T: Serialize + Send + 'static>(
    stream: BoxStream<'static, T>,
) -> BoxStream<'static, Value> {
    stream
        .filter_map(|item| std::future::ready(serde_json::to_value(item).ok()))
        .boxed()
}

#[async_trait::async_trait]
impl Handler for Control {
    async fn request(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        if method.starts_with("lease.") {
            return self.lease(session, method, parameters).await;
        }
        if !method.starts_with("runtime.") && !method.starts_with("service.") {
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
                Ok(items(shared.events.read(from)))
            }
            method::LOGS => {
                let query: LogQuery = read(parameters)?;
                let told = query.follow.then(|| shared.logs.subscribe());
                let lines = log_reader::lines(shared.records.home(), &query, told);
                Ok(items(lines.map_err(|error| refusal(&error))?))
            }
            _ => self.mesh.subscribe(session, method, parameters).await,
        }
    }

    async fn ended(&self, session: SessionId) {
        let held = self.holds().session_ended(session);
        self.release_all(held).await;
        if self.owners().remove(&session) {
            self.end(Reason::new("the msvc that it belonged to ended", true));
        }
        self.mesh.ended(session).await;
    }
}
