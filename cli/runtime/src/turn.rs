//! One command at a time changes a project. Who comes second waits, and can say for whom.
//!
//! What comes in: a project's home, the wish to end. What leaves: the project's lock, with a word
//! in it on who holds it. What must not enter: what is done meanwhile.

use std::path::{Path, PathBuf};
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::lock::{Lock, try_lock};
use msvc_machine::shutdown::Shutdown;
use serde::{Deserialize, Serialize};

use crate::contract::RuntimeError;
use crate::process::{ProcessIdentity, ProjectHome};

/// The pause between two tries.
const LOOK: Duration = Duration::from_millis(50);

/// The form of the word in the lock.
const SCHEMA: &str = "msvc.turn/1";

/// The right to change a project, until it is dropped or its process ends.
#[derive(Debug)]
pub struct Turn {
    lock: Lock,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A word that stays is known to be old by its process.
        let _ = self.lock.note("");
    }
}

/// Who has the turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    schema: String,
    /// Its process.
    pub process: ProcessIdentity,
    /// What it does, for people: `up`.
    pub what: String,
}

impl Turn {
    /// Takes the turn to do `what` to a project. Waits for who has it, having told `waiting` once
    /// who that is, as far as it is known.
    ///
    /// # Errors
    /// When the project's folder cannot be made, or an end is wanted while it waits.
    pub async fn take(
        home: &ProjectHome,
        what: &str,
        clock: &dyn Clock,
        shutdown: &Shutdown,
        waiting: &(dyn Fn(Option<Holder>) + Send + Sync),
    ) -> Result<Self, RuntimeError> {
        Self::at(home.lock(), home, what, clock, shutdown, waiting).await
    }

    /// The same among those alone who bring a project up as host processes. Who takes it down, or
    /// launches its supervisor, does not wait for it.
    ///
    /// # Errors
    /// As [`Turn::take`].
    pub async fn to_boot(
        home: &ProjectHome,
        what: &str,
        clock: &dyn Clock,
        shutdown: &Shutdown,
        waiting: &(dyn Fn(Option<Holder>) + Send + Sync),
    ) -> Result<Self, RuntimeError> {
        Self::at(home.booting(), home, what, clock, shutdown, waiting).await
    }

    async fn at(
        path: PathBuf,
        home: &ProjectHome,
        what: &str,
        clock: &dyn Clock,
        shutdown: &Shutdown,
        waiting: &(dyn Fn(Option<Holder>) + Send + Sync),
    ) -> Result<Self, RuntimeError> {
        let records = |source| RuntimeError::Records {
            path: path.clone(),
            source,
        };
        let mut is_told = false;
        loop {
            home.create()?;
            match try_lock(&path) {
                Ok(Some(lock)) if lock.is_at(&path) => {
                    let own = ProcessIdentity::own().map(|process| Holder {
                        schema: SCHEMA.to_owned(),
                        process,
                        what: what.to_owned(),
                    });
                    let word = own.and_then(|own| serde_json::to_string(&own).ok());
                    // Without room for the word the turn is as good: what is stopped makes room.
                    let _ = lock.note(&word.unwrap_or_default());
                    return Ok(Self { lock });
                }
                // Who had it removed the whole project: once more, in a folder made anew.
                Ok(Some(_)) => continue,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(records(error)),
                Ok(None) => {}
            }
            if !is_told {
                is_told = true;
                waiting(holder(&path));
            }
            tokio::select! {
                () = shutdown.requested() => return Err(RuntimeError::Interrupted),
                () = clock.sleep(LOOK) => {}
            }
        }
    }
}

/// Who has the turn that is taken with this lock now, as far as it said so.
fn holder(lock: &Path) -> Option<Holder> {
    let text = std::fs::read_to_string(lock).ok()?;
    let holder: Holder = serde_json::from_str(&text).ok()?;
    holder.process.lives().then_some(holder)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use msvc_machine::clock::MachineClock;

    use super::*;

    fn home(folder: &std::path::Path) -> ProjectHome {
        ProjectHome::new(folder, "shop".parse().unwrap(), None).unwrap()
    }

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_is_told_who_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let (clock, shutdown) = (MachineClock, Shutdown::new());
        let quiet = |_| panic!("nobody has it");
        let first = Turn::take(&home, "up", &clock, &shutdown, &quiet).await;
        let first = Mutex::new(Some(first.unwrap()));
        let told = |holder: Option<Holder>| {
            let holder = holder.unwrap();
            assert_eq!(holder.what, "up");
            assert_eq!(holder.process.pid, std::process::id());
            first.lock().unwrap().take();
        };
        Turn::take(&home, "down", &clock, &shutdown, &told)
            .await
            .unwrap();
        assert!(first.lock().unwrap().is_none());
        assert_eq!(holder(&home.lock()), None);
    }

    #[tokio::test]
    async fn who_boots_keeps_others_from_booting_and_nobody_from_taking_it_down() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let (clock, shutdown) = (MachineClock, Shutdown::new());
        let quiet = |_| panic!("nobody has it");
        let _first = Turn::to_boot(&home, "up", &clock, &shutdown, &quiet)
            .await
            .unwrap();
        Turn::take(&home, "down", &clock, &shutdown, &quiet)
            .await
            .unwrap();
        let second = Turn::to_boot(&home, "up", &clock, &shutdown, &|_| shutdown.request()).await;
        assert!(matches!(second, Err(RuntimeError::Interrupted)));
    }

    #[tokio::test]
    async fn who_waits_can_give_up() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let (clock, shutdown) = (MachineClock, Shutdown::new());
        let _first = Turn::take(&home, "up", &clock, &shutdown, &|_| {})
            .await
            .unwrap();
        let given_up = Turn::take(&home, "up", &clock, &shutdown, &|_| shutdown.request()).await;
        assert!(matches!(given_up, Err(RuntimeError::Interrupted)));
    }
}
