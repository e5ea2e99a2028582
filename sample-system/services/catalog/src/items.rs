//! The items, as catalog keeps them: one store, from which each version of the interface takes its
//! own shape. Each change is told in the transaction that makes it.

use std::path::Path;

use chrono::{DateTime, TimeDelta};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop::bugs::{Bug, Bugs};
use shop::clock::{Clock, stamp_of};
use shop::database::{Database, DatabaseError};
use shop::event::{Event, Kind as _, ProductChanged, derived_id};
use shop::idempotency::{self, IdempotencyKey, Known};
use shop::lease;
use shop::money::Money;
use shop::outbox::{self, Outbox};
use shop::sku::Sku;
use shop::trace_context::TraceContext;
use uuid::Uuid;

const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE item (
        sku      TEXT PRIMARY KEY,
        name     TEXT NOT NULL,
        amount   INTEGER NOT NULL CHECK (amount >= 0),
        currency TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    idempotency::SCHEMA,
    outbox::SCHEMA,
    lease::SCHEMA,
    // What version 2 knows besides; items of before are told of, for nobody has heard of them.
    "
    ALTER TABLE item RENAME COLUMN name TO title;
    ALTER TABLE item ADD COLUMN description TEXT NOT NULL DEFAULT '';
    ALTER TABLE item ADD COLUMN featured INTEGER NOT NULL DEFAULT 0 CHECK (featured IN (0, 1));
    ALTER TABLE item ADD COLUMN changed TEXT NOT NULL DEFAULT '1970-01-01T00:00:00.000Z';
    CREATE INDEX item_featured ON item (featured, sku);
    UPDATE item SET changed = strftime('%Y-%m-%dT%H:%M:%fZ', 'now');
    INSERT INTO outbox (topic, key, payload, created)
    SELECT 'catalog', sku, json_object(
               'id', 'PRODUCT_CHANGED ' || sku, 'type', 'PRODUCT_CHANGED', 'version', 1,
               'time', changed, 'sku', sku,
               'data', json_object(
                   'title', title, 'description', description,
                   'price', json_object('amount', amount, 'currency', currency),
                   'featured', json('false'))),
           changed
    FROM item ORDER BY sku;
",
];

/// An item for sale: all that any version knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) sku: Sku,
    /// What customers call it.
    pub(crate) title: String,
    /// What it is.
    pub(crate) description: String,
    /// Price of one.
    pub(crate) price: Money,
    /// Whether it is shown first.
    pub(crate) featured: bool,
}

/// What an operator says about an item. What is not said stays as it is; of a new item it is
/// empty, or not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) title: String,
    pub(crate) price: Money,
    pub(crate) description: Option<String>,
    pub(crate) featured: Option<bool>,
}

/// Which request it is that changes something.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Who sends it.
    pub(crate) account: Uuid,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) trace: TraceContext,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Putting {
    /// The item as it was after this request, now or before.
    Stands(Item),
    /// The key was used for another request.
    Different,
}

/// All items.
#[derive(Debug, Clone)]
pub(crate) struct Items {
    database: Database,
    clock: Clock,
    outbox: Outbox,
    /// The seeded bug `missing-idempotency`: a repeated request is done again.
    repeating: bool,
}

impl Items {
    /// Opens the items kept in `folder`; their changes are told through `outbox`.
    pub(crate) fn open(
        folder: &Path,
        clock: Clock,
        outbox: Outbox,
        bugs: &Bugs,
    ) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("catalog.sqlite"), MIGRATIONS)?,
            clock,
            outbox,
            repeating: bugs.has(Bug::MissingIdempotency),
        })
    }

    /// The database that they are in.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Adds the item, or describes it anew, unless the request did so before.
    pub(crate) async fn put(
        &self,
        request: Request,
        sku: Sku,
        said: Said,
    ) -> Result<Putting, DatabaseError> {
        let items = self.clone();
        let putting = self
            .database
            .write(move |connection| items.put_once(connection, &request, sku, said))
            .await?;
        self.outbox.wake();
        Ok(putting)
    }

    /// The item named `sku`, where there is one.
    pub(crate) async fn get(&self, sku: Sku) -> Result<Option<Item>, DatabaseError> {
        self.database
            .read(move |connection| Ok(find(connection, &sku)?.map(|(item, _)| item)))
            .await
    }

    /// Up to `limit` items by their SKUs; only those that are featured, or not, where it is asked.
    pub(crate) async fn list(
        &self,
        featured: Option<bool>,
        limit: u32,
    ) -> Result<Vec<Item>, DatabaseError> {
        self.database
            .read(move |connection| {
                let only = if featured.is_some() {
                    "WHERE featured = ?1"
                } else {
                    "WHERE ?1 IS NULL"
                };
                let query = format!("SELECT * FROM item {only} ORDER BY sku LIMIT ?2");
                connection
                    .prepare_cached(&query)?
                    .query_map(params![featured, limit], from_row)?
                    .collect()
            })
            .await
    }

    fn put_once(
        &self,
        connection: &Connection,
        request: &Request,
        sku: Sku,
        said: Said,
    ) -> rusqlite::Result<Putting> {
        let account = request.account.to_string();
        let hash = idempotency::hash(&json!([
            sku,
            said.title,
            said.price,
            said.description,
            said.featured
        ]));
        // Without a key a request says how the item is from now on, however often it comes.
        let Some(key) = &request.key else {
            let item = self.change(connection, sku, said, &request.trace)?;
            return Ok(Putting::Stands(item));
        };
        let known = idempotency::known(connection, &account, key, &hash)?;
        match &known {
            Known::Different => return Ok(Putting::Different),
            Known::Same(answer) if !self.repeating => {
                let item = serde_json::from_str(answer).map_err(unreadable)?;
                return Ok(Putting::Stands(item));
            }
            Known::Same(_) | Known::New => {}
        }
        let item = self.change(connection, sku, said, &request.trace)?;
        if known == Known::New {
            let answer = serde_json::to_string(&item).map_err(unreadable)?;
            let time = self.clock.stamp();
            idempotency::remember(connection, &account, key, &hash, &answer, &time)?;
        }
        Ok(Putting::Stands(item))
    }

    fn change(
        &self,
        connection: &Connection,
        sku: Sku,
        said: Said,
        trace: &TraceContext,
    ) -> rusqlite::Result<Item> {
        let before = find(connection, &sku)?;
        let (old, changed) = before.unzip();
        let item = Item {
            sku,
            title: said.title,
            price: said.price,
            description: said
                .description
                .or_else(|| old.as_ref().map(|old| old.description.clone()))
                .unwrap_or_default(),
            featured: said
                .featured
                .or(old.as_ref().map(|old| old.featured))
                .unwrap_or_default(),
        };
        if old.as_ref() == Some(&item) && !self.repeating {
            return Ok(item);
        }
        let time = self.time_after(changed);
        store(connection, &item, &time)?;
        self.tell(connection, &item, time, trace)?;
        Ok(item)
    }

    /// Now, and later than `before`: readers take the latest of an item's changes, whatever becomes
    /// of this machine's clock.
    fn time_after(&self, before: Option<String>) -> String {
        let next = before
            .and_then(|before| DateTime::parse_from_rfc3339(&before).ok())
            .map(|before| before.to_utc() + TimeDelta::milliseconds(1));
        let now = self.clock.now();
        stamp_of(next.map_or(now, |next| next.max(now)))
    }

    fn tell(
        &self,
        connection: &Connection,
        item: &Item,
        time: String,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        let what = format!("{} {time}", ProductChanged::TYPE);
        let event = Event {
            id: derived_id(item.sku.as_str(), &what),
            time,
            entity: item.sku.to_string(),
            data: ProductChanged {
                title: item.title.clone(),
                description: item.description.clone(),
                price: item.price.clone(),
                featured: item.featured,
            },
        };
        self.outbox.announce(connection, &event, trace)
    }
}

fn store(connection: &Connection, item: &Item, changed: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO item (sku, title, description, amount, currency, featured, changed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (sku) DO UPDATE SET
                 title = excluded.title, description = excluded.description,
                 amount = excluded.amount, currency = excluded.currency,
                 featured = excluded.featured, changed = excluded.changed",
        )?
        .execute(params![
            item.sku.as_str(),
            item.title,
            item.description,
            item.price.amount(),
            item.price.currency(),
            item.featured,
            changed
        ])
        .map(drop)
}

/// The item named `sku`, with the time of its last change.
fn find(connection: &Connection, sku: &Sku) -> rusqlite::Result<Option<(Item, String)>> {
    connection
        .prepare_cached("SELECT * FROM item WHERE sku = ?1")?
        .query_row([sku.as_str()], |row| {
            Ok((from_row(row)?, row.get("changed")?))
        })
        .optional()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Item> {
    let currency: String = row.get("currency")?;
    Ok(Item {
        sku: Sku::try_from(row.get::<_, String>("sku")?).map_err(unreadable)?,
        title: row.get("title")?,
        description: row.get("description")?,
        price: Money::new(row.get("amount")?, currency).map_err(unreadable)?,
        featured: row.get("featured")?,
    })
}

/// What is kept is not what was written.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
