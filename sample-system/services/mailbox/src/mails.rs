//! The mails, as the mailbox keeps them: one for each Message-ID, with a count of its repeats.

use std::path::Path;

use rusqlite::{Connection, params};
use serde::Serialize;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};

use crate::mail::Mail;

const MIGRATIONS: &[&str] = &["
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
"];

/// What became of a mail that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It was not known.
    New,
    /// One with its Message-ID was here already.
    Repeat,
}

/// A mail as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// Its Message-ID.
    message_id: String,
    /// The recipient that was asked for, as the envelope wrote it.
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

    /// The mails to `address`, the oldest first.
    pub(crate) async fn to(&self, address: String) -> Result<Vec<Shown>, DatabaseError> {
        self.database
            .read(move |connection| to(connection, &address))
            .await
    }

    /// Whether the mails can be read and written.
    pub(crate) async fn answer(&self) -> bool {
        self.database.answers().await
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

fn to(connection: &Connection, address: &str) -> rusqlite::Result<Vec<Shown>> {
    connection
        .prepare_cached(
            "SELECT message_id, address, subject, order_id, kind, traceparent, baggage, repeats
             FROM recipient JOIN mail ON mail = number WHERE address = ?1 ORDER BY number",
        )?
        .query_map([address], |row| {
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

    #[tokio::test]
    async fn a_mail_that_comes_again_is_counted_and_not_kept_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path()).unwrap();
        let one = || mail("<1@shop>", "Ann@example.org");
        assert_eq!(mails.keep(one()).await.unwrap(), Kept::New);
        assert_eq!(mails.keep(one()).await.unwrap(), Kept::Repeat);
        let shown = mails.to("ann@example.org".to_owned()).await.unwrap();
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
        assert_eq!(
            mails.to("ann@example.org".to_owned()).await.unwrap().len(),
            1
        );
        assert!(
            mails
                .to("bob@example.org".to_owned())
                .await
                .unwrap()
                .is_empty()
        );
    }
}
