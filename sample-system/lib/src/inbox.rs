//! The inbox: which events a service is through with. An event comes at least once; its effect and
//! its row here are written in one transaction, so it has its effect once.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, params};

use crate::bugs::{Bug, Bugs};
use crate::clock::{Clock, stamp_of};

/// The migration that makes the inbox's table; a service adds it to its own.
pub const SCHEMA: &str = "
CREATE TABLE inbox (
    event_id TEXT PRIMARY KEY,
    at       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_by_age ON inbox (at);
";

/// How long an event is remembered: longer than any record waits to come again.
const KEPT: TimeDelta = TimeDelta::days(7);

/// How many are forgotten at once.
const PRUNED_AT_ONCE: u32 = 500;

/// Tells a repeated event from a new one.
#[derive(Debug, Clone)]
pub struct Inbox {
    clock: Clock,
    forgetful: bool,
}

impl Inbox {
    /// An inbox; with [`Bug::NoDedup`] one that takes each repeat for a new event.
    pub fn new(clock: Clock, bugs: &Bugs) -> Self {
        let forgetful = bugs.has(Bug::NoDedup);
        Self { clock, forgetful }
    }

    /// Remembers the event and answers whether it came for the first time. To be asked in the
    /// transaction of its effect, which a repeat must not have.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn first_time(&self, connection: &Connection, event_id: &str) -> rusqlite::Result<bool> {
        let fresh = connection
            .prepare_cached(
                "INSERT INTO inbox (event_id, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![event_id, self.clock.stamp()])?
            == 1;
        Ok(fresh || self.forgetful)
    }
}

/// Forgets every event, for a read model that is built anew.
///
/// # Errors
/// When the statement fails.
pub fn forget_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM inbox", []).map(drop)
}

/// Forgets a few of the events that came more than seven days before `now`; answers how many.
///
/// # Errors
/// When the statement fails.
pub fn prune(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM inbox WHERE event_id IN
                 (SELECT event_id FROM inbox WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![stamp_of(now - KEPT), PRUNED_AT_ONCE])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection
    }

    #[test]
    fn an_event_is_new_once() {
        let (connection, inbox) = (open(), Inbox::new(Clock::system(), &Bugs::none()));
        assert!(inbox.first_time(&connection, "e-1").unwrap());
        assert!(!inbox.first_time(&connection, "e-1").unwrap());
        assert!(inbox.first_time(&connection, "e-2").unwrap());
    }

    #[test]
    fn with_the_bug_seeded_a_repeat_is_taken_for_new() {
        let bugs = Bugs::only(&[Bug::NoDedup]);
        let (connection, inbox) = (open(), Inbox::new(Clock::system(), &bugs));
        assert!(inbox.first_time(&connection, "e-1").unwrap());
        assert!(inbox.first_time(&connection, "e-1").unwrap());
    }

    #[test]
    fn an_event_is_forgotten_after_seven_days_and_not_before() {
        let connection = open();
        let now = DateTime::parse_from_rfc3339("2026-11-21T00:00:00Z").unwrap();
        let now = now.with_timezone(&Utc);
        let inbox = Inbox::new(Clock::from_fn(move || now), &Bugs::none());
        inbox.first_time(&connection, "e-1").unwrap();
        assert_eq!(prune(&connection, now + KEPT).unwrap(), 0);
        assert_eq!(
            prune(&connection, now + KEPT + TimeDelta::seconds(1)).unwrap(),
            1
        );
        assert!(inbox.first_time(&connection, "e-1").unwrap());
    }
}
