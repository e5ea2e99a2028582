//! A commit of a git repository as a folder of this machine: fetched by the machine's own git, once,
//! and kept.
//!
//! git is handed its arguments one by one, never through a shell; it may use no other ways than those
//! named here, asks nothing in the terminal, runs no hook, and is ended when it takes too long. Who has
//! named a program to ask for passwords (`GIT_ASKPASS`, `core.askPass`) is asked by that.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use sha2::{Digest, Sha256};

use crate::shutdown::Shutdown;

mod room;

use room::Room;

/// Ways that git may fetch by.
const WAYS: &str = "http:https:ssh:git:file";
/// How ssh is called where the caller does not say: nothing is asked, no connection is shared.
const SSH: &str = "ssh -o ControlMaster=no -o BatchMode=yes";
/// What would make git work on another repository than the one it is told, as in a hook.
const NOT_HANDED_ON: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
];
/// Bytes of what git writes that are kept.
const MOST_WRITTEN: u64 = 1_000_000;
/// Time between two looks at whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(50);

/// Fetches repositories.
#[derive(Debug, Clone)]
pub struct Git {
    /// The program.
    pub program: OsString,
    /// The folder that keeps what was fetched; made when it is needed.
    pub cache: PathBuf,
    /// Time for one call of git.
    pub limit: Duration,
    /// Ends git before its time.
    pub shutdown: Shutdown,
}

/// A repository could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The address or the ref would be an option of git's, or goes a way that is not open.
    #[error("`{0}` is not fetched from")]
    Refused(String),
    /// git could not be started.
    #[error("cannot run `git`: {0}")]
    Start(#[source] io::Error),
    /// git said no.
    #[error("git cannot reach {remote}: {why}")]
    Failed {
        /// The repository, without a password.
        remote: String,
        /// git's last words.
        why: String,
    },
    /// The repository has no such ref.
    #[error("{remote} has no branch, tag or commit `{reference}`")]
    NoSuchRef {
        /// The repository, without a password.
        remote: String,
        /// What was asked for.
        reference: String,
    },
    /// git took too long.
    #[error("git got no answer from {remote} in {} s", limit.as_secs())]
    TooLong {
        /// The repository, without a password.
        remote: String,
        /// The time it had.
        limit: Duration,
    },
    /// The user wanted to end.
    #[error("fetching {0} was interrupted")]
    Interrupted(String),
    /// The folder that keeps what was fetched cannot be used.
    #[error("cannot keep what was fetched in {folder}: {source}")]
    Keep {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Git {
    /// The folder with what `reference` (else `HEAD`) of a repository names now. A commit that was
    /// fetched before is not fetched again; one that is named whole is not even asked for.
    ///
    /// # Errors
    /// When git cannot reach it, or cannot keep it.
    pub fn checkout(&self, remote: &str, reference: Option<&str>) -> Result<PathBuf, GitError> {
        let reference = reference.unwrap_or("HEAD");
        if !is_open(remote) || reference.starts_with('-') {
            return Err(GitError::Refused(without_password(remote)));
        }
        let commit = match is_commit(reference) {
            true => reference.to_owned(),
            false => self.commit(remote, reference)?,
        };
        let of_remote = hex(&Sha256::digest(remote.as_bytes())[..8]);
        let kept = self.cache.join(of_remote);
        let folder = kept.join(&commit);
        if folder.is_dir() {
            return Ok(folder);
        }
        let keep = |source| GitError::Keep {
            folder: kept.clone(),
            source,
        };
        let room = Room::enter(&kept).map_err(keep)?;
        // Beside its place and moved there whole: nobody ever sees half of it.
        let new = room.folder().map_err(keep)?;
        let fetch = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
        ];
        self.must(remote, new.path(), &["init", "--quiet", "--template="])?;
        let words = [&fetch[..], &["--end-of-options", remote, &commit]].concat();
        match self.must(remote, new.path(), &words) {
            // Only a commit that was named whole was not asked for.
            Err(GitError::Failed { why, .. }) if why.contains("not our ref") => {
                return Err(GitError::NoSuchRef {
                    remote: without_password(remote),
                    reference: reference.to_owned(),
                });
            }
            fetched => fetched?,
        }
        let hooks = ["-c", "core.hooksPath=/dev/null"];
        let checkout = ["checkout", "--quiet", "--detach", "FETCH_HEAD"];
        self.must(remote, new.path(), &[&hooks[..], &checkout].concat())?;
        let new = new.keep();
        match fs::rename(&new, &folder) {
            Ok(()) => Ok(folder),
            // Somebody else was faster with the same.
            Err(_) if folder.is_dir() => {
                let _ = fs::remove_dir_all(&new);
                Ok(folder)
            }
            Err(source) => {
                let _ = fs::remove_dir_all(&new);
                Err(keep(source))
            }
        }
    }

    /// The commit (or the tag's own object) that a ref names.
    fn commit(&self, remote: &str, reference: &str) -> Result<String, GitError> {
        let arguments = [
            "ls-remote",
            "--quiet",
            "--end-of-options",
            remote,
            reference,
        ];
        let here = std::env::temp_dir();
        let done = self.run(remote, &here, &arguments)?;
        if !done.status.success() {
            return Err(failed(remote, &done));
        }
        let lines = done.out.lines();
        let refs: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('\t')).collect();
        let whole = ["", "refs/heads/", "refs/tags/"].map(|folder| format!("{folder}{reference}"));
        let exact = whole
            .iter()
            .find_map(|whole| refs.iter().find(|(_, name)| name == whole));
        match exact.or(refs.first()) {
            Some((commit, _)) if is_commit(commit) => Ok((*commit).to_owned()),
            _ => Err(GitError::NoSuchRef {
                remote: without_password(remote),
                reference: reference.to_owned(),
            }),
        }
    }

    fn must(&self, remote: &str, folder: &Path, arguments: &[&str]) -> Result<(), GitError> {
        let done = self.run(remote, folder, arguments)?;
        match done.status.success() {
            true => Ok(()),
            false => Err(failed(remote, &done)),
        }
    }

    fn run(&self, remote: &str, folder: &Path, arguments: &[&str]) -> Result<Done, GitError> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", WAYS)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        for name in NOT_HANDED_ON {
            command.env_remove(name);
        }
        let said = ["GIT_SSH", "GIT_SSH_COMMAND"].map(std::env::var_os);
        if said.iter().flatten().all(|value| value.is_empty()) {
            command.env("GIT_SSH_COMMAND", SSH);
        }
        let mut child = command.spawn().map_err(GitError::Start)?;
        let group = i32::try_from(child.id()).ok().map(Pid::from_raw);
        let out = child.stdout.take().map(|it| thread::spawn(|| text_of(it)));
        let words = child.stderr.take().map(|it| thread::spawn(|| text_of(it)));
        let (sender, ended) = mpsc::channel();
        // Who waits no more takes no answer.
        thread::spawn(move || sender.send(child.wait()).ok());
        let status = self.end(remote, &ended);
        if status.is_err()
            && let Some(group) = group
        {
            // ESRCH means that it is gone already, which is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
        let joined = |it: Option<thread::JoinHandle<String>>| it.and_then(|it| it.join().ok());
        Ok(Done {
            status: status?,
            out: joined(out).unwrap_or_default(),
            words: joined(words).unwrap_or_default(),
        })
    }

    /// How it ended, or why nobody waits any longer.
    fn end(
        &self,
        remote: &str,
        ended: &mpsc::Receiver<io::Result<ExitStatus>>,
    ) -> Result<ExitStatus, GitError> {
        let mut waited = Duration::ZERO;
        loop {
            match ended.recv_timeout(LOOK) {
                Ok(status) => return status.map_err(GitError::Start),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(GitError::Start(io::ErrorKind::BrokenPipe.into()));
                }
                Err(RecvTimeoutError::Timeout) => waited += LOOK,
            }
            if self.shutdown.is_requested() {
                return Err(GitError::Interrupted(without_password(remote)));
            }
            if waited >= self.limit {
                return Err(GitError::TooLong {
                    remote: without_password(remote),
                    limit: self.limit,
                });
            }
        }
    }
}

/// How a call of git ended.
struct Done {
    status: ExitStatus,
    out: String,
    words: String,
}

fn text_of(stream: impl Read) -> String {
    let mut bytes = Vec::new();
    let mut stream = stream;
    // What cannot be read was not said. What is too much is read and forgotten, so that git goes on.
    let _ = stream.by_ref().take(MOST_WRITTEN).read_to_end(&mut bytes);
    let _ = io::copy(&mut stream, &mut io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn failed(remote: &str, done: &Done) -> GitError {
    let lines = done.words.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty());
    // The first word of failure says why; what follows it is advice.
    let why = lines.clone().find(|line| line.starts_with("fatal:"));
    let why = why.or_else(|| lines.next_back());
    let why = why.map(|why| why.trim_start_matches("fatal:").trim().to_owned());
    let why = why.unwrap_or_else(|| match done.status.signal() {
        Some(signal) => format!("it was ended by signal {signal}"),
        None => format!("it ended with {}", done.status.code().unwrap_or_default()),
    });
    GitError::Failed {
        why: why.replace(remote, &without_password(remote)),
        remote: without_password(remote),
    }
}

/// Whether an address goes a way that is open, and cannot be taken for an option.
fn is_open(remote: &str) -> bool {
    let lower = remote.to_ascii_lowercase();
    let by_scheme = WAYS.split(':').find_map(|way| {
        let rest = lower.strip_prefix(way)?;
        rest.strip_prefix("://")
    });
    match by_scheme {
        Some(rest) => {
            let host = rest.split('/').next().unwrap_or_default();
            !host.rsplit('@').next().unwrap_or_default().starts_with('-')
        }
        // `user@host:path`
        None => lower.split_once('@').is_some_and(|(user, rest)| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let host = rest.split_once(':').map(|(host, _)| host);
            let fits =
                |host: &str| !host.is_empty() && !host.starts_with('-') && !host.contains('/');
            user.chars().all(plain) && !user.starts_with('-') && host.is_some_and(fits)
        }),
    }
}

/// Whether it is the whole name of a commit.
fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// An address without the password that may stand in it.
#[must_use]
pub fn without_password(remote: &str) -> String {
    let Some((scheme, rest)) = remote.split_once("://") else {
        return remote.to_owned();
    };
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, String::new()),
    };
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{path}"),
        None => remote.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
