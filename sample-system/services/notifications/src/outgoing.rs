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
mod tests;
