//! Stays with one process until it has ended and nothing of it is left.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::child::Child;
use super::super::readiness::{self, Told};
use super::super::records::InstanceRecord;
use super::super::shared::Shared;
use super::super::signals;
use super::{Command, End, Keeper};
use crate::contract::RuntimeError;
use crate::instance::InstanceSpec;
use crate::observed::Phase;
use msvc_machine::sweep::sweep;

/// What was asked for while a process ran.
#[derive(Default)]
struct Asked {
    stop: Option<oneshot::Sender<()>>,
    /// When it was killed.
    killed: Option<u64>,
    /// Who killed it hears of that once it is dead and the edges into it refuse.
    killer: Option<oneshot::Sender<Result<u64, RuntimeError>>>,
    release: Option<oneshot::Sender<bool>>,
    /// When what was asked to stop is killed.
    patience: Option<Instant>,
}

impl Asked {
    /// Does what can be done while it runs. No command means that nobody can ask for one any more.
    fn take(
        &mut self,
        command: Option<Command>,
        child: &Child,
        spec: &InstanceSpec,
        shared: &Shared,
    ) {
        match command {
            Some(Command::Stop(reply)) if self.stop.is_none() => {
                let signal = signals::by_name(&spec.stop_signal);
                child.signal(signal.unwrap_or(Signal::SIGTERM));
                child.signal(Signal::SIGCONT);
                self.stop = Some(reply);
                self.patience = Some(shared.clock.now() + spec.stop_grace);
            }
            // Who asks again waits for the keeper's end.
            Some(Command::Stop(_)) => {}
            Some(Command::Kill(reply)) => {
                self.killed.get_or_insert(shared.now_ns());
                child.signal(Signal::SIGKILL);
                self.killer = Some(reply);
            }
            // It is dying: the release holds once it is dead.
            Some(Command::Release(reply)) if self.killed.is_some() => self.release = Some(reply),
            Some(Command::Release(reply)) => {
                let _ = reply.send(true);
            }
            None => {
                child.signal(Signal::SIGKILL);
            }
        }
    }
}

impl Keeper {
    pub(super) async fn live(&mut self, mut child: Child) -> End {
        let (tell, mut told) = mpsc::channel(4);
        let watcher = self.watch_readiness(tell);
        let spec = self.spec();
        let mut asked = Asked::default();
        let status = loop {
            let overdue = asked.patience.unwrap_or_else(|| self.shared.clock.now());
            tokio::select! {
                status = child.wait() => break status.ok(),
                Some(news) = told.recv() => self.hear(news),
                () = self.shared.clock.sleep_until(overdue), if asked.patience.is_some() => {
                    child.signal(Signal::SIGKILL);
                    asked.patience = None;
                }
                command = self.commands.recv() => {
                    let over = command.is_none();
                    asked.take(command, &child, &spec, &self.shared);
                    let is_stopped = asked.stop.is_some();
                    self.view.send_if_modified(|view| {
                        std::mem::replace(&mut view.is_stopped, is_stopped) != is_stopped
                    });
                    if over {
                        break child.wait().await.ok();
                    }
                }
            }
        };
        watcher.abort();
        self.shared.edges.present(&spec.listens, false);
        if let (Some(killer), Some(at_ns)) = (asked.killer.take(), asked.killed) {
            // Who asked may be gone; its lease ends with it.
            let _ = killer.send(Ok(at_ns));
        }
        let now = self.shared.clock.now();
        let grace = asked
            .patience
            .map(|until| until.saturating_duration_since(now));
        let expected = asked.stop.is_some() || asked.killed.is_some();
        self.clear(child, status, grace.unwrap_or_default(), expected)
            .await;
        let unknown = Phase::Exited {
            status: None,
            signal: None,
        };
        let phase = status.map_or(unknown, signals::ended);
        match asked.stop {
            Some(reply) => End::Stopped(reply),
            None if asked.killed.is_some() => End::Killed(phase, asked.release),
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
                    view.was_ready = true;
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
}
