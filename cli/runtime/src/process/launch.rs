//! Finds the supervisor of a project, or launches one: guardian first, then whatever the guardian
//! starts, until its socket answers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::lock::{self, Lock};
use msvc_machine::ward::unmarked;
use msvc_mesh::protocol::{Hello, ProtocolError, Session};
use nix::sys::signal::Signal;
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::Instant;

use super::clear::clear;
use super::client::ProcessRuntime;
use super::guardian::supervisor_log;
use super::home::{ProjectHome, records};
use super::records::State;
use crate::contract::RuntimeError;
use msvc_machine::process_table::ProcessIdentity;

/// A supervisor answers within this time of its launch, or it never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// A supervisor that is there answers a hello within this time, or it hangs.
const HELLO: Duration = Duration::from_secs(5);

const LOOK: Duration = Duration::from_millis(5);

/// How to start a guardian: this very program, usually, with a hidden argument.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its arguments; those that [`GuardianOptions::from_arguments`] reads follow.
    ///
    /// [`GuardianOptions::from_arguments`]: super::GuardianOptions::from_arguments
    pub arguments: Vec<OsString>,
    /// Version of the build, for the hello.
    pub build: String,
}

/// The session to the supervisor of a project; `None` when none runs.
///
/// # Errors
/// When one is there and does not answer.
pub(super) async fn connect(
    home: &ProjectHome,
    build: &str,
    clock: &dyn Clock,
) -> Result<Option<Session>, RuntimeError> {
    let state = State::read(home)?;
    let socket = state
        .as_ref()
        .map_or_else(|| home.socket(), |state| state.socket.clone());
    let Ok(stream) = UnixStream::connect(&socket).await else {
        // Nobody listens. Whether somebody should is for the records to tell.
        return Ok(None);
    };
    let gone = |why: String| RuntimeError::Gone {
        project: home.project().to_string(),
        why,
    };
    let deadline = clock.now() + HELLO;
    tokio::select! {
        session = Session::connect(stream, Hello::client(build, 0)) => match session {
            Ok(session) => Ok(Some(session)),
            // It ended just now, before it could say hello.
            Err(ProtocolError::Closed(_)) if dies(state.as_ref(), deadline, clock).await => {
                Ok(None)
            }
            Err(error) => Err(gone(error.to_string())),
        },
        () = clock.sleep_until(deadline) => {
            Err(gone(format!("no hello within {HELLO:?}; `down` ends it")))
        }
    }
}

/// Waits for the recorded supervisor's end; whether it came.
async fn dies(state: Option<&State>, deadline: Instant, clock: &dyn Clock) -> bool {
    let Some(state) = state else { return true };
    while state.supervisor.lives() {
        if clock.now() >= deadline {
            return false;
        }
        clock.sleep(LOOK).await;
    }
    true
}

/// Takes the project's lock, waiting for who has it.
pub(super) async fn locked(home: &ProjectHome) -> Result<Lock, RuntimeError> {
    let path = home.lock();
    loop {
        home.create()?;
        let taken = tokio::task::spawn_blocking({
            let path = path.clone();
            move || lock::lock(&path)
        });
        let taken = taken
            .await
            .map_err(std::io::Error::other)
            .and_then(|taken| taken);
        match taken {
            Ok(lock) if lock.is_at(&path) => return Ok(lock),
            // Who had it removed the whole project: once more, in a folder made anew.
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(records(&path)(error)),
        }
    }
}

/// Finds the supervisor, or launches one. What a former one left behind is ended first. When the
/// launch fails, or is given up, nothing of it stays.
///
/// # Errors
/// When it cannot be started or does not answer.
pub(super) async fn launch(
    home: &ProjectHome,
    launcher: &Launcher,
    clock: Arc<dyn Clock>,
) -> Result<ProcessRuntime, RuntimeError> {
    let _lock = locked(home).await?;
    if let Some(session) = connect(home, &launcher.build, &*clock).await? {
        return Ok(ProcessRuntime::over(session, home));
    }
    clear(home, &*clock, false).await?;
    let mut guardian = Launched::start(home, launcher)?;
    let deadline = clock.now() + PATIENCE;
    let failed = |why: String| RuntimeError::Gone {
        project: home.project().to_string(),
        why,
    };
    let why = loop {
        if let Ok(Some(session)) = connect(home, &launcher.build, &*clock).await {
            guardian.stays();
            return Ok(ProcessRuntime::over(session, home));
        }
        match guardian.process.try_wait() {
            Ok(Some(status)) => break format!("its guardian ended at once ({status})"),
            Err(error) => break format!("its guardian cannot be watched: {error}"),
            Ok(None) if clock.now() >= deadline => break format!("nothing within {PATIENCE:?}"),
            Ok(None) => clock.sleep(LOOK).await,
        }
    };
    drop(guardian);
    clear(home, &*clock, false).await?;
    Err(failed(format!(
        "{why}{}",
        last_words(&home.supervisor_log())
    )))
}

/// The end of what a supervisor said where nobody listens.
fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(10)..];
    if last.is_empty() {
        return String::new();
    }
    format!("; it said:\n{}", last.join("\n"))
}

/// A guardian that is ended when dropped, until it stays.
struct Launched {
    process: Box<dyn ChildWrapper>,
    identity: Option<ProcessIdentity>,
}

impl Launched {
    fn start(home: &ProjectHome, launcher: &Launcher) -> Result<Self, RuntimeError> {
        let log = supervisor_log(home)?;
        let log_too = log.try_clone().map_err(records(&home.supervisor_log()))?;
        let mut command = Command::new(&launcher.program);
        command
            .args(&launcher.arguments)
            .args(home.arguments())
            .arg(uuid::Uuid::new_v4().simple().to_string())
            // It must hold nothing of the caller's: no pipe, no terminal, no folder.
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            .current_dir("/");
        unmarked(command.as_std_mut());
        let mut command = CommandWrap::from(command);
        command.wrap(ProcessSession);
        let process = command
            .spawn()
            .map_err(|why| {
                let program = launcher.program.display();
                RuntimeError::Refused(format!("cannot start its supervisor, {program}: {why}"))
            })?
            .into_inner();
        let identity = process.id().and_then(ProcessIdentity::of);
        Ok(Self { process, identity })
    }

    fn stays(&mut self) {
        self.identity = None;
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        if let Some(guardian) = &self.identity {
            guardian.signal(Signal::SIGTERM);
        }
    }
}
