//! The accounts: made, found and changed, each change with its event in one transaction.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::draw::Draw;
use shop::event::{AccountChanged, Event, derived_id};
use shop::idempotency::{self, IdempotencyKey, Known};
use shop::outbox::Outbox;
use shop::token::Role;
use shop::trace_context::TraceContext;
use uuid::Uuid;

use crate::email::Email;

/// The tables of accounts.
pub(crate) const SCHEMA: &str = "
CREATE TABLE account (
    id       TEXT PRIMARY KEY,
    email    TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    role     TEXT NOT NULL CHECK (role IN ('customer', 'operator')),
    password TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    created  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// An account as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// What signing in needs of an account.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) id: Uuid,
    pub(crate) role: Role,
    /// The hash of its password.
    pub(crate) password: String,
}

/// A write and what belongs to it: its key, where it has one, and what tells its body from another.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) hash: String,
    pub(crate) trace: TraceContext,
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is done; the account as it stands after it, in JSON.
    Done(String),
    /// It was done before by the same key; the answer of that time.
    Before(String),
    /// The key was used for another request.
    Different,
    /// Somebody has this address.
    Taken,
    /// There is no such account.
    Missing,
}

/// All accounts.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    database: Database,
    outbox: Outbox,
    clock: Clock,
}

impl Accounts {
    /// The accounts kept in `database`, whose changes are told through `outbox`.
    pub(crate) fn new(database: Database, outbox: Outbox, clock: Clock) -> Self {
        Self {
            database,
            outbox,
            clock,
        }
    }

    /// Whether the request `asked` of `owner` was answered before; `None` where it is new.
    pub(crate) async fn answered(
        &self,
        owner: String,
        asked: &Asked,
    ) -> Result<Option<Written>, DatabaseError> {
        let asked = asked.clone();
        self.database
            .read(move |connection| before(connection, &owner, &asked))
            .await
    }

    /// Makes the account `id`. Its key belongs to its address.
    pub(crate) async fn sign_up(
        &self,
        id: Uuid,
        email: Email,
        name: String,
        password: String,
        asked: Asked,
    ) -> Result<Written, DatabaseError> {
        let this = self.clone();
        let written = self.database.write(move |connection| {
            if let Some(before) = before(connection, email.as_str(), &asked)? {
                return Ok(before);
            }
            if is_taken(connection, &email, id)? {
                return Ok(Written::Taken);
            }
            let account = Account {
                id,
                email: email.as_str().to_owned(),
                name,
                role: Role::Customer,
            };
            this.insert(connection, &account, &password, &asked.trace)?;
            this.done(connection, email.as_str(), &account, &asked)
        });
        let written = written.await?;
        self.outbox.wake();
        Ok(written)
    }

    /// Gives the account `id` another address and name.
    pub(crate) async fn change(
        &self,
        id: Uuid,
        email: Email,
        name: String,
        asked: Asked,
    ) -> Result<Written, DatabaseError> {
        let this = self.clone();
        let written = self.database.write(move |connection| {
            let owner = id.to_string();
            if let Some(before) = before(connection, &owner, &asked)? {
                return Ok(before);
            }
            let Some(was) = find(connection, id)? else {
                return Ok(Written::Missing);
            };
            if is_taken(connection, &email, id)? {
                return Ok(Written::Taken);
            }
            let account = Account {
                email: email.as_str().to_owned(),
                name,
                ..was.clone()
            };
            if account != was {
                connection.execute(
                    "UPDATE account SET email = ?2, name = ?3, revision = revision + 1
                     WHERE id = ?1",
                    params![owner, account.email, account.name],
                )?;
                this.announce(connection, &account, &asked.trace)?;
            }
            this.done(connection, &owner, &account, &asked)
        });
        let written = written.await?;
        self.outbox.wake();
        Ok(written)
    }

    /// Makes the operator's account, or gives it the password whose hash is `password`.
    pub(crate) async fn keep_operator(
        &self,
        operator: Account,
        password: String,
    ) -> Result<(), DatabaseError> {
        let this = self.clone();
        let written = self.database.write(move |connection| {
            let changed = connection.execute(
                "UPDATE account SET password = ?2 WHERE id = ?1",
                params![operator.id.to_string(), password],
            )?;
            if changed == 0 {
                // Nobody asked for it: its event is where a trace begins.
                let trace = TraceContext::default().or_drawn(&Draw::system());
                this.insert(connection, &operator, &password, &trace)?;
            }
            Ok(())
        });
        written.await?;
        self.outbox.wake();
        Ok(())
    }

    /// The account `id`.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Account>, DatabaseError> {
        self.database
            .read(move |connection| find(connection, id))
            .await
    }

    /// What signing in with `email` needs.
    pub(crate) async fn login(&self, email: Email) -> Result<Option<Login>, DatabaseError> {
        self.database
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT id, role, password FROM account WHERE email = ?1")?
                    .query_row([email.as_str()], |row| {
                        Ok(Login {
                            id: id_in(row)?,
                            role: role_in(row)?,
                            password: row.get("password")?,
                        })
                    })
                    .optional()
            })
            .await
    }

    /// The hash of the password of the account `id`.
    pub(crate) async fn password_of(&self, id: Uuid) -> Result<Option<String>, DatabaseError> {
        self.database
            .read(move |connection| {
                let query = "SELECT password FROM account WHERE id = ?1";
                connection
                    .query_row(query, [id.to_string()], |row| row.get(0))
                    .optional()
            })
            .await
    }

    fn insert(
        &self,
        connection: &Connection,
        account: &Account,
        password: &str,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        connection.execute(
            "INSERT INTO account (id, email, name, role, password, revision, created)
             VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)",
            params![
                account.id.to_string(),
                account.email,
                account.name,
                account.role.as_str(),
                password,
                self.clock.stamp()
            ],
        )?;
        self.announce(connection, account, trace)
    }

    /// Writes the event of the account's newest revision.
    fn announce(
        &self,
        connection: &Connection,
        account: &Account,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        let id = account.id.to_string();
        let revision: u32 =
            connection.query_row("SELECT revision FROM account WHERE id = ?1", [&id], |row| {
                row.get(0)
            })?;
        let time = self.clock.stamp();
        let event = Event {
            id: derived_id(&id, &format!("changed {revision}")),
            time: time.clone(),
            entity: id,
            data: AccountChanged {
                email: account.email.clone(),
                name: account.name.clone(),
                role: account.role.as_str().to_owned(),
                revision: revision.into(),
            },
        };
        let message = event.message(trace).map_err(unwritable)?;
        self.outbox.add(connection, &message, &time)
    }

    /// Remembers that `owner` was answered with `account`.
    fn done(
        &self,
        connection: &Connection,
        owner: &str,
        account: &Account,
        asked: &Asked,
    ) -> rusqlite::Result<Written> {
        let answer = serde_json::to_string(account).map_err(unwritable)?;
        let now = self.clock.stamp();
        if let Some(key) = &asked.key {
            idempotency::remember(connection, owner, key, &asked.hash, &answer, &now)?;
        }
        Ok(Written::Done(answer))
    }
}

fn before(
    connection: &Connection,
    owner: &str,
    asked: &Asked,
) -> rusqlite::Result<Option<Written>> {
    let Some(key) = &asked.key else {
        return Ok(None);
    };
    Ok(
        match idempotency::known(connection, owner, key, &asked.hash)? {
            Known::New => None,
            Known::Same(answer) => Some(Written::Before(answer)),
            Known::Different => Some(Written::Different),
        },
    )
}

/// Whether another account than `id` has `email`.
fn is_taken(connection: &Connection, email: &Email, id: Uuid) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM account WHERE email = ?1 AND id <> ?2)",
        params![email.as_str(), id.to_string()],
        |row| row.get(0),
    )
}

fn find(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Account>> {
    connection
        .prepare_cached("SELECT id, email, name, role FROM account WHERE id = ?1")?
        .query_row([id.to_string()], |row| {
            Ok(Account {
                id: id_in(row)?,
                email: row.get("email")?,
                name: row.get("name")?,
                role: role_in(row)?,
            })
        })
        .optional()
}

fn id_in(row: &Row<'_>) -> rusqlite::Result<Uuid> {
    let text: String = row.get("id")?;
    Uuid::parse_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn role_in(row: &Row<'_>) -> rusqlite::Result<Role> {
    // The table's CHECK lets no other word in.
    let text: String = row.get("role")?;
    Role::parse(&text).ok_or_else(|| {
        rusqlite::Error::InvalidColumnType(0, "role".to_owned(), rusqlite::types::Type::Text)
    })
}

fn unwritable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
