//! Keeps one replica: starts it, watches it, starts it again as its policy says, and ends it.
//!
//! One task per replica owns its process; everybody else sends it a [`Command`] and reads its
//! [`View`].
//!
//! Layout: `live` stays with a process to its end, `rest` decides what comes after it.

mod live;
mod rest;

use std::sync::Arc;

use msvc_report::event::Event;
use msvc_system::id::InstanceId;
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::child::Child;
use super::records::InstanceRecord;
use super::restart::Backoff;
use super::shared::Shared;
use crate::contract::RuntimeError;
use crate::instance::InstanceSpec;
use crate::observed::Phase;
use msvc_machine::process_table::ProcessIdentity;

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
    /// Whether its latest start has been ready.
    pub(super) was_ready: bool,
    /// Whether somebody wants its end, which may take as long as its grace.
    pub(super) is_stopped: bool,
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
    /// A fault killed it; who has released it already, if somebody has.
    Killed(Phase, Option<oneshot::Sender<bool>>),
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
        was_ready: false,
        is_stopped: false,
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
            view.was_ready = false;
        });
        Ok(child)
    }

    fn not_started(&self, error: &RuntimeError) -> End {
        let how = error.to_string();
        self.shared.emit(Event::InstanceExited {
            instance: self.id(),
            how: how.clone(),
            expected: false,
        });
        self.view.send_modify(|view| view.detail = Some(how));
        End::Itself(Phase::Exited {
            status: None,
            signal: None,
        })
    }
}
