//! Idempotency keys: the same key again means the same request, not another one.
//!
//! A key belongs to the account that sends it, so nobody meets another's. What a request led to is
//! remembered in the transaction that does it, for a day.

mod secret;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use http::request::Parts;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

pub use self::secret::{Secret, SecretError};
use crate::clock::stamp_of;

use crate::problem::Problem;

/// Name of the header that carries the key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Characters that a key may have.
const LONGEST: usize = 255;

/// The migration that makes the table of requests; a service adds it to its own.
pub const SCHEMA: &str = "
CREATE TABLE request (
    account TEXT NOT NULL,
    key     TEXT NOT NULL,
    hash    TEXT NOT NULL,
    answer  TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_by_age ON request (created);
";

/// How long a key is remembered.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// How many are forgotten at once.
const PRUNED_AT_ONCE: u32 = 500;

/// Whether a request is known by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It is not.
    New,
    /// It is; this is what was remembered as its answer.
    Same(String),
    /// Another request of this account had this key: answer with [`another_request`].
    Different,
}

/// What tells one request from another: the hash of what it asks for. With a
/// [`Secret`] where that has what must not be kept, such as a card's number.
pub fn hash(request: &serde_json::Value) -> String {
    let digest = Sha256::digest(request.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `account` sent `key` before, and with this request.
///
/// # Errors
/// When the statement fails.
pub fn known(
    connection: &Connection,
    account: &str,
    key: &IdempotencyKey,
    hash: &str,
) -> rusqlite::Result<Known> {
    let found = connection
        .prepare_cached("SELECT hash, answer FROM request WHERE account = ?1 AND key = ?2")?
        .query_row(params![account, key.0], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(match found {
        None => Known::New,
        Some((before, answer)) if before == hash => Known::Same(answer),
        Some(_) => Known::Different,
    })
}

/// Remembers what a request led to: its answer, or what the answer can be found by. To be called
/// in the transaction that does it, after [`known`] said [`Known::New`] there; `created` is a
/// [`Clock::stamp`](crate::clock::Clock::stamp).
///
/// # Errors
/// When the statement fails, also because the key is known.
pub fn remember(
    connection: &Connection,
    account: &str,
    key: &IdempotencyKey,
    hash: &str,
    answer: &str,
    created: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO request (account, key, hash, answer, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![account, key.0, hash, answer, created])
        .map(drop)
}

/// Forgets a few of the keys that came more than 24 hours before `now`; answers how many.
///
/// # Errors
/// When the statement fails.
pub fn prune(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM request WHERE (account, key) IN
                 (SELECT account, key FROM request WHERE created < ?1 ORDER BY created LIMIT ?2)",
        )?
        .execute(params![stamp_of(now - KEPT), PRUNED_AT_ONCE])
}

/// 422: the key was used for another request.
pub fn another_request() -> Problem {
    let detail = "this Idempotency-Key was used for another request: take a new one";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// The key of a request: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key in `text`, where it is one.
    pub fn new(text: &str) -> Option<Self> {
        let good =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
        good.then(|| Self(text.to_owned()))
    }
}

/// `Option<IdempotencyKey>`: none where the request has none; one that is malformed is refused.
impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(IDEMPOTENCY_KEY) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map(Some)
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let value = given.next().ok_or_else(|| {
            Problem::bad_request("send an Idempotency-Key: a retry with the same key does no harm")
        })?;
        value
            .to_str()
            .ok()
            .filter(|_| given.next().is_none())
            .and_then(Self::new)
            .ok_or_else(|| {
                let detail =
                    format!("Idempotency-Key: give one of 1 to {LONGEST} visible characters");
                Problem::bad_request(detail)
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection
    }

    fn now() -> DateTime<Utc> {
        let now = DateTime::parse_from_rfc3339("2026-11-21T00:00:00Z").unwrap();
        now.with_timezone(&Utc)
    }

    #[test]
    fn a_key_belongs_to_its_account_and_to_its_request() {
        let (connection, key) = (open(), IdempotencyKey::new("k").unwrap());
        let (one, other) = (hash(&json!([1])), hash(&json!([2])));
        let known = |account: &str, hash: &str| known(&connection, account, &key, hash).unwrap();
        assert_eq!(known("ada", &one), Known::New);
        remember(&connection, "ada", &key, &one, "o-1", &stamp_of(now())).unwrap();
        assert_eq!(known("ada", &one), Known::Same("o-1".to_owned()));
        assert_eq!(known("ada", &other), Known::Different);
        assert_eq!(known("bob", &other), Known::New);
        assert_eq!(another_request().status(), 422);
    }

    #[test]
    fn a_key_is_forgotten_after_a_day_and_not_before() {
        let (connection, key) = (open(), IdempotencyKey::new("k").unwrap());
        remember(&connection, "ada", &key, "h", "o-1", &stamp_of(now())).unwrap();
        assert_eq!(prune(&connection, now() + KEPT).unwrap(), 0);
        assert_eq!(
            prune(&connection, now() + KEPT + TimeDelta::seconds(1)).unwrap(),
            1
        );
        assert_eq!(known(&connection, "ada", &key, "h").unwrap(), Known::New);
    }
}
