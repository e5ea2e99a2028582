//! The guardian: the supervisor's parent, in a session of its own. However the supervisor ends,
//! it ends every descendant, writes down when and by what, and is gone.
//!
//! It is a child subreaper, so who lost its parents falls to it, daemons included. It waits for
//! its children itself, all of them: nothing here may use a child handle of the library's.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

use super::home::{ProjectHome, records};
use super::mark::RunMark;
use super::records::{EndRecord, remove};
use super::signals::name_of;
use crate::contract::RuntimeError;
use msvc_machine::process_table::{self, ProcessIdentity, as_pid};
use msvc_machine::sweep::sweep;

/// Time between TERM and KILL for what a dead supervisor leaves behind.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How long a supervisor that was asked to end may take: its services' own graces are within it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A missed SIGCHLD costs so much at most.
const LOOK: Duration = Duration::from_millis(500);

/// What a guardian is started with.
#[derive(Debug)]
pub struct GuardianOptions {
    /// Whose records.
    pub home: ProjectHome,
    /// The run's id; handed on to the supervisor as its last argument.
    pub run: String,
    /// The program that is the supervisor.
    pub program: PathBuf,
    /// Its arguments; those that [`SupervisorOptions::from_arguments`] reads follow.
    ///
    /// [`SupervisorOptions::from_arguments`]: super::SupervisorOptions::from_arguments
    pub arguments: Vec<OsString>,
}

impl GuardianOptions {
    /// The options that [`Launcher`](super::Launcher) appended to its own arguments; `program`
    /// with `arguments` is the supervisor.
    ///
    /// # Errors
    /// When they are not those that a launcher appends.
    pub fn from_arguments(
        given: &[OsString],
        program: PathBuf,
        arguments: Vec<OsString>,
    ) -> Result<Self, RuntimeError> {
        let run = given.get(3).and_then(|run| run.to_str());
        let run = run.ok_or_else(|| RuntimeError::Refused("a guardian needs a run".to_owned()))?;
        Ok(Self {
            home: ProjectHome::from_arguments(&given[..3])?,
            run: run.to_owned(),
            program,
            arguments,
        })
    }
}

/// Guards until the supervisor has ended and nothing of it is left.
///
/// # Errors
/// When the supervisor cannot be started, or its end cannot be recorded.
pub async fn guardian_main(
    options: GuardianOptions,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), RuntimeError> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true).map_err(|e| failed("become a subreaper", e))?;
    // Usually it leads its session already; then this is refused and changes nothing.
    let _ = nix::unistd::setsid();
    // A closed terminal is no reason to end. A handler, not SIG_IGN: that would be inherited.
    let _hangup = signal(SignalKind::hangup());
    let mut children =
        signal(SignalKind::child()).map_err(|source| records(&options.program)(source))?;
    let supervisor = start(&options)?;
    let pid = supervisor.id();
    let mut impatient_at = None;
    let status = loop {
        if let Some(status) = reap(Some(pid)) {
            break status;
        }
        let far = clock.now() + LOOK;
        tokio::select! {
            _ = children.recv() => {}
            () = clock.sleep_until(far) => {}
            () = shutdown.requested(), if impatient_at.is_none() => {
                send(pid, Signal::SIGTERM);
                impatient_at = Some(clock.now() + PATIENCE);
            }
        }
        if impatient_at.is_some_and(|at| clock.now() >= at || shutdown.is_forced()) {
            send(pid, Signal::SIGKILL);
        }
    };
    // Its end of the pipe is not needed any more.
    drop(supervisor);
    let recorded = record(&options.home, status, &*clock);
    let mark = RunMark::new(options.home.project().clone(), options.run);
    sweep(|| left(&mark), &*clock, GRACE, &shutdown).await;
    let removed = remove(&options.home.socket());
    recorded.and(removed)
}

fn start(options: &GuardianOptions) -> Result<Child, RuntimeError> {
    let log = supervisor_log(&options.home)?;
    let log_too = log
        .try_clone()
        .map_err(records(&options.home.supervisor_log()))?;
    Command::new(&options.program)
        .args(&options.arguments)
        .args(options.home.arguments())
        .arg(&options.run)
        .arg(std::process::id().to_string())
        // Never written to: its end tells the supervisor that the guardian is gone.
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .map_err(records(&options.program))
}

/// Where guardian and supervisor write what they can say nowhere else.
pub(super) fn supervisor_log(home: &ProjectHome) -> Result<File, RuntimeError> {
    let path = home.supervisor_log();
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(records(&path))
}

/// Takes every child that has ended; the status of `wanted` if it was among them.
fn reap(wanted: Option<u32>) -> Option<WaitStatus> {
    let wanted = wanted.and_then(as_pid);
    let mut found = None;
    loop {
        match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return found,
            Ok(status) if status.pid() == wanted => found = Some(status),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return found,
        }
    }
}

/// What is left of the run: every descendant, and whoever carries its mark.
fn left(mark: &RunMark) -> Vec<ProcessIdentity> {
    reap(None);
    let table = process_table::table();
    let mut left: Vec<ProcessIdentity> = process_table::descendants(std::process::id(), &table)
        .into_iter()
        .map(process_table::Seen::identity)
        .collect();
    for marked in mark.everything() {
        if !left.contains(&marked) {
            left.push(marked);
        }
    }
    left
}

fn record(home: &ProjectHome, status: WaitStatus, clock: &dyn Clock) -> Result<(), RuntimeError> {
    let how = match status {
        WaitStatus::Exited(_, 0) if EndRecord::read(home)?.is_some() => return Ok(()),
        WaitStatus::Exited(_, status) => format!("status {status}"),
        WaitStatus::Signaled(_, signal, _) => format!("signal {}", name_of(signal as i32)),
        _ => "an unknown end".to_owned(),
    };
    let at = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    EndRecord::new(u64::try_from(at.as_millis()).ok(), how, false).write(home)
}

/// Signals a child that was not reaped yet: its pid is nobody else's.
fn send(pid: u32, signal: Signal) {
    if let Some(pid) = as_pid(pid) {
        let _ = kill(pid, signal);
    }
}

fn failed(what: &str, error: Errno) -> RuntimeError {
    RuntimeError::Refused(format!(
        "the guardian could not {what}: {}",
        io::Error::from(error)
    ))
}
