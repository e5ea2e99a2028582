//! Keeps the instances of one project and carries their edges; what `apply` and the other
//! requests do.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use msvc_machine::shutdown::Shutdown;
use msvc_mesh::protocol::SessionId;
use msvc_report::event::Event;
use msvc_system::id::{InstanceId, LaneName, ServiceName};
use msvc_system::problem::Problem;
use nix::sys::signal::Signal;
use tokio::sync::oneshot;

use super::awaiting::await_condition;
use super::beside::run_beside;
use super::child::cannot_run;
use super::hooks;
use super::keeper::{Command, Replica, View, keep};
use super::news::News;
use super::shared::Shared;
use super::signals;
use crate::contract::{ExecOutcome, RuntimeError};
use crate::instance::InstanceSpec;
use crate::observed::{Observed, ObservedInstance, Phase};
use crate::plan::{Deed, Step};

/// The name of this runtime.
pub const RUNTIME: &str = "process";

/// When everything ends, each instance gets so much of a head start before the one that was
/// started earlier, and that it may need, is asked to end too.
const HEAD_START: Duration = Duration::from_secs(1);

/// A replica, whichever its incarnation.
pub(super) type Key = (LaneName, ServiceName, u32);

pub(super) fn key(id: &InstanceId) -> Key {
    (id.lane.clone(), id.service.clone(), id.replica)
}

/// The instances of one project.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) news: News,
    replicas: Mutex<Replicas>,
    /// Hooks that failed and that nobody was told of yet.
    failed: Mutex<Vec<Problem>>,
}

#[derive(Default)]
struct Replicas {
    /// With the number of its start, to end them in the opposite order.
    kept: BTreeMap<Key, (u64, Replica)>,
    /// Incarnations are never used twice.
    incarnations: HashMap<Key, u32>,
    starts: u64,
    /// Nothing is started any more.
    ending: bool,
}

impl Supervisor {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            news: News::default(),
            replicas: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    fn replicas(&self) -> MutexGuard<'_, Replicas> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The replica of that id, whichever its incarnation.
    fn replica(&self, id: &InstanceId) -> Result<Replica, RuntimeError> {
        let replicas = self.replicas();
        let found = replicas
            .kept
            .get(&key(id))
            .map(|(_, replica)| replica.clone());
        found
            .filter(|replica| replica.view.borrow().id.same_replica(id))
            .ok_or_else(|| RuntimeError::NoInstance(id.clone()))
    }

    /// All that is kept; what was stopped and has ended is not any more.
    pub(super) fn kept(&self) -> Vec<Replica> {
        let replicas = self.replicas();
        let all = replicas.kept.values().map(|(_, replica)| replica);
        let kept = all.filter(|replica| !replica.commands.is_closed());
        kept.cloned().collect()
    }

    fn views(&self) -> Vec<View> {
        let kept = self.kept().into_iter();
        kept.map(|replica| replica.view.borrow().clone()).collect()
    }

    /// The processes of all that is kept.
    pub(super) fn pids(&self) -> Vec<u32> {
        let processes = self.views().into_iter().filter_map(|view| view.process);
        processes.map(|process| process.pid).collect()
    }

    /// Whether nothing at all is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.replicas().kept.is_empty()
    }

    pub(super) fn observe(&self) -> Observed {
        let now = self.shared.clock.now();
        let instances = self.views().into_iter().map(|view| ObservedInstance {
            runtime: RUNTIME.to_owned(),
            hash: view.spec.hash.clone(),
            pid: view.process.map(|process| process.pid),
            since_ms: u64::try_from((now - view.since).as_millis()).unwrap_or(u64::MAX),
            restarts: view.restarts,
            detail: view.detail,
            held_by: None,
            // Nobody tells who sent a signal: what was up and is not any more did not end as a job.
            was_stopped: view.was_ready && view.phase == Phase::ended_well(),
            displaced: None,
            listens: view.spec.listens.clone(),
            phase: view.phase,
            id: view.id,
        });
        Observed {
            runtime: RUNTIME.to_owned(),
            instances: instances.collect(),
            edges: self.shared.edges.status(),
            ending: self.replicas().ending,
            ..Observed::default()
        }
    }

    /// Carries out a step; what is news of its instance to the session that wants it.
    pub(super) async fn apply(
        self: &Arc<Self>,
        session: SessionId,
        step: Step,
    ) -> Result<Vec<Event>, RuntimeError> {
        let concerned = match &step.deed {
            Deed::Start(spec) => Some(spec.id.clone()),
            Deed::Await(id, _) | Deed::Stop(id) => Some(id.clone()),
            _ => None,
        };
        self.carry_out(step).await?;
        let news = |id| self.news.of(session, &id, &self.shared.events);
        let failed = self.failed().into_iter();
        let failed = failed.map(|problem| Event::Warned { problem });
        let news = concerned.map_or_else(Vec::new, news);
        Ok(news.into_iter().chain(failed).collect())
    }

    async fn carry_out(self: &Arc<Self>, step: Step) -> Result<(), RuntimeError> {
        let refused = |why| Err(RuntimeError::Refused(why));
        match step.deed {
            Deed::OpenEdge(spec) => self.shared.edges.open(&spec),
            Deed::CloseEdge(id) => self.shared.edges.close(&id),
            Deed::Start(spec) => self.start(*spec).await,
            Deed::Await(id, condition) => {
                await_condition(self.replica(&id)?, condition, &self.shared.logs).await
            }
            Deed::Stop(id) => self.stop(&id).await,
            Deed::Withdraw(it) => refused(format!("a process has no {} {}", it.kind, it.name)),
            Deed::Provide(it) => {
                refused(format!("host processes need no {} ({})", it.kind, it.name))
            }
        }
    }

    /// Starts an instance. One that runs with the same settings is left alone; one that has ended
    /// makes room.
    async fn start(self: &Arc<Self>, spec: InstanceSpec) -> Result<(), RuntimeError> {
        let id = spec.id.clone();
        let refused = |why: &str| RuntimeError::Start {
            instance: id.clone(),
            why: why.to_owned(),
        };
        if signals::by_name(&spec.stop_signal).is_none() {
            return Err(refused(&format!("there is no signal {}", spec.stop_signal)));
        }
        if let Ok(replica) = self.replica(&id) {
            let view = replica.view.borrow().clone();
            if matches!(view.phase, crate::observed::Phase::Exited { .. }) {
                self.stop(&id).await?;
            } else if view.spec.hash == spec.hash {
                return Ok(());
            } else {
                return Err(refused(
                    "it runs with other settings; it must be stopped first",
                ));
            }
        }
        let (started, outcome) = oneshot::channel();
        let id = {
            let mut replicas = self.replicas();
            if replicas.ending {
                return Err(RuntimeError::BroughtDown {
                    project: id.project.to_string(),
                });
            }
            let key = key(&id);
            if replicas.kept.contains_key(&key) {
                return Err(refused("somebody else is starting it"));
            }
            let last = replicas.incarnations.get(&key).copied().unwrap_or(0);
            let incarnation = spec.id.incarnation.max(last + 1);
            let id = InstanceId { incarnation, ..id };
            replicas.incarnations.insert(key.clone(), incarnation);
            replicas.starts += 1;
            let number = replicas.starts;
            let replica = keep(Arc::clone(&self.shared), spec, id.clone(), started);
            replicas.kept.insert(key, (number, replica));
            id
        };
        let gone = || RuntimeError::NoInstance(id.clone());
        let outcome = outcome.await.unwrap_or_else(|_| Err(gone()));
        if outcome.is_err() {
            self.replicas().kept.remove(&key(&id));
        }
        outcome?;
        let replica = self.replica(&id)?;
        match hooks::post_start(&replica, &self.shared).await {
            None => Ok(()),
            Some((number, why)) => {
                end(&replica).await;
                self.remove(&replica);
                Err(RuntimeError::PostStart {
                    instance: id,
                    number,
                    why,
                })
            }
        }
    }

    /// What hooks failed since somebody last asked.
    pub(super) fn failed(&self) -> Vec<Problem> {
        std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs what is to be run in one before it is asked to end.
    async fn before_its_end(&self, replica: &Replica) {
        if let Some(why) = hooks::pre_stop(replica, &self.shared).await {
            let id = replica.view.borrow().id.clone();
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.push(Problem::warning(format!("{id}: {why}")));
        }
    }

    pub(super) async fn stop(&self, id: &InstanceId) -> Result<(), RuntimeError> {
        let replica = self.replica(id)?;
        self.before_its_end(&replica).await;
        end(&replica).await;
        self.remove(&replica);
        Ok(())
    }

    /// Forgets a keeper that has ended, and remembers how far its incarnations went.
    fn remove(&self, replica: &Replica) {
        let id = replica.view.borrow().id.clone();
        let mut replicas = self.replicas();
        let key = key(&id);
        let same = |known: &(u64, Replica)| known.1.commands.same_channel(&replica.commands);
        if replicas.kept.get(&key).is_some_and(same) {
            replicas.kept.remove(&key);
            replicas.incarnations.insert(key, id.incarnation);
        }
    }

    /// Ends everything, the last started first; how many there were. What is forced is killed.
    pub(super) async fn stop_all(&self, hurry: &Shutdown) -> usize {
        let mut all: Vec<(u64, Replica)> = {
            let mut replicas = self.replicas();
            replicas.ending = true;
            replicas.kept.values().cloned().collect()
        };
        all.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        let mut ends = Vec::new();
        for (_, replica) in &all {
            tokio::select! {
                () = self.before_its_end(replica) => {}
                () = hurry.forced() => {}
            }
            let ending = replica.clone();
            let mut task = tokio::spawn(async move { end(&ending).await });
            tokio::select! {
                _ = &mut task => {}
                () = self.shared.clock.sleep(HEAD_START) => ends.push(task),
                () = hurry.forced() => ends.push(task),
            }
        }
        let joined = async {
            for task in ends {
                // A keeper's task does not panic; if it did, the guardian's sweep ends the rest.
                let _ = task.await;
            }
        };
        tokio::select! {
            () = joined => {}
            // The guardian's sweep ends what is left.
            () = hurry.forced() => {}
        }
        for (_, replica) in &all {
            self.remove(replica);
        }
        all.len()
    }

    pub(super) fn signal(&self, id: &InstanceId, name: &str) -> Result<(), RuntimeError> {
        let signal = signals::by_name(name)
            .ok_or_else(|| RuntimeError::Refused(format!("there is no signal {name}")))?;
        let view = self.replica(id)?.view.borrow().clone();
        let sent = view.process.is_some_and(|process| process.signal(signal));
        if sent {
            return Ok(());
        }
        Err(RuntimeError::Refused(format!("{} does not run", view.id)))
    }

    pub(super) fn pause(&self, id: &InstanceId, paused: bool) -> Result<(), RuntimeError> {
        let view = self.replica(id)?.view.borrow().clone();
        let Some(leader) = view.process else {
            return Err(RuntimeError::Refused(format!("{} does not run", view.id)));
        };
        let signal = match paused {
            true => Signal::SIGSTOP,
            false => Signal::SIGCONT,
        };
        for process in self.shared.mark.of_replica(&view.id, Some(leader.pid)) {
            process.signal(signal);
        }
        Ok(())
    }

    pub(super) async fn exec(
        &self,
        id: &InstanceId,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutcome, RuntimeError> {
        let view = self.replica(id)?.view.borrow().clone();
        let (spec, mark, clock) = (&view.spec, &self.shared.mark, &*self.shared.clock);
        let outcome = run_beside(spec, &view.id, mark, command, timeout, clock).await;
        outcome.map_err(|e| {
            let why = match spec.process() {
                Ok(program) => cannot_run(program, command, &e),
                Err(_) => e.to_string(),
            };
            RuntimeError::Refused(format!("beside {}: {why}", view.id))
        })
    }

    pub(super) fn reach(&self, id: &InstanceId, port: u16) -> Result<SocketAddr, RuntimeError> {
        let view = self.replica(id)?.view.borrow().clone();
        let listen = view.spec.listens.iter().find(|listen| listen.port == port);
        listen.map(|listen| listen.backend).ok_or_else(|| {
            RuntimeError::Refused(format!("{} does not listen on port {port}", view.id))
        })
    }

    /// Kills an instance and keeps it down; when that was, on the supervisor's clock.
    pub(super) async fn kill(&self, id: &InstanceId) -> Result<u64, RuntimeError> {
        self.ask(id, Command::Kill).await?
    }

    /// Lets the restart policy decide again; whether it comes back.
    pub(super) async fn release(&self, id: &InstanceId) -> Result<bool, RuntimeError> {
        self.ask(id, Command::Release).await
    }

    /// What a keeper answers to a command.
    async fn ask<T>(
        &self,
        id: &InstanceId,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, RuntimeError> {
        let gone = |()| RuntimeError::NoInstance(id.clone());
        let replica = self.replica(id)?;
        let (reply, answer) = oneshot::channel();
        let sent = replica.commands.send(command(reply)).await;
        sent.map_err(drop).map_err(gone)?;
        answer.await.map_err(drop).map_err(gone)
    }
}

/// Asks a keeper to end, and waits until it has.
async fn end(replica: &Replica) {
    let (reply, answer) = oneshot::channel();
    // One that has ended already, or that somebody else has asked, needs only to be waited for.
    let _ = replica.commands.send(Command::Stop(reply)).await;
    let _ = answer.await;
    replica.commands.closed().await;
}
