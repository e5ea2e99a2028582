//! The mails, as the mailbox keeps them: one for each Message-ID, with a count of its repeats.

use std::path::Path;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};

use crate::mail::Mail;

const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE mail (
        number      INTEGER PRIMARY KEY,
        message_id  TEXT NOT NULL UNIQUE,
        subject     TEXT NOT NULL,
        order_id    TEXT,
        kind        TEXT,
        traceparent TEXT,
        baggage     TEXT,
        raw         BLOB NOT NULL,
        received    TEXT NOT NULL,
        repeats     INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE recipient (
        address TEXT NOT NULL COLLATE NOCASE,
        mail    INTEGER NOT NULL REFERENCES mail (number),
        PRIMARY KEY (address, mail)
    ) STRICT, WITHOUT ROWID;
    ",
    "
    CREATE INDEX mail_of_order ON mail (order_id);
",
];

/// Mails that one answer shows at most. Bounds its size: a customer has some dozen.
const SHOWN_AT_ONCE: u32 = 1000;

/// What became of a mail that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It was not known.
    New,
    /// One with its Message-ID was here already.
    Repeat,
}

/// Which mails are asked for; what is not named is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The recipient, whatever its case.
    pub(crate) to: Option<String>,
    /// What the mail says about its order.
    pub(crate) kind: Option<String>,
    /// The order that it is about.
    pub(crate) order_id: Option<String>,
}

/// A mail in the list of all mails, as docs/design/shop.md says under "What the auditor reads".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Its place in the list; the next page begins after it.
    pub(crate) sequence: i64,
    message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Its first recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// How often it came again after the first time.
    repeats: i64,
}

/// A mail as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// Its Message-ID.
    message_id: String,
    /// A recipient, as the envelope wrote it; a mail to several is shown once for each.
    to: String,
    subject: String,
    order_id: Option<String>,
    kind: Option<String>,
    traceparent: Option<String>,
    baggage: Option<String>,
    /// How often it came again after the first time.
    repeats: i64,
}

/// All mails.
#[derive(Debug, Clone)]
pub(crate) struct Mails {
    database: Database,
    clock: Clock,
}

impl Mails {
    /// Opens the mails kept in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("mailbox.sqlite"), MIGRATIONS)?,
            clock: Clock::system(),
        })
    }

    /// Keeps a mail, or counts it where its Message-ID is known. A repeat may bring recipients
    /// that the first did not have.
    pub(crate) async fn keep(&self, mail: Mail) -> Result<Kept, DatabaseError> {
        let received = self.clock.stamp();
        self.database
            .write(move |connection| keep(connection, &mail, &received))
            .await
    }

    /// The mails that `asked` fits, the oldest first.
    pub(crate) async fn found(&self, asked: Asked) -> Result<Vec<Shown>, DatabaseError> {
        self.database
            .read(move |connection| found(connection, &asked))
            .await
    }

    /// Up to `limit` mails that came after the one numbered `after`, the oldest first, each with
    /// its number.
    pub(crate) async fn after(&self, after: i64, limit: u32) -> Result<Vec<Entry>, DatabaseError> {
        self.database
            .read(move |connection| entries(connection, after, limit))
            .await
    }

    /// The database that they are in.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

fn keep(connection: &Connection, mail: &Mail, received: &str) -> rusqlite::Result<Kept> {
    let new = connection.execute(
        "INSERT INTO mail (message_id, subject, order_id, kind, traceparent, baggage, raw, received)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (message_id) DO NOTHING",
        params![
            mail.message_id,
            mail.subject,
            mail.order_id,
            mail.kind,
            mail.trace.traceparent,
            mail.trace.baggage,
            mail.raw,
            received
        ],
    )?;
    if new == 0 {
        connection.execute(
            "UPDATE mail SET repeats = repeats + 1 WHERE message_id = ?1",
            [&mail.message_id],
        )?;
    }
    for address in &mail.recipients {
        connection.execute(
            "INSERT INTO recipient (address, mail)
             SELECT ?1, number FROM mail WHERE message_id = ?2 ON CONFLICT DO NOTHING",
            [address, &mail.message_id],
        )?;
    }
    Ok(if new == 0 { Kept::Repeat } else { Kept::New })
}

fn found(connection: &Connection, asked: &Asked) -> rusqlite::Result<Vec<Shown>> {
    connection
        .prepare_cached(
            "SELECT message_id, address, subject, order_id, kind, traceparent, baggage, repeats
             FROM recipient JOIN mail ON mail = number
             WHERE (?1 IS NULL OR address = ?1)
               AND (?2 IS NULL OR kind = ?2)
               AND (?3 IS NULL OR order_id = ?3)
             ORDER BY number LIMIT ?4",
        )?
        .query_map(
            params![asked.to, asked.kind, asked.order_id, SHOWN_AT_ONCE],
            |row| {
                Ok(Shown {
                    message_id: row.get(0)?,
                    to: row.get(1)?,
                    subject: row.get(2)?,
                    order_id: row.get(3)?,
                    kind: row.get(4)?,
                    traceparent: row.get(5)?,
                    baggage: row.get(6)?,
                    repeats: row.get(7)?,
                })
            },
        )?
        .collect()
}

fn entries(connection: &Connection, after: i64, limit: u32) -> rusqlite::Result<Vec<Entry>> {
    connection
        .prepare_cached(
            "SELECT number, message_id, order_id, kind, repeats,
                    (SELECT min(address) FROM recipient WHERE mail = number)
             FROM mail WHERE number > ?1 ORDER BY number LIMIT ?2",
        )?
        .query_map(params![after, limit], |row| {
            Ok(Entry {
                sequence: row.get(0)?,
                message_id: row.get(1)?,
                order_id: row.get(2)?,
                kind: row.get(3)?,
                repeats: row.get(4)?,
                to: row.get(5)?,
            })
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, to: &str) -> Mail {
        let raw = format!("Message-ID: {id}\r\nSubject: s\r\n\r\nbody");
        Mail::read(raw.into_bytes(), vec![to.to_owned()])
    }

    fn to(address: &str) -> Asked {
        Asked {
            to: Some(address.to_owned()),
            ..Asked::default()
        }
    }

    #[tokio::test]
    async fn mails_are_found_by_order_and_kind_and_listed_page_by_page() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path()).unwrap();
        for (order, kind) in [
            ("o-1", "confirmation"),
            ("o-1", "shipment"),
            ("o-2", "confirmation"),
        ] {
            let raw = format!(
                "Message-ID: <{order}.{kind}@shop>\r\nX-Shop-Order: {order}\r\n\
                 X-Shop-Kind: {kind}\r\n\r\nbody"
            );
            let mail = Mail::read(raw.into_bytes(), vec!["ann@example.org".to_owned()]);
            mails.keep(mail).await.unwrap();
        }
        let asked = Asked {
            kind: Some("confirmation".to_owned()),
            order_id: Some("o-1".to_owned()),
            ..Asked::default()
        };
        let found = mails.found(asked).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message_id, "<o-1.confirmation@shop>");

        let first = mails.after(0, 2).await.unwrap();
        let rest = mails.after(first[1].sequence, 2).await.unwrap();
        let ids = first
            .iter()
            .chain(&rest)
            .map(|entry| entry.message_id.as_str());
        assert_eq!(
            ids.collect::<Vec<_>>(),
            [
                "<o-1.confirmation@shop>",
                "<o-1.shipment@shop>",
                "<o-2.confirmation@shop>"
            ]
        );
    }

    #[tokio::test]
    async fn a_mail_that_comes_again_is_counted_and_not_kept_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path()).unwrap();
        let one = || mail("<1@shop>", "Ann@example.org");
        assert_eq!(mails.keep(one()).await.unwrap(), Kept::New);
        assert_eq!(mails.keep(one()).await.unwrap(), Kept::Repeat);
        let shown = mails.found(to("ann@example.org")).await.unwrap();
        assert_eq!(shown.len(), 1);
        assert_eq!(
            (shown[0].repeats, shown[0].to.as_str()),
            (1, "Ann@example.org")
        );
    }

    #[tokio::test]
    async fn mails_are_there_after_opening_again_and_only_for_whom_they_went_to() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path()).unwrap();
        mails
            .keep(mail("<1@shop>", "ann@example.org"))
            .await
            .unwrap();
        drop(mails);
        let mails = Mails::open(folder.path()).unwrap();
        assert_eq!(mails.found(to("ann@example.org")).await.unwrap().len(), 1);
        assert!(mails.found(to("bob@example.org")).await.unwrap().is_empty());
    }
}
