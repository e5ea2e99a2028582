//! The user's command that runs while a fault is in place: on the user's own terminal, with the
//! user's own environment and a mark, by which what it started is found.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_machine::ward::Mark;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};
use tokio::process::{Child, Command};

/// Time for a command to end by itself (Ctrl-C reaches it as well), and again after TERM.
const GRACE: Duration = Duration::from_secs(5);

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program, looked up on PATH.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What it and all that it starts carries; without one the command alone can be ended.
    pub mark: Option<Mark>,
    /// Whether what it writes goes to standard error altogether, because standard output is for
    /// msvc's own document.
    pub aside: bool,
}

/// A command cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("cannot run `{program}`: {source}")]
pub struct CommandError {
    program: String,
    source: std::io::Error,
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    program: String,
    child: Child,
    mark: Option<Mark>,
}

impl CommandLine {
    /// From words, the first of which is the program; `None` without any.
    #[must_use]
    pub fn from_words(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut words = words.into_iter();
        words.next().map(|program| Self {
            program,
            arguments: words.collect(),
            mark: None,
            aside: false,
        })
    }

    /// With a mark.
    #[must_use]
    pub fn marked(self, mark: Option<Mark>) -> Self {
        Self { mark, ..self }
    }

    /// With all that it writes on standard error.
    #[must_use]
    pub fn aside(self, aside: bool) -> Self {
        Self { aside, ..self }
    }

    /// Starts it on the terminal, standard streams and environment of this process.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self) -> Result<Running, CommandError> {
        let program = self.program.to_string_lossy().into_owned();
        let start = || {
            let mut command = Command::new(&self.program);
            command
                .args(&self.arguments)
                .envs(self.mark.as_ref().map(Mark::variable))
                .kill_on_drop(true);
            if self.aside {
                command.stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
            }
            command.spawn()
        };
        match start() {
            Ok(child) => Ok(Running {
                program,
                child,
                mark: self.mark.clone(),
            }),
            Err(source) => Err(CommandError { program, source }),
        }
    }
}

impl Running {
    /// Waits for its end; its status as a shell tells it (128 and the signal's number when a
    /// signal ended it).
    ///
    /// # Errors
    /// When its end cannot be learnt.
    pub async fn wait(&mut self) -> Result<u8, CommandError> {
        match self.child.wait().await {
            Ok(status) => Ok(code(status)),
            Err(source) => Err(CommandError {
                program: self.program.clone(),
                source,
            }),
        }
    }

    /// Sees to it that it ends, with all that it started: by itself, after TERM, after KILL; at
    /// once when `shutdown` is forced.
    pub async fn end(&mut self, clock: &dyn Clock, shutdown: &Shutdown) {
        // Ctrl-C at the terminal has reached it as well; anything else that ends msvc has not.
        let alone = reached_by_the_terminal() && self.ends_by_itself(clock, shutdown).await;
        if let Some(mark) = &self.mark {
            mark.end_carriers(clock, shutdown).await;
        } else if !alone
            && !shutdown.is_forced()
            && let Some(pid) = self.pid()
        {
            // ESRCH means that it is gone already, which is what is wanted.
            let _ = kill(pid, Signal::SIGTERM);
            self.ends_by_itself(clock, shutdown).await;
        }
        let _ = self.child.kill().await;
    }

    /// Whether it has ended within the grace.
    async fn ends_by_itself(&mut self, clock: &dyn Clock, shutdown: &Shutdown) -> bool {
        tokio::select! {
            biased;
            _ = self.child.wait() => true,
            () = shutdown.forced() => false,
            () = clock.sleep(GRACE) => false,
        }
    }

    fn pid(&self) -> Option<Pid> {
        let id = self.child.id()?;
        i32::try_from(id).ok().map(Pid::from_raw)
    }
}

fn code(status: ExitStatus) -> u8 {
    let number = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 255,
    };
    u8::try_from(number).unwrap_or(255)
}

/// Whether this process stands in the foreground of a terminal, whose Ctrl-C reaches all that do.
fn reached_by_the_terminal() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal) == Ok(getpgrp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use msvc_machine::clock::MachineClock;

    fn shell(script: &str) -> CommandLine {
        CommandLine::from_words(["/bin/sh", "-c", script].map(OsString::from)).unwrap()
    }

    #[tokio::test]
    async fn a_commands_status_is_passed_on_as_a_shell_tells_it() {
        for (script, expected) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)] {
            assert_eq!(
                shell(script).start().unwrap().wait().await.unwrap(),
                expected
            );
        }
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_is_named() {
        let command = CommandLine::from_words([OsString::from("no-such-program")]).unwrap();
        let said = command.start().unwrap_err().to_string();
        assert!(said.contains("`no-such-program`"), "{said}");
        assert_eq!(CommandLine::from_words([]), None);
    }

    #[tokio::test]
    async fn a_forced_end_kills_even_what_ignores_term() {
        let mut running = shell("trap '' TERM; while :; do sleep 1; done")
            .start()
            .unwrap();
        let shutdown = Shutdown::new();
        shutdown.request();
        shutdown.request();
        running.end(&MachineClock, &shutdown).await;
        assert_eq!(running.wait().await.unwrap(), 137);
    }
}
