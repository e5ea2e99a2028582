//! What comes after a process has ended: again, held down, or at rest.

use std::time::Duration;

use msvc_report::event::Event;
use tokio::sync::oneshot;

use super::super::restart::again;
use super::{Command, End, Keeper, Next};
use crate::contract::RuntimeError;
use crate::observed::Phase;

impl Keeper {
    fn rest(&self, phase: Phase, ended: bool) {
        let now = self.shared.clock.now();
        self.view.send_modify(|view| {
            view.phase = phase;
            view.process = None;
            view.since = now;
            view.ends += u32::from(ended);
        });
    }

    pub(super) async fn after(&mut self, end: End, ran: Duration) -> Next {
        match end {
            End::Stopped(reply) => self.gone(Some(reply)),
            End::Killed(phase, Some(released)) => self.released(phase, released).await,
            End::Killed(phase, None) => self.held_down(phase).await,
            End::Itself(phase) => {
                let succeeded = matches!(
                    phase,
                    Phase::Exited {
                        status: Some(0),
                        ..
                    }
                );
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

    /// Down by a fault until it is released.
    async fn held_down(&mut self, ended: Phase) -> Next {
        self.rest(Phase::HeldDown, false);
        loop {
            match self.commands.recv().await {
                Some(Command::Release(reply)) => return self.released(ended, reply).await,
                Some(Command::Kill(reply)) => {
                    let _ = reply.send(Err(self.cannot_kill("a fault keeps it down already")));
                }
                Some(Command::Stop(reply)) => return self.gone(Some(reply)),
                None => return self.gone(None),
            }
        }
    }

    /// Released: the policy decides, and at once.
    async fn released(&mut self, ended: Phase, reply: oneshot::Sender<bool>) -> Next {
        let restarts = self.view.borrow().restarts;
        let comes_back = again(self.spec().restart, false, restarts);
        self.rest(if comes_back { Phase::Restarting } else { ended }, false);
        if comes_back {
            self.shared.emit(Event::InstanceRestarting {
                instance: self.id().next(),
            });
        }
        // Who released it may be gone.
        let _ = reply.send(comes_back);
        if comes_back {
            return self.again();
        }
        self.stay().await
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
