//! The mails that are to leave, and where customers want theirs: the service's own SQLite file.
//!
//! A mail is written together with the inbox row of its event, and leaves afterwards. It waits
//! while the address of its account is not known, and behind an earlier mail of the same order. Who
//! is sending it holds it for a time, so that several copies of the service over one file send it
//! once; one that died lets go by that time's end.

use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use shop::clock::stamp_of;
use shop::event::AccountChanged;
use shop::kafka::{Delivery, Record};
use shop::trace_context::TraceContext;

use crate::letter::Letter;

/// The tables of this file's business.
pub(crate) const SCHEMA: &str = "
CREATE TABLE address (
    account_id TEXT PRIMARY KEY,
    email      TEXT NOT NULL,
    revision   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE mail (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    account_id  TEXT NOT NULL,
    -- The record that it was made of, for a dead letter.
    topic       TEXT NOT NULL,
    partition   INTEGER NOT NULL,
    record      INTEGER NOT NULL,
    key         TEXT NOT NULL,
    payload     BLOB NOT NULL,
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    traceparent TEXT,
    baggage     TEXT,
    attempts    INTEGER NOT NULL DEFAULT 0,
    due         TEXT NOT NULL,
    holder      TEXT,
    sent        TEXT,
    refused     TEXT,
    UNIQUE (order_id, kind)
) STRICT;
CREATE INDEX mail_waiting ON mail (number) WHERE sent IS NULL AND refused IS NULL;
CREATE INDEX mail_waiting_of_order ON mail (order_id, number)
    WHERE sent IS NULL AND refused IS NULL;
CREATE INDEX mail_sent ON mail (sent) WHERE sent IS NOT NULL;
";

/// How long a mail may be held by one sender. Above the 5 s that handing it over may take.
const HELD: Duration = Duration::seconds(10);

/// The first wait after a failure; each further one doubles it.
const RETRY_FIRST: Duration = Duration::milliseconds(100);

/// The longest wait: how late it is noticed that the mail server is back.
const RETRY_LONGEST: Duration = Duration::seconds(2);

/// How long a mail that left is remembered, to answer questions about it.
const KEPT: Duration = Duration::days(30);

/// How many are forgotten at once.
const PRUNED_AT_ONCE: u32 = 500;

/// A mail that somebody holds in order to send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    number: i64,
    attempts: u32,
    /// Where it goes.
    pub(crate) email: String,
    /// What it says.
    pub(crate) letter: Letter,
    /// The record that it was made of.
    pub(crate) delivery: Delivery,
}

/// Keeps the address of an account, unless a later one is known.
pub(crate) fn put_address(
    connection: &Connection,
    account_id: &str,
    account: &AccountChanged,
) -> rusqlite::Result<()> {
    // Revisions count an account's changes: none comes near the end of the numbers.
    let revision = i64::try_from(account.revision).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO address (account_id, email, revision) VALUES (?1, ?2, ?3)
             ON CONFLICT (account_id) DO UPDATE SET
                 email = excluded.email, revision = excluded.revision
             WHERE excluded.revision > address.revision",
        )?
        .execute(params![account_id, account.email, revision])
        .map(drop)
}

/// Lets `letter`, made of `delivery`, leave as soon as it can. An order has one mail of a kind: a
/// second changes nothing.
pub(crate) fn add(
    connection: &Connection,
    letter: &Letter,
    account_id: &str,
    delivery: &Delivery,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO mail
                 (order_id, kind, account_id, subject, body, traceparent, baggage, due,
                  topic, partition, record, key, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            letter.order_id,
            letter.kind,
            account_id,
            letter.subject,
            letter.body,
            letter.trace.traceparent,
            letter.trace.baggage,
            stamp_of(now),
            delivery.record.topic,
            delivery.partition,
            delivery.offset,
            delivery.record.key,
            delivery.record.payload,
        ])
        .map(drop)
}

/// Lets a mail that was refused for good leave once more, because its event was given back.
pub(crate) fn revive(
    connection: &Connection,
    letter: &Letter,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE mail SET refused = NULL, attempts = 0, due = ?3
             WHERE order_id = ?1 AND kind = ?2 AND refused IS NOT NULL",
        )?
        .execute(params![letter.order_id, letter.kind, stamp_of(now)])
        .map(drop)
}

/// Takes up to `most` mails that can leave now, oldest first, and holds them for `holder`.
pub(crate) fn hold(
    connection: &Connection,
    holder: &str,
    now: DateTime<Utc>,
    most: u32,
) -> rusqlite::Result<Vec<Held>> {
    let held: Vec<Held> = connection
        .prepare_cached(
            "SELECT mail.*, address.email FROM mail JOIN address USING (account_id)
             WHERE sent IS NULL AND refused IS NULL AND due <= ?1
               AND NOT EXISTS (
                   SELECT 1 FROM mail AS earlier
                   WHERE earlier.order_id = mail.order_id AND earlier.number < mail.number
                     AND earlier.sent IS NULL AND earlier.refused IS NULL)
             ORDER BY number LIMIT ?2",
        )?
        .query_map(params![stamp_of(now), most], from_row)?
        .collect::<Result<_, _>>()?;
    let mut hold =
        connection.prepare_cached("UPDATE mail SET holder = ?2, due = ?3 WHERE number = ?1")?;
    for mail in &held {
        hold.execute(params![mail.number, holder, stamp_of(now + HELD)])?;
    }
    Ok(held)
}

/// Notes that the mail left.
pub(crate) fn sent(
    connection: &Connection,
    mail: &Held,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE mail SET sent = ?2, holder = NULL WHERE number = ?1")?
        .execute(params![mail.number, stamp_of(now)])
        .map(drop)
}

/// Notes that no server will ever take the mail, for `reason`.
pub(crate) fn refused(connection: &Connection, mail: &Held, reason: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE mail SET refused = ?2, holder = NULL WHERE number = ?1 AND sent IS NULL",
        )?
        .execute(params![mail.number, reason])
        .map(drop)
}

/// Lets the mail be sent later, unless somebody else holds it by now.
pub(crate) fn put_off(
    connection: &Connection,
    mail: &Held,
    holder: &str,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let doubled = RETRY_FIRST * 2_i32.pow(mail.attempts.min(10));
    connection
        .prepare_cached(
            "UPDATE mail SET holder = NULL, attempts = attempts + 1, due = ?3
             WHERE number = ?1 AND holder = ?2",
        )?
        .execute(params![
            mail.number,
            holder,
            stamp_of(now + doubled.min(RETRY_LONGEST))
        ])
        .map(drop)
}

/// When the next mail that is not sent may leave: now or later; `None` when none waits for time.
pub(crate) fn next_due(connection: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let due: Option<String> = connection
        .prepare_cached(
            "SELECT min(due) FROM mail JOIN address USING (account_id)
             WHERE sent IS NULL AND refused IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM mail AS earlier
                   WHERE earlier.order_id = mail.order_id AND earlier.number < mail.number
                     AND earlier.sent IS NULL AND earlier.refused IS NULL)",
        )?
        .query_row([], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(due.and_then(|due| Some(DateTime::parse_from_rfc3339(&due).ok()?.to_utc())))
}

/// How many mails wait, for whatever reason.
pub(crate) fn waiting(connection: &Connection) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM mail WHERE sent IS NULL AND refused IS NULL")?
        .query_row([], |row| row.get(0))
}

/// Forgets a few of the mails that left more than thirty days before `now`; answers how many.
pub(crate) fn prune(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM mail WHERE number IN
                 (SELECT number FROM mail WHERE sent < ?1 ORDER BY sent LIMIT ?2)",
        )?
        .execute(params![stamp_of(now - KEPT), PRUNED_AT_ONCE])
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Held> {
    let trace = TraceContext {
        traceparent: row.get("traceparent")?,
        baggage: row.get("baggage")?,
    };
    let headers = trace.pairs();
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let delivery = Delivery {
        record: Record {
            topic: row.get("topic")?,
            key: row.get("key")?,
            payload: row.get("payload")?,
            headers: headers.collect(),
        },
        partition: row.get("partition")?,
        offset: row.get("record")?,
    };
    Ok(Held {
        delivery,
        number: row.get("number")?,
        attempts: row.get("attempts")?,
        email: row.get("email")?,
        letter: Letter {
            order_id: row.get("order_id")?,
            kind: row.get("kind")?,
            subject: row.get("subject")?,
            body: row.get("body")?,
            trace,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection
    }

    fn letter(order: &str, kind: &str) -> Letter {
        Letter {
            order_id: order.into(),
            kind: kind.into(),
            subject: "s".into(),
            body: "b".into(),
            trace: TraceContext::default(),
        }
    }

    fn put_address(connection: &Connection, email: &str, revision: u64) {
        let account = AccountChanged {
            email: email.into(),
            name: "Ann".into(),
            role: "customer".into(),
            revision,
        };
        super::put_address(connection, "a-1", &account).unwrap();
    }

    fn add(connection: &Connection, order: &str, kind: &str) {
        let record = Record {
            topic: "orders".into(),
            key: order.into(),
            payload: Vec::new(),
            headers: Vec::new(),
        };
        let (partition, offset) = (0, 7);
        let delivery = Delivery {
            record,
            partition,
            offset,
        };
        super::add(connection, &letter(order, kind), "a-1", &delivery, at(0)).unwrap();
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn held(connection: &Connection, holder: &str, seconds: i64) -> Vec<String> {
        let held = hold(connection, holder, at(seconds), 10).unwrap();
        let text = |mail: &Held| {
            format!(
                "{} {} {}",
                mail.letter.order_id, mail.letter.kind, mail.email
            )
        };
        held.iter().map(text).collect()
    }

    #[test]
    fn a_mail_whose_address_has_not_come_waits_for_it_and_is_not_dropped() {
        let connection = open();
        add(&connection, "o-1", "confirmation");
        assert!(held(&connection, "one", 0).is_empty());
        assert_eq!(next_due(&connection).unwrap(), None);
        put_address(&connection, "ann@example.org", 1);
        assert_eq!(next_due(&connection).unwrap(), Some(at(0)));
        assert_eq!(
            held(&connection, "one", 0),
            ["o-1 confirmation ann@example.org"]
        );
    }

    #[test]
    fn of_two_addresses_the_later_one_holds_whichever_comes_first() {
        for order in [[1, 2], [2, 1]] {
            let connection = open();
            for revision in order {
                let email = format!("r{revision}@example.org");
                put_address(&connection, &email, revision);
            }
            add(&connection, "o-1", "shipment");
            assert_eq!(held(&connection, "one", 0), ["o-1 shipment r2@example.org"]);
        }
    }

    #[test]
    fn a_mail_waits_behind_an_earlier_one_of_its_order_and_of_no_other() {
        let connection = open();
        put_address(&connection, "a@b", 1);
        for (order, kind) in [
            ("o-1", "confirmation"),
            ("o-1", "shipment"),
            ("o-2", "shipment"),
        ] {
            add(&connection, order, kind);
        }
        let first = hold(&connection, "one", at(0), 10).unwrap();
        assert_eq!(first.len(), 2);
        assert!(held(&connection, "one", 0).is_empty());
        sent(&connection, &first[0], at(1)).unwrap();
        assert_eq!(held(&connection, "one", 1), ["o-1 shipment a@b"]);
    }

    #[test]
    fn a_mail_that_is_held_is_nobody_elses_until_its_time_is_up() {
        let connection = open();
        put_address(&connection, "a@b", 1);
        add(&connection, "o-1", "confirmation");
        let late = hold(&connection, "one", at(0), 10).unwrap();
        assert!(held(&connection, "two", 9).is_empty());
        assert_eq!(held(&connection, "two", 10).len(), 1);
        // The first, awake again, cannot take it from the second.
        put_off(&connection, &late[0], "one", at(10)).unwrap();
        assert!(held(&connection, "three", 11).is_empty());
    }

    #[test]
    fn a_mail_that_did_not_go_is_tried_again_later_and_later_but_within_two_seconds() {
        let connection = open();
        put_address(&connection, "a@b", 1);
        add(&connection, "o-1", "confirmation");
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let mail = hold(&connection, "one", now, 1).unwrap().remove(0);
            put_off(&connection, &mail, "one", now).unwrap();
            let due = next_due(&connection).unwrap().unwrap();
            waits.push((due - now).num_milliseconds());
            now = due;
        }
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn an_order_has_one_mail_of_a_kind_also_after_it_was_sent() {
        let connection = open();
        put_address(&connection, "a@b", 1);
        for _ in 0..2 {
            add(&connection, "o-1", "confirmation");
            for mail in hold(&connection, "one", at(0), 10).unwrap() {
                sent(&connection, &mail, at(0)).unwrap();
            }
        }
        let count = "SELECT count(*) FROM mail";
        let count: u32 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
        assert_eq!(waiting(&connection).unwrap(), 0);
    }

    #[test]
    fn mails_are_forgotten_thirty_days_after_they_left_and_waiting_ones_never() {
        let connection = open();
        put_address(&connection, "a@b", 1);
        add(&connection, "o-1", "confirmation");
        add(&connection, "o-2", "confirmation");
        let mails = hold(&connection, "one", at(0), 1).unwrap();
        sent(&connection, &mails[0], at(0)).unwrap();
        let day = 86_400;
        assert_eq!(prune(&connection, at(30 * day)).unwrap(), 0);
        assert_eq!(prune(&connection, at(30 * day + 1)).unwrap(), 1);
        assert_eq!(waiting(&connection).unwrap(), 1);
    }
}
