//! A command run to its end: its output captured line by line, its whole process group ended
//! when the caller loses interest.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::MachineClock;
use crate::pipe::{line_text, read_what_is_there};
use crate::shutdown::Shutdown;
use crate::ward::Mark;

mod asked;

pub use asked::ask;

/// Time between TERM and KILL when a command is ended before its time.
const GRACE: Duration = Duration::from_secs(5);

/// How long after a command's end somebody who still has its output open may be silent, before no
/// more of it is waited for.
const LATE: Duration = Duration::from_millis(200);

/// What to run. The environment is exactly `environment`; nothing is inherited unasked.
#[derive(Debug, Clone)]
pub struct ChildCommand {
    /// Program, looked up on the environment's own PATH.
    pub program: OsString,
    /// Arguments.
    pub arguments: Vec<OsString>,
    /// Where to run it.
    pub directory: PathBuf,
    /// Its whole environment. With a [`Mark`] in it, daemons that it starts end with it too.
    pub environment: Vec<(OsString, OsString)>,
}

/// A command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("cannot run `{program}` in {directory}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Where.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its end could not be learnt.
    #[error("cannot wait for `{program}`: {source}")]
    Wait {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildEnd {
    /// By itself.
    Exited(ExitStatus),
    /// It was ended because `shutdown` was requested.
    Interrupted,
}

/// A line that a command wrote, without its end; bytes that are no UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildLine {
    /// On standard output.
    Out(String),
    /// On standard error.
    Err(String),
}

/// Starts `command` in a group of its own, its standard output a pipe.
fn spawn(command: &ChildCommand, stdin: Stdio, stderr: Stdio) -> Result<Child, ChildError> {
    Command::new(&command.program)
        .args(&command.arguments)
        .current_dir(&command.directory)
        .env_clear()
        .envs(command.environment.iter().cloned())
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(stderr)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ChildError::Start {
            program: command.program.to_string_lossy().into_owned(),
            directory: command.directory.clone(),
            source,
        })
}

/// Runs `command` to its end and hands every line of its output to `line`.
///
/// # Errors
/// When it cannot be started or waited for.
pub async fn run(
    command: &ChildCommand,
    shutdown: &Shutdown,
    mut line: impl FnMut(ChildLine) + Send,
) -> Result<ChildEnd, ChildError> {
    let program = command.program.to_string_lossy().into_owned();
    let mut child = spawn(command, Stdio::null(), Stdio::piped())?;
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .map(Pid::from_raw);
    let mark = Mark::of(&command.environment);
    let (sender, mut lines) = mpsc::channel(64);
    let over = CancellationToken::new();
    if let Some(stdout) = child.stdout.take() {
        tokio::spawn(pump(stdout, sender.clone(), ChildLine::Out, over.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(pump(stderr, sender.clone(), ChildLine::Err, over.clone()));
    }
    drop(sender);
    let wait = |source| ChildError::Wait {
        program: program.clone(),
        source,
    };
    let mut ended = None;
    loop {
        tokio::select! {
            () = shutdown.requested() => {
                end_group(group, &mut child, mark.as_ref()).await;
                return Ok(ChildEnd::Interrupted);
            }
            next = lines.recv() => match next {
                Some(text) => line(text),
                None => break,
            },
            status = child.wait(), if ended.is_none() => {
                ended = Some(status.map_err(wait)?);
                // A grandchild may hold the pipes open; what is already there is still read.
                while let Ok(Some(text)) = tokio::time::timeout(LATE, lines.recv()).await {
                    line(text);
                }
                over.cancel();
                while let Some(text) = lines.recv().await {
                    line(text);
                }
                break;
            }
        }
    }
    let status = match ended {
        Some(status) => status,
        None => tokio::select! {
            status = child.wait() => status.map_err(wait)?,
            () = shutdown.requested() => {
                end_group(group, &mut child, mark.as_ref()).await;
                return Ok(ChildEnd::Interrupted);
            }
        },
    };
    Ok(ChildEnd::Exited(status))
}

async fn end_group(group: Option<Pid>, child: &mut Child, mark: Option<&Mark>) {
    let Some(group) = group else { return };
    // ESRCH means that it is gone already, which is what is wanted.
    let _ = killpg(group, Signal::SIGTERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = killpg(group, Signal::SIGKILL);
        let _ = child.wait().await;
    }
    let _ = killpg(group, Signal::SIGKILL);
    // Who left the group.
    if let Some(mark) = mark {
        mark.end_carriers(&MachineClock, &Shutdown::new()).await;
    }
}

/// Sends every line of `stream` until it ends, or until it is `over`: then what is there by now.
async fn pump(
    stream: impl AsyncRead + AsFd + Unpin,
    sender: mpsc::Sender<ChildLine>,
    wrap: fn(String) -> ChildLine,
    over: CancellationToken,
) {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    loop {
        tokio::select! {
            read = reader.read_until(b'\n', &mut bytes) => match read {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            },
            () = over.cancelled() => break,
        }
        if sender.send(wrap(line_text(&bytes))).await.is_err() {
            return;
        }
        bytes.clear();
    }
    bytes.extend_from_slice(reader.buffer());
    bytes.extend(read_what_is_there(reader.get_ref()));
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if sender.send(wrap(line_text(line))).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ChildCommand {
        ChildCommand {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            directory: std::env::temp_dir(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        }
    }

    #[tokio::test]
    async fn both_streams_and_the_status_are_told() {
        let mut seen = Vec::new();
        let end = run(
            &shell("echo a; echo b >&2; exit 3"),
            &Shutdown::new(),
            |l| seen.push(l),
        )
        .await
        .unwrap();
        assert!(matches!(end, ChildEnd::Exited(status) if status.code() == Some(3)));
        assert!(seen.contains(&ChildLine::Out("a".into())));
        assert!(seen.contains(&ChildLine::Err("b".into())));
    }

    #[tokio::test]
    async fn what_somebody_else_holds_open_is_read_as_far_as_it_goes() {
        let mut seen = Vec::new();
        let script = "setsid sleep 600 & echo $!; printf 'no end'";
        let end = run(&shell(script), &Shutdown::new(), |l| seen.push(l)).await;
        assert!(matches!(end, Ok(ChildEnd::Exited(status)) if status.success()));
        let [ChildLine::Out(pid), ChildLine::Out(rest)] = &seen[..] else {
            panic!("{seen:?}");
        };
        nix::sys::signal::kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL).unwrap();
        assert_eq!(rest, "no end");
    }

    #[tokio::test]
    async fn a_shutdown_ends_the_whole_group() {
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let end = run(&shell("sleep 600 & echo $!; wait"), &shutdown, |_| {
            stop.request_once()
        })
        .await
        .unwrap();
        assert_eq!(end, ChildEnd::Interrupted);
    }
}
