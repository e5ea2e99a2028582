//! Keeps one replica: starts it, watches it, starts it again as its policy says, and ends it.
//!
//! One task per replica owns its process; everybody else sends it a [`Command`] and reads its
//! [`View`].

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_system::id::InstanceId;
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::child::Child;
use super::identity::ProcessIdentity;
use super::readiness::{self, Told};
use super::records::InstanceRecord;
use super::restart::{Backoff, again};
use super::shared::Shared;
use super::signals;
use super::sweep::sweep;
use crate::contract::RuntimeError;
use crate::instance::InstanceSpec;
use crate::observed::Phase;

/// What a keeper is asked for.
#[derive(Debug)]
pub(super) enum Command {
    /// End it and clear it away; answered when that is done.
    Stop(oneshot::Sender<()>),
    /// Kill it and keep it down until [`Command::Release`]; answered with the moment of the kill.
    Kill(oneshot::Sender<Result<u64, RuntimeError>>),
    /// Let the policy decide again; answered with whether it comes back.
    Release(oneshot::Sender<bool>),
}

/// A replica as it stands.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) id: InstanceId,
    pub(super) spec: Arc<InstanceSpec>,
    pub(super) phase: Phase,
    pub(super) process: Option<ProcessIdentity>,
    /// Start of the process, or its end when it ended.
    pub(super) since: Instant,
    pub(super) restarts: u32,
    pub(super) detail: Option<String>,
    /// Ends in a row without having been ready in between.
    pub(super) ends: u32,
}

/// The handle on a keeper.
#[derive(Debug, Clone)]
pub(super) struct Replica {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) view: watch::Receiver<View>,
}

/// How a start of it came to its end.
enum End {
    /// By itself, or by somebody's signal.
    Itself(Phase),
    /// It was asked to stop.
    Stopped(oneshot::Sender<()>),
    /// A fault killed it.
    Killed(Phase),
}

/// What comes next.
enum Next {
    Again,
    Gone,
}

/// Starts keeping `spec` as incarnation `id`; `started` hears whether the first start went well.
/// When it did not, nothing is kept.
pub(super) fn keep(
    shared: Arc<Shared>,
    spec: InstanceSpec,
    id: InstanceId,
    started: oneshot::Sender<Result<(), RuntimeError>>,
) -> Replica {
    let (sender, commands) = mpsc::channel(8);
    let (view, seen) = watch::channel(View {
        id,
        spec: Arc::new(spec),
        phase: Phase::Starting,
        process: None,
        since: shared.clock.now(),
        restarts: 0,
        detail: None,
        ends: 0,
    });
    let keeper = Keeper {
        shared,
        view,
        commands,
        backoff: Backoff::default(),
    };
    tokio::spawn(keeper.run(started));
    Replica {
        commands: sender,
        view: seen,
    }
}

struct Keeper {
    shared: Arc<Shared>,
    view: watch::Sender<View>,
    commands: mpsc::Receiver<Command>,
    backoff: Backoff,
}

impl Keeper {
    async fn run(mut self, started: oneshot::Sender<Result<(), RuntimeError>>) {
        let mut waiting = Some(started);
        loop {
            let begun = self.shared.clock.now();
            let outcome = self.start().await;
            let end = match (outcome, waiting.take()) {
                (Ok(child), waiting) => {
                    if let Some(waiting) = waiting {
                        // Who asked may have lost interest; the instance stays wanted.
                        let _ = waiting.send(Ok(()));
                    }
                    self.live(child).await
                }
                (Err(error), Some(waiting)) => {
                    // What cannot be recorded now will be found dead later.
                    let _ = self.shared.records.forget(&self.id());
                    let _ = waiting.send(Err(error));
                    return;
                }
                (Err(error), None) => self.not_started(&error),
            };
            let ran = self.shared.clock.now() - begun;
            match self.after(end, ran).await {
                Next::Again => self.view.send_modify(|view| view.id = view.id.next()),
                Next::Gone => return,
            }
        }
    }

    fn id(&self) -> InstanceId {
        self.view.borrow().id.clone()
    }

    fn spec(&self) -> Arc<InstanceSpec> {
        Arc::clone(&self.view.borrow().spec)
    }

    async fn start(&mut self) -> Result<Child, RuntimeError> {
        let (id, spec, shared) = (self.id(), self.spec(), &self.shared);
        shared.emit(Event::InstanceStarting {
            instance: id.clone(),
        });
        let child = Child::start(&spec, &id, &shared.mark, &shared.logs)?;
        let process = child.identity().clone();
        let recorded = shared.records.instance(InstanceRecord {
            id: id.clone(),
            hash: spec.hash.clone(),
            process: Some(process.clone()),
        });
        if let Err(error) = recorded {
            child.signal(Signal::SIGKILL);
            return Err(error);
        }
        shared.edges.present(&spec.listens, true);
        shared.emit(Event::InstanceStarted {
            instance: id,
            pid: Some(process.pid),
        });
        let now = shared.clock.now();
        self.view.send_modify(|view| {
            view.phase = Phase::Starting;
            view.process = Some(process);
            view.since = now;
            view.detail = None;
        });
        Ok(child)
    }

    /// Stays with a process until it has ended and nothing of it is left.
    async fn live(&mut self, mut child: Child) -> End {
        let (tell, mut told) = mpsc::channel(4);
        let watcher = self.watch_readiness(tell);
        let spec = self.spec();
        let mut stop: Option<oneshot::Sender<()>> = None;
        let mut killed = false;
        let mut patience = None;
        let status = loop {
            let overdue = patience.unwrap_or_else(|| self.shared.clock.now());
            tokio::select! {
                status = child.wait() => break status.ok(),
                Some(news) = told.recv() => self.hear(news),
                () = self.shared.clock.sleep_until(overdue), if patience.is_some() => {
                    child.signal(Signal::SIGKILL);
                    patience = None;
                }
                command = self.commands.recv() => match command {
                    Some(Command::Stop(reply)) if stop.is_none() => {
                        let signal = signals::by_name(&spec.stop_signal);
                        child.signal(signal.unwrap_or(Signal::SIGTERM));
                        child.signal(Signal::SIGCONT);
                        stop = Some(reply);
                        patience = Some(self.shared.clock.now() + spec.stop_grace);
                    }
                    // The one before is answered by the end of its wait.
                    Some(Command::Stop(_)) => {}
                    Some(Command::Kill(reply)) => {
                        let at_ns = self.shared.now_ns();
                        child.signal(Signal::SIGKILL);
                        killed = true;
                        let _ = reply.send(Ok(at_ns));
                    }
                    Some(Command::Release(reply)) => {
                        let _ = reply.send(true);
                    }
                    None => {
                        child.signal(Signal::SIGKILL);
                    }
                },
            }
        };
        watcher.abort();
        let grace = patience.map(|until| until.saturating_duration_since(self.shared.clock.now()));
        let stopping = stop.is_some();
        self.clear(child, status, grace.unwrap_or_default(), stopping || killed).await;
        let phase = status.map_or(
            Phase::Exited { status: None, signal: None },
            signals::ended,
        );
        match stop {
            Some(reply) => End::Stopped(reply),
            None if killed => End::Killed(phase),
            None => End::Itself(phase),
        }
    }

    fn watch_readiness(&self, tell: mpsc::Sender<Told>) -> JoinHandle<()> {
        let view = self.view.borrow();
        tokio::spawn(readiness::watch(
            Arc::clone(&view.spec),
            view.id.clone(),
            view.since,
            Arc::clone(&self.shared),
            tell,
        ))
    }

    fn hear(&self, news: Told) {
        let instance = self.id();
        let seconds = (self.shared.clock.now() - self.view.borrow().since).as_secs_f64();
        match news {
            Told::Ready => {
                self.shared.emit(Event::InstanceReady { instance, seconds });
                self.view.send_modify(|view| {
                    view.phase = Phase::Ready;
                    view.detail = None;
                    view.ends = 0;
                });
            }
            Told::Unhealthy(why) => {
                self.shared.emit(Event::InstanceUnhealthy {
                    instance,
                    why: why.clone(),
                });
                self.view.send_modify(|view| {
                    view.phase = Phase::Unhealthy;
                    view.detail = Some(why);
                });
            }
        }
    }

    /// Ends what a process left behind, as the end of a container's first process ends all of it.
    async fn clear(
        &self,
        child: Child,
        status: Option<ExitStatus>,
        grace: Duration,
        expected: bool,
    ) {
        let (id, spec, shared) = (self.id(), self.spec(), &self.shared);
        shared.edges.present(&spec.listens, false);
        let leader = child.identity().pid;
        let find = || shared.mark.of_replica(&id, Some(leader));
        sweep(find, &*shared.clock, grace, &Shutdown::new()).await;
        child.drained(&*shared.clock).await;
        // The end is a fact whether or not it can be recorded; an identity that is gone is no one.
        let _ = shared.records.instance(InstanceRecord {
            id: id.clone(),
            hash: spec.hash.clone(),
            process: None,
        });
        shared.emit(Event::InstanceExited {
            instance: id,
            how: status.map_or_else(|| "an unknown end".to_owned(), signals::words),
            expected,
        });
    }

    fn not_started(&self, error: &RuntimeError) -> End {
        let how = error.to_string();
        self.shared.emit(Event::InstanceExited {
            instance: self.id(),
            how: how.clone(),
            expected: false,
        });
        self.view.send_modify(|view| view.detail = Some(how));
        End::Itself(Phase::Exited { status: None, signal: None })
    }

    fn rest(&self, phase: Phase, ended: bool) {
        let now = self.shared.clock.now();
        self.view.send_modify(|view| {
            view.phase = phase;
            view.process = None;
            view.since = now;
            view.ends += u32::from(ended);
        });
    }

    async fn after(&mut self, end: End, ran: Duration) -> Next {
        match end {
            End::Stopped(reply) => self.gone(Some(reply)),
            End::Killed(phase) => self.held_down(phase).await,
            End::Itself(phase) => {
                let succeeded = matches!(phase, Phase::Exited { status: Some(0), .. });
                let restarts = self.view.borrow().restarts;
                if !again(self.spec().restart, succeeded, restarts) {
                    self.rest(phase, true);
                    return self.stay().await;
                }
                self.rest(Phase::Restarting, true);
                self.shared.emit(Event::InstanceRestarting {
                    instance: self.id().next(),
                });
                let delay = self.backoff.after(ran);
                self.wait_to_restart(phase, delay).await
            }
        }
    }

    async fn wait_to_restart(&mut self, ended: Phase, delay: Duration) -> Next {
        let until = self.shared.clock.now() + delay;
        tokio::select! {
            () = self.shared.clock.sleep_until(until) => self.again(),
            command = self.commands.recv() => match command {
                Some(Command::Kill(reply)) => {
                    let _ = reply.send(Ok(self.shared.now_ns()));
                    self.held_down(ended).await
                }
                Some(Command::Release(reply)) => {
                    let _ = reply.send(true);
                    self.again()
                }
                Some(Command::Stop(reply)) => self.gone(Some(reply)),
                None => self.gone(None),
            },
        }
    }

    fn again(&self) -> Next {
        self.view.send_modify(|view| view.restarts += 1);
        Next::Again
    }

    /// Down by a fault until it is released; then the policy decides, and at once.
    async fn held_down(&mut self, ended: Phase) -> Next {
        self.rest(Phase::HeldDown, false);
        loop {
            match self.commands.recv().await {
                Some(Command::Release(reply)) => {
                    let restarts = self.view.borrow().restarts;
                    let comes_back = again(self.spec().restart, false, restarts);
                    if comes_back {
                        self.rest(Phase::Restarting, false);
                        self.shared.emit(Event::InstanceRestarting {
                            instance: self.id().next(),
                        });
                        let _ = reply.send(true);
                        return self.again();
                    }
                    self.rest(ended, false);
                    let _ = reply.send(false);
                    return self.stay().await;
                }
                Some(Command::Kill(reply)) => {
                    let _ = reply.send(Err(self.cannot_kill("a fault keeps it down already")));
                }
                Some(Command::Stop(reply)) => return self.gone(Some(reply)),
                None => return self.gone(None),
            }
        }
    }

    /// Ended for good, until it is cleared away.
    async fn stay(&mut self) -> Next {
        loop {
            match self.commands.recv().await {
                Some(Command::Stop(reply)) => return self.gone(Some(reply)),
                Some(Command::Kill(reply)) => {
                    let _ = reply.send(Err(self.cannot_kill("it does not run")));
                }
                Some(Command::Release(reply)) => {
                    let _ = reply.send(false);
                }
                None => return self.gone(None),
            }
        }
    }

    fn cannot_kill(&self, why: &str) -> RuntimeError {
        RuntimeError::Refused(format!("{} cannot be killed: {why}", self.id()))
    }

    fn gone(&self, reply: Option<oneshot::Sender<()>>) -> Next {
        let id = self.id();
        // A record too many is harmless: its process is known to be gone.
        let _ = self.shared.records.forget(&id);
        self.shared.emit(Event::InstanceStopped { instance: id });
        if let Some(reply) = reply {
            let _ = reply.send(());
        }
        Next::Gone
    }
}
