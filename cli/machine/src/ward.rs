//! Commands of the user's that end with this program, however it ends: each carries a mark in its
//! environment, which what it starts inherits, daemons included. A warden (this very program, in a
//! session of its own) holds one end of a pipe; when the other is gone without a farewell, it ends
//! everything that carries the mark.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use crate::clock::Clock;
use crate::process_table::{self, ProcessIdentity, Seen};
use crate::shutdown::Shutdown;
use crate::sweep::{Swept, sweep};

/// The variable that marks. What outlives the program that started it on purpose must not inherit
/// it: see [`unmarked`].
const MARK: &str = "MSVC_COMMAND_OF";

/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);

/// What msvc says at its own end: what its commands left behind is then the user's affair.
const FAREWELL: u8 = b'.';

/// The mark of one program's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(OsString);

/// A warden that watches over this program's commands. Dropping it bids it farewell.
#[derive(Debug)]
pub struct Ward {
    mark: Mark,
    warden: Child,
}

/// Lets `command` start something that does not end with the program that this one is a command
/// of.
pub fn unmarked(command: &mut Command) -> &mut Command {
    command.env_remove(MARK)
}

impl Mark {
    /// A mark of this name, which no other program's may be.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The mark that an environment gives.
    #[must_use]
    pub fn of(environment: &[(OsString, OsString)]) -> Option<Self> {
        let mark = environment.iter().rfind(|(name, _)| name == MARK);
        mark.map(|(_, value)| Self(value.clone()))
    }

    /// The variable to start a command with.
    #[must_use]
    pub fn variable(&self) -> (OsString, OsString) {
        (MARK.into(), self.0.clone())
    }

    /// Everything that carries the mark, and what descends from it.
    #[must_use]
    pub fn carriers(&self) -> Vec<ProcessIdentity> {
        let table = process_table::table();
        let marked = |seen: &&Seen| {
            process_table::variable_of(seen.pid, MARK).is_some_and(|it| OsStr::new(&it) == self.0)
        };
        let mut found: Vec<&Seen> = table.iter().filter(marked).collect();
        for pid in found.iter().map(|seen| seen.pid).collect::<Vec<_>>() {
            found.extend(process_table::descendants(pid, &table));
        }
        found.sort_unstable_by_key(|seen| seen.pid);
        found.dedup_by_key(|seen| seen.pid);
        let own = std::process::id();
        let others = found.into_iter().filter(|seen| seen.pid != own);
        others.map(Seen::identity).collect()
    }

    /// Ends everything that carries it: TERM, grace, KILL; at once when `hurry` is forced.
    pub async fn end_carriers(&self, clock: &dyn Clock, hurry: &Shutdown) -> Swept {
        sweep(|| self.carriers(), clock, GRACE, hurry).await
    }
}

impl Ward {
    /// Starts a warden: `program` with `arguments`, which runs [`warden_main`] with the mark as
    /// its last argument.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(program: &Path, arguments: &[&str], mark: Mark) -> io::Result<Self> {
        let warden = unmarked(&mut Command::new(program))
            .args(arguments)
            .arg(&mark.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for those that it watches over.
            .process_group(0)
            .spawn()?;
        Ok(Self { mark, warden })
    }

    /// The mark to start commands with.
    #[must_use]
    pub fn mark(&self) -> &Mark {
        &self.mark
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.warden.stdin.take() {
            // A warden that is gone watches over nothing.
            let _ = pipe.write_all(&[FAREWELL]);
        }
        let _ = self.warden.wait();
    }
}

/// The warden's main: waits until its owner is gone, and ends what carries `mark` unless the owner
/// took its leave.
///
/// # Errors
/// When the pipe from the owner cannot be read.
pub async fn warden_main(mark: &OsStr, clock: &dyn Clock, shutdown: &Shutdown) -> io::Result<()> {
    let mut said = Vec::new();
    tokio::io::stdin().read_to_end(&mut said).await?;
    if said.is_empty() {
        Mark(mark.to_owned()).end_carriers(clock, shutdown).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MachineClock;

    #[tokio::test]
    async fn what_a_command_started_is_found_by_the_mark_in_a_session_of_its_own_too() {
        let mark = Mark::new("a-test-of-the-ward");
        let (name, value) = mark.variable();
        let mut command = Command::new("/bin/sh")
            .args([
                "-c",
                "setsid env -u MSVC_COMMAND_OF sleep 600 & setsid sleep 600 & wait",
            ])
            .env(name, value)
            .spawn()
            .unwrap();
        // The shell and the sleeper that keeps the mark; the other as their descendant.
        while mark.carriers().len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let swept = mark.end_carriers(&MachineClock, &Shutdown::new()).await;
        assert_eq!(swept.left, []);
        command.wait().unwrap();
        assert_eq!(mark.carriers(), []);
    }
}
