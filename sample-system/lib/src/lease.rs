//! Leases: what only one of several processes on one database may do at a time.
//!
//! A lease has a name, a holder and an end. Its holder renews it while it works and gives it back
//! when it stops; one whose holder died is free at its end. Time is handed in.
//!
//! A holder that slept (a suspended process, a clock that jumped) may believe in a lease that is
//! another's by now. So a lease keeps work from being done twice in vain; what makes it harmless
//! when it happens all the same is that whoever writes names what it expects to find.

use std::fmt;
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Clock;
use crate::database::{Database, DatabaseError};

/// The migration that makes the leases' table; a service adds it to its own.
pub const SCHEMA: &str = "
CREATE TABLE lease (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  INTEGER NOT NULL -- milliseconds since 1970
) STRICT, WITHOUT ROWID;
";

/// How long a lease lasts unless it is renewed: how late a dead holder's work goes on elsewhere.
pub const LASTS: Duration = Duration::from_secs(5);

/// How often a holder renews: four tries may fail before a lease ends.
pub const RENEWED: Duration = Duration::from_secs(1);

/// Who holds leases: one process, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Holder(String);

impl Holder {
    /// A holder like no other; made once in each process.
    pub fn fresh() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The holder of that name, for tests.
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes the lease `name` for `lasts` from `now` ([`Clock::millis`]) where it is free, at its end
/// or held by `holder` already; answers whether `holder` has it.
///
/// An end that lies further ahead than any lease lasts was written by a clock that was wrong: such
/// a lease is free.
///
/// # Errors
/// When the statement fails.
pub fn claim(
    connection: &Connection,
    name: &str,
    holder: &Holder,
    now: i64,
    lasts: Duration,
) -> rusqlite::Result<bool> {
    let lasts = millis(lasts);
    connection
        .prepare_cached(
            "INSERT INTO lease (name, holder, until) VALUES (?1, ?2, ?3 + ?4)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE holder = excluded.holder OR until <= ?3 OR until > ?3 + 2 * ?4",
        )?
        .execute(params![name, holder.0, now, lasts])
        .map(|changed| changed == 1)
}

/// Lets the lease `name` last anew; answers false when it is not `holder`'s any more.
///
/// # Errors
/// When the statement fails.
pub fn renew(
    connection: &Connection,
    name: &str,
    holder: &Holder,
    now: i64,
    lasts: Duration,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("UPDATE lease SET until = ?3 + ?4 WHERE name = ?1 AND holder = ?2")?
        .execute(params![name, holder.0, now, millis(lasts)])
        .map(|changed| changed == 1)
}

/// Lets every lease of `holder` last anew, in one statement; answers how many it has. For a
/// service that holds one for each piece of work in hand.
///
/// # Errors
/// When the statement fails.
pub fn renew_all(
    connection: &Connection,
    holder: &Holder,
    now: i64,
    lasts: Duration,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("UPDATE lease SET until = ?2 + ?3 WHERE holder = ?1")?
        .execute(params![holder.0, now, millis(lasts)])
}

/// Gives the lease `name` back, if it is `holder`'s.
///
/// # Errors
/// When the statement fails.
pub fn give_back(connection: &Connection, name: &str, holder: &Holder) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM lease WHERE name = ?1 AND holder = ?2")?
        .execute(params![name, holder.0])
        .map(drop)
}

/// Gives back every lease of `holder`, in one statement, at its end.
///
/// # Errors
/// When the statement fails.
pub fn give_back_all(connection: &Connection, holder: &Holder) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM lease WHERE holder = ?1")?
        .execute([&holder.0])
        .map(drop)
}

/// Takes the lease `name` away from whoever has it, because its work is none any more.
///
/// # Errors
/// When the statement fails.
pub fn end(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM lease WHERE name = ?1")?
        .execute([name])
        .map(drop)
}

/// Whether `holder` has the lease `name`. Asked inside a write, it holds for that write.
///
/// # Errors
/// When the statement fails.
pub fn is_held(connection: &Connection, name: &str, holder: &Holder) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM lease WHERE name = ?1 AND holder = ?2")?
        .exists(params![name, holder.0])
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A lease in a database, as one process sees it.
#[derive(Debug, Clone)]
pub struct Lease {
    database: Database,
    clock: Clock,
    holder: Holder,
    name: String,
}

impl Lease {
    /// The lease `name` in `database`, to be held by `holder`.
    pub fn new(database: Database, clock: Clock, holder: Holder, name: impl Into<String>) -> Self {
        Self {
            database,
            clock,
            holder,
            name: name.into(),
        }
    }

    /// Takes it where it is free; answers whether it is held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self) -> Result<bool, DatabaseError> {
        let (name, holder, now) = (self.name.clone(), self.holder.clone(), self.clock.millis());
        self.database
            .write(move |connection| claim(connection, &name, &holder, now, LASTS))
            .await
    }

    /// Lets it last anew; answers whether it is still held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew(&self) -> Result<bool, DatabaseError> {
        let (name, holder, now) = (self.name.clone(), self.holder.clone(), self.clock.millis());
        self.database
            .write(move |connection| renew(connection, &name, &holder, now, LASTS))
            .await
    }

    /// Gives it back.
    ///
    /// # Errors
    /// When the database fails; it then ends by itself.
    pub async fn give_back(&self) -> Result<(), DatabaseError> {
        let (name, holder) = (self.name.clone(), self.holder.clone());
        self.database
            .write(move |connection| give_back(connection, &name, &holder))
            .await
    }

    /// Does `work` whenever the lease can be had, until `shutdown`.
    ///
    /// `work` is begun with a token. At `shutdown` the token is cancelled, `work` ends by itself
    /// (the lease goes on being renewed) and the lease is given back. When the lease is lost
    /// `work` is dropped at once, and begun anew when the lease can be had again.
    pub async fn while_held<F>(
        &self,
        shutdown: &CancellationToken,
        mut work: impl FnMut(CancellationToken) -> F,
    ) where
        F: Future<Output = ()>,
    {
        while !shutdown.is_cancelled() {
            match self.claim().await {
                Ok(true) => {
                    tokio::select! {
                        () = work(shutdown.clone()) => {}
                        () = self.renewed_until_lost() => {
                            tracing::warn!(lease = self.name, "lost");
                        }
                    }
                    if let Err(error) = self.give_back().await {
                        tracing::warn!(lease = self.name, %error, "not given back: it ends by itself");
                    }
                }
                Ok(false) => tracing::debug!(lease = self.name, "another process has it"),
                Err(error) => tracing::warn!(lease = self.name, %error, "cannot be claimed"),
            }
            tokio::select! {
                () = sleep(RENEWED) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// Renews each second; returns when the lease is another's, or may be.
    async fn renewed_until_lost(&self) {
        let mut beat = interval(RENEWED);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewed = Instant::now();
        loop {
            beat.tick().await;
            let begun = Instant::now();
            let last = renewed + LASTS;
            match tokio::time::timeout_at(last, self.renew()).await {
                Ok(Ok(true)) => renewed = begun,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => tracing::warn!(lease = self.name, %error, "not renewed"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
