//! The keys that tokens are signed with: one is next, one is in use, and those that were go on
//! being published until the last token signed with them has ended. A key is published from the
//! moment it is next, so whoever checks tokens has it before the first one comes.
//!
//! They are kept in auth's database, whose file only its owner may read.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::idempotency::{self, IdempotencyKey, Known};
use shop::token::{Jwk, JwkSet, Role, SEED, Signer, SignerError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::random::Random;

/// The table of keys. `used_from` is missing for the next key, `used_until` for the one in use;
/// both in milliseconds since 1970.
pub(crate) const SCHEMA: &str = "
CREATE TABLE signing_key (
    sequence   INTEGER PRIMARY KEY,
    seed       BLOB NOT NULL CHECK (length(seed) = 32),
    used_from  INTEGER,
    used_until INTEGER,
    CHECK (used_until IS NULL OR used_from IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX one_next_key ON signing_key (used_from IS NULL) WHERE used_from IS NULL;
CREATE UNIQUE INDEX one_key_in_use ON signing_key (used_until IS NULL)
    WHERE used_from IS NOT NULL AND used_until IS NULL;
";

/// How much longer than a token's life a retired key is published: the leeway of who checks, and
/// a token that was being signed while the key retired.
const PUBLISHED_LONGER: Duration = Duration::from_secs(90);

/// How many retired keys are published at most. Whoever checks tokens takes a few dozen keys and no
/// more, so each that is published must be among them; a daily rotation has one.
const MOST_RETIRED: i64 = 16;

/// How often it is looked whether the key in use is too old.
const LOOK: Duration = Duration::from_secs(60);

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A stored key is none.
    #[error("a stored signing key is broken: {0}")]
    Signer(#[from] SignerError),
    /// There are no random bytes for a new key.
    #[error("there are no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The table has no key in use.
    #[error("no signing key is in use: the database was changed by hand")]
    None,
}

/// A key as it is stored.
struct Stored {
    seed: [u8; SEED],
    used_from: Option<i64>,
    used_until: Option<i64>,
}

/// What signs and is published now.
struct Now {
    signer: Signer,
    since: i64,
    /// Each with the time from which it is published no more.
    published: Vec<(Jwk, Option<i64>)>,
}

/// How a request for a rotation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rotated {
    /// The name of the key that is in use by it.
    Kid(String),
    /// The key of the request was used for another one.
    Different,
    /// The request says something, where there is nothing to say.
    Content,
    /// As many keys are retired as are published at most: one is published no more after so long.
    Crowded(Duration),
}

/// Who asks for a rotation, and by what key.
#[derive(Debug, Clone)]
pub(crate) struct RotationAsked {
    pub(crate) account: Uuid,
    pub(crate) key: IdempotencyKey,
    /// What came as its body; nothing, since a rotation has no choices.
    pub(crate) content: Vec<u8>,
}

impl RotationAsked {
    /// What tells it from other requests.
    fn hash(&self) -> String {
        idempotency::hash(&match self.content.as_slice() {
            [] => json!("rotate"),
            content => json!(["rotate", content]),
        })
    }
}

/// The signing keys; clones share them.
#[derive(Clone)]
pub(crate) struct SigningKeys(Arc<Shared>);

struct Shared {
    database: Database,
    clock: Clock,
    random: Random,
    /// How long a token is good.
    lifetime: Duration,
    now: RwLock<Now>,
    /// One rotation at a time, from its transaction to the key in memory.
    turn: tokio::sync::Mutex<()>,
}

impl SigningKeys {
    /// The keys kept in `database`; at the first start they are made.
    pub(crate) async fn open(
        database: Database,
        clock: Clock,
        random: Random,
        lifetime: Duration,
    ) -> Result<Self, KeysError> {
        let seeds = [random.bytes()?, random.bytes()?];
        let at = clock.now().timestamp_millis();
        let stored = database.write(move |connection| {
            if !has_keys(connection)? {
                insert(connection, &seeds[0], Some(at))?;
                insert(connection, &seeds[1], None)?;
            }
            load(connection)
        });
        let now = Now::of(stored.await?, lifetime)?;
        Ok(Self(Arc::new(Shared {
            database,
            clock,
            random,
            lifetime,
            now: RwLock::new(now),
            turn: tokio::sync::Mutex::default(),
        })))
    }

    /// A token for `account`, and for how many seconds it is good.
    pub(crate) fn token(&self, account: Uuid, role: Role) -> Result<(String, i64), KeysError> {
        let lifetime = seconds(self.0.lifetime);
        let at = self.0.clock.now().timestamp();
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        Ok((now.signer.token(account, role, at, lifetime)?, lifetime))
    }

    /// What is published now.
    pub(crate) fn published(&self) -> JwkSet {
        let at = self.0.clock.now().timestamp_millis();
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        let keys = now
            .published
            .iter()
            .filter(|(_, until)| until.is_none_or(|until| at < until))
            .map(|(key, _)| key.clone())
            .collect();
        JwkSet { keys }
    }

    /// Takes the next key into use, retires the one that was, and makes a new next one. `asked` is
    /// who asks for it; the same request again changes nothing.
    pub(crate) async fn rotate(&self, asked: Option<RotationAsked>) -> Result<Rotated, KeysError> {
        let _turn = self.0.turn.lock().await;
        let seed = self.0.random.bytes()?;
        let (at, stamp) = (self.0.clock.now().timestamp_millis(), self.0.clock.stamp());
        let forgotten = at - self.kept_for();
        let rotated = self.0.database.write(move |connection| {
            if let Some(asked) = &asked {
                let account = asked.account.to_string();
                match idempotency::known(connection, &account, &asked.key, &asked.hash())? {
                    Known::New if asked.content.is_empty() => {}
                    Known::New => return Ok(Err(Rotated::Content)),
                    Known::Same(kid) => return Ok(Err(Rotated::Kid(kid))),
                    Known::Different => return Ok(Err(Rotated::Different)),
                }
            }
            if let Some(oldest) = crowded(connection, forgotten)? {
                let wait = u64::try_from(oldest - forgotten).unwrap_or(0);
                return Ok(Err(Rotated::Crowded(Duration::from_millis(wait))));
            }
            step(connection, &seed, at, forgotten)?;
            let stored = load(connection)?;
            if let Some(asked) = &asked {
                let (account, kid) = (asked.account.to_string(), kid_in_use(&stored));
                let (key, hash) = (&asked.key, asked.hash());
                idempotency::remember(connection, &account, key, &hash, &kid, &stamp)?;
            }
            Ok(Ok(stored))
        });
        let stored = match rotated.await? {
            Ok(stored) => stored,
            Err(before) => return Ok(before),
        };
        let now = Now::of(stored, self.0.lifetime)?;
        let kid = now.signer.kid().to_owned();
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = now;
        tracing::info!(kid, "signs with another key");
        Ok(Rotated::Kid(kid))
    }

    /// Rotates whenever the key in use is older than `age`, until `shutdown`.
    pub(crate) async fn rotate_by_age(self, age: Duration, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if self.age() >= age {
                match self.rotate(None).await {
                    Ok(Rotated::Crowded(wait)) => tracing::warn!(
                        seconds = wait.as_secs(),
                        "the signing key stays although it is old: too many were retired lately"
                    ),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "the signing key stays although it is old");
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    fn age(&self) -> Duration {
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        let age = self.0.clock.now().timestamp_millis() - now.since;
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
    }

    fn kept_for(&self) -> i64 {
        milliseconds(self.0.lifetime + PUBLISHED_LONGER)
    }
}

impl Now {
    fn of(stored: Vec<Stored>, lifetime: Duration) -> Result<Self, KeysError> {
        let (mut in_use, mut published) = (None, Vec::with_capacity(stored.len()));
        for key in stored {
            let signer = Signer::from_seed(&key.seed)?;
            let longer = milliseconds(lifetime + PUBLISHED_LONGER);
            let until = key.used_until.map(|until| until + longer);
            published.push((signer.public().clone(), until));
            if let (Some(since), None) = (key.used_from, key.used_until) {
                in_use = Some((signer, since));
            }
        }
        let (signer, since) = in_use.ok_or(KeysError::None)?;
        Ok(Self {
            signer,
            since,
            published,
        })
    }
}

fn has_keys(connection: &Connection) -> rusqlite::Result<bool> {
    let any = connection
        .query_row("SELECT 1 FROM signing_key LIMIT 1", [], |_| Ok(()))
        .optional()?;
    Ok(any.is_some())
}

fn insert(
    connection: &Connection,
    seed: &[u8; SEED],
    used_from: Option<i64>,
) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO signing_key (seed, used_from) VALUES (?1, ?2)",
            params![seed, used_from],
        )
        .map(drop)
}

/// One rotation: in use becomes retired, next becomes in use, `seed` becomes next.
fn step(
    connection: &Connection,
    seed: &[u8; SEED],
    at: i64,
    forgotten: i64,
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM signing_key WHERE used_until < ?1", [forgotten])?;
    connection.execute(
        "UPDATE signing_key SET used_until = ?1 WHERE used_from IS NOT NULL AND used_until IS NULL",
        [at],
    )?;
    connection.execute(
        "UPDATE signing_key SET used_from = ?1 WHERE used_from IS NULL",
        [at],
    )?;
    insert(connection, seed, None)
}

/// When the oldest of the keys that are published retired, where that are as many as may be.
fn crowded(connection: &Connection, forgotten: i64) -> rusqlite::Result<Option<i64>> {
    let published = "SELECT count(*), min(used_until) FROM signing_key WHERE used_until >= ?1";
    let (count, oldest): (i64, Option<i64>) =
        connection.query_row(published, [forgotten], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(oldest.filter(|_| count >= MOST_RETIRED))
}

fn load(connection: &Connection) -> rusqlite::Result<Vec<Stored>> {
    connection
        .prepare_cached("SELECT seed, used_from, used_until FROM signing_key ORDER BY sequence")?
        .query_map([], |row: &Row<'_>| {
            Ok(Stored {
                seed: row.get(0)?,
                used_from: row.get(1)?,
                used_until: row.get(2)?,
            })
        })?
        .collect()
}

/// The name of the key in use; empty where the table is broken, which [`Now::of`] tells.
fn kid_in_use(stored: &[Stored]) -> String {
    stored
        .iter()
        .find(|key| key.used_from.is_some() && key.used_until.is_none())
        .and_then(|key| Signer::from_seed(&key.seed).ok())
        .map(|signer| signer.kid().to_owned())
        .unwrap_or_default()
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys")
    }
}

#[cfg(test)]
mod tests;
